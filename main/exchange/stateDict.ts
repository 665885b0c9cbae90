/**
 * Weights between files and `TensorMap`: from an opened PyTorch checkpoint, and from and to safetensors files, ours and
 * others'. Counters (num_batches_tracked) are int64 in other programs' files and Int32Array here.
 */
import type { WrittenFile } from '../durableFile.ts';
import type { TensorMap } from '../training/types.ts';
import type { PyTorchCheckpoint, StoredTensor } from './pytorch.ts';
import {
  readSafetensors,
  readSafetensorsHeader,
  SafetensorsError,
  writeSafetensors,
  type SafetensorsEntry,
} from './safetensors.ts';

/** Before the names of momentum buffers in a file of a run's checkpoint: what begins so is no part of its state dict. */
export const OPTIMIZER_PREFIX = 'optimizer/';

/**
 * Reads the tensors that `names` lists (name in the file → name in the result), one by one, in the order of the file.
 * Integers become Int32Array, everything else float32.
 */
export async function readTensorMap(
  checkpoint: PyTorchCheckpoint,
  names: ReadonlyMap<string, string>,
): Promise<TensorMap> {
  const map: TensorMap = new Map();
  for (const tensor of checkpoint.tensors) {
    const name = names.get(tensor.name);
    if (name === undefined) continue;
    const values = await checkpoint.read(tensor);
    map.set(name, { shape: tensor.shape, data: isInteger(tensor) ? Int32Array.from(values) : values });
  }
  return map;
}

/** Writes a state dict as safetensors. */
export async function writeStateDict(
  file: string,
  tensors: TensorMap,
  metadata: Record<string, string> = {},
): Promise<WrittenFile> {
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, { shape, data }] of tensors)
    entries.set(
      name,
      data instanceof Int32Array
        ? { dtype: 'I64', shape, data: BigInt64Array.from(data, BigInt) }
        : { dtype: 'F32', shape, data },
    );
  return writeSafetensors(file, entries, { format: 'pt', ...metadata });
}

/**
 * Reads the state dict of a safetensors file and what the file says beside it; optimiser state is passed over. Throws
 * SafetensorsError for a broken file or an element type of no use here.
 */
export async function readStateDict(
  file: string,
): Promise<{ weights: TensorMap; metadata: Record<string, string> }> {
  const { metadata, entries } = await readSafetensorsHeader(file);
  const names = entries.map(({ name }) => name).filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const { tensors } = await readSafetensors(file, names);
  const weights: TensorMap = new Map();
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data instanceof Float32Array || data instanceof Int32Array) weights.set(name, { shape, data });
    else if (data instanceof BigInt64Array) weights.set(name, { shape, data: Int32Array.from(data, Number) });
    else if (data instanceof Float64Array) weights.set(name, { shape, data: Float32Array.from(data) });
    else
      throw new SafetensorsError(
        file,
        null,
        `tensor "${name}" is ${dtype}; weights are expected as F32, F16, F64, I32 or I64`,
      );
  }
  return { weights, metadata };
}

function isInteger({ dtype }: StoredTensor): boolean {
  return dtype === 'int64' || dtype === 'int32' || dtype === 'int16' || dtype === 'int8';
}
