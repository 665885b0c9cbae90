/**
 * Reads the sample dataset that ships with the app: a long-tailed slice of Fashion-MNIST in IDX files. `sample.json`
 * beside them says how the slice was made, so that the manifest can repeat it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from './errors.ts';
import { readIdxFolder } from './idx.ts';
import type { ReadOptions, Source } from './source.ts';

export const SAMPLE_FILE = 'sample.json';

const sampleSchema = z.strictObject({
  title: z.string(),
  source: z.string(),
  licence: z.string(),
  subset: z.strictObject({
    type: z.literal('exp'),
    imbalanceFactor: z.number(),
    seed: z.number(),
    largestClass: z.number(),
  }),
});

export type SampleDescription = z.infer<typeof sampleSchema>;

/** Reads `sample.json` of a folder; null when there is none. Throws DatasetError when it is not what it should be. */
export async function readSampleDescription(folder: string): Promise<SampleDescription | null> {
  const path = join(folder, SAMPLE_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return sampleSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'the description of the sample dataset',
      found: (error as Error).message,
    });
  }
}

/** Reads the sample's images and labels. Throws DatasetError. */
export function readSample(folder: string, options: ReadOptions): Promise<Source> {
  return readIdxFolder(folder, 'sample', options);
}
