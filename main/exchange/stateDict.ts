/**
 * Weights between files and `TensorMap`: from an opened PyTorch checkpoint, and from and to safetensors files that hold
 * a state dict alone (no optimizer state). Counters (num_batches_tracked) are int64 in files and Int32Array here.
 */
import type { WrittenFile } from '../durableFile.ts';
import type { TensorMap } from '../training/types.ts';
import type { PyTorchCheckpoint, StoredTensor } from './pytorch.ts';
import { readSafetensors, SafetensorsError, writeSafetensors, type SafetensorsEntry } from './safetensors.ts';

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

/** Reads a state dict from safetensors. Throws SafetensorsError for a broken file or an element type of no use here. */
export async function readStateDict(file: string): Promise<TensorMap> {
  const { tensors } = await readSafetensors(file);
  const map: TensorMap = new Map();
  for (const [name, { dtype, shape, data }] of tensors) {
    if (dtype === 'I64' || dtype === 'I32')
      map.set(name, { shape, data: Int32Array.from(data as Int32Array | BigInt64Array, Number) });
    else if (dtype === 'F32' || dtype === 'F16' || dtype === 'F64')
      map.set(name, { shape, data: Float32Array.from(data as Float32Array) });
    else
      throw new SafetensorsError(
        file,
        null,
        `tensor "${name}" is ${dtype}; weights are expected as F32, F16, F64, I32 or I64`,
      );
  }
  return map;
}

function isInteger({ dtype }: StoredTensor): boolean {
  return dtype === 'int64' || dtype === 'int32' || dtype === 'int16' || dtype === 'int8';
}
