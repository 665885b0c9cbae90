/** Single layers and blocks with full arrays: outputs, gradients by input and parameters, moved statistics. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import {
  forwardTraining,
  INPUT_GRADIENT,
  type NetworkState,
} from '../../../main/training/networks/execute.ts';
import { NetworkBuilder, type Network } from '../../../main/training/networks/graph.ts';
import { bottleneck } from '../../../main/training/networks/resnet.ts';
import { basicBlock } from '../../../main/training/networks/resnet32.ts';
import type { Backend } from '../../../main/training/ops.ts';
import { disposeState, fromTensorMap, readTensor } from '../../../main/training/weights.ts';
import {
  decodeArray,
  keyedStateDict,
  keyedTensor,
  toChannelsFirst,
  toChannelsLast,
  type GoldenFolder,
  type StateDictEntry,
  type StoredArray,
} from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';

interface GoldenArray {
  float64: StoredArray;
  tolerance: number;
}

interface GoldenLayer {
  name: string;
  seed: string;
  inputKey: string;
  inputScale: number;
  inputShapeNCHW?: [number, number, number, number];
  inputShape?: [number, number];
  trainMode: boolean;
  stateDict: StateDictEntry[];
  cotangentKey: string;
  output: GoldenArray & { shape: number[] };
  gradInput: GoldenArray;
  gradParameters: Record<string, GoldenArray>;
  statisticsAfterwards?: Record<string, GoldenArray>;
}

/** Adds the layers of a case; returns the last node. */
type Build = (builder: NetworkBuilder, input: number, golden: GoldenLayer) => number;

const conv =
  (stride: number): Build =>
  (builder, input, golden) => {
    const [channels, perGroup, kernel] = golden.stateDict[0]![1] as [number, number, number];
    const groups = golden.inputShapeNCHW![1] / perGroup;
    return builder.conv(input, '0', { channels, kernel, groups, stride, padding: (kernel - 1) / 2 });
  };

const block: Build = (builder, input, golden) => basicBlock(builder, input, '', golden.output.shape[1]!, 2);

const batchNorm: Build = (builder, input) => builder.batchNorm(input, '0');

const grouped: Build = (builder, input) =>
  bottleneck(builder, input, { name: '', channels: 16, inner: 4, groups: 2, stride: 2 });

const maxPool: Build = (builder, input) => builder.maxPool(input, { kernel: 3, stride: 2, padding: 1 });

const BUILDS: Record<string, Build> = {
  conv3x3_stride2: conv(2),
  conv3x3_even_stride2: conv(2),
  conv7x7_stride2: conv(2),
  conv1x1_stride2: conv(2),
  conv3x3_grouped: conv(1),
  conv3x3_grouped_stride2: conv(2),
  batchnorm_train: batchNorm,
  batchnorm_eval: batchNorm,
  shortcut_a_32: block,
  shortcut_a_reduced: block,
  bottleneck_grouped: grouped,
  maxpool_3x3_stride2: maxPool,
};

export function layerCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<{ cases: GoldenLayer[] }>('layers', 'layers');
  return (file?.cases ?? []).map((layer): ParityCase => {
    const name = `layers/${layer.name}`;
    if (layer.name === 'linear') return { name, run: (backend) => checkLinear(backend, layer) };
    if (layer.name === 'cosine_classifier') return { name, run: (backend) => checkCosine(backend, layer) };
    const build = BUILDS[layer.name];
    if (!build) return { name, skipped: 'the program has no such layer' };
    return { name, run: (backend) => checkMap(backend, layer, build) };
  });
}

