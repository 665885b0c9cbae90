/** Takes the photographs of a dataset from another folder, after they were moved or copied. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileDurably } from '../../durableFile.ts';
import { DatasetError } from '../errors.ts';
import { MANIFEST_FILE, readManifest, splitsOf, type DatasetManifest } from '../manifest.ts';
import type { TaskOptions } from '../newDataset.ts';
import { CHECK_FILE } from './photoCheck.ts';
import { openPhotoIndex, statAll } from './photoIndex.ts';

/** So large a share may be missing in the new place; more means another folder, or a copy that is not finished. */
const MAX_MISSING = 0.01;

/**
 * Looks all images up below `root` and writes it into the manifest. The dataset stays the same one: its hash does not
 * include the root. The last check is forgotten, because it was of other files.
 *
 * Throws DatasetError when an image has another size there than it was registered with, or more than one in a hundred
 * is missing; the dataset is left as it was then.
 */
export async function relocatePhotographs(
  folder: string,
  root: string,
  { onProgress, signal }: TaskOptions = {},
): Promise<DatasetManifest> {
  const absolute = resolve(root);
  const manifest = await readManifest(folder);
  const splits = splitsOf(manifest);
  let images = 0;
  const missing: string[] = [];
  for (const [place, split] of splits.entries()) {
    const index = await openPhotoIndex(folder, split);
    const { sizes } = await statAll(absolute, index.paths, {
      signal,
      onProgress: (share) => onProgress?.((place + share) / splits.length, `Looking the ${split} images up`),
    });
    images += index.paths.length;
    for (const [row, path] of index.paths.entries()) {
      const before = index.sizes[row]!;
      const now = sizes[row]!;
      if (Number.isNaN(before)) continue;
      if (Number.isNaN(now)) missing.push(path);
      else if (now !== before) {
        throw new DatasetError({
          file: join(absolute, path),
          offset: null,
          expected: `${before} bytes, as when the dataset was added`,
          found: `${now}: other images lie there`,
        });
      }
    }
  }
  if (missing.length > MAX_MISSING * images) {
    throw new DatasetError({
      file: absolute,
      offset: null,
      expected: `the ${images} images of the dataset, such as ${missing[0]}`,
      found: `${missing.length} of them missing`,
    });
  }
  const moved = { ...manifest, source: { ...manifest.source, path: absolute } };
  await writeFileDurably(join(folder, MANIFEST_FILE), `${JSON.stringify(moved, null, 2)}\n`);
  await rm(join(folder, CHECK_FILE), { force: true });
  return moved;
}
