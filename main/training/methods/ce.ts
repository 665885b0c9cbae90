/** Plain cross-entropy on a linear classifier: the baseline without any re-balancing. */
import * as tf from '@tensorflow/tfjs-core';

import { softmaxCrossEntropy, targets } from './losses.ts';
import type { Method } from './method.ts';
import { bindLogits, LINEAR_CLASSIFIER } from './singleOutput.ts';

export const crossEntropy: Method = {
  name: 'ce',
  label: 'Cross-entropy',
  title: 'CE',
  ...LINEAR_CLASSIFIER,
  fields: [],
  bind: () =>
    bindLogits((logits, labels) => tf.mean(softmaxCrossEntropy(logits, targets(labels, logits.shape[1])))),
};
