/**
 * Whole networks: evaluation and training outputs, loss terms, all gradients (with batch and with frozen statistics),
 * running statistics, and five optimiser steps.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import { lossWithGradients, type Outputs } from '../../../main/training/methods/method.ts';
import {
  forwardInference,
  forwardTraining,
  type BatchNormMode,
  type NetworkState,
} from '../../../main/training/networks/execute.ts';
import { countParameters, type Network, type TensorSpec } from '../../../main/training/networks/graph.ts';
import { findNetwork } from '../../../main/training/networks/index.ts';
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
import { GOLDEN_NETWORKS, type GoldenNetwork, type GoldenSettings } from './goldenNetworks.ts';

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

interface GoldenModel extends GoldenSettings {
  id: string;
  caseSeed: string;
  input: { key: string; shapeNCHW: number[]; first8NCHW: number[]; first8NHWC: number[]; sum: number };
  labels: number[];
  parameterCounts: Record<string, { numClasses: number; parameters: number; trainable: number }>;
  parametersHere: number;
  stateDict: StateDictEntry[];
  /** Tensors with other values than their keys give. */
  stateOverrides?: Record<string, number[]>;
  weightChecks: { name: string; first4: number[]; l2: number }[];
  eval: {
    outputs: Record<string, GoldenOutput>;
    expertsUsed?: number[];
    assignmentProbabilities?: number[][];
  };
  /** Evaluated with another power of the row norms. */
  evalOtherGamma?: { gamma: number; outputs: Record<string, GoldenOutput> }[];
  train?: NonNullable<GoldenSettings['train']> & {
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
  fiveSteps?: {
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

export function modelCases(golden: GoldenFolder): ParityCase[] {
  return golden.list('models').flatMap((name): ParityCase[] => {
    const kind = GOLDEN_NETWORKS[name];
    if (!kind) return [{ name: `models/${name}`, skipped: 'the program has no such network or method' }];
    const model = golden.read<GoldenModel>('models', name)!;
    const needs = (backend: Backend): string | null =>
      backend.kind === 'wasm' && findNetwork(kind.network).imageKind === 'large'
        ? 'a network for photographs takes minutes on WebAssembly'
        : null;
    const part = (title: string, run: (backend: Backend) => Promise<Check[]> | Check[]): ParityCase => ({
      name: `models/${name} ${title}`,
      needs,
      run,
    });
    const trained = (title: string, run: (backend: Backend) => Promise<Check[]>): ParityCase =>
      part(title, (backend) => withReluEdges(backend, run));
    return [
      part('structure', () => checkStructure(model, kind)),
      part('evaluation', (backend) => checkEvaluation(backend, model, kind)),
      ...(model.train
        ? [
            trained('training', (backend) => checkTraining(backend, model, kind, 'batch')),
            trained('frozen statistics', (backend) => checkTraining(backend, model, kind, 'running')),
          ]
        : []),
      ...(model.fiveSteps ? [trained('five steps', (backend) => checkFiveSteps(backend, model, kind))] : []),
    ];
  });
}

function checkStructure(model: GoldenModel, kind: GoldenNetwork): Check[] {
  const network = build(model, kind, model.input.shapeNCHW[2]!);
  const names = network.tensors.map((spec) => `${spec.name} ${spec.shape.join('x')}`);
  const expected = model.stateDict.map(([name, shape]) => `${name} ${shape.join('x')}`);
  const weights = stateDict(model, model.caseSeed);
  const input = keyedTensor(model.input.key, model.input.shapeNCHW);
  const channelsLast = toChannelsLast(input, model.input.shapeNCHW);
  return [
    { name: 'state dict', error: names.join() === expected.join() ? 0 : 1, tolerance: 0 },
    { name: 'parameters', error: Math.abs(countParameters(network) - model.parametersHere), tolerance: 0 },
    ...Object.values(model.parameterCounts).flatMap(({ numClasses, parameters, trainable }) => {
      const published = build({ ...model, numClasses }, kind, model.input.shapeNCHW[2]!);
      const trained = countParameters(published, kind.trains);
      return [
        [`parameters with ${numClasses} classes`, countParameters(published) - parameters] as const,
        [`trained parameters with ${numClasses} classes`, trained - trainable] as const,
      ].map(([name, difference]) => ({ name, error: Math.abs(difference), tolerance: 0 }));
    }),
    ...model.weightChecks.flatMap(({ name, first4, l2 }) => [
      ...exactChecks(`${name} first`, weights.get(name)!.data.subarray(0, first4.length), first4),
      {
        name: `${name} l2`,
        error: Math.abs(l2Norm(weights.get(name)!.data) - l2) / (l2 || 1),
        tolerance: 1e-11,
      },
    ]),
    ...exactChecks('input NCHW', input.subarray(0, 8), model.input.first8NCHW),
    ...exactChecks('input NHWC', channelsLast.subarray(0, 8), model.input.first8NHWC),
    { name: 'input sum', error: Math.abs(total(input) - model.input.sum), tolerance: 1e-8 },
  ];
}

/** Of probabilities of nine printed digits. */
const ROUTING_TOLERANCE = 1e-5;

/** Equal to the nine digits that are printed. */
function exactChecks(name: string, actual: ArrayLike<number>, expected: number[]): Check[] {
  const printed = Array.from(actual, (value) => Number(value.toPrecision(9)));
  return [{ name, error: largestDifference(printed, expected), tolerance: 0 }];
}

async function checkEvaluation(backend: Backend, model: GoldenModel, kind: GoldenNetwork): Promise<Check[]> {
  const images = goldenImages(model.input.key, model.input.shapeNCHW);
  const { network, state } = load(model, kind, model.caseSeed, model.input.shapeNCHW[2]!);
  const outputs = forwardInference(backend.ops, network, state, images);
  const all = named(
    outputs,
    tf.tidy(() => kind.fuse(outputs, model)),
  );
  const checks = await outputChecks(all, model.eval.outputs);
  if (model.eval.expertsUsed) checks.push(...(await routingChecks(outputs, model.eval)));
  tf.dispose(all);
  for (const { gamma, outputs: expected } of model.evalOtherGamma ?? []) {
    const other = build({ ...model, gamma }, kind, model.input.shapeNCHW[2]!);
    const logits = forwardInference(backend.ops, other, state, images);
    const renamed = named(
      logits,
      tf.tidy(() => kind.fuse(logits, model)),
    );
    for (const check of await outputChecks(renamed, expected))
      checks.push({ ...check, name: `${check.name} with gamma ${gamma}` });
    tf.dispose(renamed);
  }
  images.dispose();
  disposeState(state);
  return checks;
}

/** How sure the routers are of asking the next expert, for the examples that still ask, and how many were asked. */
async function routingChecks(
  outputs: Outputs,
  { expertsUsed, assignmentProbabilities }: GoldenModel['eval'],
): Promise<Check[]> {
  const checks: Check[] = [];
  const used = expertsUsed!.map(() => 1);
  let asking = used.map((_, example) => example);
  for (const [step, expected] of assignmentProbabilities!.entries()) {
    const logits = await outputs[`router-${step}`]!.data();
    const probabilities = asking.map((example) => 1 / (1 + Math.exp(-logits[example]!)));
    checks.push({
      name: `probabilities of step ${step}`,
      error: largestDifference(probabilities, expected),
      tolerance: ROUTING_TOLERANCE,
    });
    asking = asking.filter((_, index) => probabilities[index]! > 0.5);
    for (const example of asking) used[example]!++;
  }
  checks.push({ name: 'experts used', error: largestDifference(used, expertsUsed!), tolerance: 0 });
  return checks;
}

async function checkTraining(
  backend: Backend,
  model: GoldenModel,
  kind: GoldenNetwork,
  mode: BatchNormMode,
): Promise<Check[]> {
  const { network, state } = load(model, kind, model.caseSeed, model.input.shapeNCHW[2]!);
  const images = goldenImages(model.input.key, model.input.shapeNCHW);
  const labels = tf.tensor1d(model.labels, 'int32');
  const train = model.train!;
  const expected = mode === 'batch' ? train : train.frozenBatchNorm;
  const trainable = new Set(trainableSpecs(network, kind).map((spec) => spec.name));

  const pass = forwardTraining(backend.ops, network, state, images, {
    // Where only a router is trained, the network below it keeps its statistics.
    batchNorm: kind.trains ? 'running' : mode,
    trainable,
  });
  const fused = tf.tidy(() => (kind.fuseInTraining ?? kind.fuse)(pass.outputs, model));
  const checks = await outputChecks(named(pass.outputs, fused), expected.outputs);
  const loss = differentiate(model, kind, pass.outputs, labels);
  const golden =
    mode === 'batch'
      ? train.loss
      : { ...train.frozenBatchNorm.loss.terms, total: train.frozenBatchNorm.loss };
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
  tf.dispose([fused, images, labels, loss.terms, loss.gradients, [...gradients.values()]]);
  disposeState(state);
  return checks;
}

async function statisticsChecks(state: NetworkState, model: GoldenModel): Promise<Check[]> {
  const { rows, toleranceMean, toleranceVarRel } = model.train!.batchNormAfterOneForward;
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

async function checkFiveSteps(backend: Backend, model: GoldenModel, kind: GoldenNetwork): Promise<Check[]> {
  const { seed, batchSize, imageSize, optimizer, ...expected } = model.fiveSteps!;
  const { network, state } = load(model, kind, seed, imageSize);
  const trainable = trainableSpecs(network, kind);
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
    const { terms, gradients } = differentiate(model, kind, pass.outputs, labels);
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
  const outputs = forwardInference(backend.ops, network, state, images);
  const fused = tf.tidy(() => kind.fuse(outputs, model));
  checks.push(...(await outputChecks({ fused }, { fused: expected.evalOutputAfterwards })));
  tf.dispose([images, outputs, fused]);
  sgd.dispose();
  disposeState(state);
  return checks;
}

function build(model: GoldenModel, kind: GoldenNetwork, size: number): Network {
  const options = { height: size, width: size, channels: 3, classes: model.numClasses };
  return findNetwork(kind.network).build({ ...options, head: kind.head(model) });
}

function trainableSpecs(network: Network, { trains }: GoldenNetwork): TensorSpec[] {
  return network.tensors.filter((spec) => spec.trainable && (trains?.(spec.name) ?? true));
}

function load(
  model: GoldenModel,
  kind: GoldenNetwork,
  seed: string,
  size: number,
): { network: Network; state: NetworkState } {
  const network = build(model, kind, size);
  return { network, state: fromTensorMap(network, stateDict(model, seed)) };
}

/** The weights of the last seed: drawing 50 million numbers takes a second, and cases run several times. */
let drawn: { seed: string; weights: TensorMap } | null = null;

function stateDict(model: GoldenModel, seed: string): TensorMap {
  if (drawn?.seed !== seed) {
    const weights = keyedStateDict(seed, model.stateDict);
    for (const [name, values] of Object.entries(model.stateOverrides ?? {}))
      weights.set(name, { ...weights.get(name)!, data: Float32Array.from(values) });
    drawn = { seed, weights };
  }
  return drawn.weights;
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
function named(outputs: Outputs, fused: Tensor2D): Record<string, Tensor2D> {
  const renamed = Object.entries(outputs).map(([name, logits]) => [
    name
      .replace('expert-', 'expert')
      .replace(
        /(^|-)([hmt])$/,
        (_, dash: string, branch: string) => `${dash ? '_' : ''}${branch.toUpperCase()}`,
      ),
    logits,
  ]);
  return { ...Object.fromEntries(renamed), fused };
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
  kind: GoldenNetwork,
  outputs: Outputs,
  labels: Tensor1D,
): { terms: Record<string, Tensor>; gradients: Outputs } {
  const used = Object.fromEntries(
    Object.entries(outputs).filter(([name]) => kind.isTrainedOutput?.(name, model) ?? true),
  );
  const result = lossWithGradients((logits) => kind.loss({ ...outputs, ...logits }, labels, model), used);
  return { terms: { ...result.terms, total: result.total }, gradients: result.gradients };
}
