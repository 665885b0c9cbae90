/**
 * RIDE (Wang et al., arxiv.org/abs/2010.01809): several experts on a shared trunk, each trained on its own, pushed
 * apart by a negative factor on their divergence from the experts' mean; rare classes get larger margins, and late in
 * training more weight. The prediction is the mean of the experts. Follows model/loss.py of
 * frank-xwang/RIDE-LongTailRecognition, which measures the divergence to the mean, a constant for the gradient, and
 * scales it by the squared mean temperature.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { defineField, type Field } from '../fields.ts';
import type { ExpertsHead } from '../networks/head.ts';
import { divergence, meanLogits, softmaxCrossEntropy, targets, weightedMean } from './losses.ts';
import { ldamLoss, ldamMargins, MAX_MARGIN_FIELD, SCALE_FIELD } from './ldam.ts';
import type {
  BoundMethod,
  LossContext,
  Method,
  MethodContext,
  MethodSettings,
  NamedOutput,
  Outputs,
  SettingProblem,
  Term,
} from './method.ts';
import {
  BETA_EFFECTIVE_FIELD,
  createReweighting,
  DEFERRED_FIELDS,
  effectiveNumberWeights,
  reweightingWarnings,
} from './reweighting.ts';

/** The network's side of a multi-expert method. */
export const EXPERT_FIELDS: readonly Field[] = [
  defineField('integer', {
    key: 'experts',
    label: 'Experts',
    group: 'method',
    min: 2,
    max: 12,
    default: 3,
    help: 'Copies of the last two stages with a classifier each; the stages before are shared.',
  }),
  defineField('boolean', {
    key: 'reduceDimension',
    label: 'Narrow experts',
    group: 'method',
    default: true,
    help: 'Give each expert three quarters of the channels.',
  }),
];

export const CLASSIFIER_FIELD = defineField('choice', {
  key: 'classifier',
  label: 'Classifier',
  group: 'method',
  choices: ['cosine', 'linear'],
  default: 'cosine',
  help: 'Logits of an expert: scaled cosines to class vectors, or a linear layer.',
});

/** The loss of RIDE, for every method that trains with it. */
export const RIDE_LOSS_FIELDS: readonly Field[] = [
  defineField('choice', {
    key: 'expertLoss',
    label: 'Loss of an expert',
    group: 'method',
    choices: ['ldam', 'cross-entropy'],
    default: 'ldam',
    help: 'With margins for rare classes, or without.',
  }),
  MAX_MARGIN_FIELD,
  SCALE_FIELD,
  defineField('boolean', {
    key: 'collaborative',
    label: 'Collaborative loss',
    group: 'method',
    default: false,
    help: "Every expert's loss is that of the mean logits. The reference does so without saying when the diversity factor is 0.",
  }),
  defineField('number', {
    key: 'baseLossFactor',
    label: 'Loss factor',
    group: 'method',
    min: 0,
    max: 100,
    default: 1,
    help: "Factor on the experts' own losses.",
  }),
  defineField('number', {
    key: 'diversityFactor',
    label: 'Diversity factor',
    group: 'method',
    min: -100,
    max: 100,
    default: -0.45,
    help: "Factor on each expert's divergence from the mean; below 0 it drives experts apart. RIDE: −0.45 on CIFAR, −0.2 on photographs.",
  }),
  defineField('number', {
    key: 'diversityTemperature',
    label: 'Diversity temperature',
    group: 'method',
    min: 0.01,
    max: 100,
    default: 1,
    help: 'Temperature of the divergence; once classes are weighted, lower for rare ones.',
  }),
  defineField('number', {
    key: 'reweightFactor',
    onlyWith: { key: 'deferReweighting', values: [true] },
    label: 'Temperature spread',
    group: 'method',
    min: 0,
    max: 0.99,
    default: 0.05,
    help: 'How much lower the temperature of rare classes is, once classes are weighted. RIDE: 0.05 on CIFAR, 0.02 on ImageNet-LT.',
  }),
  ...DEFERRED_FIELDS,
  BETA_EFFECTIVE_FIELD,
];

