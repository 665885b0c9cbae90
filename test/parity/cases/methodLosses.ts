/**
 * The losses of the methods beside ResLT, each through the method itself: bound to the case's class counts with the
 * case's settings, differentiated by its logits. So what is compared is what a run computes, epochs included.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { findMethod } from '../../../main/training/methods/index.ts';
import { focalLoss } from '../../../main/training/methods/focal.ts';
import { ldamMargins } from '../../../main/training/methods/ldam.ts';
import {
  lossWithGradients,
  type LossWithGradients,
  type Outputs,
} from '../../../main/training/methods/method.ts';
import { createReweighting, effectiveNumberWeights } from '../../../main/training/methods/reweighting.ts';
import { diversityWeights } from '../../../main/training/methods/ride.ts';
import { routingTargets } from '../../../main/training/methods/rideRouter.ts';
import { decodeArray, keyedTensor, type GoldenFolder, type StoredArray } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';
import { gradientChecks, type GoldenGradient, type GoldenValue } from './lossChecks.ts';

interface KeyedInput {
  key: string;
  shape: [number, number];
  scale: number;
}

interface KeyedLogits {
  keys: Record<string, string>;
  shape: [number, number];
  scale: number;
  offset: number;
}

interface GoldenCase {
  name: string;
  classCounts: number[];
  labels: number[];
  values: Record<string, GoldenValue>;
  gradients: Record<string, GoldenGradient>;
}

interface GoldenFocal extends GoldenCase {
  gamma: number;
  classWeights: string | null;
  inputs: KeyedInput;
}

interface GoldenLdam extends GoldenCase {
  maxMargin: number;
  scale: number;
  /** "deferred re-weighting at epoch 170", epochs from 0 and weights from 160; of the prescaled form see `epoch`. */
  classWeights?: string | null;
  reweightEpoch?: number;
  /** From 1. */
  epoch?: number;
  inputs: KeyedInput;
}

interface RideSettings {
  diversityFactor: number;
  diversityTemperature: number;
  baseLossFactor: number;
  reweightFactor: number;
  maxMargin: number;
  scale: number;
  reweightEpoch: number;
}

interface GoldenRide extends GoldenCase {
  experts: number;
  settings: RideSettings & { epoch: number };
  logits: KeyedLogits;
}

interface GoldenDistill extends GoldenCase {
  experts: number;
  distillTemperature: number;
  distillFactor: number;
  rideFactor: number;
  diversityFactor: number;
  reweightFactor: number;
  reweightEpoch: number;
  epoch: number;
  logits: KeyedLogits;
}

interface GoldenRouter extends GoldenCase {
  numClasses: number;
  experts: number;
  positiveWeight: number;
  logits: KeyedLogits;
  assignmentLogits: KeyedInput;
  assignmentTargets: number[][];
  routing: { expertsUsed: number[]; output: StoredArray };
}

interface GoldenWeights {
  name: string;
  classCounts: number[];
  deferredReweighting: { epoch: number; weights: number[] }[];
  'effectiveNumber0.9999': number[];
  ldamMargins: { maxMargin: number; margins: number[] };
  rideDiversityWeights: { reweightFactor: number; weights: number[]; temperatureMean: number }[];
  rideReweighting: {
    reweightEpoch: number;
    active: { epoch: number; active: boolean }[];
    classWeights: number[];
  };
}

/** Double precision, all printed digits: 12. */
const EXACT = 1e-11;
/** golden/README.md: of the largest value, where a case gives none. */
const ARRAY_TOLERANCE = 1e-5;
/** Of the reference programs, in which the golden re-weighting epochs count. */
const EPOCHS = 200;

