/** Plain cross-entropy on a linear classifier: the baseline without any re-balancing. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';

import { softmaxCrossEntropy, targets } from './losses.ts';
import type { Method } from './method.ts';

export const crossEntropy: Method = {
  name: 'ce',
  label: 'Cross-entropy',
  head: () => ({ kind: 'linear', evalTau: null }),
  outputs: () => [],
  fusedLabel: () => 'Output',
  terms: () => [],
  fields: [],
  bind: () => ({
    trainedOutputs: ['logits'],
    loss({ logits }, labels) {
      const perExample = softmaxCrossEntropy(logits!, targets(labels, logits!.shape[1]));
      return { total: tf.mean(perExample) as Scalar, terms: {} };
    },
    fuse: ({ logits }) => logits!.clone(),
    resolved: {},
    dispose: () => {},
  }),
};
