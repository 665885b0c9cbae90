/**
 * Whole networks: evaluation and training outputs, loss terms, all gradients (with batch and with frozen statistics),
 * running statistics, and five optimiser steps.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import { lossWithGradients, type Outputs } from '../../../main/training/methods/method.ts';
import { resltLoss } from '../../../main/training/methods/reslt.ts';
import { softmaxCrossEntropy, targets } from '../../../main/training/methods/losses.ts';
import {
  forwardInference,
  forwardTraining,
  type BatchNormMode,
  type NetworkState,
} from '../../../main/training/networks/execute.ts';
import { countParameters, type Network } from '../../../main/training/networks/graph.ts';
import type { Head } from '../../../main/training/networks/head.ts';
import { resnet32 } from '../../../main/training/networks/resnet32.ts';
import type { Backend } from '../../../main/training/ops.ts';
import { Sgd } from '../../../main/training/sgd.ts';
import type { TensorMap } from '../../../main/training/types.ts';
import { disposeState, fromTensorMap, readTensor } from '../../../main/training/weights.ts';
import {
  decodeArray,
  keyedLabels,
  keyedStateDict,
  keyedTensor,
  toChannelsLast,
  type GoldenFolder,
  type StateDictEntry,
  type StoredArray,
} from '../golden.ts';
import {
  l2Norm,
  largestDifference,
  total,
  vectorChecks,
  type Check,
  type ParityCase,
} from '../parityCase.ts';
import { withReluEdges } from '../reluEdges.ts';

interface GoldenOutput {
  float64: StoredArray;
  tolerance: number;
}

interface GoldenValue {
  float64: number;
  tolerance: number;
}

type GoldenTerms = Record<string, GoldenValue | number>;

interface GoldenGradients {
  columns: string[];
  toleranceRelL2: number;
  rows: [string, ...unknown[]][];
}

interface GoldenModel {
  id: string;
  caseSeed: string;
  numClasses: number;
  input: { key: string; shapeNCHW: number[]; first8NCHW: number[]; first8NHWC: number[]; sum: number };
  labels: number[];
  parameterCounts: Record<string, { numClasses: number; parameters: number }>;
  parametersHere: number;
  stateDict: StateDictEntry[];
  weightChecks: { name: string; first4: number[]; l2: number }[];
  eval: { outputs: Record<string, GoldenOutput> };
  train: {
    branchClassRanges?: Record<string, [number, number]>;
    beta?: number;
    outputs: Record<string, GoldenOutput>;
    loss: GoldenTerms;
    gradients: GoldenGradients;
    batchNormAfterOneForward: {
      toleranceMean: number;
      toleranceVarRel: number;
      rows: [string, number, number[], number, number[], number][];
    };
    frozenBatchNorm: {
      outputs: Record<string, GoldenOutput>;
      loss: { float64: number; tolerance: number; terms?: GoldenTerms };
      gradients: GoldenGradients;
    };
  };
  fiveSteps: {
    optimizer: { learningRate: number; momentum: number; weightDecay: number; nesterov: boolean };
    seed: string;
    batchSize: number;
    imageSize: number;
    lossFloat64: number[];
    lossTolerance: number;
    toleranceRelL2: number;
    parameters: [string, number, number, number[], number][];
    evalOutputAfterwards: GoldenOutput;
  };
}

/** The networks of the program that golden files describe, and the head they have. */
const HEADS: Record<string, Head> = {
  baseline_cifar_resnet32_linear: { kind: 'linear', evalTau: null },
  reslt_cifar10_resnet32: { kind: 'branches', fusionBlockBeforePooling: true, tau: 0 },
  reslt_cifar100_resnet32: { kind: 'branches', fusionBlockBeforePooling: true, tau: 0 },
};

