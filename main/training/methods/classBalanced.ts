/**
 * Class-balanced loss (Cui et al., arxiv.org/abs/1901.05555): cross-entropy or focal loss with each class weighted by
 * the inverse of its effective number of examples. Follows LDAM-DRW's code: a weighted cross-entropy divides by the
 * sum of weights, the focal loss by the batch size.
 */
import * as tf from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { FOCAL_GAMMA_FIELD, focalLoss } from './focal.ts';
import { softmaxCrossEntropy, targets, weightedMean } from './losses.ts';
import type { Method } from './method.ts';
import { BETA_EFFECTIVE_FIELD, effectiveNumberWeights } from './reweighting.ts';
import { bindLogits, LINEAR_CLASSIFIER } from './singleOutput.ts';

export const classBalanced: Method = {
  name: 'class-balanced',
  label: 'Class-balanced',
  ...LINEAR_CLASSIFIER,
  fields: [
    defineField('choice', {
      key: 'baseLoss',
      label: 'Base loss',
      group: 'method',
      choices: ['cross-entropy', 'focal'],
      default: 'cross-entropy',
      help: 'The loss that is weighted by class.',
    }),
    FOCAL_GAMMA_FIELD,
    BETA_EFFECTIVE_FIELD,
  ],
  bind({ classCounts, settings }) {
    const { baseLoss, focalGamma, betaEffective } = settings as unknown as {
      baseLoss: 'cross-entropy' | 'focal';
      focalGamma: number;
      betaEffective: number;
    };
    const classWeights = tf.tensor1d(effectiveNumberWeights(classCounts, betaEffective));
    return bindLogits(
      (logits, labels) =>
        baseLoss === 'focal'
          ? focalLoss(logits, labels, { gamma: focalGamma, classWeights })
          : weightedMean(softmaxCrossEntropy(logits, targets(labels, logits.shape[1])), labels, classWeights),
      [classWeights],
    );
  },
};
