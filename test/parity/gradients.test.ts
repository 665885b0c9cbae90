/**
 * Every kernel's gradient against finite differences, and the composite filter gradient against tfjs' own, on each
 * engine that is here.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import { CompositeOps } from '../../main/backends/compositeOps.ts';
import type { BatchNormVectors, Ops, Shape4D } from '../../main/training/ops.ts';
import { findTestEngines } from './engine.ts';
import { keyedTensor, sizeOf } from './golden.ts';

/** Half the distance of the two points; float32 needs it large, so functions are checked where they are smooth. */
const STEP = 1e-2;
const TOLERANCE = 1e-2;

interface Differentiable {
  name: string;
  inputs: Record<string, number[]>;
  /** Values by which an input is moved away from zero, or made positive. */
  adjust?: (name: string, values: Float32Array) => Float32Array;
  run(ops: Ops, inputs: Record<string, Tensor>): Tensor;
  gradients(ops: Ops, inputs: Record<string, Tensor>, cotangent: Tensor): Record<string, Tensor>;
}

const four = (tensor: Tensor | undefined): Tensor4D => tensor as Tensor4D;
const two = (tensor: Tensor | undefined): Tensor2D => tensor as Tensor2D;
const one = (tensor: Tensor | undefined): Tensor1D => tensor as Tensor1D;

function conv(
  size: [number, number],
  kernel: number,
  stride: number,
  padding: number,
  groups = 1,
): Differentiable {
  const geometry = { stride, padding };
  const input: Shape4D = [2, ...size, 3 * groups];
  const filter: Shape4D = [kernel, kernel, 3, 4 * groups];
  const split = groups > 1 ? `, ${groups} groups` : '';
  return {
    name: `conv2d of ${size.join('x')}, kernel ${kernel}, stride ${stride}, padding ${padding}${split}`,
    inputs: { input, filter },
    run: (ops, inputs) => ops.conv2d(four(inputs['input']), four(inputs['filter']), geometry),
    gradients: (ops, inputs, cotangent) => ({
      input: ops.conv2dInputGradient(four(cotangent), four(inputs['filter']), input, geometry),
      filter: ops.conv2dFilterGradient(four(cotangent), four(inputs['input']), filter, geometry),
    }),
  };
}

const VECTORS = { input: [3, 4, 2, 5], scale: [5], offset: [5], mean: [5], variance: [5] };

function vectorsOf(inputs: Record<string, Tensor>): BatchNormVectors {
  return {
    scale: one(inputs['scale']),
    offset: one(inputs['offset']),
    mean: one(inputs['mean']),
    variance: one(inputs['variance']),
  };
}

const positiveVariance: Differentiable['adjust'] = (name, values) =>
  name === 'variance' ? values.map((value) => 1 + 0.3 * value) : values;

