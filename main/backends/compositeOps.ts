/**
 * `Ops` composed from tfjs' own ops, for engines without fused training kernels. tfjs' WebAssembly backend lacks the
 * gradient of a convolution by its filter; here it is one matrix product for each filter tap, which is also much
 * faster than the plain JavaScript kernel (27x on a [16, 32, 32, 16] map). WebAssembly has no grouped convolution.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import {
  BATCH_NORM_EPSILON,
  BATCH_NORM_MOMENTUM,
  type BatchNormGradients,
  type BatchNormResult,
  type BatchNormVectors,
  type ConvGeometry,
  type LinearGradients,
  type Ops,
  type Shape4D,
} from '../training/ops.ts';

export class CompositeOps implements Ops {
  conv2d(input: Tensor4D, filter: Tensor4D, { stride, padding }: ConvGeometry): Tensor4D {
    return tf.conv2d(input, filter, stride, padding);
  }

  conv2dInputGradient(
    gradient: Tensor4D,
    filter: Tensor4D,
    inputShape: Shape4D,
    { stride, padding }: ConvGeometry,
  ): Tensor4D {
    return tf.conv2dTranspose(gradient, filter, inputShape, stride, padding) as Tensor4D;
  }

  conv2dFilterGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    filterShape: Shape4D,
    { stride, padding }: ConvGeometry,
  ): Tensor4D {
    return tf.tidy(() => {
      const [kernelHeight, kernelWidth, channels, filters] = filterShape;
      const [batch, rows, columns] = gradient.shape;
      const padded = pad(input, padding);
      const outer = tf.reshape(gradient, [batch * rows * columns, filters]);
      const taps: Tensor2D[] = [];
      for (let y = 0; y < kernelHeight; y++)
        for (let x = 0; x < kernelWidth; x++) {
          const seen = everyNth(padded, [y, x], [rows, columns], stride);
          const inner = tf.reshape(seen, [batch * rows * columns, channels]);
          taps.push(tf.matMul(inner as Tensor2D, outer as Tensor2D, true, false)); // [channels, filters]
        }
      return tf.reshape(tf.concat2d(taps, 0), filterShape);
    });
  }

  batchNormTraining(input: Tensor4D, vectors: BatchNormVectors): BatchNormResult {
    return tf.tidy(() => {
      const count = input.size / input.shape[3];
      const mean = channelSum(input, 1 / count);
      const variance = channelSum(tf.square(tf.sub(input, mean)), 1 / count);
      const unbiased = tf.mul(variance, count / Math.max(1, count - 1));
      return {
        output: normalise(input, { ...vectors, mean, variance }),
        mean: moveTowards(vectors.mean, mean),
        variance: moveTowards(vectors.variance, unbiased as Tensor1D),
        saved: [mean, variance],
      };
    });
  }

  batchNormTrainingGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    scale: Tensor1D,
    saved: Tensor1D[],
  ): BatchNormGradients {
    return tf.tidy(() => {
      const [mean, variance] = saved as [Tensor1D, Tensor1D];
      const count = input.size / input.shape[3];
      const inverse = tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON));
      const normalised = tf.mul<Tensor4D>(tf.sub(input, mean), inverse);
      const offsetGradient = channelSum(gradient);
      const scaleGradient = channelSum(tf.mul(gradient, normalised));
      // What the batch's mean and variance take away from the plain gradient.
      const shared = tf.add(tf.div(offsetGradient, count), tf.mul(normalised, tf.div(scaleGradient, count)));
      const inputGradient = tf.mul<Tensor4D>(tf.sub(gradient, shared), tf.mul(scale, inverse));
      return { input: inputGradient, scale: scaleGradient, offset: offsetGradient };
    });
  }

  batchNormInference(input: Tensor4D, vectors: BatchNormVectors): Tensor4D {
    return normalise(input, vectors);
  }

  batchNormInferenceGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    { scale, mean, variance }: BatchNormVectors,
  ): BatchNormGradients {
    return tf.tidy(() => {
      const inverse = tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON));
      const normalised = tf.mul(tf.sub(input, mean), inverse);
      return {
        input: tf.mul<Tensor4D>(gradient, tf.mul(scale, inverse)),
        scale: channelSum(tf.mul(gradient, normalised)),
        offset: channelSum(gradient),
      };
    });
  }

  relu(input: Tensor4D): Tensor4D {
    return tf.relu(input);
  }

  reluGradient(gradient: Tensor4D, output: Tensor4D): Tensor4D {
    return tf.tidy(() => tf.mul(gradient, tf.step(output)));
  }

  add(a: Tensor4D, b: Tensor4D): Tensor4D {
    return tf.add(a, b);
  }

  padShortcut(input: Tensor4D, channels: number, stride: number): Tensor4D {
    return tf.tidy(() => {
      const [, height, width, before] = input.shape;
      const half = (channels - before) / 2;
      const size: [number, number] = [Math.ceil(height / stride), Math.ceil(width / stride)];
      return tf.pad4d(everyNth(input, [0, 0], size, stride), [
        [0, 0],
        [0, 0],
        [0, 0],
        [half, half],
      ]);
    });
  }

  padShortcutGradient(gradient: Tensor4D, inputShape: Shape4D, stride: number): Tensor4D {
    return tf.tidy(() => {
      const half = (gradient.shape[3] - inputShape[3]) / 2;
      return spread(tf.slice4d(gradient, [0, 0, 0, half], [-1, -1, -1, inputShape[3]]), inputShape, stride);
    });
  }

  globalAveragePool(input: Tensor4D): Tensor2D {
    return tf.mean(input, [1, 2]);
  }

  globalAveragePoolGradient(gradient: Tensor2D, inputShape: Shape4D): Tensor4D {
    const [batch, height, width, channels] = inputShape;
    return tf.tidy(() => {
      const share = tf.reshape(tf.mul(gradient, 1 / (height * width)), [batch, 1, 1, channels]);
      return tf.tile(share, [1, height, width, 1]) as Tensor4D;
    });
  }

  linear(input: Tensor2D, weight: Tensor2D, bias: Tensor1D): Tensor2D {
    return tf.tidy(() => tf.add(tf.matMul(input, weight, false, true), bias));
  }

  linearGradient(gradient: Tensor2D, input: Tensor2D, weight: Tensor2D): LinearGradients {
    return {
      input: tf.matMul(gradient, weight),
      weight: tf.matMul(gradient, input, true, false),
      bias: tf.sum(gradient, 0),
    };
  }
}

/** The mean is taken off first: tfjs' own kernel folds it into the offset, which loses digits. */
function normalise(input: Tensor4D, { scale, offset, mean, variance }: BatchNormVectors): Tensor4D {
  return tf.tidy(() => {
    const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON)));
    return tf.add<Tensor4D>(tf.mul(tf.sub(input, mean), factor), offset);
  });
}

