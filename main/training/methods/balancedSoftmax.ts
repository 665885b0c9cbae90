/**
 * Balanced Softmax (Ren et al., arxiv.org/abs/2007.10740): cross-entropy of logits that carry the logarithm of each
 * class' training count, so that the bare logits predict for balanced classes.
 */
import * as tf from '@tensorflow/tfjs-core';

import { softmaxCrossEntropy, targets } from './losses.ts';
import { logPriors } from './logitAdjustment.ts';
import type { Method } from './method.ts';
import { bindLogits, LINEAR_CLASSIFIER } from './singleOutput.ts';

export const balancedSoftmax: Method = {
  name: 'balanced-softmax',
  label: 'Balanced Softmax',
  ...LINEAR_CLASSIFIER,
  fields: [],
  bind({ classCounts }) {
    // Log shares instead of log counts: they differ by one constant, which softmax drops.
    const shift = tf.tensor1d(logPriors(classCounts));
    return bindLogits(
      (logits, labels) =>
        tf.mean(softmaxCrossEntropy(tf.add(logits, shift), targets(labels, logits.shape[1]))),
      [shift],
    );
  },
};
