/**
 * A check of photographs in short: all that a dataset's page and the form of a run need of it. A disk that lost its files
 * makes a check of hundreds of megabytes, and its summary is still read in a moment. It lies beside the check and counts
 * for that one alone, so a check without one (of an older version) gets it from whoever can take the time.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../../durableFile.ts';
import { readManifest } from '../manifest.ts';
import { CHECK_FILE, readPhotoCheck, type PhotoCheck } from './photoCheck.ts';
import { openPhotoIndex } from './photoIndex.ts';
import { countFaults, faultsSchema } from './usable.ts';

const SUMMARY_FILE = 'check-summary.json';

const summarySchema = z.strictObject({
  format: z.literal(1),
  /** The file of the check that it was made of. */
  of: z.strictObject({ sizeBytes: z.int(), mtimeMs: z.number() }),
  problems: z.int(),
  faults: faultsSchema,
});

export type PhotoSummary = z.infer<typeof summarySchema>;

/** Of the latest check; null when there was none, undefined when it must be made first: summarisePhotoCheck. */
export async function readPhotoSummary(datasetFolder: string): Promise<PhotoSummary | null | undefined> {
  const of = await markOfCheck(datasetFolder);
  if (of === null) return null;
  const text = await readFile(join(datasetFolder, SUMMARY_FILE), 'utf8').catch(() => '');
  try {
    const summary = summarySchema.parse(JSON.parse(text));
    if (summary.of.sizeBytes === of.sizeBytes && summary.of.mtimeMs === of.mtimeMs) return summary;
  } catch {
    // None, or a damaged one.
  }
  return undefined;
}

/** A check with what its images are: labels of the train split, and the number of classes. */
interface Checked {
  problems: PhotoCheck['problems'];
  trainLabels: Int32Array;
  classes: number;
}

/**
 * Makes the summary of the latest check, null when there was none. `checked`: that check, where it is in memory still.
 * Throws DatasetError for a damaged check.
 */
export async function summarisePhotoCheck(
  datasetFolder: string,
  checked?: Checked,
): Promise<PhotoSummary | null> {
  const of = await markOfCheck(datasetFolder);
  const known = checked ?? (await readChecked(datasetFolder));
  if (of === null || known === null) return null;
  const summary: PhotoSummary = {
    format: 1,
    of,
    problems: known.problems.length,
    faults: countFaults(known.problems, known.trainLabels, known.classes),
  };
  // It can be made again, so a full disk is no reason to fail.
  await writeFileDurably(join(datasetFolder, SUMMARY_FILE), `${JSON.stringify(summary)}\n`).catch(
    () => undefined,
  );
  return summary;
}

async function readChecked(datasetFolder: string): Promise<Checked | null> {
  const check = await readPhotoCheck(datasetFolder);
  if (check === null) return null;
  const { classNames } = await readManifest(datasetFolder);
  const { labels } = await openPhotoIndex(datasetFolder, 'train');
  return { problems: check.problems, trainLabels: labels, classes: classNames.length };
}

async function markOfCheck(datasetFolder: string): Promise<PhotoSummary['of'] | null> {
  const found = await stat(join(datasetFolder, CHECK_FILE)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return found && { sizeBytes: found.size, mtimeMs: found.mtimeMs };
}