export function modelCases(golden: GoldenFolder): ParityCase[] {
  return golden.list('models').flatMap((name): ParityCase[] => {
    const head = HEADS[name];
    if (!head) return [{ name: `models/${name}`, skipped: 'the program has no such network or method' }];
    const model = golden.read<GoldenModel>('models', name)!;
    const at = (part: string): string => `models/${name} ${part}`;
    return [
      { name: at('structure'), run: () => checkStructure(model, head) },
      { name: at('evaluation'), run: (backend) => checkEvaluation(backend, model, head) },
      {
        name: at('training'),
        run: (backend) => withReluEdges(backend, (edges) => checkTraining(edges, model, head, 'batch')),
      },
      {
        name: at('frozen statistics'),
        run: (backend) => withReluEdges(backend, (edges) => checkTraining(edges, model, head, 'running')),
      },
      {
        name: at('five steps'),
        run: (backend) => withReluEdges(backend, (edges) => checkFiveSteps(edges, model, head)),
      },
    ];
  });
}

function checkStructure(model: GoldenModel, head: Head): Check[] {
  const network = build(model, head, model.input.shapeNCHW[2]!);
  const names = network.tensors.map((spec) => `${spec.name} ${spec.shape.join('x')}`);
  const expected = model.stateDict.map(([name, shape]) => `${name} ${shape.join('x')}`);
  const weights = keyedStateDict(model.caseSeed, model.stateDict);
  const input = keyedTensor(model.input.key, model.input.shapeNCHW);
  const channelsLast = toChannelsLast(input, model.input.shapeNCHW);
  return [
    { name: 'state dict', error: names.join() === expected.join() ? 0 : 1, tolerance: 0 },
    { name: 'parameters', error: Math.abs(countParameters(network) - model.parametersHere), tolerance: 0 },
    ...Object.values(model.parameterCounts).map(({ numClasses, parameters }) => ({
      name: `parameters with ${numClasses} classes`,
      error: Math.abs(countParameters(build({ ...model, numClasses }, head, 32)) - parameters),
      tolerance: 0,
    })),
    ...model.weightChecks.flatMap(({ name, first4, l2 }) => [
      ...exactChecks(`${name} first`, weights.get(name)!.data.subarray(0, first4.length), first4),
      { name: `${name} l2`, error: Math.abs(l2Norm(weights.get(name)!.data) / l2 - 1), tolerance: 1e-11 },
    ]),
    ...exactChecks('input NCHW', input.subarray(0, 8), model.input.first8NCHW),
    ...exactChecks('input NHWC', channelsLast.subarray(0, 8), model.input.first8NHWC),
    { name: 'input sum', error: Math.abs(total(input) - model.input.sum), tolerance: 1e-8 },
  ];
}

/** Equal to the nine digits that are printed. */
function exactChecks(name: string, actual: ArrayLike<number>, expected: number[]): Check[] {
  const printed = Array.from(actual, (value) => Number(value.toPrecision(9)));
  return [{ name, error: largestDifference(printed, expected), tolerance: 0 }];
}

async function checkEvaluation(backend: Backend, model: GoldenModel, head: Head): Promise<Check[]> {
  const { network, state } = load(model, head, model.caseSeed, model.input.shapeNCHW[2]!);
  const images = goldenImages(model.input.key, model.input.shapeNCHW);
  const outputs = named(forwardInference(backend.ops, network, state, images));
  const checks = await outputChecks(outputs, model.eval.outputs);
  tf.dispose([outputs, images]);
  disposeState(state);
  return checks;
}