const CASES: Differentiable[] = [
  conv([5, 6], 3, 1, 1),
  conv([6, 6], 3, 2, 1),
  conv([7, 5], 3, 2, 1),
  conv([7, 7], 5, 2, 2),
  conv([5, 5], 1, 2, 0),
  conv([6, 5], 3, 1, 0),
  conv([5, 6], 3, 1, 1, 2),
  conv([6, 7], 3, 2, 1, 3),
  conv([4, 5], 1, 1, 0, 2),
  {
    name: 'batch norm in training',
    inputs: VECTORS,
    adjust: positiveVariance,
    run(ops, inputs) {
      const { output, mean, variance, saved } = ops.batchNormTraining(
        four(inputs['input']),
        vectorsOf(inputs),
      );
      tf.dispose([mean, variance, saved]);
      return output;
    },
    gradients(ops, inputs, cotangent) {
      const input = four(inputs['input']);
      const forward = ops.batchNormTraining(input, vectorsOf(inputs));
      const result = ops.batchNormTrainingGradient(
        four(cotangent),
        input,
        one(inputs['scale']),
        forward.saved,
      );
      tf.dispose([forward.output, forward.mean, forward.variance, forward.saved]);
      return { ...result };
    },
  },
  {
    name: 'batch norm with running statistics',
    inputs: VECTORS,
    adjust: positiveVariance,
    run: (ops, inputs) => ops.batchNormInference(four(inputs['input']), vectorsOf(inputs)),
    gradients: (ops, inputs, cotangent) => ({
      ...ops.batchNormInferenceGradient(four(cotangent), four(inputs['input']), vectorsOf(inputs)),
    }),
  },
  {
    name: 'relu',
    inputs: { input: [2, 3, 3, 2] },
    adjust: (_, values) => values.map((value) => value + Math.sign(value) * 0.1),
    run: (ops, inputs) => ops.relu(four(inputs['input'])),
    gradients(ops, inputs, cotangent) {
      const output = ops.relu(four(inputs['input']));
      const input = ops.reluGradient(four(cotangent), output);
      output.dispose();
      return { input };
    },
  },
  ...[
    [6, 6, 2],
    [5, 7, 2],
    [4, 4, 1],
  ].map(([height, width, stride]): Differentiable => ({
    name: `padding shortcut of ${height}x${width}, stride ${stride}`,
    inputs: { input: [2, height!, width!, 4] },
    run: (ops, inputs) => ops.padShortcut(four(inputs['input']), 8, stride!),
    gradients: (ops, _, cotangent) => ({
      input: ops.padShortcutGradient(four(cotangent), [2, height!, width!, 4], stride!),
    }),
  })),
  ...[
    [6, 6],
    [5, 7],
    [8, 3],
  ].map(([height, width]): Differentiable => {
    const geometry = { kernel: 3, stride: 2, padding: 1 };
    return {
      name: `max-pool of ${height}x${width}`,
      inputs: { input: [2, height!, width!, 3] },
      // Far apart, so that no step changes which one is the largest.
      adjust: (_, values) => rankOf(values).map((rank) => rank / 10 - 5),
      run: (ops, inputs) => ops.maxPool(four(inputs['input']), geometry),
      gradients(ops, inputs, cotangent) {
        const output = ops.maxPool(four(inputs['input']), geometry);
        const input = ops.maxPoolGradient(four(cotangent), four(inputs['input']), output, geometry);
        output.dispose();
        return { input };
      },
    };
  }),
  {
    name: 'global average pool',
    inputs: { input: [2, 3, 4, 5] },
    run: (ops, inputs) => ops.globalAveragePool(four(inputs['input'])),
    gradients: (ops, _, cotangent) => ({
      input: ops.globalAveragePoolGradient(two(cotangent), [2, 3, 4, 5]),
    }),
  },
  {
    name: 'linear',
    inputs: { input: [3, 4], weight: [5, 4], bias: [5] },
    run: (ops, inputs) => ops.linear(two(inputs['input']), two(inputs['weight']), one(inputs['bias'])),
    gradients: (ops, inputs, cotangent) => ({
      ...ops.linearGradient(two(cotangent), two(inputs['input']), two(inputs['weight'])),
    }),
  },
  {
    name: 'cosine classifier',
    inputs: { input: [3, 4], weight: [4, 5] },
    run: (ops, inputs) => ops.cosineLinear(two(inputs['input']), two(inputs['weight']), 2),
    gradients: (ops, inputs, cotangent) => ({
      ...ops.cosineLinearGradient(two(cotangent), two(inputs['input']), two(inputs['weight']), 2),
    }),
  },
];

/** Each value's place in ascending order. */
function rankOf(values: Float32Array): Float32Array {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => sorted.indexOf(value));
}

