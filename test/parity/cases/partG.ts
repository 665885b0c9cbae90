/**
 * The specification's own vectors (part G), with weights filled by a polynomial rule: ResLT's ResNet-32 on 100 classes
 * in evaluation and over three training steps (G1); and the loss on given logits (G4), whose values stand here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

import { lossWithGradients } from '../../../main/training/methods/method.ts';
import { resltLoss, type ResltLossOptions } from '../../../main/training/methods/reslt.ts';
import { forwardInference, forwardTraining } from '../../../main/training/networks/execute.ts';
import type { Network } from '../../../main/training/networks/graph.ts';
import { findNetwork } from '../../../main/training/networks/index.ts';
import type { Backend } from '../../../main/training/ops.ts';
import { Sgd } from '../../../main/training/sgd.ts';
import { disposeState, readTensor } from '../../../main/training/weights.ts';
import type { GoldenFolder } from '../golden.ts';
import { l2Norm, type Check, type ParityCase } from '../parityCase.ts';
import { withReluEdges } from '../reluEdges.ts';
import { filledImages, filledState, relative } from './partGFill.ts';

interface GoldenTrainStep {
  step: number;
  I: number;
  F: number;
  loss: number;
  H0: number[];
  grad_norms: Record<string, number>;
  after: Record<string, number[]>;
}

interface GoldenReslt {
  cifar_eval: Record<'H' | 'M' | 'T', number[][]>;
  cifar_train: GoldenTrainStep[];
}

const CLASSES = 100;
const LABELS = [0, 34, 35, 99];
const INPUT_SHAPE: [number, number, number, number] = [4, 3, 32, 32];
const OPTIMIZER = { momentum: 0.9, nesterov: true, weightDecay: 5e-4 };
const LEARNING_RATE = 0.1;
const BETA = 0.995;

export function partGCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<GoldenReslt>('part-g', 'cifar_reslt_golden');
  if (!file) return [];
  return [
    { name: 'part-g/cifar_reslt evaluation', run: (backend) => checkEvaluation(backend, file) },
    {
      name: 'part-g/cifar_reslt training',
      run: (backend) => withReluEdges(backend, (edges) => checkTraining(edges, file)),
    },
    ...LOSS_ROWS.map((row) => ({ name: `part-g/loss ${row.name}`, run: () => checkLoss(row) })),
  ];
}

function resltResnet32(): Network {
  return findNetwork('resnet32').build({
    height: 32,
    width: 32,
    channels: 3,
    classes: CLASSES,
    head: { kind: 'branches', fusionBlockBeforePooling: true, tau: null },
  });
}

async function checkEvaluation(backend: Backend, golden: GoldenReslt): Promise<Check[]> {
  const built = resltResnet32();
  const state = filledState(built);
  const input = filledImages(INPUT_SHAPE);
  const outputs = forwardInference(backend.ops, built, state, input);
  const checks: Check[] = [];
  for (const [name, rows] of Object.entries(golden.cifar_eval))
    checks.push(relative(`z_${name}`, await outputs[name.toLowerCase()]!.data(), rows.flat()));
  tf.dispose([input, outputs]);
  disposeState(state);
  return checks;
}

function scopes(classes: number, ranges: Record<string, [number, number]>): ResltLossOptions['scopes'] {
  return Object.fromEntries(
    Object.entries(ranges).map(([name, [from, to]]) => [
      name,
      tf.tensor1d(
        Float32Array.from({ length: classes }, (_, index) => (index >= from && index < to ? 1 : 0)),
      ),
    ]),
  );
}

async function checkTraining(backend: Backend, golden: GoldenReslt): Promise<Check[]> {
  const built = resltResnet32();
  const state = filledState(built);
  const input = filledImages(INPUT_SHAPE);
  const labels = tf.tensor1d(LABELS, 'int32');
  const masks = scopes(CLASSES, { h: [0, CLASSES], m: [35, CLASSES], t: [70, CLASSES] });
  const trainable = built.tensors.filter((spec) => spec.trainable);
  const sgd = new Sgd(
    new Map(trainable.map((spec) => [spec.name, state.tensors.get(spec.name)!])),
    null,
    OPTIMIZER,
  );
  const checks: Check[] = [];
  for (const expected of golden.cifar_train) {
    const pass = forwardTraining(backend.ops, built, state, input);
    const logits = (await pass.outputs['h']!.data()).slice(0, 5);
    const { total, terms, gradients } = lossWithGradients((outputs) => {
      const loss = resltLoss(outputs, labels, { scopes: masks, beta: BETA });
      return { total: loss.total, terms: { I: loss.individual, F: loss.fusion } };
    }, pass.outputs);
    const at = (name: string): string => `step ${expected.step} ${name}`;
    checks.push(
      relative(at('I'), await terms['I']!.data(), [expected.I]),
      relative(at('F'), await terms['F']!.data(), [expected.F]),
      relative(at('loss'), await total.data(), [expected.loss]),
      relative(at('z_H'), logits, expected.H0),
    );
    const byParameter = pass.backward(gradients);
    for (const [name, norm] of Object.entries(expected.grad_norms))
      checks.push(relative(at(`gradient of ${name}`), [l2Norm(await byParameter.get(name)!.data())], [norm]));
    for (const [name, value] of sgd.step(byParameter, LEARNING_RATE)) {
      state.tensors.get(name)!.dispose();
      state.tensors.set(name, value);
    }
    for (const [name, values] of Object.entries(expected.after)) {
      const spec = built.tensors.find((each) => each.name === name)!;
      const { data } = await readTensor(spec, state.tensors.get(name)!);
      checks.push(relative(at(`${name} afterwards`), data.slice(0, values.length), values));
    }
    tf.dispose([total, terms, gradients, [...byParameter.values()]]);
  }
  tf.dispose([input, labels, masks]);
  sgd.dispose();
  disposeState(state);
  return checks;
}

interface LossRow {
  name: string;
  classes: number;
  labels: number[];
  beta: number;
  ranges: Record<string, [number, number]>;
  fusionTerm: 'exact' | 'capped';
  counts: number[];
  I: number;
  F: number;
  L: number;
  gradientNorms: number[];
}

const C10 = { h: [0, 10], m: [2, 10], t: [4, 10] } as Record<string, [number, number]>;

const LOSS_ROWS: LossRow[] = [
  {
    name: '10 classes',
    classes: 10,
    labels: [0, 1, 2, 5, 7, 9],
    beta: 0.998,
    ranges: C10,
    fusionTerm: 'exact',
    counts: [6, 4, 3],
    I: 3.1933382351,
    F: 5.8449743075,
    L: 3.1986415072,
    gradientNorms: [0.1892262972, 0.1642678769, 0.1416562188],
  },
  {
    name: '10 classes, head only',
    classes: 10,
    labels: [0, 1, 0, 1, 0, 1],
    beta: 0.998,
    ranges: C10,
    fusionTerm: 'exact',
    counts: [6, 0, 0],
    I: 2.8154061366,
    F: 5.7672845846,
    L: 2.8213098935,
    gradientNorms: [0.4021476237, 0.0009013632, 0.0009013632],
  },
  {
    name: '100 classes',
    classes: 100,
    labels: [0, 34, 35, 69, 70, 99],
    beta: 0.995,
    ranges: { h: [0, 100], m: [35, 100], t: [70, 100] },
    fusionTerm: 'exact',
    counts: [6, 4, 2],
    I: 5.2214186465,
    F: 7.4409560632,
    L: 5.2325163336,
    gradientNorms: [0.2059028408, 0.168273689, 0.1172728164],
  },
  {
    name: '1000 classes, ascending ids',
    classes: 1000,
    labels: [0, 219, 220, 824, 825, 999],
    beta: 0.99,
    ranges: { h: [0, 1000], m: [0, 825], t: [0, 220] },
    fusionTerm: 'capped',
    counts: [6, 4, 2],
    I: 7.7878852301,
    F: 9.8096348943,
    L: 7.8081027267,
    gradientNorms: [0.2057029538, 0.1679554984, 0.1190051009],
  },
];

async function checkLoss(row: LossRow): Promise<Check[]> {
  const phases = { h: 0, m: 0.5, t: 1 };
  const outputs = Object.fromEntries(
    Object.entries(phases).map(([name, phase]) => [
      name,
      tf.tensor2d(
        row.labels.map((_, b) =>
          Array.from({ length: row.classes }, (__, k) => 2 * Math.sin(0.7 * b + 1.3 * k + phase)),
        ),
      ),
    ]),
  );
  const labels = tf.tensor1d(row.labels, 'int32');
  const masks = scopes(row.classes, row.ranges);
  const { total, terms, gradients } = lossWithGradients((given) => {
    const { beta, fusionTerm } = row;
    const loss = resltLoss(given, labels, { scopes: masks, beta, fusionTerm });
    return {
      total: loss.total,
      terms: { counts: loss.counts as Tensor as Scalar, I: loss.individual, F: loss.fusion },
    };
  }, outputs);
  const names = Object.keys(phases);
  const checks = [
    relative('I', await terms['I']!.data(), [row.I]),
    relative('F', await terms['F']!.data(), [row.F]),
    relative('L', await total.data(), [row.L]),
  ];
  const counts = await terms['counts']!.data();
  for (const [index, name] of names.entries()) {
    checks.push(
      { name: `count ${name}`, error: Math.abs(counts[index]! - row.counts[index]!), tolerance: 0 },
      relative(`gradient norm ${name}`, [l2Norm(await gradients[name]!.data())], [row.gradientNorms[index]!]),
    );
  }
  tf.dispose([outputs, labels, masks, total, terms, gradients]);
  return checks;
}
