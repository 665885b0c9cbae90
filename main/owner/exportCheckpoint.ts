/** Writes the weights of a checkpoint of ours as a file that PyTorch or any reader of safetensors takes. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { CheckpointFormat } from '../../preload/contract.ts';
import { readSafetensors, readSafetensorsHeader, SafetensorsError } from '../exchange/safetensors.ts';
import { OPTIMIZER_PREFIX, writeStateDict } from '../exchange/stateDict.ts';
import { writePyTorch } from '../exchange/writePyTorch.ts';
import type { TensorMap } from '../training/types.ts';

/** An error whose code the contract knows. */
class ExportError extends Error {
  readonly code: 'conflict' | 'not-found';

  constructor(code: ExportError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Writes `target` from the checkpoint `source`. Throws with code `conflict` when the target is there and may not be
 * overwritten, `not-found` when its folder is not there; it is whole or not written.
 */
export async function exportCheckpoint({
  source,
  target,
  format,
  overwrite,
}: {
  source: string;
  target: string;
  format: CheckpointFormat;
  overwrite: boolean;
}): Promise<{ file: string; sizeBytes: number; sha256: string }> {
  const there = await stat(target).catch(() => null);
  if (there?.isDirectory() === true)
    throw new ExportError('conflict', `${target} is a folder. Name a file in it.`);
  if (there !== null && !overwrite)
    throw new ExportError(
      'conflict',
      `${target} is there already and was left as it is. Choose another name, or overwrite it (--force).`,
    );
  const folder = path.dirname(target);
  if ((await stat(folder).catch(() => null))?.isDirectory() !== true)
    throw new ExportError('not-found', `There is no folder ${folder}. Make it, or choose another.`);
  const weights = await readWeights(source);
  const written =
    format === 'pth' ? await writePyTorch(target, weights) : await writeStateDict(target, weights);
  return { file: target, ...written };
}

async function readWeights(source: string): Promise<TensorMap> {
  const { entries } = await readSafetensorsHeader(source);
  // The optimiser's state stays here.
  const names = entries.map(({ name }) => name).filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const { tensors } = await readSafetensors(source, names);
  return new Map(
    names.map((name) => {
      const { shape, data } = tensors.get(name)!;
      if (!(data instanceof Float32Array || data instanceof Int32Array))
        throw new SafetensorsError(source, null, `tensor "${name}" was expected to be F32 or I32`);
      return [name, { shape, data }];
    }),
  );
}
