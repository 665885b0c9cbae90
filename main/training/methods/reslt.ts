/**
 * ResLT (Cui et al.): three branches over one map. Branch h learns every class, m the medium and rare ones, t the
 * rare ones, each through its own loss on the examples of its scope; a small second term trains their sum. The
 * individual terms share one denominator, the number of all masked examples, so a branch with few examples in a
 * batch weighs little, and one with none is left out.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';

import { defineField, type Field } from '../fields.ts';
import { BRANCHES } from '../networks/head.ts';
import { NETWORKS } from '../networks/index.ts';
import { scopeFrom } from '../scopes.ts';
import { cappedCrossEntropy, softmaxCrossEntropy, targets } from './losses.ts';
import type { Method, MethodSettings, Outputs, SettingProblem, Term } from './method.ts';

/** Default scopes as shares of the number of classes: CIFAR-100's 35 and 70 of 100. */
const MEDIUM_FROM_SHARE = 0.35;
const TAIL_FROM_SHARE = 0.7;

/** The exponent of the large networks' classifier at inference, where none is set: that of the ResNeXt scripts. */
const DEFAULT_GAMMA = 0.7;

export interface ResltLossOptions {
  /** For each branch that takes part, which classes [classes] it sees, as 0 and 1. */
  scopes: Record<string, Tensor1D>;
  /** Share of the individual terms, in [0, 1]; the paper's alpha. */
  beta: number;
  /** Whether the fusion term is exact cross-entropy (CIFAR, iNaturalist) or has 1e-7 in the logarithm (ImageNet-LT). */
  fusionTerm?: 'exact' | 'capped';
  /** In [0, 1). */
  labelSmoothing?: number;
}

export interface ResltLoss {
  total: Scalar;
  /** The reference's I: masked individual terms over the joint count. */
  individual: Scalar;
  /** The reference's F. */
  fusion: Scalar;
  /** Sum over the masked examples, and their number, of each branch, in the order of the scopes. */
  sums: Tensor1D;
  counts: Tensor1D;
}

/** The loss: beta · individual + (1 − beta) · fusion. labels [batch] int32; all results are nats. */
export function resltLoss(outputs: Outputs, labels: Tensor1D, options: ResltLossOptions): ResltLoss {
  const { scopes, beta, fusionTerm = 'exact', labelSmoothing = 0 } = options;
  const names = Object.keys(scopes);
  const logits = names.map((name) => outputs[name]!);
  const target = targets(labels, logits[0]!.shape[1], labelSmoothing);

  // The branches are stacked on the batch axis: a third of the ops.
  const stacked = cappedCrossEntropy(tf.concat2d(logits, 0), tf.tile(target, [names.length, 1]));
  const perExample = tf.reshape(stacked, [names.length, labels.size]); // [branches, batch]
  const masks = tf.stack(names.map((name) => tf.gather(scopes[name]!, labels))); // [branches, batch]
  const sums = tf.sum<Tensor1D>(tf.mul(masks, perExample), 1);
  const counts = tf.sum<Tensor1D>(masks, 1);
  // Without branch h a batch may have no example in any scope.
  const individual = tf.div<Scalar>(tf.sum(sums), tf.maximum(tf.sum(counts), 1));

  const fused = tf.addN(logits);
  const fusion = tf.mean<Scalar>(
    fusionTerm === 'exact' ? softmaxCrossEntropy(fused, target) : cappedCrossEntropy(fused, target),
  );
  const total = tf.add<Scalar>(tf.mul(individual, beta), tf.mul(fusion, 1 - beta));
  return { total, individual, fusion, sums, counts };
}

/** A run's values of `RESLT_FIELDS`. */
export interface ResltSettings {
  beta: number;
  mediumFrom: number | null;
  tailFrom: number | null;
  fusion: string;
  fusionTerm: 'exact' | 'capped';
  labelSmoothing: number;
  gamma: number | null;
  normaliseClassifier: boolean;
  poolFirstAtInference: boolean;
}

/** What only the head of networks for photographs has. */
const LARGE_NETWORKS = {
  key: 'network',
  values: NETWORKS.filter(({ imageKind }) => imageKind === 'large').map(({ name }) => name),
};

