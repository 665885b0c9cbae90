/**
 * A network's tensors between disk and engine. On disk they are PyTorch's: convolutions [out, in, height, width],
 * linear layers [out, in], and num_batches_tracked counters. In the engine filters are [height, width, in, out].
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

import type { NetworkState } from './networks/execute.ts';
import type { Network, TensorSpec } from './networks/graph.ts';
import type { Random, TensorMap } from './types.ts';

/** Reads every tensor of a network. In the order of the state dict. */
export async function toTensorMap(network: Network, state: NetworkState): Promise<TensorMap> {
  const map: TensorMap = new Map();
  for (const spec of network.tensors) {
    if (spec.kind === 'batchCount')
      map.set(spec.name, { shape: [], data: Int32Array.of(state.batchesTracked) });
    else map.set(spec.name, await readTensor(spec, state.tensors.get(spec.name)!));
  }
  return map;
}

/**
 * Makes the engine's tensors from a weight file. Throws Error that lists missing, unknown and misshapen tensors, all
 * at once. The caller disposes the state (`disposeState`).
 */
export function fromTensorMap(network: Network, map: TensorMap): NetworkState {
  const problems: string[] = [];
  const known = new Set(network.tensors.map((spec) => spec.name));
  for (const spec of network.tensors) {
    const found = map.get(spec.name);
    if (!found) {
      if (spec.kind !== 'batchCount') problems.push(`"${spec.name}" is missing`);
    } else if (found.shape.join() !== spec.shape.join())
      problems.push(`"${spec.name}" has shape [${found.shape.join(', ')}], not [${spec.shape.join(', ')}]`);
  }
  for (const name of map.keys()) if (!known.has(name)) problems.push(`"${name}" is not part of the network`);
  if (problems.length > 0)
    throw new Error(
      `The weights do not fit ${network.name} with ${network.classes} classes and inputs of shape ` +
        `[${network.inputShape.join(', ')}]: ${listProblems(problems)}.`,
    );

  const tensors = new Map<string, Tensor>();
  let batchesTracked = 0;
  for (const spec of network.tensors) {
    const found = map.get(spec.name);
    if (spec.kind === 'batchCount') batchesTracked = Math.max(batchesTracked, found?.data[0] ?? 0);
    else tensors.set(spec.name, makeTensor(spec, found!.data as Float32Array));
  }
  return { tensors, batchesTracked };
}

export function disposeState(state: NetworkState): void {
  for (const each of state.tensors.values()) each.dispose();
  state.tensors.clear();
}

/** A tensor of the engine (weight or gradient) in PyTorch's layout. */
export async function readTensor(
  spec: TensorSpec,
  tensor: Tensor,
): Promise<{ shape: number[]; data: Float32Array }> {
  if (spec.kind !== 'convWeight') return { shape: spec.shape, data: copy(await tensor.data()) };
  const transposed = tf.transpose(tensor, [3, 2, 0, 1]);
  const data = copy(await transposed.data());
  transposed.dispose();
  return { shape: spec.shape, data };
}

/** The engine's tensor of values in PyTorch's layout. The caller disposes it. */
export function makeTensor(spec: TensorSpec, data: Float32Array): Tensor {
  // A copy, because the engine may keep the array that it is given.
  const stored = tf.tensor(copy(data), spec.shape, 'float32');
  if (spec.kind !== 'convWeight') return stored;
  const transposed = tf.transpose(stored, [2, 3, 1, 0]);
  stored.dispose();
  return transposed;
}

/** Fresh weights as the network's layers say, drawn in the order of the state dict. */
export function initialWeights(network: Network, random: Random): TensorMap {
  return new Map(
    network.tensors.map((spec) => {
      const size = spec.shape.reduce((product, length) => product * length, 1);
      const data =
        spec.kind === 'batchCount' ? new Int32Array(1) : drawValues(spec, new Float32Array(size), random);
      return [spec.name, { shape: spec.shape, data }];
    }),
  );
}

function drawValues({ initial, shape }: TensorSpec, values: Float32Array, random: Random): Float32Array {
  switch (initial.kind) {
    case 'constant':
      return values.fill(initial.value);
    case 'normal':
      return values.map(() => random.normal() * initial.deviation);
    case 'uniform':
      return values.map(() => (2 * random.float() - 1) * initial.bound);
    case 'unitColumns': {
      const columns = shape[1]!;
      const drawn = values.map(() => 2 * random.float() - 1);
      const squares = new Float64Array(columns);
      drawn.forEach((value, index) => (squares[index % columns]! += value ** 2));
      return drawn.map((value, index) => value / Math.sqrt(squares[index % columns]!));
    }
  }
}

function copy(values: ArrayLike<number>): Float32Array {
  return new Float32Array(values);
}

function listProblems(problems: string[]): string {
  const shown = problems.slice(0, 5).join('; ');
  return problems.length > 5 ? `${shown}; and ${problems.length - 5} more` : shown;
}
