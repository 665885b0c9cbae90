/**
 * Small pictures of photographs. Each is decoded when it is first looked at and kept in the dataset's folder in the
 * library, which holds a bounded amount of them; the sheets that the browser shows are put together from those.
 */
import { readdir, readFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { DatasetManifest, Split } from '../manifest.ts';
import { decodePhotograph, PhotographError, readImageFile } from './decode.ts';
import { openPhotoIndex, type PhotoIndex } from './photoIndex.ts';
import { resolveInRoot } from './root.ts';

export const THUMBNAIL_FOLDER = 'thumbnails';

/** Longer side of a kept thumbnail: the largest cell of the browser on a screen of two pixels a point. */
const KEPT_PX = 192;
/** What the kept thumbnails of one dataset may take: about 20,000 of them. */
const MAX_KEPT_BYTES = 128 << 20;
/** Pruning takes more than it must, so that it is not done for every new one. */
const PRUNED_TO = 0.75;
/** An enlarged image needs no more than a screen. */
const MAX_VIEW_PX = 1600;
/** Images decoded at once for a sheet. */
const AT_ONCE = 4;

/** A picture as WebP. `isComplete` false: an image on it could not be read, and a placeholder stands for it. */
export interface Picture {
  bytes: Buffer;
  isComplete: boolean;
}

export interface PhotographFolder {
  /** The dataset's folder in the library. */
  folder: string;
  manifest: DatasetManifest;
}

/**
 * One photograph, not larger than `sizePx` on its longer side (null: as large as a screen needs); never enlarged. It
 * shows the pixels that training sees, so a camera's note of how it was held is not followed.
 *
 * Throws PhotographError for one that can't be read, RangeError for a row outside the split.
 */
export async function photographPicture(
  dataset: PhotographFolder,
  split: Split,
  row: number,
  sizePx: number | null,
): Promise<Picture> {
  const file = await fileOf(dataset, split, row);
  const { pixels, width, height } = await decodePhotograph(await readImageFile(file.path), file.path);
  const longest = Math.min(MAX_VIEW_PX, sizePx ?? MAX_VIEW_PX);
  const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(longest, longest, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 90, effort: 2 })
    .toBuffer();
  return { bytes, isComplete: true };
}

/**
 * Several photographs as one picture: a grid of square cells without gaps, row by row, `columns` wide; each lies whole in
 * its cell, with nothing around it. Throws RangeError for a row outside the split.
 */
export async function photographSheet(
  dataset: PhotographFolder,
  split: Split,
  { rows, columns, sizePx }: { rows: number[]; columns: number; sizePx: number | null },
): Promise<Picture> {
  const cell = Math.min(KEPT_PX, sizePx ?? KEPT_PX);
  const lines = Math.ceil(rows.length / columns);
  const grid = Buffer.alloc(lines * columns * cell * cell * 4);
  let isComplete = true;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < rows.length) {
      const place = next++;
      const thumbnail = await keptThumbnail(dataset, split, rows[place]!);
      isComplete &&= thumbnail !== null;
      const pixels = await cellPixels(thumbnail ?? PLACEHOLDER, cell);
      const left = (place % columns) * cell;
      const top = Math.floor(place / columns) * cell;
      for (let y = 0; y < cell; y++)
        pixels.copy(grid, ((top + y) * columns * cell + left) * 4, y * cell * 4, (y + 1) * cell * 4);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await pruneThumbnails(join(dataset.folder, THUMBNAIL_FOLDER));
  const bytes = await sharp(grid, { raw: { width: columns * cell, height: lines * cell, channels: 4 } })
    .webp({ quality: 82, alphaQuality: 60, effort: 1 })
    .toBuffer();
  return { bytes, isComplete };
}

/** What stands for an image that is not there or can't be read. */
const PLACEHOLDER = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${KEPT_PX}" height="${KEPT_PX}" viewBox="0 0 24 24" fill="none" stroke="#868e99" stroke-width="0.5"><rect x="5.5" y="5.5" width="13" height="13" rx="1.5"/><path d="m5.5 18.5 13-13"/></svg>`,
);

