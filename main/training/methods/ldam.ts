/**
 * LDAM (Cao et al., arxiv.org/abs/1906.07413): the logit of the true class is lowered by a margin that is larger for
 * rare classes, on a cosine classifier. With deferred re-weighting it is LDAM-DRW. Follows losses.py of
 * kaidic/LDAM-DRW: the scale multiplies the cosines with their margins.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { softmaxCrossEntropy, targets, weightedMean } from './losses.ts';
import type { Method } from './method.ts';
import {
  BETA_EFFECTIVE_FIELD,
  createReweighting,
  DEFERRED_FIELDS,
  effectiveNumberWeights,
  reweightingWarnings,
} from './reweighting.ts';
import { bindLogits } from './singleOutput.ts';

export const MAX_MARGIN_FIELD = defineField('number', {
  key: 'maxMargin',
  onlyWith: { key: 'expertLoss', values: ['ldam'] },
  label: 'Largest margin',
  group: 'method',
  min: 0,
  max: 2,
  default: 0.5,
  help: 'LDAM margin of the rarest class, in cosines; others have less, by the fourth root of their count.',
});

export const SCALE_FIELD = defineField('number', {
  key: 'scale',
  label: 'Scale',
  group: 'method',
  min: 0.1,
  max: 1000,
  default: 30,
  help: 'Factor on cosines and margins: logits reach from −scale to +scale.',
});

/** maxMargin · (n_min / n)^¼ for each class. A class without training examples is never a label: it has the largest. */
export function ldamMargins(classCounts: readonly number[], maxMargin: number): number[] {
  const least = Math.min(...classCounts.filter((count) => count > 0));
  return classCounts.map((count) => maxMargin * (count === 0 ? 1 : (least / count) ** 0.25));
}

export interface LdamOptions {
  /** By class [classes], in cosines. */
  margins: Tensor1D;
  /** What the logits carry already, and the margins do not. */
  scale: number;
  /** [classes]; null weighs all alike. */
  classWeights: Tensor1D | null;
}

/** Weighted mean cross-entropy of logits [batch, classes] with scale · margin taken off at the label; nats. */
export function ldamLoss(logits: Tensor2D, labels: Tensor1D, options: LdamOptions): Scalar {
  const target = targets(labels, logits.shape[1]);
  const shifted = tf.sub<Tensor2D>(logits, tf.mul(target, tf.mul(options.margins, options.scale)));
  return weightedMean(softmaxCrossEntropy(shifted, target), labels, options.classWeights);
}

export const ldam: Method = {
  name: 'ldam',
  label: 'LDAM',
  head: (settings) => ({ kind: 'cosine', scale: settings[SCALE_FIELD.key] as number }),
  outputs: () => [],
  fusedLabel: () => 'Output',
  terms: () => [],
  fields: [MAX_MARGIN_FIELD, SCALE_FIELD, ...DEFERRED_FIELDS, BETA_EFFECTIVE_FIELD],
  check: (settings) => ({ warnings: reweightingWarnings(settings) }),
  bind({ classCounts, epochs, settings }) {
    const { maxMargin, scale, betaEffective } = settings as unknown as {
      maxMargin: number;
      scale: number;
      betaEffective: number;
    };
    const margins = tf.tensor1d(ldamMargins(classCounts, maxMargin));
    const weights = tf.tensor1d(effectiveNumberWeights(classCounts, betaEffective));
    const reweighting = createReweighting(settings, epochs);
    const bound = bindLogits(
      (logits, labels, { epoch }) =>
        ldamLoss(logits, labels, {
          margins,
          scale,
          classWeights: reweighting.isActive(epoch) ? weights : null,
        }),
      [margins, weights],
    );
    return { ...bound, resolved: reweighting.resolved };
  },
};