function checkFiniteDifferences(ops: Ops, { name, inputs, adjust, run, gradients }: Differentiable): void {
  const values = Object.fromEntries(
    Object.entries(inputs).map(([input, shape]) => {
      const drawn = keyedTensor(`${name}/${input}`, shape);
      return [input, adjust?.(input, drawn) ?? drawn];
    }),
  );
  const tensors = (changed: Record<string, Float32Array>): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(changed).map(([input, data]) => [input, tf.tensor(data.slice(), inputs[input])]),
    );

  const given = tensors(values);
  const output = run(ops, given);
  const direction = keyedTensor(`${name}/cotangent`, output.shape);
  const cotangent = tf.tensor(direction.slice(), output.shape);
  const analytic = gradients(ops, given, cotangent);
  /** Σ output · cotangent, in double precision. */
  const scalarAt = (changed: Record<string, Float32Array>): number => {
    const moved = tensors(changed);
    const result = run(ops, moved);
    const sum = (result.dataSync() as Float32Array).reduce(
      (total, value, index) => total + value * direction[index]!,
      0,
    );
    tf.dispose([moved, result]);
    return sum;
  };
  for (const [input, gradient] of Object.entries(analytic)) {
    assert.deepEqual(gradient.shape, inputs[input], `${name}: shape of the gradient by ${input}`);
    const own = gradient.dataSync();
    const scale = Math.max(...own.map(Math.abs), 1e-3);
    const size = sizeOf(inputs[input]!);
    // All of a small tensor, a spread of a large one.
    for (let index = 0; index < size; index += Math.ceil(size / 25)) {
      const nudged = (by: number): Record<string, Float32Array> => {
        const copy = values[input]!.slice();
        copy[index]! += by;
        return { ...values, [input]: copy };
      };
      const numeric = (scalarAt(nudged(STEP)) - scalarAt(nudged(-STEP))) / (2 * STEP);
      const error = Math.abs(numeric - own[index]!) / scale;
      assert.ok(
        error < TOLERANCE,
        `${name}: gradient by ${input}[${index}] is ${own[index]}, not ${numeric}`,
      );
    }
  }
  tf.dispose([given, output, cotangent, analytic]);
}

for (const engine of await findTestEngines())
  for (const each of CASES)
    test(`${each.name} on ${engine.kind}`, { skip: engine.missing }, async () => {
      const { ops } = await engine.load();
      const before = tf.memory().numTensors;
      checkFiniteDifferences(ops, each);
      // Engines may keep constants, but only once.
      const kept = tf.memory().numTensors;
      checkFiniteDifferences(ops, each);
      assert.equal(tf.memory().numTensors, kept, 'tensors leaked');
      assert.ok(kept - before <= 4, `${kept - before} tensors were kept`);
    });

test('the composite gradients of a convolution are those of tfjs’ plain backend', async () => {
  await import('@tensorflow/tfjs');
  await tf.setBackend('cpu');
  const ops = new CompositeOps();
  for (const size of [5, 6, 8, 9])
    for (const kernel of [1, 3, 5])
      for (const stride of [1, 2, 3])
        for (const padding of [0, 1, 2]) {
          if (padding >= kernel) continue;
          const inputShape: Shape4D = [2, size, size + 1, 3];
          const input = tf.tensor4d(keyedTensor('input', inputShape), inputShape);
          const filterShape: Shape4D = [kernel, kernel, 3, 4];
          const filter: Tensor4D = tf.tensor4d(keyedTensor('filter', filterShape), filterShape);
          const output = (x: Tensor, w: Tensor): Tensor =>
            tf.conv2d(x as Tensor4D, w as Tensor4D, stride, padding);
          const shape = output(input, filter).shape as Shape4D;
          const cotangent = tf.tensor4d(keyedTensor('cotangent', shape), shape);
          const reference = tf.grads(output)([input, filter], cotangent);
          const geometry = { stride, padding };
          const own = [
            ops.conv2dInputGradient(cotangent, filter, inputShape, geometry),
            ops.conv2dFilterGradient(cotangent, input, filterShape, geometry),
          ];
          own.forEach((gradient, index) => {
            assert.deepEqual(gradient.shape, reference[index]!.shape);
            const error = tf.max(tf.abs(tf.sub(gradient, reference[index]!))).dataSync()[0]!;
            assert.ok(
              error < 1e-5,
              `size ${size}, kernel ${kernel}, stride ${stride}, padding ${padding}: ${error}`,
            );
          });
        }
});

for (const engine of await findTestEngines())
  test(
    `the first of equal values gets a max-pool's gradient on ${engine.kind}`,
    { skip: engine.missing },
    async () => {
      const { ops } = await engine.load();
      const geometry = { kernel: 3, stride: 2, padding: 1 };
      const input = tf.zeros<tf.Rank.R4>([1, 4, 4, 1]);
      const output = ops.maxPool(input, geometry);
      const cotangent = tf.ones<tf.Rank.R4>([1, 2, 2, 1]);
      const gradient = ops.maxPoolGradient(cotangent, input, output, geometry);
      // prettier-ignore
      assert.deepEqual([...gradient.dataSync()], [1, 1, 0, 0,  1, 1, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0]);
      tf.dispose([input, output, cotangent, gradient]);
    },
  );
