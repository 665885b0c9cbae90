/** The pieces that the losses are made of: cross-entropy in its two published forms, its targets, means and divergence. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

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

/**
 * Mean of [batch] values, each weighted by the weight [classes] of its label: Σ w·v / Σ w, as PyTorch averages a
 * weighted cross-entropy. Without weights, the plain mean.
 */
export function weightedMean(values: Tensor1D, labels: Tensor1D, classWeights: Tensor1D | null): Scalar {
  if (!classWeights) return tf.mean(values);
  const weights = tf.gather(classWeights, labels);
  return tf.div(tf.sum(tf.mul(weights, values)), tf.sum(weights));
}

/**
 * Batch mean of KL(softmax(from / T) ‖ softmax(to / T)), nats; `from` and `to` [batch, classes], `from` passes no
 * gradient. `temperature` T is one number, or one a class [classes].
 */
export function divergence(from: Tensor2D, to: Tensor2D, temperature: number | Tensor1D): Scalar {
  const logTarget = tf.logSoftmax(tf.div<Tensor2D>(withoutGradient(from), temperature));
  const logOwn = tf.logSoftmax(tf.div<Tensor2D>(to, temperature));
  const perExample = tf.sum(tf.mul(tf.exp(logTarget), tf.sub(logTarget, logOwn)), 1);
  return tf.mean(perExample);
}

/** The tensor itself, a constant for the gradient. */
export function withoutGradient<T extends Tensor>(tensor: T): T {
  const constant = tf.customGrad((value) => ({
    value: (value as Tensor).clone(),
    gradFunc: (gradient) => tf.zerosLike(gradient),
  }));
  return constant(tensor) as T;
}

/** The mean of several logits of one shape. */
export function meanLogits(logits: Tensor2D[]): Tensor2D {
  return tf.div(tf.addN(logits), logits.length);
}
