/**
 * What methods do to a trained network: the tau-normalised classifier, post-hoc logit adjustment, and how many experts
 * the images of a group use.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { groupMeansOfExamples } from '../../../main/training/exampleGroups.ts';
import { findMethod } from '../../../main/training/methods/index.ts';
import type { Backend } from '../../../main/training/ops.ts';
import { decodeArray, keyedStateDict, keyedTensor, type GoldenFolder, type StoredArray } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';

interface Adjusted {
  tau: number;
  logits: StoredArray;
  predictions: number[];
}

interface ClassifierAdjustment {
  weight: { key: string; shape: [number, number]; kind: string };
  bias: { key: string; shape: [number]; kind: string };
  features: { key: string; shape: [number, number]; scale: number };
  tauNormalised: Adjusted[];
  trainingCounts: number[];
  logitAdjusted: Adjusted[];
}

interface ExpertUsage {
  expertsUsed: number[];
  labels: number[];
  trainingCounts: number[];
  percent: number[];
  groups: Record<string, number[]>;
}

/** The files give double precision; a float32 engine comes this near, of the largest value. */
const FLOAT32 = 1e-5;
/** Relative, as golden/README.md says of metrics/. */
const EXACT = 1e-9;
/** Part G6: norm 5 and norm 1 by tau 0.7; all printed digits. */
const NORMALISED = { tau: 0.7, rows: [3, 4, 0.6, 0.8], expected: [0.97239396, 1.29652528, 0.6, 0.8] };

export function methodMetricCases(golden: GoldenFolder): ParityCase[] {
  const adjustment = golden.read<ClassifierAdjustment>('metrics', 'classifier_adjustment');
  const usage = golden.read<ExpertUsage>('metrics', 'expert_usage');
  return [
    ...(adjustment
      ? [
          ...adjustment.tauNormalised.map((each) => ({
            name: `metrics/classifier_adjustment tau-normalised ${each.tau}`,
            run: (backend: Backend) => checkNormalised(backend, adjustment, each),
          })),
          ...adjustment.logitAdjusted.map((each) => ({
            name: `metrics/classifier_adjustment logits ${each.tau}`,
            run: (backend: Backend) => checkAdjusted(backend, adjustment, each),
          })),
        ]
      : []),
    ...(usage ? [{ name: 'metrics/expert_usage', run: () => checkUsage(usage) }] : []),
    { name: 'part-g/tau-normalised rows', run: checkRows },
  ];
}

function tensorsOf({ weight, bias, features }: ClassifierAdjustment): {
  weight: Tensor2D;
  bias: tf.Tensor1D;
  features: Tensor2D;
} {
  const draw = ({ key, shape, kind }: { key: string; shape: number[]; kind: string }): Float32Array => {
    const [seed, name] = [key.slice(0, key.lastIndexOf('/')), key.slice(key.lastIndexOf('/') + 1)];
    return keyedStateDict(seed, [[name, shape, kind]]).get(name)!.data as Float32Array;
  };
  return {
    weight: tf.tensor2d(draw(weight), weight.shape),
    bias: tf.tensor1d(draw(bias)),
    features: tf.tensor2d(
      keyedTensor(features.key, features.shape, features.scale).map((value) => Math.max(value, 0)),
      features.shape,
    ),
  };
}

async function checkNormalised(
  { ops }: Backend,
  golden: ClassifierAdjustment,
  expected: Adjusted,
): Promise<Check[]> {
  const { weight, bias, features } = tensorsOf(golden);
  const logits = ops.tauLinear(features, weight, expected.tau);
  const checks = await compare(logits, expected);
  tf.dispose([weight, bias, features, logits]);
  return checks;
}

async function checkAdjusted(
  { ops }: Backend,
  golden: ClassifierAdjustment,
  expected: Adjusted,
): Promise<Check[]> {
  const { weight, bias, features } = tensorsOf(golden);
  const plain = ops.linear(features, weight, bias);
  const bound = findMethod('logit-adjustment').bind({
    classCounts: golden.trainingCounts,
    epochs: 1,
    settings: { adjust: 'post-hoc', priorTau: expected.tau },
  });
  const logits = tf.tidy(() => bound.fuse({ logits: plain }));
  const checks = await compare(logits, expected);
  bound.dispose();
  tf.dispose([weight, bias, features, plain, logits]);
  return checks;
}

async function compare(logits: Tensor2D, expected: Adjusted): Promise<Check[]> {
  const values = decodeArray(expected.logits);
  const predictions = tf.tidy(() => tf.argMax(logits, 1));
  const checks = [
    {
      name: 'logits',
      error: largestDifference(await logits.data(), values),
      tolerance: FLOAT32 * Math.max(...values.map(Math.abs)),
    },
    {
      name: 'predictions',
      error: largestDifference(await predictions.data(), expected.predictions),
      tolerance: 0,
    },
  ];
  predictions.dispose();
  return checks;
}

function checkUsage({ expertsUsed, labels, trainingCounts, percent, groups }: ExpertUsage): Check[] {
  return percent.flatMap((share, index) => {
    const isUsed = expertsUsed.map((used) => (used === index + 1 ? 1 : 0));
    const means = groupMeansOfExamples('used', isUsed, labels, trainingCounts);
    return [
      ...Object.entries(groups).map(([group, shares]) => ({
        name: `${index + 1} experts, ${group}`,
        error: Math.abs(means[`used/${group}`]! / shares[index]! - 1),
        tolerance: EXACT,
      })),
      {
        name: `${index + 1} experts`,
        error: Math.abs((100 * means['used']!) / share - 1),
        tolerance: EXACT,
      },
    ];
  });
}

async function checkRows({ ops }: Backend): Promise<Check[]> {
  const rows = tf.tensor2d(NORMALISED.rows, [2, 2]);
  const unit = tf.tensor2d([1, 0, 0, 1], [2, 2]);
  // Unit vectors as features give the columns of the normalised rows.
  const columns = ops.tauLinear(unit, rows, NORMALISED.tau);
  const actual = tf.tidy(() => tf.transpose(columns));
  const error = largestDifference(await actual.data(), NORMALISED.expected);
  tf.dispose([rows, unit, columns, actual]);
  return [{ name: 'rows', error, tolerance: FLOAT32 }];
}
