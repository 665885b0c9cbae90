/** Cross-entropy in the two forms that the published programs mix, and its label-smoothed targets. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Added to a probability inside the logarithm by the reference; it caps a term at −ln(1e-7) = 16.118. */
export const PROBABILITY_EPSILON = 1e-7;

/**
 * Target distributions [batch, classes]. With smoothing δ the label keeps 1 − δ and each other class gets
 * δ / (classes − 1).
 */
export function targets(labels: Tensor1D, classes: number, smoothing = 0): Tensor2D {
  const oneHot = tf.cast(tf.oneHot(labels, classes), 'float32') as Tensor2D;
  if (smoothing === 0) return oneHot;
  const rest = smoothing / (classes - 1);
  return tf.add(tf.mul(oneHot, 1 - smoothing - rest), rest);
}

/** Per-example cross-entropy from logits by log-softmax: [batch, classes] and targets of that shape → [batch], nats. */
export function softmaxCrossEntropy(logits: Tensor2D, target: Tensor2D): Tensor1D {
  return tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits)), 1));
}

/** Per-example −Σ target · log(softmax + 1e-7): [batch, classes] and targets of that shape → [batch], nats. */
export function cappedCrossEntropy(logits: Tensor2D, target: Tensor2D): Tensor1D {
  const logProbabilities = tf.log(tf.add(tf.softmax(logits), PROBABILITY_EPSILON));
  return tf.neg(tf.sum(tf.mul(target, logProbabilities), 1));
}
