/**
 * How a dataset comes into the library: everything is written to a hidden folder beside the final one, synced and
 * renamed, so that a failed or interrupted registration leaves no dataset; what a crash left over is swept at the next
 * start.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeSynced } from '../durableFile.ts';
import { computeManifestHash, MANIFEST_FILE, type DatasetManifest } from './manifest.ts';

export interface TaskOptions {
  /** Share that is done, 0…1 (null while it can't be known), and what is done now. */
  onProgress?: ((share: number, message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface RegisteredDataset {
  manifest: DatasetManifest;
  folder: string;
  /** Size of what lies in the library. */
  sizeBytes: number;
}

/** Names of unfinished registrations in `datasets/`. */
const PARTIAL_PREFIX = '.partial-';

/** A registration that the library's disk does not allow. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  readonly code: 'conflict' | 'disk-full';

  constructor(code: 'conflict' | 'disk-full', message: string) {
    super(message);
    this.code = code;
  }
}

export type DatasetId = number | string;

/** The folder that a new dataset will have. Throws RegistrationError where there is one. */
export async function freeDatasetFolder(libraryFolder: string, id: DatasetId): Promise<string> {
  const folder = join(libraryFolder, 'datasets', String(id));
  const isTaken = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isTaken)
    throw new RegistrationError(
      'conflict',
      `The folder ${folder} exists already; registering would overwrite it.`,
    );
  return folder;
}

/**
 * Writes a dataset: `fill` writes its files into the folder that it is given and says what the manifest holds.
 *
 * Throws RegistrationError when the disk has no room or the folder exists, and whatever `fill` throws. Nothing is left
 * behind then.
 */
export async function writeNewDataset(
  libraryFolder: string,
  id: DatasetId,
  fill: (folder: string) => Promise<Omit<DatasetManifest, 'manifestHash'>>,
  { onProgress, signal }: TaskOptions = {},
): Promise<RegisteredDataset> {
  const folder = await freeDatasetFolder(libraryFolder, id);
  const datasetsFolder = join(libraryFolder, 'datasets');
  const partial = join(datasetsFolder, `${PARTIAL_PREFIX}${id}-${process.pid}`);
  await mkdir(partial, { recursive: true });
  try {
    const filled = await fill(partial);
    const manifest: DatasetManifest = { ...filled, manifestHash: computeManifestHash(filled) };
    await writeSynced(join(partial, MANIFEST_FILE), [Buffer.from(JSON.stringify(manifest, null, 2) + '\n')], {
      flags: 'wx',
      signal,
    });
    await syncFolder(partial);
    await rename(partial, folder);
    await syncFolder(datasetsFolder);
    onProgress?.(1, 'Done');
    const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
    return { manifest, folder, sizeBytes };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new RegistrationError(
        'disk-full',
        `The disk became full while writing to ${datasetsFolder}. Free some space and add the dataset again.`,
      );
    }
    throw error;
  }
}

/** Removes what registrations that never finished left in the library. Call it only while none is running. */
export async function sweepPartialDatasets(libraryFolder: string): Promise<string[]> {
  const datasetsFolder = join(libraryFolder, 'datasets');
  const names = await readdir(datasetsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const partial = names.filter((name) => name.startsWith(PARTIAL_PREFIX));
  for (const name of partial) await rm(join(datasetsFolder, name), { recursive: true, force: true });
  return partial;
}
