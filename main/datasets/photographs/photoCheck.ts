/**
 * What the background check of a dataset of photographs found: which images are missing or cannot be read. The trainer
 * looks at it before it starts.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../../durableFile.ts';
import { DatasetError } from '../errors.ts';
import { SPLITS } from '../manifest.ts';

export const CHECK_FILE = 'check.json';

/** Why an image cannot be used; `changed`: its file has another size than when the dataset was added. */
export const PHOTO_PROBLEMS = [
  'missing',
  'unreadable',
  'not-an-image',
  'unsupported',
  'truncated',
  'changed',
] as const;
export type PhotoProblemCode = (typeof PHOTO_PROBLEMS)[number];

const checkSchema = z.strictObject({
  format: z.literal(1),
  checkedAtMs: z.int(),
  /** Whether every image was looked at; false for a check that was stopped. */
  complete: z.boolean(),
  /** Images looked at. */
  counts: z.strictObject({ train: z.int(), val: z.int(), test: z.int() }),
  problems: z.array(
    z.strictObject({
      split: z.enum(SPLITS),
      /** Row of the split's index. */
      row: z.int().nonnegative(),
      path: z.string(),
      code: z.enum(PHOTO_PROBLEMS),
      /** A sentence that says what to do. */
      message: z.string(),
    }),
  ),
});

export type PhotoCheck = z.infer<typeof checkSchema>;

export async function writePhotoCheck(datasetFolder: string, check: PhotoCheck): Promise<void> {
  await writeFileDurably(join(datasetFolder, CHECK_FILE), `${JSON.stringify(check)}\n`);
}

/** The latest check, or null when there was none. Throws DatasetError for a damaged file. */
export async function readPhotoCheck(datasetFolder: string): Promise<PhotoCheck | null> {
  const file = join(datasetFolder, CHECK_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const fault = (found: string) =>
    new DatasetError({
      file,
      offset: null,
      expected: 'the result of a check; check the dataset again',
      found,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw fault((error as Error).message);
  }
  const result = checkSchema.safeParse(parsed);
  if (result.success) return result.data;
  throw fault(z.prettifyError(result.error));
}
