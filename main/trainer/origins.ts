/** Reading the checkpoints that a run is made from: their bytes must still be those that the run was made for. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseRunConfig } from '../training/config.ts';
import type { TeacherSource } from '../training/teacher.ts';
import type { TensorMap } from '../training/types.ts';
import { loadWeights } from './checkpoints.ts';
import type { LaunchOrigin } from './protocol.ts';

/** The weights of a checkpoint. Throws with a sentence when it is gone, broken, or not the same any more. */
export async function loadOrigin({ ref, path, sha256 }: LaunchOrigin): Promise<TensorMap> {
  const found = await hashOf(path).catch((error: unknown) => {
    throw new Error(
      `The checkpoint ${ref}, which this run is made from, can't be read: ${(error as Error).message}. Restore the file, then resume the run.`,
      { cause: error },
    );
  });
  if (found !== sha256)
    throw new Error(
      `The checkpoint ${ref} in ${path} is not the one that this run was made from: it hashes to ${found}, not ${sha256}. ` +
        'Restore that file, or duplicate the run to take the new one.',
    );
  const { weights } = await loadWeights(path);
  return weights;
}

/** A checkpoint as a teacher. Throws as `loadOrigin`, and when nothing says which network it is. */
export async function loadTeacher(origin: LaunchOrigin): Promise<TeacherSource> {
  if (origin.config === null)
    throw new Error(
      `The teacher ${origin.ref} does not say which network it is. Import its checkpoint, and name the run that this makes.`,
    );
  const { config, problems } = parseRunConfig(origin.config);
  if (config === null)
    throw new Error(
      `The configuration of the teacher ${origin.ref} is not one of this version: ${problems.map(({ message }) => message).join(' ')}`,
    );
  return { config, weights: await loadOrigin(origin) };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