async function checkTraining(
  backend: Backend,
  model: GoldenModel,
  head: Head,
  mode: BatchNormMode,
): Promise<Check[]> {
  const { network, state } = load(model, head, model.caseSeed, model.input.shapeNCHW[2]!);
  const images = goldenImages(model.input.key, model.input.shapeNCHW);
  const labels = tf.tensor1d(model.labels, 'int32');
  const expected = mode === 'batch' ? model.train : model.train.frozenBatchNorm;

  const pass = forwardTraining(backend.ops, network, state, images, { batchNorm: mode });
  const outputs = named(pass.outputs);
  const checks = await outputChecks(outputs, expected.outputs);
  const loss = differentiate(model, pass.outputs, labels);
  const golden =
    mode === 'batch'
      ? model.train.loss
      : { ...model.train.frozenBatchNorm.loss.terms, total: model.train.frozenBatchNorm.loss };
  checks.push(...(await termChecks(loss.terms, golden)));

  const gradients = pass.backward(loss.gradients);
  const { columns, rows, toleranceRelL2 } = expected.gradients;
  for (const row of rows) {
    const cell = <T>(column: string): T => row[columns.indexOf(column)] as T;
    const spec = network.tensors.find((each) => each.name === row[0])!;
    const { data } = await readTensor(spec, gradients.get(row[0])!);
    const reference = {
      l2: cell<number>('l2Float64'),
      sum: cell<number>('sumFloat64'),
      first: cell<number[]>('first8Float64'),
    };
    checks.push(...vectorChecks(`gradient of ${row[0]}`, data, reference, toleranceRelL2));
  }
  checks.push({
    name: 'number of gradients',
    error: Math.abs(rows.length - gradients.size),
    tolerance: 0,
  });
  if (mode === 'batch') checks.push(...(await statisticsChecks(state, model)));
  tf.dispose([outputs['fused']!, images, labels, loss.terms, loss.gradients, [...gradients.values()]]);
  disposeState(state);
  return checks;
}

async function statisticsChecks(state: NetworkState, model: GoldenModel): Promise<Check[]> {
  const { rows, toleranceMean, toleranceVarRel } = model.train.batchNormAfterOneForward;
  const checks: Check[] = [];
  for (const [name, l2Mean, firstMean, l2Variance, firstVariance, tracked] of rows) {
    const parts = [
      ['running_mean', l2Mean, firstMean, toleranceMean],
      ['running_var', l2Variance, firstVariance, toleranceVarRel],
    ] as const;
    for (const [part, l2, first, tolerance] of parts) {
      const values = await state.tensors.get(`${name}.${part}`)!.data();
      const scale = Math.max(1, ...Array.from(values, Math.abs));
      const sqrtSize = Math.sqrt(values.length);
      checks.push(
        {
          name: `${name}.${part} first`,
          error: largestDifference(values.slice(0, first.length), first) / scale,
          tolerance,
        },
        {
          name: `${name}.${part} l2`,
          error: Math.abs(l2Norm(values) - l2) / scale / sqrtSize,
          tolerance,
        },
      );
    }
    checks.push({
      name: `${name} batches tracked`,
      error: Math.abs(state.batchesTracked - tracked),
      tolerance: 0,
    });
  }
  return checks;
}

async function checkFiveSteps(backend: Backend, model: GoldenModel, head: Head): Promise<Check[]> {
  const { seed, batchSize, imageSize, optimizer, ...expected } = model.fiveSteps;
  const { network, state } = load(model, head, seed, imageSize);
  const trainable = network.tensors.filter((spec) => spec.trainable);
  const sgd = new Sgd(
    new Map(trainable.map((spec) => [spec.name, state.tensors.get(spec.name)!])),
    null,
    optimizer,
  );
  const shape = [batchSize, 3, imageSize, imageSize];
  const checks: Check[] = [];
  for (let step = 0; step < expected.lossFloat64.length; step++) {
    const images = goldenImages(`${seed}/input/${step}`, shape);
    const labels = tf.tensor1d(keyedLabels(`${seed}/labels/${step}`, batchSize, model.numClasses), 'int32');
    const pass = forwardTraining(backend.ops, network, state, images);
    const { terms, gradients } = differentiate(model, pass.outputs, labels);
    checks.push({
      name: `loss of step ${step}`,
      error: Math.abs((await terms['total']!.data())[0]! - expected.lossFloat64[step]!),
      tolerance: expected.lossTolerance,
    });
    const byParameter = pass.backward(gradients);
    for (const [name, value] of sgd.step(byParameter, optimizer.learningRate)) {
      state.tensors.get(name)!.dispose();
      state.tensors.set(name, value);
    }
    tf.dispose([images, labels, terms, gradients, [...byParameter.values()]]);
  }
  for (const [name, , l2, first] of expected.parameters) {
    const spec = trainable.find((each) => each.name === name)!;
    const { data } = await readTensor(spec, state.tensors.get(name)!);
    checks.push(...vectorChecks(name, data, { l2, first }, expected.toleranceRelL2));
  }
  const images = goldenImages(`${seed}/input/0`, shape);
  const outputs = named(forwardInference(backend.ops, network, state, images));
  checks.push(
    ...(await outputChecks({ fused: outputs['fused']! }, { fused: expected.evalOutputAfterwards })),
  );
  tf.dispose([images, outputs]);
  sgd.dispose();
  disposeState(state);
  return checks;
}

