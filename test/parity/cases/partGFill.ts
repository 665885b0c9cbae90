/**
 * The deterministic tensors of the specification's own vectors (part G): a polynomial rule over the place of a tensor in
 * the state dict and of an element in the tensor, in PyTorch's layout.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';

import type { NetworkState } from '../../../main/training/networks/execute.ts';
import type { Network, TensorSpec } from '../../../main/training/networks/graph.ts';
import type { TensorMap } from '../../../main/training/types.ts';
import { fromTensorMap } from '../../../main/training/weights.ts';
import { sizeOf, toChannelsLast } from '../golden.ts';
import { largestDifference, type Check } from '../parityCase.ts';

/** golden/README.md: in float32, of the largest value. */
const TOLERANCE = 1e-4;

/** u(t, j) in [−1, 1]; exact in double precision for the sizes at hand. */
function fill(t: number, size: number, scale: number, offset = 0): Float32Array {
  return Float32Array.from({ length: size }, (_, j) => {
    const u = (((31 * j * j + 7919 * j + 104729 * t) % 10007) / 10007) * 2 - 1;
    return offset + scale * u;
  });
}

function fillTensor(spec: TensorSpec, t: number): Float32Array {
  const size = sizeOf(spec.shape);
  switch (spec.kind) {
    case 'convWeight':
      return fill(t, size, Math.sqrt(6 / sizeOf(spec.shape.slice(1))));
    case 'batchNormScale':
    case 'runningVariance':
      return fill(t, size, 0.1, 1);
    case 'linearWeight':
      return fill(t, size, 0.125);
    default:
      return fill(t, size, 0.1);
  }
}

/** The state of a network filled by the rule; counters take no place in the order. */
export function filledState(network: Network): NetworkState {
  const weights: TensorMap = new Map(
    network.tensors
      .filter((spec) => spec.kind !== 'batchCount')
      .map((spec, t) => [spec.name, { shape: spec.shape, data: fillTensor(spec, t) }]),
  );
  return fromTensorMap(network, weights);
}

export function filledImages([batch, channels, height, width]: [number, number, number, number]): Tensor4D {
  const shape = [batch, channels, height, width];
  const values = fill(9999, sizeOf(shape), 1.5);
  return tf.tensor4d(toChannelsLast(values, shape), [batch, height, width, channels]);
}

/** As a share of the largest expected value. */
export function relative(
  name: string,
  actual: ArrayLike<number>,
  expected: number[],
  tolerance = TOLERANCE,
): Check {
  const scale = Math.max(...expected.map(Math.abs));
  return { name, error: largestDifference(actual, expected) / scale, tolerance };
}