export function methodLossCases(golden: GoldenFolder, name: string): ParityCase[] {
  const cases = <Case extends { name: string }>(check: (golden: Case) => Promise<Check[]> | Check[]) =>
    golden
      .read<{ cases: Case[] }>('losses', name)!
      .cases.map((each): ParityCase => ({ name: `losses/${name} ${each.name}`, run: () => check(each) }));
  switch (name) {
    case 'class_weights':
      return cases(checkWeights);
    case 'focal':
      return cases(checkFocal);
    case 'ldam':
      return cases(checkLdam);
    case 'ride':
      return cases(checkRide);
    case 'ride_distill':
      return cases(checkDistill);
    case 'router':
      return cases(checkRouter);
    default:
      return [{ name: `losses/${name}`, skipped: 'the program has no such loss' }];
  }
}

function checkWeights(golden: GoldenWeights): Check[] {
  const { classCounts, rideReweighting } = golden;
  const weights = effectiveNumberWeights(classCounts, 0.9999);
  const deferred = createReweighting({ deferReweighting: true, reweightEpoch: 160 }, EPOCHS);
  const ones = classCounts.map(() => 1);
  const relative = (name: string, actual: number[], expected: number[]): Check => ({
    name,
    error: Math.max(...expected.map((value, index) => Math.abs(actual[index]! / value - 1))),
    tolerance: EXACT,
  });
  return [
    relative('effective number', weights, golden['effectiveNumber0.9999']),
    relative('RIDE class weights', weights, rideReweighting.classWeights),
    relative('margins', ldamMargins(classCounts, golden.ldamMargins.maxMargin), golden.ldamMargins.margins),
    ...golden.deferredReweighting.map((each) =>
      relative(`deferred, epoch ${each.epoch}`, deferred.isActive(each.epoch) ? weights : ones, each.weights),
    ),
    ...rideReweighting.active.map(({ epoch, active }) => ({
      name: `active in epoch ${epoch}`,
      error: deferred.isActive(epoch - 1) === active ? 0 : 1,
      tolerance: 0,
    })),
    ...golden.rideDiversityWeights.flatMap(({ reweightFactor, weights: expected, temperatureMean }) => {
      const own = diversityWeights(classCounts, reweightFactor);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      return [
        relative(`temperatures ${reweightFactor}`, own, expected),
        relative(`mean temperature ${reweightFactor}`, [mean], [temperatureMean]),
      ];
    }),
  ];
}

async function checkFocal(golden: GoldenFocal): Promise<Check[]> {
  const method = golden.classWeights ? 'class-balanced' : 'focal';
  const settings = golden.classWeights
    ? { baseLoss: 'focal', focalGamma: golden.gamma }
    : { focalGamma: golden.gamma };
  return checkMethod({
    method,
    settings,
    golden,
    outputs: { logits: inputOf(golden.inputs) },
    terms: { loss: 'total' },
  });
}

async function checkLdam(golden: GoldenLdam): Promise<Check[]> {
  const { inputs, maxMargin, scale } = golden;
  const isPrescaled = golden.reweightEpoch !== undefined;
  const cosines = inputOf(inputs);
  // Our cosine classifier carries the scale, so the gradient by the cosines is the scale times that by the logits.
  const logits = isPrescaled ? cosines : tf.tidy(() => tf.mul<Tensor2D>(cosines, scale));
  const epoch = isPrescaled
    ? golden.epoch! - 1
    : Number(golden.classWeights?.match(/at epoch (\d+)$/)?.[1] ?? 0);
  const checks = await checkMethod({
    method: 'ldam',
    settings: {
      maxMargin,
      scale,
      deferReweighting: isPrescaled || Boolean(golden.classWeights),
      reweightEpoch: golden.reweightEpoch ?? 160,
    },
    golden,
    epoch,
    outputs: { logits },
    terms: { loss: 'total' },
    goldenNames: { logits: isPrescaled ? 'logits' : 'cosines' },
    gradientFactor: isPrescaled ? 1 : scale,
  });
  cosines.dispose();
  return checks;
}