function build(model: GoldenModel, head: Head, size: number): Network {
  return resnet32({ height: size, width: size, channels: 3, classes: model.numClasses, head });
}

function load(
  model: GoldenModel,
  head: Head,
  seed: string,
  size: number,
): { network: Network; state: NetworkState } {
  const network = build(model, head, size);
  const weights: TensorMap = keyedStateDict(seed, model.stateDict);
  return { network, state: fromTensorMap(network, weights) };
}

function goldenImages(key: string, shapeNCHW: number[]): Tensor4D {
  const [batch, channels, height, width] = shapeNCHW as [number, number, number, number];
  return tf.tensor4d(toChannelsLast(keyedTensor(key, shapeNCHW), shapeNCHW), [
    batch,
    height,
    width,
    channels,
  ]);
}

/** The outputs under the golden files' names, with the fused one. */
function named(outputs: Outputs): Record<string, Tensor2D> {
  if (outputs['logits']) return { fused: outputs['logits'] };
  const [H, M, T] = [outputs['h']!, outputs['m']!, outputs['t']!];
  return { H, M, T, fused: tf.tidy(() => tf.addN([H, M, T])) };
}

async function outputChecks(
  actual: Record<string, Tensor2D>,
  expected: Record<string, GoldenOutput>,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, { float64, tolerance }] of Object.entries(expected)) {
    const error = largestDifference(await actual[name]!.data(), decodeArray(float64));
    checks.push({ name: `output ${name}`, error, tolerance });
  }
  return checks;
}

async function termChecks(actual: Record<string, Tensor>, expected: GoldenTerms): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, value] of Object.entries(expected)) {
    const [reference, tolerance] = typeof value === 'number' ? [value, 0] : [value.float64, value.tolerance];
    const error = Math.abs((await actual[name]!.data())[0]! - reference);
    checks.push({ name: `loss term ${name}`, error, tolerance });
  }
  return checks;
}

/** The case's loss with its terms under the golden names, and the gradients by our outputs. */
function differentiate(
  model: GoldenModel,
  outputs: Outputs,
  labels: Tensor1D,
): { terms: Record<string, Tensor>; gradients: Outputs } {
  const { branchClassRanges, beta } = model.train;
  const result = lossWithGradients((logits) => {
    if (!branchClassRanges) {
      const perExample = softmaxCrossEntropy(logits['logits']!, targets(labels, model.numClasses));
      return { total: tf.mean(perExample), terms: {} };
    }
    const scopes = Object.fromEntries(
      Object.entries(branchClassRanges).map(([name, [from, to]]) => {
        const mask = Float32Array.from({ length: model.numClasses }, (_, index) =>
          index >= from && index < to ? 1 : 0,
        );
        return [name.toLowerCase(), tf.tensor1d(mask)];
      }),
    );
    const loss = resltLoss(logits, labels, { scopes, beta: beta! });
    const terms = { ice: loss.individual, fusion: loss.fusion };
    Object.keys(branchClassRanges).forEach((name, index) => {
      const [sum, count] = [loss.sums, loss.counts].map((each) => tf.squeeze(tf.slice1d(each, index, 1)));
      Object.assign(terms, { [`iceSum${name}`]: sum, [`count${name}`]: count });
    });
    return { total: loss.total, terms };
  }, outputs);
  return { terms: { ...result.terms, total: result.total }, gradients: result.gradients };
}
