/**
 * The index of a split of photographs: files in the dataset's folder that say, row by row, which image it is, which
 * class, and how large and old its file was when it was added. The images stay where they are.
 *
 * `<split>.labels` int32 · `<split>.rows` uint32, the row in the source · `<split>.paths` UTF-8, one relative path a
 * line · `<split>.stats` float64 pairs of bytes and milliseconds, NaN for what was not there. All little-endian.
 */
import { statSync, type Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSynced, type WrittenFile } from '../../durableFile.ts';
import { DatasetError } from '../errors.ts';
import { partFile, type Split } from '../manifest.ts';
import { resolveInRoot } from './root.ts';

export interface PhotoIndex {
  /** Relative to the root, with `/`. */
  paths: string[];
  labels: Int32Array;
  /** Row in the source: line of the list, or position among the sorted files. */
  rows: Uint32Array;
  /** Bytes and milliseconds since 1970; NaN for a file that was not there. */
  sizes: Float64Array;
  mtimes: Float64Array;
}

/** Writes the index of a split into a folder that has none yet. Returns sizes and hashes by `<split>.<part>`. */
export async function writePhotoIndex(
  folder: string,
  split: Split,
  { paths, labels, rows, sizes, mtimes }: PhotoIndex,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Record<string, WrittenFile>> {
  const stats = Float64Array.from(
    { length: 2 * paths.length },
    (_, i) => (i % 2 === 0 ? sizes : mtimes)[i >> 1]!,
  );
  const text = paths.length === 0 ? '' : `${paths.join('\n')}\n`;
  const parts = {
    labels: bytesOf(labels),
    rows: bytesOf(rows),
    paths: Buffer.from(text, 'utf8'),
    stats: bytesOf(stats),
  };
  const written: Record<string, WrittenFile> = {};
  for (const [part, bytes] of Object.entries(parts) as [keyof typeof parts, Uint8Array][])
    written[`${split}.${part}`] = await writeSynced(partFile(folder, split, part), [bytes], {
      flags: 'wx',
      signal,
    });
  return written;
}

/** Reads the index of a split. Throws DatasetError when a file is missing or they differ in length. */
export async function openPhotoIndex(folder: string, split: Split): Promise<PhotoIndex> {
  const read = async (part: 'labels' | 'rows' | 'paths' | 'stats'): Promise<Buffer> =>
    readFile(partFile(folder, split, part)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw fault(folder, split, part, 'a file of the index; verify the dataset and add it again', 'no file');
    });
  const text = (await read('paths')).toString('utf8');
  const paths = text === '' ? [] : text.slice(0, text.endsWith('\n') ? -1 : undefined).split('\n');
  const typed = async (part: 'labels' | 'rows' | 'stats', width: number): Promise<ArrayBuffer> => {
    const bytes = await read(part);
    if (bytes.length !== width * paths.length)
      throw fault(folder, split, part, `${width * paths.length} bytes, one entry a path`, `${bytes.length}`);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  };
  const labels = new Int32Array(await typed('labels', 4));
  const rows = new Uint32Array(await typed('rows', 4));
  const stats = new Float64Array(await typed('stats', 16));
  return {
    paths,
    labels,
    rows,
    sizes: Float64Array.from(paths, (_, i) => stats[2 * i]!),
    mtimes: Float64Array.from(paths, (_, i) => stats[2 * i + 1]!),
  };
}

/**
 * Sizes and times of files below a root, NaN where there is no file. Synchronous calls are several times faster than
 * asynchronous ones here, so it gives way to events only now and then: it is for the background process and the trainer.
 */
export async function statAll(
  root: string,
  paths: readonly string[],
  {
    signal,
    onProgress,
  }: { signal?: AbortSignal | undefined; onProgress?: ((share: number) => void) | undefined } = {},
): Promise<Pick<PhotoIndex, 'sizes' | 'mtimes'>> {
  const sizes = new Float64Array(paths.length).fill(NaN);
  const mtimes = new Float64Array(paths.length).fill(NaN);
  for (const [i, path] of paths.entries()) {
    if (i % STATS_AT_ONCE === 0) {
      signal?.throwIfAborted();
      onProgress?.(i / paths.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const found = lookUp(resolveInRoot(root, path));
    if (found?.isFile() !== true) continue;
    sizes[i] = found.size;
    mtimes[i] = found.mtimeMs;
  }
  return { sizes, mtimes };
}

const STATS_AT_ONCE = 2000;

/** What is at a path; a path that cannot be looked at (too long, no permission) has nothing. */
function lookUp(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function bytesOf(values: Int32Array | Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function fault(folder: string, split: Split, part: string, expected: string, found: string): DatasetError {
  return new DatasetError({ file: join(folder, `${split}.${part}`), offset: null, expected, found });
}