function moveTowards(running: Tensor1D, batch: Tensor1D): Tensor1D {
  return tf.add(tf.mul(running, 1 - BATCH_NORM_MOMENTUM), tf.mul(batch, BATCH_NORM_MOMENTUM));
}

/**
 * Sum over batch, rows and columns, times a factor: [B, H, W, C] → [C]. As matrix products, which engines do well;
 * image by image first, because one long float32 sum loses digits.
 */
function channelSum(input: Tensor4D, factor = 1): Tensor1D {
  const [batch, height, width, channels] = input.shape;
  const pixels = tf.reshape(input, [batch, height * width, channels]);
  const perImage = tf.reshape(tf.matMul(tf.ones([batch, 1, height * width]), pixels), [batch, channels]);
  return tf.reshape(tf.matMul(tf.fill([1, batch], factor), perImage as Tensor2D), [channels]);
}

/** Zeros on all four sides. */
function pad(input: Tensor4D, padding: number): Tensor4D {
  if (padding === 0) return input;
  return tf.pad4d(input, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
}

/** `size` pixels from `start` on, `stride` apart. */
function everyNth(
  input: Tensor4D,
  start: [number, number],
  size: [number, number],
  stride: number,
): Tensor4D {
  const [batch, , , channels] = input.shape;
  if (stride === 1) return tf.slice4d(input, [0, ...start, 0], [batch, ...size, channels]);
  const end = [start[0] + (size[0] - 1) * stride + 1, start[1] + (size[1] - 1) * stride + 1];
  return tf.stridedSlice(
    input,
    [0, ...start, 0],
    [batch, ...end, channels],
    [1, stride, stride, 1],
  ) as Tensor4D;
}

/** The transpose of taking every `stride`-th pixel from the first on: zeros between, cut to [height, width]. */
function spread(picked: Tensor4D, inputShape: Shape4D, stride: number): Tensor4D {
  if (stride === 1) return picked;
  const [batch, rows, columns, channels] = picked.shape;
  const behind: [number, number][] = [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ];
  const wide = tf.pad(tf.reshape(picked, [batch * rows * columns, 1, channels]), behind);
  const high = tf.pad(tf.reshape(wide, [batch * rows, 1, columns * stride * channels]), behind);
  const full = tf.reshape(high, [batch, rows * stride, columns * stride, channels]) as Tensor4D;
  return tf.slice4d(full, [0, 0, 0, 0], inputShape);
}