function cellPixels(picture: Buffer, cell: number): Promise<Buffer> {
  return sharp(picture)
    .resize(cell, cell, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .ensureAlpha()
    .raw()
    .toBuffer();
}

/** The kept thumbnail of an image, made now where there is none; null for an image that can't be read. */
async function keptThumbnail(dataset: PhotographFolder, split: Split, row: number): Promise<Buffer | null> {
  const file = await fileOf(dataset, split, row);
  const found = await stat(file.path).catch(() => null);
  // The size is part of the name: another file at the same path gets another thumbnail.
  const kept = join(
    dataset.folder,
    THUMBNAIL_FOLDER,
    `${split}-${row}-${found?.size ?? file.sizeBytes}.webp`,
  );
  const known = await stat(kept).catch(() => null);
  if (known !== null && (found === null || known.mtimeMs >= found.mtimeMs)) return readFile(kept);
  if (found === null) return null;
  try {
    const { pixels, width, height } = await decodePhotograph(await readImageFile(file.path), file.path);
    const made = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .resize(KEPT_PX, KEPT_PX, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80, effort: 2 })
      .toBuffer();
    await keep(kept, made);
    return made;
  } catch (error) {
    if (error instanceof PhotographError) return null;
    throw error;
  }
}

/** Two processes may make the same one; whole files only are ever under the final name. */
async function keep(file: string, bytes: Buffer): Promise<void> {
  const folder = join(file, '..');
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    // Not its parents: a dataset that was deleted meanwhile is in the trash, and must not have a folder again.
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await writeFile(temporary, bytes);
    await rename(temporary, file);
    keptBytes.set(folder, (keptBytes.get(folder) ?? Infinity) + bytes.length);
  } catch (error) {
    await rm(temporary, { force: true });
    // A full disk or a deleted dataset costs the thumbnail its place, not the picture.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'ENOENT') throw error;
  }
}

/** Bytes of each folder's thumbnails as far as this process knows; Infinity until they were counted. */
const keptBytes = new Map<string, number>();

/** Removes the oldest thumbnails of a dataset where there are too many. folder: the one that they lie in. */
export async function pruneThumbnails(folder: string, maxBytes = MAX_KEPT_BYTES): Promise<void> {
  if ((keptBytes.get(folder) ?? 0) <= maxBytes) return;
  const names = await readdir(folder).catch(() => []);
  const files: { path: string; sizeBytes: number; atMs: number }[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null) files.push({ path, sizeBytes: found.size, atMs: found.mtimeMs });
  }
  let total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (total > maxBytes) {
    files.sort((a, b) => a.atMs - b.atMs);
    for (const file of files) {
      if (total <= PRUNED_TO * maxBytes) break;
      await rm(file.path, { force: true });
      total -= file.sizeBytes;
    }
  }
  keptBytes.set(folder, total);
}

/** The index that was used last: a browser that scrolls asks for one again and again. It never changes. */
let lastIndex: { key: string; index: PhotoIndex } | null = null;

/** The index of a split, from memory where it was the last one. */
export async function photoIndexOf(
  { folder, manifest }: PhotographFolder,
  split: Split,
): Promise<PhotoIndex> {
  const key = `${folder}/${split}/${manifest.manifestHash}`;
  if (lastIndex?.key !== key) lastIndex = { key, index: await openPhotoIndex(folder, split) };
  return lastIndex.index;
}

async function fileOf(
  dataset: PhotographFolder,
  split: Split,
  row: number,
): Promise<{ path: string; sizeBytes: number }> {
  const { paths, sizes } = await photoIndexOf(dataset, split);
  const path = paths[row];
  if (path === undefined)
    throw new RangeError(`The ${split} split has images 0 to ${paths.length - 1}; there is no ${row}.`);
  return { path: resolveInRoot(dataset.manifest.source.path, path), sizeBytes: sizes[row]! };
}