async function checkMap(backend: Backend, golden: GoldenLayer, build: Build): Promise<Check[]> {
  const [batch, channels, height, width] = golden.inputShapeNCHW!;
  const builder = new NetworkBuilder([height, width, channels]);
  const output = build(builder, builder.input(), golden);
  const network = builder.build(golden.name, { output }, 0);
  const state = load(network, golden);
  const input = tf.tensor4d(
    toChannelsLast(
      keyedTensor(golden.inputKey, golden.inputShapeNCHW!, golden.inputScale),
      golden.inputShapeNCHW!,
    ),
    [batch, height, width, channels],
  );
  const pass = forwardTraining(backend.ops, network, state, input, {
    batchNorm: golden.trainMode ? 'batch' : 'running',
    inputGradient: true,
  });
  const result = pass.outputs['output']! as Tensor as Tensor4D;
  const checks = [compare('output', await channelsFirst(result), golden.output)];
  const cotangent = tf.tensor(
    toChannelsLast(keyedTensor(golden.cotangentKey, golden.output.shape), golden.output.shape),
    result.shape,
  );
  const gradients = pass.backward({ output: cotangent as Tensor as Tensor2D });
  checks.push(
    compare(
      'gradient of the input',
      await channelsFirst(gradients.get(INPUT_GRADIENT)! as Tensor4D),
      golden.gradInput,
    ),
  );
  for (const [name, expected] of Object.entries(golden.gradParameters)) {
    const spec = network.tensors.find((each) => ownName(each.name) === name)!;
    const { data } = await readTensor(spec, gradients.get(spec.name)!);
    checks.push(compare(`gradient of ${name}`, data, expected));
  }
  for (const [name, expected] of Object.entries(golden.statisticsAfterwards ?? {})) {
    const spec = network.tensors.find((each) => ownName(each.name) === name)!;
    checks.push(compare(name, await state.tensors.get(spec.name)!.data(), expected));
  }
  tf.dispose([input, cotangent, [...gradients.values()]]);
  disposeState(state);
  return checks;
}

async function checkLinear(backend: Backend, golden: GoldenLayer): Promise<Check[]> {
  const shape = golden.inputShape!;
  const weights = keyedStateDict(golden.seed, golden.stateDict);
  const [weight, bias] = ['0.weight', '0.bias'].map((name) => {
    const { shape: own, data } = weights.get(name)!;
    return tf.tensor(data, own);
  }) as [Tensor, Tensor] as [Tensor2D, tf.Tensor1D];
  const input = tf.tensor2d(keyedTensor(golden.inputKey, shape, golden.inputScale), shape);
  const output = backend.ops.linear(input, weight, bias);
  const cotangent = tf.tensor2d(keyedTensor(golden.cotangentKey, output.shape), output.shape);
  const gradients = backend.ops.linearGradient(cotangent, input, weight);
  const checks = [
    compare('output', await output.data(), golden.output),
    compare('gradient of the input', await gradients.input.data(), golden.gradInput),
    compare('gradient of 0.weight', await gradients.weight.data(), golden.gradParameters['0.weight']!),
    compare('gradient of 0.bias', await gradients.bias.data(), golden.gradParameters['0.bias']!),
  ];
  tf.dispose([weight, bias, input, output, cotangent, gradients.input, gradients.weight, gradients.bias]);
  return checks;
}

async function checkCosine(backend: Backend, golden: GoldenLayer): Promise<Check[]> {
  const shape = golden.inputShape!;
  const [name] = golden.stateDict[0]!;
  const weights = keyedStateDict(golden.seed, golden.stateDict).get(name)!;
  const weight = tf.tensor2d(weights.data, weights.shape as [number, number]);
  const input = tf.tensor2d(keyedTensor(golden.inputKey, shape, golden.inputScale), shape);
  const output = backend.ops.cosineLinear(input, weight, 1);
  const cotangent = tf.tensor2d(keyedTensor(golden.cotangentKey, output.shape), output.shape);
  const gradients = backend.ops.cosineLinearGradient(cotangent, input, weight, 1);
  const checks = [
    compare('output', await output.data(), golden.output),
    compare('gradient of the input', await gradients.input.data(), golden.gradInput),
    compare(`gradient of ${name}`, await gradients.weight.data(), golden.gradParameters[name]!),
  ];
  tf.dispose([weight, input, output, cotangent, gradients.input, gradients.weight]);
  return checks;
}

/** Blocks stand under no name in the golden files. */
function ownName(name: string): string {
  return name.replace(/^\./, '');
}

function load(network: Network, golden: GoldenLayer): NetworkState {
  const weights = keyedStateDict(golden.seed, golden.stateDict);
  return fromTensorMap(
    network,
    new Map(network.tensors.map((spec) => [spec.name, weights.get(ownName(spec.name))!])),
  );
}

async function channelsFirst(map: Tensor4D): Promise<Float32Array> {
  return toChannelsFirst(await map.data<'float32'>(), map.shape);
}

function compare(name: string, actual: ArrayLike<number>, { float64, tolerance }: GoldenArray): Check {
  return { name, error: largestDifference(actual, decodeArray(float64)), tolerance };
}