export interface RideLossSettings {
  expertLoss: 'ldam' | 'cross-entropy';
  maxMargin: number;
  scale: number;
  collaborative: boolean;
  baseLossFactor: number;
  diversityFactor: number;
  diversityTemperature: number;
  reweightFactor: number;
  betaEffective: number;
}

/** What the reference does without saying so. */
function collaborationWarnings(settings: MethodSettings): SettingProblem[] {
  const { diversityFactor, collaborative } = settings as unknown as RideLossSettings;
  if (diversityFactor !== 0 || collaborative) return [];
  return [
    {
      key: 'collaborative',
      message:
        'Without diversity the reference trains the mean of the experts, and this run trains each on its own. Set collaborative to do as the reference.',
    },
  ];
}

/** Names of the experts' outputs, in order. */
export function expertNames(settings: MethodSettings): string[] {
  return Array.from({ length: settings['experts'] as number }, (_, expert) => `expert-${expert}`);
}

/** The experts as they are shown: counted from 1. */
export function namedExperts(settings: MethodSettings): NamedOutput[] {
  return expertNames(settings).map((name, expert) => ({ name, label: `Expert ${expert + 1}` }));
}

/**
 * RIDE's class-wise temperature factors: C · share · factor + 1 − factor, over the largest of them. The commoner a
 * class, the higher.
 */
export function diversityWeights(classCounts: readonly number[], factor: number): number[] {
  const total = classCounts.reduce((sum, count) => sum + count, 0);
  const raw = classCounts.map((count) => ((classCounts.length * count) / total) * factor + 1 - factor);
  const largest = Math.max(...raw);
  return raw.map((value) => value / largest);
}

/** What the loss needs at one moment of the training. */
export interface RideLossOptions extends Pick<
  RideLossSettings,
  'scale' | 'collaborative' | 'baseLossFactor' | 'diversityFactor'
> {
  /** LDAM margins [classes], or null for plain cross-entropy. */
  margins: Tensor1D | null;
  /** Class weights [classes], or null before re-weighting. */
  classWeights: Tensor1D | null;
  /** One for all classes, or one a class [classes]. */
  temperature: number | Tensor1D;
  meanTemperature: number;
}

export interface RideLoss {
  total: Scalar;
  /** Of each expert, factors included; together they are the total. */
  base: Scalar[];
  diversity: Scalar[];
}

/** The sum over experts of their loss and diversity, nats. logits: of each expert [batch, classes]; labels [batch]. */
export function rideLoss(logits: Tensor2D[], labels: Tensor1D, options: RideLossOptions): RideLoss {
  const { margins, scale, classWeights, temperature, meanTemperature } = options;
  const mean = meanLogits(logits);
  const ownLoss = (given: Tensor2D): Scalar =>
    margins
      ? ldamLoss(given, labels, { margins, scale, classWeights })
      : weightedMean(softmaxCrossEntropy(given, targets(labels, given.shape[1])), labels, classWeights);
  const base = logits.map((each) =>
    tf.mul<Scalar>(ownLoss(options.collaborative ? mean : each), options.baseLossFactor),
  );
  const diversity = logits.map((each) =>
    tf.mul<Scalar>(divergence(mean, each, temperature), options.diversityFactor * meanTemperature ** 2),
  );
  return { total: tf.addN([...base, ...diversity]), base, diversity };
}

/** The loss of a run, with what follows from its class counts; the caller disposes it. */
export interface BoundRideLoss {
  loss(logits: Tensor2D[], labels: Tensor1D, context: LossContext): RideLoss;
  resolved: { reweightEpoch: number | null };
  dispose(): void;
}

export function bindRideLoss({ classCounts, epochs, settings }: MethodContext): BoundRideLoss {
  const given = settings as unknown as RideLossSettings;
  const margins = given.expertLoss === 'ldam' ? tf.tensor1d(ldamMargins(classCounts, given.maxMargin)) : null;
  const classWeights = tf.tensor1d(effectiveNumberWeights(classCounts, given.betaEffective));
  const spread = diversityWeights(classCounts, given.reweightFactor).map(
    (weight) => given.diversityTemperature * weight,
  );
  const temperature = tf.tensor1d(spread);
  const meanTemperature = spread.reduce((sum, value) => sum + value, 0) / spread.length;
  const reweighting = createReweighting(settings, epochs);
  return {
    loss(logits, labels, { epoch }) {
      const moment = reweighting.isActive(epoch)
        ? { classWeights, temperature, meanTemperature }
        : {
            classWeights: null,
            temperature: given.diversityTemperature,
            meanTemperature: given.diversityTemperature,
          };
      return rideLoss(logits, labels, { ...given, margins, ...moment });
    },
    resolved: reweighting.resolved,
    dispose: () => tf.dispose([margins ?? [], classWeights, temperature]),
  };
}