/** The settings of ResLT's loss and prediction, which every method on its head has. */
export const RESLT_FIELDS: readonly Field[] = [
  defineField('number', {
    key: 'beta',
    label: 'Beta',
    group: 'method',
    min: 0,
    max: 1,
    default: 0.995,
    help: 'Share of the branch losses; the rest goes to the loss of the fused output. The paper calls it alpha.',
  }),
  defineField('integer', {
    key: 'mediumFrom',
    label: 'Medium branch from rank',
    group: 'method',
    unit: 'rank',
    min: 0,
    nullable: true,
    default: null,
    help: 'First class, ranked by descending number of training images, that branch m learns. Empty: 0.35 of the classes, rounded.',
  }),
  defineField('integer', {
    key: 'tailFrom',
    label: 'Tail branch from rank',
    group: 'method',
    unit: 'rank',
    min: 0,
    nullable: true,
    default: null,
    help: 'First class, ranked by descending number of training images, that branch t learns. Empty: 0.70 of the classes, rounded.',
  }),
  defineField('choice', {
    key: 'fusion',
    label: 'Fusion',
    group: 'method',
    choices: ['h+m+t', 'h+m', 'h+t', 'm+t', 'h', 'm', 't'],
    default: 'h+m+t',
    help: 'Branches whose logits are added for the prediction. The others are switched off: they take part in nothing.',
  }),
  defineField('choice', {
    key: 'fusionTerm',
    label: 'Fusion term',
    group: 'method',
    choices: ['exact', 'capped'],
    default: 'exact',
    help: 'Cross-entropy of the fused output: exact, or with 1e-7 in the logarithm as the ImageNet-LT program has it.',
  }),
  defineField('number', {
    key: 'labelSmoothing',
    label: 'Label smoothing',
    group: 'method',
    min: 0,
    max: 0.99,
    default: 0,
    help: 'Share of each target that is spread over the other classes.',
  }),
  defineField('number', {
    key: 'gamma',
    label: 'Gamma',
    group: 'method',
    min: 0,
    max: 5,
    nullable: true,
    default: null,
    help: "When predicting, the classifier's rows are divided by their norm to this power, without bias. Empty: 0.7 in networks for photographs; ResNet-32 keeps its classifier.",
  }),
  defineField('boolean', {
    key: 'normaliseClassifier',
    onlyWith: LARGE_NETWORKS,
    label: 'Normalise the classifier',
    group: 'method',
    default: true,
    help: 'When predicting, normalise the classifier by gamma and leave its bias out, as the reference does; otherwise use it as it was trained.',
  }),
  defineField('boolean', {
    key: 'poolFirstAtInference',
    onlyWith: LARGE_NETWORKS,
    label: 'Pool first when predicting',
    group: 'method',
    default: true,
    help: 'When predicting, pool the map before the fusion block, as the reference does; otherwise the block stands where it was trained.',
  }),
];

/** The ranks where the scopes of branches m and t begin: as set, else the default shares of the classes. */
export function resolveScopeRanks(
  settings: MethodSettings,
  classes: number,
): { mediumFrom: number; tailFrom: number } {
  const { mediumFrom, tailFrom } = settings as unknown as ResltSettings;
  return {
    mediumFrom: mediumFrom ?? Math.round(MEDIUM_FROM_SHARE * classes),
    tailFrom: tailFrom ?? Math.round(TAIL_FROM_SHARE * classes),
  };
}

/** The branches that take part, in order. */
export function usedBranches(settings: MethodSettings): string[] {
  const used = (settings as unknown as ResltSettings).fusion.split('+');
  return BRANCHES.filter((name) => used.includes(name));
}

/** The classes of every branch's scope. Throws RangeError for ranks beyond the classes. */
export function resolveScopes(settings: MethodSettings, classCounts: number[]): Record<string, number[]> {
  const { mediumFrom, tailFrom } = resolveScopeRanks(settings, classCounts.length);
  return {
    h: scopeFrom(classCounts, 0),
    m: scopeFrom(classCounts, mediumFrom),
    t: scopeFrom(classCounts, tailFrom),
  };
}