async function checkRide(golden: GoldenRide): Promise<Check[]> {
  const { experts } = golden;
  const { epoch, ...settings } = golden.settings;
  // The reference switches to the collaborative loss by a factor of 0; ours says so.
  const collaborative = settings.diversityFactor === 0;
  const terms = Object.fromEntries(
    Array.from({ length: experts }, (_, expert) => [
      [`expert${expert}_base`, `base-expert-${expert}`],
      [`expert${expert}_diversity`, `diversity-expert-${expert}`],
    ]).flat(),
  );
  return checkMethod({
    method: 'ride',
    settings: { ...settings, experts, collaborative },
    golden,
    epoch: epoch - 1,
    outputs: expertsOf(golden.logits),
    terms: { ...terms, total: 'total', validation: 'validation' },
    goldenNames: goldenExperts(experts),
  });
}

async function checkDistill(golden: GoldenDistill): Promise<Check[]> {
  const { experts, logits, epoch } = golden;
  const { teacher, ...outputs } = expertsOf(logits);
  const { distillTemperature, distillFactor, rideFactor, diversityFactor, reweightFactor, reweightEpoch } =
    golden;
  const checks = await checkMethod({
    method: 'ride-distill',
    settings: {
      experts,
      distillTemperature,
      distillFactor,
      rideFactor,
      diversityFactor,
      reweightFactor,
      reweightEpoch,
    },
    golden,
    epoch: epoch - 1,
    outputs,
    teacherLogits: teacher!,
    terms: { rideLoss: 'ride', total: 'total' },
    goldenNames: goldenExperts(experts),
  });
  teacher!.dispose();
  return checks;
}

async function checkRouter(golden: GoldenRouter): Promise<Check[]> {
  const { experts, positiveWeight, assignmentLogits, routing } = golden;
  const assignment = inputOf(assignmentLogits);
  const routers = tf.split<Tensor2D>(assignment, experts - 1, 1);
  const outputs: Outputs = {
    ...expertsOf(golden.logits),
    ...Object.fromEntries(routers.map((logits, index) => [`router-${index}`, logits])),
  };
  const labels = tf.tensor1d(golden.labels, 'int32');
  const settings = { ...defaultsOf('ride-router'), experts, positiveWeight, topChoices: 1 };
  const bound = findMethod('ride-router').bind({
    classCounts: new Array<number>(golden.numClasses).fill(10),
    epochs: EPOCHS,
    settings,
  });
  const trained = Object.fromEntries(bound.trainedOutputs.map((name) => [name, outputs[name]!]));
  const result = lossWithGradients(
    (given) => bound.loss({ ...outputs, ...given }, labels, { epoch: 0 }),
    trained,
  );
  const [gradient, fused, used, targets] = tf.tidy(() => [
    tf.concat(
      bound.trainedOutputs.map((name) => result.gradients[name]!),
      1,
    ) as Tensor2D,
    bound.fuse(outputs),
    bound.evaluate!(outputs, labels)['experts-used']!,
    tf.stack(
      routingTargets(
        Array.from({ length: experts }, (_, expert) => outputs[`expert-${expert}`]!),
        labels,
      ),
      1,
    ) as Tensor2D,
  ]);
  const expected = decodeArray(routing.output);
  const { float64, tolerance } = golden.values['loss']!;
  const { float64: goldenGradient, tolerance: gradientTolerance } = golden.gradients['assignment']!;
  const checks: Check[] = [
    { name: 'loss', error: Math.abs((await result.total.data())[0]! - float64), tolerance },
    {
      name: 'gradient',
      error: largestDifference(await gradient.data(), decodeArray(goldenGradient!)),
      tolerance: gradientTolerance,
    },
    {
      name: 'targets',
      error: largestDifference(await targets.data(), golden.assignmentTargets.flat()),
      tolerance: 0,
    },
    {
      name: 'experts used',
      error: largestDifference(await used.data(), routing.expertsUsed),
      tolerance: 0,
    },
    {
      name: 'routed logits',
      error: largestDifference(await fused.data(), expected),
      tolerance: ARRAY_TOLERANCE * Math.max(...expected.map(Math.abs)),
    },
  ];
  bound.dispose();
  tf.dispose([assignment, outputs, labels, result.total, result.terms, result.gradients]);
  tf.dispose([gradient, fused, used, targets]);
  return checks;
}

