/**
 * Focal loss (Lin et al., arxiv.org/abs/1708.02002) over softmax: well-classified examples count less. Follows
 * LDAM-DRW's losses.py: the mean divides by the batch size.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { softmaxCrossEntropy, targets } from './losses.ts';
import type { Method } from './method.ts';
import { bindLogits, LINEAR_CLASSIFIER } from './singleOutput.ts';

export const FOCAL_GAMMA_FIELD = defineField('number', {
  key: 'focalGamma',
  onlyWith: { key: 'baseLoss', values: ['focal'] },
  label: 'Focal gamma',
  group: 'method',
  min: 0,
  max: 10,
  default: 1,
  help: 'How much well-classified images are discounted by the focal loss; 0 is plain cross-entropy.',
});

/**
 * Batch mean of (1 − exp(−ce))^γ · ce, nats, with ce the cross-entropy of an example times the weight of its class:
 * the weight is inside the exponential. logits [batch, classes], labels [batch], weights [classes] or none.
 */
export function focalLoss(
  logits: Tensor2D,
  labels: Tensor1D,
  { gamma, classWeights }: { gamma: number; classWeights: Tensor1D | null },
): Scalar {
  const plain = softmaxCrossEntropy(logits, targets(labels, logits.shape[1]));
  const weighted = classWeights ? tf.mul<Tensor1D>(plain, tf.gather(classWeights, labels)) : plain;
  return tf.mean(discounted(weighted, gamma));
}

/** x ↦ (1 − e^−x)^γ · x. Its gradient is written out because tfjs' own is not a number at x = 0 for γ < 1. */
function discounted(losses: Tensor1D, gamma: number): Tensor1D {
  const apply = tf.customGrad((given, save) => {
    const x = tf.relu(given as Tensor1D);
    const missed = tf.sub(1, tf.exp(tf.neg(x)));
    const factor = tf.pow(missed, gamma);
    (save as (tensors: Tensor[]) => void)([x, missed, factor]);
    return {
      value: tf.mul(factor, x),
      gradFunc: (gradient: Tensor, saved: Tensor[]) => {
        const [own, part, power] = saved as [Tensor1D, Tensor1D, Tensor1D];
        // d = p^γ + γ p^(γ−1) e^−x x with p = 1 − e^−x; x / p goes to 1 where both vanish, and p^γ with them.
        const ratio = tf.div(own, tf.maximum(part, 1e-30));
        const slope = tf.mul(power, tf.add(1, tf.mul(gamma, tf.mul(tf.sub(1, part), ratio))));
        return tf.mul(gradient, slope);
      },
    };
  });
  return apply(losses) as Tensor1D;
}

export const focal: Method = {
  name: 'focal',
  label: 'Focal',
  ...LINEAR_CLASSIFIER,
  fields: [FOCAL_GAMMA_FIELD],
  bind({ settings }) {
    const gamma = settings[FOCAL_GAMMA_FIELD.key] as number;
    return bindLogits((logits, labels) => focalLoss(logits, labels, { gamma, classWeights: null }));
  },
};
