/**
 * `Ops` composed from tfjs' own ops, for engines without fused training kernels. WebAssembly's forward convolution is
 * the only fast kernel it has for training, so both gradients of a convolution are written as convolutions too: by the
 * input 7 ms instead of 79 ms with its own kernel, by the filter, for which it has none, 14 ms instead of 97 ms as
 * matrix products (on a [32, 32, 32, 16] map, one thread). Paddings must be smaller than the kernel. WebAssembly has
 * no grouped convolution: each group is one of its own.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import {
  BATCH_NORM_EPSILON,
  BATCH_NORM_MOMENTUM,
  type BatchNormGradients,
  type BatchNormResult,
  SMALLEST_LENGTH,
  type BatchNormVectors,
  type ConvGeometry,
  type CosineGradients,
  type LinearGradients,
  type Ops,
  type PoolGeometry,
  type Shape4D,
} from '../training/ops.ts';

export class CompositeOps implements Ops {
  conv2d(input: Tensor4D, filter: Tensor4D, geometry: ConvGeometry): Tensor4D {
    const groups = input.shape[3] / filter.shape[2];
    if (groups > 1) return eachGroup(groups, [input, filter], (x, w) => this.conv2d(x!, w!, geometry));
    return tf.conv2d(input, filter, geometry.stride, geometry.padding);
  }

  /** The transpose of a convolution: the gradient, with zeros between its pixels, against the turned filter. */
  conv2dInputGradient(
    gradient: Tensor4D,
    filter: Tensor4D,
    [batch, height, width, channels]: Shape4D,
    geometry: ConvGeometry,
  ): Tensor4D {
    const groups = channels / filter.shape[2];
    if (groups > 1) {
      const ownShape: Shape4D = [batch, height, width, filter.shape[2]];
      return eachGroup(groups, [gradient, filter], (dy, w) =>
        this.conv2dInputGradient(dy!, w!, ownShape, geometry),
      );
    }
    const { stride, padding } = geometry;
    return tf.tidy(() => {
      const [kernelHeight, kernelWidth, , filters] = filter.shape;
      // Rows and columns that the stride left over at the end take part with zeros.
      const spaced: Shape4D = [
        batch,
        height + 2 * padding - kernelHeight + 1,
        width + 2 * padding - kernelWidth + 1,
        filters,
      ];
      const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
      return tf.conv2d(spread(gradient, spaced, stride), turned, 1, kernelHeight - 1 - padding);
    });
  }

  /** The input, its channels as examples, against the gradient as a dilated filter of its own size. */
  conv2dFilterGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    [kernelHeight, kernelWidth, channels, filters]: Shape4D,
    geometry: ConvGeometry,
  ): Tensor4D {
    const groups = input.shape[3] / channels;
    if (groups > 1) {
      const ownShape: Shape4D = [kernelHeight, kernelWidth, channels, filters / groups];
      return eachGroup(groups, [gradient, input], (dy, x) =>
        this.conv2dFilterGradient(dy!, x!, ownShape, geometry),
      );
    }
    const { stride, padding } = geometry;
    return tf.tidy(() => {
      const byChannel = tf.transpose(input, [3, 1, 2, 0]); // [channels, height, width, batch]
      const asFilter = tf.transpose(gradient, [1, 2, 0, 3]); // [rows, columns, batch, filters]
      const taps = tf.conv2d(byChannel, asFilter, 1, allSides(padding), 'NHWC', stride);
      // What the stride left over at the end gives taps beyond the kernel.
      const own = tf.slice4d(taps, [0, 0, 0, 0], [channels, kernelHeight, kernelWidth, filters]);
      return tf.transpose(own, [1, 2, 0, 3]);
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
      const half = (channels - input.shape[3]) / 2;
      return tf.pad4d(this.everyNth(input, stride), [
        [0, 0],
        [0, 0],
        [0, 0],
        [half, half],
      ]);
    });
  }

  /** Every `stride`-th row and column from the first on. */
  protected everyNth(input: Tensor4D, stride: number): Tensor4D {
    if (stride === 1) return input;
    return tf.stridedSlice(input, [0, 0, 0, 0], input.shape, [1, stride, stride, 1]) as Tensor4D;
  }

  padShortcutGradient(gradient: Tensor4D, inputShape: Shape4D, stride: number): Tensor4D {
    return tf.tidy(() => {
      const half = (gradient.shape[3] - inputShape[3]) / 2;
      return spread(tf.slice4d(gradient, [0, 0, 0, half], [-1, -1, -1, inputShape[3]]), inputShape, stride);
    });
  }

  maxPool(input: Tensor4D, { kernel, stride, padding }: PoolGeometry): Tensor4D {
    return tf.maxPool(input, kernel, stride, padding);
  }

  /** Tap by tap: where a window's largest value is this tap's, and no earlier one's. */
  maxPoolGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    output: Tensor4D,
    { kernel, stride, padding }: PoolGeometry,
  ): Tensor4D {
    return tf.tidy(() => {
      const [batch, height, width, channels] = input.shape;
      const [, rows, columns] = output.shape;
      const padded = tf.pad4d(input, allSides(padding), -Infinity);
      let open: Tensor4D = tf.onesLike(output);
      const parts: Tensor4D[] = [];
      for (let row = 0; row < kernel; row++)
        for (let column = 0; column < kernel; column++) {
          const [rowSpan, columnSpan] = [(rows - 1) * stride + 1, (columns - 1) * stride + 1];
          const tap = this.everyNth(
            tf.slice4d(padded, [0, row, column, 0], [batch, rowSpan, columnSpan, channels]),
            stride,
          );
          const hit = tf.mul(tf.cast(tf.equal(tap, output), 'float32'), open);
          open = tf.sub(open, hit);
          const [below, right] = [height + 2 * padding - row, width + 2 * padding - column];
          const own = spread(tf.mul(gradient, hit), [batch, rowSpan, columnSpan, channels], stride);
          parts.push(
            tf.pad4d(own, [
              [0, 0],
              [row, below - rowSpan],
              [column, right - columnSpan],
              [0, 0],
            ]),
          );
        }
      return tf.slice4d(tf.addN(parts), [0, padding, padding, 0], input.shape);
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

  tauLinear(input: Tensor2D, weight: Tensor2D, tau: number): Tensor2D {
    return tf.tidy(() => {
      const lengths = tf.norm(weight, 2, 1, true);
      return tf.matMul(input, tf.div<Tensor2D>(weight, tf.pow(lengths, tau)), false, true);
    });
  }

  cosineLinear(input: Tensor2D, weight: Tensor2D, scale: number): Tensor2D {
    return tf.tidy(() => tf.mul(tf.matMul(unit(input, 1).values, unit(weight, 0).values), scale));
  }

  cosineLinearGradient(
    gradient: Tensor2D,
    input: Tensor2D,
    weight: Tensor2D,
    scale: number,
  ): CosineGradients {
    return tf.tidy(() => {
      const [rows, columns] = [unit(input, 1), unit(weight, 0)];
      const scaled = tf.mul<Tensor2D>(gradient, scale);
      return {
        input: unitGradient(tf.matMul(scaled, columns.values, false, true), rows, 1),
        weight: unitGradient(tf.matMul(rows.values, scaled, true, false), columns, 0),
      };
    });
  }

  unitRows(input: Tensor2D): Tensor2D {
    return tf.tidy(() => unit(input, 1).values);
  }

  topValues(input: Tensor2D, count: number): Tensor2D {
    const { values, indices } = tf.topk(input, count, true);
    indices.dispose();
    return values;
  }
}

interface Unit {
  values: Tensor2D;
  lengths: Tensor2D;
}

/** Vectors along an axis divided by their lengths. */
function unit(vectors: Tensor2D, axis: 0 | 1): Unit {
  const lengths = tf.maximum<Tensor2D>(tf.norm(vectors, 2, axis, true), SMALLEST_LENGTH);
  return { values: tf.div(vectors, lengths), lengths };
}

/** The gradient by the vectors, of one by their unit vectors: its part along the vector is lost. */
function unitGradient(gradient: Tensor2D, { values, lengths }: Unit, axis: 0 | 1): Tensor2D {
  const along = tf.sum(tf.mul(gradient, values), axis, true);
  return tf.div(tf.sub(gradient, tf.mul(values, along)), lengths);
}

/** Cuts each tensor into groups by its last axis, runs group by group, and joins the results by their last axis. */
function eachGroup(groups: number, tensors: Tensor4D[], run: (...own: Tensor4D[]) => Tensor4D): Tensor4D {
  return tf.tidy(() => {
    const cut = tensors.map((tensor) => tf.split<Tensor4D>(tensor, groups, 3));
    return tf.concat4d(
      Array.from({ length: groups }, (_, group) => run(...cut.map((own) => own[group]!))),
      3,
    );
  });
}

type Pair = [number, number];

/** As a number, tfjs would take the filter for a square one and allot a wrong output. */
function allSides(padding: number): [Pair, Pair, Pair, Pair] {
  return [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
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