interface MethodCheck {
  method: string;
  settings: Record<string, unknown>;
  golden: GoldenCase;
  /** From 0. */
  epoch?: number;
  /** Disposed by the check. */
  outputs: Outputs;
  teacherLogits?: Tensor2D;
  /**
   * Golden value → our term; "total", "validation" (plain cross-entropy of the prediction), "ride" (its two parts)
   * stand for themselves. Values that the golden case lacks are left out.
   */
  terms: Record<string, string>;
  /** Output → its golden name, where they differ. */
  goldenNames?: Record<string, string>;
  gradientFactor?: number;
}

async function checkMethod(check: MethodCheck): Promise<Check[]> {
  const { golden, outputs, epoch = 0, gradientFactor = 1, teacherLogits } = check;
  const labels = tf.tensor1d(golden.labels, 'int32');
  const bound = findMethod(check.method).bind({
    classCounts: golden.classCounts,
    epochs: EPOCHS,
    settings: { ...defaultsOf(check.method), ...check.settings },
  });
  const context = { epoch, ...(teacherLogits && { teacherLogits }) };
  const result = lossWithGradients((given) => bound.loss(given, labels, context), outputs);
  const values = await valuesOf(
    result,
    tf.tidy(() => validation(bound.fuse(outputs), labels)),
  );
  const checks = Object.entries(check.terms)
    .filter(([name]) => golden.values[name])
    .map(([name, term]) => {
      const { float64, tolerance } = golden.values[name]!;
      return { name, error: Math.abs(values[term]! - float64), tolerance };
    });
  for (const name of Object.keys(outputs)) {
    const gradient = tf.tidy(() => tf.mul<Tensor2D>(result.gradients[name]!, gradientFactor));
    const goldenName = check.goldenNames?.[name] ?? name;
    checks.push(
      ...(await gradientChecks(goldenName, gradient, golden.labels, golden.gradients[goldenName]!)),
    );
    gradient.dispose();
  }
  bound.dispose();
  tf.dispose([outputs, labels, result.total, result.terms, result.gradients]);
  return checks;
}

/** Plain cross-entropy of the predicting logits: a focal loss without discount. */
function validation(fused: Tensor2D, labels: Tensor1D): tf.Scalar {
  return focalLoss(fused, labels, { gamma: 0, classWeights: null });
}

async function valuesOf(
  { total, terms }: LossWithGradients,
  validationLoss: tf.Scalar,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const [name, value] of Object.entries({ total, validation: validationLoss, ...terms }))
    values[name] = (await value.data())[0]!;
  validationLoss.dispose();
  return { ...values, ride: (values['base'] ?? 0) + (values['diversity'] ?? 0) };
}

function defaultsOf(method: string): Record<string, unknown> {
  return Object.fromEntries(findMethod(method).fields.map((field) => [field.key, field.default]));
}

function inputOf({ key, shape, scale }: KeyedInput): Tensor2D {
  return tf.tensor2d(keyedTensor(key, shape, scale), shape);
}

/** "expert0" is ours as "expert-0"; other keys keep their names. */
function expertsOf({ keys, shape, scale, offset }: KeyedLogits): Outputs {
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [
      name.replace(/^expert(\d+)$/, 'expert-$1'),
      tf.tensor2d(keyedTensor(key, shape, scale, offset), shape),
    ]),
  );
}

function goldenExperts(experts: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: experts }, (_, expert) => [`expert-${expert}`, `expert${expert}`]),
  );
}
