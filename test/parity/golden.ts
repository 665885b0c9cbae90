/**
 * Reading the golden numbers: their folder, their arrays, and the deterministic tensors that stand for weights and
 * inputs. A tensor is drawn from a string key by FNV-1a and mulberry32, in PyTorch's layout.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import type { TensorMap } from '../../main/training/types.ts';

/** A folder of golden files; files that it lacks are not an error. */
export interface GoldenFolder {
  folder: string;
  /** Names of the JSON files of a subfolder, without extension, sorted. */
  list(subfolder: string): string[];
  /** Parses `<subfolder>/<name>.json`; null when it is not there. */
  read<T>(subfolder: string, name: string): T | null;
}

export function openGolden(folder: string): GoldenFolder {
  return {
    folder,
    list(subfolder) {
      const where = path.join(folder, subfolder);
      if (!existsSync(where)) return [];
      return readdirSync(where)
        .filter((name) => name.endsWith('.json'))
        .map((name) => path.basename(name, '.json'))
        .sort();
    },
    read<T>(subfolder: string, name: string): T | null {
      const file = path.join(folder, subfolder, `${name}.json`);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : null;
    },
  };
}

export interface StoredArray {
  dtype: 'float32' | 'float64';
  shape: number[];
  base64: string;
}

/** The numbers of a stored array. */
export function decodeArray({ dtype, base64 }: StoredArray): Float32Array | Float64Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64')); // a copy, so that the view is aligned
  return dtype === 'float32' ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
}

/** Uniform numbers in [0, 1) of a key. */
export function keyedUniform(key: string): () => number {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(key, 'utf8')) seed = Math.imul(seed ^ byte, 0x01000193);
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function sizeOf(shape: number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** A tensor of "everything else": ((2u − 1) · scale + offset), rounded to float32. */
export function keyedTensor(key: string, shape: number[], scale = 1, offset = 0): Float32Array {
  const uniform = keyedUniform(key);
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * uniform() - 1) * scale + offset);
}

/** Labels in [0, classes) of a case. */
export function keyedLabels(key: string, count: number, classes: number): Int32Array {
  const uniform = keyedUniform(key);
  return Int32Array.from({ length: count }, () => Math.floor(uniform() * classes));
}

/** One state-dict entry: name, shape, kind. */
export type StateDictEntry = [string, number[], string];

/** Fills a state dict by the rules of the kinds. */
export function keyedStateDict(seed: string, entries: StateDictEntry[]): TensorMap {
  return new Map(
    entries.map(([name, shape, kind]) => [name, { shape, data: keyedEntry(`${seed}/${name}`, shape, kind) }]),
  );
}

function keyedEntry(key: string, shape: number[], kind: string): Float32Array | Int32Array {
  const [first = 1, second = 1, height = 1, width = 1] = shape;
  switch (kind) {
    case 'conv_weight':
      return keyedTensor(key, shape, Math.sqrt(2 / (second * height * width)));
    case 'linear_weight':
      return scaledBy(key, shape, Math.sqrt(3 / second), (index) => Math.floor(index / second));
    case 'normed_linear_weight':
      return scaledBy(key, shape, Math.sqrt(3 / first), (index) => index % second);
    case 'linear_bias':
    case 'bn_bias':
    case 'bn_running_mean':
      return keyedTensor(key, shape, 0.1);
    case 'bn_weight':
      return keyedTensor(key, shape, 0.1, 1);
    case 'bn_running_var':
      return keyedTensor(key, shape, 0.2, 1);
    case 'bn_num_batches_tracked':
      return new Int32Array(1);
    default:
      throw new Error(`There is no rule for a golden tensor of kind "${kind}".`);
  }
}

/** Weights whose norm differs from class to class. */
function scaledBy(
  key: string,
  shape: number[],
  scale: number,
  classOf: (index: number) => number,
): Float32Array {
  const uniform = keyedUniform(key);
  return Float32Array.from(
    { length: sizeOf(shape) },
    (_, index) => (2 * uniform() - 1) * scale * (1 + 0.25 * (classOf(index) % 5)),
  );
}

/** [batch, channels, height, width] → [batch, height, width, channels] */
export function toChannelsLast(values: Float32Array, shape: number[]): Float32Array {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const result = new Float32Array(values.length);
  let from = 0;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let pixel = 0; pixel < height * width; pixel++)
        result[(n * height * width + pixel) * channels + c] = values[from++]!;
  return result;
}

/** [batch, height, width, channels] → [batch, channels, height, width] */
export function toChannelsFirst(values: Float32Array, shape: number[]): Float32Array {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const result = new Float32Array(values.length);
  let to = 0;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let pixel = 0; pixel < height * width; pixel++)
        result[to++] = values[(n * height * width + pixel) * channels + c]!;
  return result;
}