/** The sums of the two parts, then each expert's. */
export function rideTerms(settings: MethodSettings): Term[] {
  const ofExperts = (part: string, group: string): Term[] =>
    namedExperts(settings).map(({ name, label }) => ({
      name: `${part}-${name}`,
      label,
      unit: 'nats',
      group,
    }));
  return [
    { name: 'base', label: 'experts', unit: 'nats', group: 'Loss' },
    { name: 'diversity', label: 'diversity', unit: 'nats', group: 'Loss' },
    ...ofExperts('base', 'Loss, by expert'),
    ...ofExperts('diversity', 'Diversity, by expert'),
  ];
}

/** The values of `rideTerms`. */
export function rideTermValues(names: string[], { base, diversity }: RideLoss): Record<string, Scalar> {
  const ofExperts = (part: string, values: Scalar[]): [string, Scalar][] =>
    names.map((name, expert) => [`${part}-${name}`, values[expert]!]);
  return {
    base: tf.addN(base),
    diversity: tf.addN(diversity),
    ...Object.fromEntries([...ofExperts('base', base), ...ofExperts('diversity', diversity)]),
  };
}

/** Shown by every method with experts: how often all of them predict the same class. */
export const AGREEMENT_TERM: Term = {
  name: 'expert-agreement',
  label: 'all experts agree',
  unit: 'fraction',
  group: 'Agreement of experts',
};

/** 1 for each example [batch] on which all of the given logits [batch, classes] predict one class, else 0. */
export function agreement(logits: Tensor2D[]): Tensor1D {
  const [first, ...others] = logits.map((each) => tf.argMax<Tensor1D>(each, 1));
  return others.reduce<Tensor1D>(
    (all, each) => tf.mul(all, tf.cast(tf.equal(first!, each), 'float32')),
    tf.ones<tf.Rank.R1>([first!.shape[0]]),
  );
}

/** RIDE's networks without routers. */
export function rideHead(settings: MethodSettings): ExpertsHead {
  const { experts, reduceDimension, classifier, scale } = settings as unknown as ExpertsHead;
  return {
    kind: 'experts',
    experts,
    reduceDimension,
    classifier,
    scale,
    tau: null,
    branches: false,
    router: null,
  };
}

/** How a method predicts and is evaluated that has experts without branches. */
export function predictByMean(settings: MethodSettings): Pick<BoundMethod, 'fuse' | 'evaluate'> {
  const names = expertNames(settings);
  const of = (outputs: Outputs): Tensor2D[] => names.map((name) => outputs[name]!);
  return {
    fuse: (outputs) => meanLogits(of(outputs)),
    evaluate: (outputs) => ({ [AGREEMENT_TERM.name]: agreement(of(outputs)) }),
  };
}

export const ride: Method = {
  name: 'ride',
  label: 'RIDE',
  head: rideHead,
  outputs: namedExperts,
  fusedLabel: () => 'Mean of experts',
  terms: rideTerms,
  evaluationTerms: () => [AGREEMENT_TERM],
  fields: [...EXPERT_FIELDS, CLASSIFIER_FIELD, ...RIDE_LOSS_FIELDS],
  check: (settings) => ({ warnings: [...reweightingWarnings(settings), ...collaborationWarnings(settings)] }),
  bind(context) {
    const names = expertNames(context.settings);
    const bound = bindRideLoss(context);
    return {
      trainedOutputs: names,
      loss(outputs, labels, position) {
        const loss = bound.loss(
          names.map((name) => outputs[name]!),
          labels,
          position,
        );
        return { total: loss.total, terms: rideTermValues(names, loss) };
      },
      ...predictByMean(context.settings),
      resolved: bound.resolved,
      dispose: bound.dispose,
    };
  },
};