/** The scopes of the used branches as masks [classes]; the caller disposes them. */
export function scopeMasks(settings: MethodSettings, classCounts: number[]): Record<string, Tensor1D> {
  const scopes = resolveScopes(settings, classCounts);
  return Object.fromEntries(
    usedBranches(settings).map((name) => {
      const mask = new Float32Array(classCounts.length);
      for (const index of scopes[name]!) mask[index] = 1;
      return [name, tf.tensor1d(mask)];
    }),
  );
}

/** The power of the row norms by which the classifier is divided at inference; null leaves it as it was trained. */
export function inferenceTau(settings: MethodSettings): number | null {
  const { gamma, normaliseClassifier } = settings as unknown as ResltSettings;
  const isLarge = LARGE_NETWORKS.values.includes(settings['network'] as string);
  if (isLarge) return normaliseClassifier ? (gamma ?? DEFAULT_GAMMA) : null;
  return gamma;
}

/** What the two terms of the loss are called. */
export const RESLT_TERMS: readonly Term[] = [
  { name: 'branch', label: 'branch I', unit: 'nats', group: 'Loss' },
  { name: 'fusion', label: 'fusion F', unit: 'nats', group: 'Loss' },
];

/** Ranges that contradict each other. */
export function checkScopes(settings: MethodSettings): SettingProblem[] {
  const { mediumFrom, tailFrom } = settings as unknown as ResltSettings;
  if (mediumFrom === null || tailFrom === null || tailFrom >= mediumFrom) return [];
  return [
    {
      key: 'tailFrom',
      message: `tailFrom (${tailFrom}) must not be below mediumFrom (${mediumFrom}): the tail is part of the medium scope.`,
    },
  ];
}

const FUSION_BLOCK_FIELD = defineField('boolean', {
  key: 'fusionBlockBeforePooling',
  onlyWith: LARGE_NETWORKS,
  label: 'Fusion block before pooling',
  group: 'method',
  default: true,
  help: 'In training, whether the fusion block of networks for photographs works on the map or on its mean.',
});

export const reslt: Method = {
  name: 'reslt',
  label: 'ResLT',
  head: (settings) => ({
    kind: 'branches',
    fusionBlockBeforePooling: settings[FUSION_BLOCK_FIELD.key] as boolean,
    poolFirstAtInference: (settings as unknown as ResltSettings).poolFirstAtInference,
    tau: inferenceTau(settings),
  }),
  outputs: (settings) => usedBranches(settings).map((name) => ({ name, label: name.toUpperCase() })),
  fusedLabel: (settings) => usedBranches(settings).join('+').toUpperCase(),
  terms: (settings) => [
    ...RESLT_TERMS,
    ...usedBranches(settings).map((name): Term => ({
      name: `branch-${name}`,
      label: name.toUpperCase(),
      unit: 'nats',
      group: 'Branch loss, by branch',
    })),
  ],
  fields: [...RESLT_FIELDS, FUSION_BLOCK_FIELD],
  check: (settings) => ({ problems: checkScopes(settings) }),
  bind({ classCounts, settings }) {
    const used = usedBranches(settings);
    const scopes = scopeMasks(settings, classCounts);
    const { beta, fusionTerm, labelSmoothing } = settings as unknown as ResltSettings;
    return {
      trainedOutputs: used,
      loss(outputs, labels) {
        const loss = resltLoss(outputs, labels, { scopes, beta, fusionTerm, labelSmoothing });
        // Each branch's part of the individual term: none when the batch has no example for it.
        const parts = tf.unstack(tf.div(loss.sums, tf.maximum(tf.sum(loss.counts), 1))) as Scalar[];
        return {
          total: loss.total,
          terms: {
            branch: loss.individual,
            fusion: loss.fusion,
            ...Object.fromEntries(used.map((name, index) => [`branch-${name}`, parts[index]!])),
          },
        };
      },
      fuse: (outputs) => tf.addN(used.map((name) => outputs[name]!)),
      resolved: {
        ...resolveScopeRanks(settings, classCounts.length),
        scopes: resolveScopes(settings, classCounts),
      },
      dispose: () => Object.values(scopes).forEach((scope) => scope.dispose()),
    };
  },
};
