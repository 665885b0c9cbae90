/** Takes the photographs of a dataset from another folder, after they were moved or copied. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileDurably } from '../../durableFile.ts';
import { DatasetError } from '../errors.ts';
import { MANIFEST_FILE, readManifest, splitsOf, type DatasetManifest } from '../manifest.ts';
import type { TaskOptions } from '../newDataset.ts';
import { CHECK_FILE } from './photoCheck.ts';
import { openPhotoIndex, statAll } from './photoIndex.ts';
import { toleratedFaults } from './usable.ts';

/**
 * Looks all images up below `root` and writes it into the manifest. The dataset stays the same one: its hash does not
 * include the root. The last check is forgotten, because it was of other files.
 *
 * A few images may be missing there, or be others than they were: they are wrong in the old place too, and the next
 * check lists them. More (see toleratedFaults) mean another folder, or a copy that is not finished: throws DatasetError,
 * and the dataset is left as it was.
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
  const changed: string[] = [];
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
      else if (now !== before) changed.push(path);
    }
  }
  const refuse = (such: string, found: string) => {
    const expected = `the ${images} images of the dataset, such as ${such}`;
    throw new DatasetError({ file: absolute, offset: null, expected, found });
  };
  const tolerated = toleratedFaults(images);
  if (missing.length > tolerated) refuse(missing[0]!, `${missing.length} of them missing`);
  if (changed.length > tolerated)
    refuse(changed[0]!, `${changed.length} of them of another size: other images lie there`);
  const moved = { ...manifest, source: { ...manifest.source, path: absolute } };
  await writeFileDurably(join(folder, MANIFEST_FILE), `${JSON.stringify(moved, null, 2)}\n`);
  await rm(join(folder, CHECK_FILE), { force: true });
  return moved;
}
