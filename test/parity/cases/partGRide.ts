/**
 * The specification's vectors for RIDE's loss (G5), whose values stand here: three experts on CIFAR-10's counts at
 * IF 100, before and after re-weighting, and with a teacher.
 */
import * as tf from '@tensorflow/tfjs-core';

import { findMethod } from '../../../main/training/methods/index.ts';
import { lossWithGradients, type Outputs } from '../../../main/training/methods/method.ts';
import { l2Norm, type Check, type ParityCase } from '../parityCase.ts';

interface RideRow {
  name: string;
  method: 'ride' | 'ride-distill';
  /** From 0; re-weighting starts at 160. */
  epoch: number;
  total: number;
  base: number[];
  /** KL of each expert, without factor and temperature. */
  divergences: number[];
  gradientNorms: number[] | null;
  /** With a teacher: its KL, without factor and temperature. */
  distillation: number | null;
}

const CLASS_COUNTS = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];
const LABELS = [0, 1, 2, 5, 7, 9];
const FACTOR = -0.45;
const DISTILL_TEMPERATURE = 1.5;
const TEMPERATURE_MEAN = 0.86842082;
/** golden/README.md: in float32, of the value. */
const TOLERANCE = 1e-4;

const BEFORE = {
  epoch: 159,
  base: [12.05441578, 12.30976184, 12.52472072],
  divergences: [0.18193693, 0.00100932, 0.18653654],
};

const ROWS: readonly RideRow[] = [
  {
    name: 'before re-weighting',
    method: 'ride',
    ...BEFORE,
    total: 36.7226310846,
    gradientNorms: [0.47417481, 0.46598884, 0.46105144],
    distillation: null,
  },
  {
    name: 're-weighted',
    method: 'ride',
    epoch: 160,
    total: 51.0228364651,
    base: [16.44583786, 17.08052478, 17.64725848],
    divergences: [0.21768485, 0.00100371, 0.22561944],
    gradientNorms: [0.79884189, 0.79641197, 0.77740886],
    distillation: null,
  },
  {
    name: 'distilled',
    method: 'ride-distill',
    ...BEFORE,
    total: 120.3141223,
    gradientNorms: null,
    distillation: 1.5031450469,
  },
];

export function partGRideCases(): ParityCase[] {
  return ROWS.map((row) => ({ name: `part-g/ride loss ${row.name}`, run: () => checkRow(row) }));
}

/** 3 · sin(byExample · b + byClass · k + phase) at example b and class k. */
function wave(byExample: number, byClass: number, phase: number): tf.Tensor2D {
  return tf.tensor2d(
    LABELS.map((_, b) => CLASS_COUNTS.map((__, k) => 3 * Math.sin(byExample * b + byClass * k + phase))),
  );
}

async function checkRow(row: RideRow): Promise<Check[]> {
  const method = findMethod(row.method);
  const defaults = Object.fromEntries(method.fields.map((field) => [field.key, field.default]));
  const bound = method.bind({
    classCounts: CLASS_COUNTS,
    epochs: 200,
    settings: {
      ...defaults,
      diversityFactor: FACTOR,
      reweightFactor: 0.05,
      reweightEpoch: 160,
      distillTemperature: DISTILL_TEMPERATURE,
    },
  });
  const outputs: Outputs = Object.fromEntries(
    [0, 1, 2].map((expert) => [`expert-${expert}`, wave(0.7, 1.3, 0.4 * expert)]),
  );
  const labels = tf.tensor1d(LABELS, 'int32');
  const teacherLogits = wave(0.5, 1.1, 0);
  const { total, terms, gradients } = lossWithGradients(
    (given) => bound.loss(given, labels, { epoch: row.epoch, teacherLogits }),
    outputs,
  );
  const relative = async (name: string, tensor: tf.Tensor, expected: number): Promise<Check> => ({
    name,
    error: Math.abs((await tensor.data())[0]! / expected - 1),
    tolerance: TOLERANCE,
  });
  const temperature = row.epoch < 160 ? 1 : TEMPERATURE_MEAN;
  const checks = [await relative('total', total, row.total)];
  for (let expert = 0; expert < 3; expert++) {
    const diversity = FACTOR * temperature ** 2 * row.divergences[expert]!;
    checks.push(
      await relative(`base ${expert}`, terms[`base-expert-${expert}`]!, row.base[expert]!),
      await relative(`diversity ${expert}`, terms[`diversity-expert-${expert}`]!, diversity),
    );
    if (row.gradientNorms)
      checks.push({
        name: `gradient norm ${expert}`,
        error: Math.abs(l2Norm(await gradients[`expert-${expert}`]!.data()) / row.gradientNorms[expert]! - 1),
        tolerance: TOLERANCE,
      });
  }
  if (row.distillation !== null)
    checks.push(
      await relative('distillation', terms['distillation']!, DISTILL_TEMPERATURE ** 2 * row.distillation),
    );
  bound.dispose();
  tf.dispose([outputs, labels, teacherLogits, total, terms, gradients]);
  return checks;
}
