/** Looks into registered datasets for people: which images a class has, and small pictures of them. */
import { open, readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { DatasetError } from './errors.ts';
import { partFile, readManifest, type DatasetManifest, type Split } from './manifest.ts';
import {
  photographPicture,
  photographSheet,
  photoIndexOf,
  type PhotographFolder,
} from './photographs/thumbnails.ts';

/** Images on one sheet, so that a request cannot ask for an endless picture. */
const MAX_SHEET_IMAGES = 1000;
const MAX_SIZE_PX = 512;

/** Labels of a split, [N] in stored order. Throws DatasetError when the dataset has no such split. */
export async function readLabels(folder: string, split: Split): Promise<Int32Array> {
  const manifest = await readManifest(folder);
  requireSplit(folder, manifest, split);
  const bytes = await readFile(partFile(folder, split, 'labels'));
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/**
 * A page of the images of one class (null: of all), as rows of the split in stored order; of photographs with their
 * paths.
 */
export async function listImages(
  folder: string,
  {
    split,
    classIndex,
    offset,
    limit,
  }: { split: Split; classIndex: number | null; offset: number; limit: number },
): Promise<{ rows: number[]; labels: number[]; total: number; paths: string[] | null }> {
  const manifest = await readManifest(folder);
  const index = manifest.photographs === null ? null : await photoIndexOf({ folder, manifest }, split);
  const labels = index?.labels ?? (await readLabels(folder, split));
  const all = Array.from(labels.keys()).filter((row) => classIndex === null || labels[row] === classIndex);
  const rows = all.slice(offset, offset + limit);
  return {
    rows,
    labels: rows.map((row) => labels[row]!),
    total: all.length,
    paths: index === null ? null : rows.map((row) => index.paths[row]!),
  };
}

/** A picture, its type, and whether all that it shows could be read. */
export interface Picture {
  bytes: Buffer;
  type: 'image/png' | 'image/webp';
  /** False where a placeholder stands for an image: the picture must not be kept. */
  isComplete: boolean;
  /** Whether it can change: photographs lie in a folder that others may write to. */
  isFixed: boolean;
}

/**
 * One image: of a packed dataset as `packedThumbnail` makes it, a photograph not larger than `sizePx` on its longer side.
 * Throws RangeError for a row outside the split, DatasetError for a photograph that can't be read.
 */
export async function thumbnail(
  folder: string,
  split: Split,
  row: number,
  sizePx: number | null = null,
): Promise<Picture> {
  const manifest = await readManifest(folder);
  if (manifest.photographs === null)
    return packed(await packedThumbnail({ folder, manifest }, split, row, sizePx));
  return photographed(await photographPicture({ folder, manifest }, split, row, sizePx));
}

/**
 * Several images as one picture: a grid of cells without gaps, row by row, `columns` wide. Throws RangeError for a row
 * outside the split.
 */
export async function sheet(
  folder: string,
  split: Split,
  { rows, columns, sizePx = null }: { rows: number[]; columns: number; sizePx?: number | null },
): Promise<Picture> {
  if (rows.length < 1 || rows.length > MAX_SHEET_IMAGES || columns < 1) {
    throw new RangeError(`A sheet holds 1 to ${MAX_SHEET_IMAGES} images in at least one column.`);
  }
  const manifest = await readManifest(folder);
  const layout = { rows, columns, sizePx };
  if (manifest.photographs === null) return packed(await packedSheet({ folder, manifest }, split, layout));
  return photographed(await photographSheet({ folder, manifest }, split, layout));
}

const packed = (bytes: Buffer): Picture => ({ bytes, type: 'image/png', isComplete: true, isFixed: true });
const photographed = (picture: { bytes: Buffer; isComplete: boolean }): Picture => ({
  ...picture,
  type: 'image/webp',
  isFixed: false,
});

/**
 * One image as PNG, at its own size or scaled to `sizePx` on its longer side (enlarged without smoothing, so that
 * pixels stay pixels). Throws RangeError for a row outside the split.
 */
async function packedThumbnail(
  { folder, manifest }: PhotographFolder,
  split: Split,
  row: number,
  sizePx: number | null,
): Promise<Buffer> {
  const [pixels] = await readRows(folder, manifest, split, [row]);
  const { height, width } = manifest;
  const scale = scaleOf(manifest, sizePx);
  return raw(pixels!, width, height, manifest.channels)
    .resize(Math.round(width * scale), Math.round(height * scale), {
      kernel: scale > 1 ? 'nearest' : 'lanczos3',
    })
    .png({ compressionLevel: 3 })
    .toBuffer();
}

/** A sheet as PNG, each cell as `packedThumbnail` makes it. */
async function packedSheet(
  { folder, manifest }: PhotographFolder,
  split: Split,
  { rows, columns, sizePx }: { rows: number[]; columns: number; sizePx: number | null },
): Promise<Buffer> {
  const { height, width, channels } = manifest;
  const lines = Math.ceil(rows.length / columns);
  const grid = Buffer.alloc(lines * columns * height * width * channels);
  const images = await readRows(folder, manifest, split, rows);
  images.forEach((pixels, index) => {
    const left = (index % columns) * width;
    const top = Math.floor(index / columns) * height;
    for (let y = 0; y < height; y++) {
      const start = ((top + y) * columns * width + left) * channels;
      pixels.copy(grid, start, y * width * channels, (y + 1) * width * channels);
    }
  });
  const scale = scaleOf(manifest, sizePx);
  const cell = { width: Math.round(width * scale), height: Math.round(height * scale) };
  return raw(grid, columns * width, lines * height, channels)
    .resize(cell.width * columns, cell.height * lines, {
      fit: 'fill',
      kernel: scale > 1 ? 'nearest' : 'lanczos3',
    })
    .png({ compressionLevel: 3 })
    .toBuffer();
}

async function readRows(
  folder: string,
  manifest: DatasetManifest,
  split: Split,
  rows: number[],
): Promise<Buffer[]> {
  requireSplit(folder, manifest, split);
  const wrong = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= manifest.counts[split]);
  if (wrong !== undefined) {
    throw new RangeError(
      `The ${split} split has images 0 to ${manifest.counts[split] - 1}; there is no ${wrong}.`,
    );
  }
  const imageBytes = manifest.height * manifest.width * manifest.channels;
  const file = await open(partFile(folder, split, 'images'), 'r');
  try {
    return await Promise.all(
      rows.map(
        async (row) => (await file.read(Buffer.alloc(imageBytes), 0, imageBytes, row * imageBytes)).buffer,
      ),
    );
  } finally {
    await file.close();
  }
}

function requireSplit(folder: string, manifest: DatasetManifest, split: Split): void {
  if (manifest.counts[split] > 0) return;
  throw new DatasetError({
    file: folder,
    offset: null,
    expected: `a ${split} split`,
    found: 'a dataset without one',
  });
}

function raw(pixels: Buffer, width: number, height: number, channels: number): Sharp {
  return sharp(pixels, { raw: { width, height, channels: channels as 1 | 2 | 3 | 4 } });
}

function scaleOf({ height, width }: DatasetManifest, sizePx: number | null): number {
  return sizePx === null ? 1 : Math.min(MAX_SIZE_PX, Math.max(1, sizePx)) / Math.max(height, width);
}
