/**
 * A source of photographs in one plain form, whether list files name them or they lie in one folder a class. Only names
 * are read here, never pixels.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatasetError } from '../errors.ts';
import type { Split } from '../manifest.ts';
import { hasPackedFiles } from '../probe.ts';
import { isPhotographKind, type DatasetKind, type PhotographKind, type SourceFile } from '../source.ts';
import { readClassFolders } from './classFolders.ts';
import { classNamesOfPaths } from './classNames.ts';
import { readListFile, requireSoundList, type ListFile } from './listFile.ts';

/** Paths of list files. */
export interface ListFiles {
  train: string;
  val: string | null;
  test: string;
}

/** Where photographs are: below a folder, and named by lists where there are any. */
export interface PhotographLocation {
  path: string;
  lists: ListFiles | null;
}

export interface PhotographSplit {
  /** Relative to the root, with forward slashes. */
  paths: string[];
  /** [N], in [0, classes). */
  labels: Int32Array;
}

export interface PhotographSource {
  kind: PhotographKind;
  /** The folder that all paths start from. */
  root: string;
  classNames: string[];
  train: PhotographSplit;
  val: PhotographSplit | null;
  /** Null for a folder without a test split: one is carved from the training images. */
  test: PhotographSplit | null;
  lists: ListFiles | null;
  /** The list files. */
  files: SourceFile[];
  /** Files among the images that are none by their name: the first, and how many in all. */
  skipped: string[];
  skippedCount: number;
}

/** Reads all names and labels. Throws DatasetError for a root that is no folder and for lists with faults. */
export async function readPhotographs(
  { path, lists }: PhotographLocation,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<PhotographSource> {
  const root = resolve(path);
  await requireFolder(root);
  if (lists === null) {
    const found = await readClassFolders(root, { signal });
    return { kind: 'folder', root, lists: null, files: [], ...found };
  }
  const absolute = {
    train: resolve(lists.train),
    val: lists.val === null ? null : resolve(lists.val),
    test: resolve(lists.test),
  };
  const read = async (file: string | null): Promise<ListFile | null> => {
    if (file === null) return null;
    const list = await readListFile(file, signal === undefined ? {} : { signal });
    requireSoundList(file, list);
    return list;
  };
  const [train, val, test] = [
    (await read(absolute.train))!,
    await read(absolute.val),
    (await read(absolute.test))!,
  ];
  const all = [train, val, test].filter((list) => list !== null);
  const classes = Math.max(...all.map((list) => list.classes));
  const splitOf = ({ paths, labels }: ListFile): PhotographSplit => ({ paths, labels });
  return {
    kind: 'list',
    root,
    classNames: classNamesOfPaths(train.paths, train.labels, classes),
    train: splitOf(train),
    val: val === null ? null : splitOf(val),
    test: splitOf(test),
    lists: absolute,
    files: all.map(({ file }) => file),
    skipped: [],
    skippedCount: 0,
  };
}

/** The splits that a source has, in order. */
export function sourceSplits(source: PhotographSource): [Split, PhotographSplit][] {
  return (['train', 'val', 'test'] as const).flatMap((split): [Split, PhotographSplit][] => {
    const data = source[split];
    return data === null ? [] : [[split, data]];
  });
}

/** Whether a path is to be read as photographs: as it was asked for, else as its files tell. */
export async function isPhotographSource(
  { path, lists }: PhotographLocation,
  kind: DatasetKind | null,
): Promise<boolean> {
  if (lists !== null) return true;
  if (kind !== null) return isPhotographKind(kind);
  const root = resolve(path);
  const found = await stat(root).catch(() => null);
  return found?.isDirectory() === true && !(await hasPackedFiles(root)) && (await holdsImages(root));
}

async function requireFolder(root: string): Promise<void> {
  const found = await stat(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (found?.isDirectory() === true) return;
  throw new DatasetError({
    file: root,
    offset: null,
    expected: 'the folder with the photographs',
    found: found === null ? 'nothing at this path' : 'a file',
  });
}

const IMAGE_NAME = /\.(jpe?g|png|webp|bmp|tiff?|gif|ppm|pgm)$/i;
/** Split folder, class folder, image. */
const LOOK_DEPTH = 3;
/** Folders that are looked into at each level before giving up. */
const LOOK_WIDTH = 20;

/** Whether there is an image in a folder below this one; looks at a few places only. */
async function holdsImages(folder: string, depth = 1): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (depth > 1 && entries.some((entry) => !entry.isDirectory() && IMAGE_NAME.test(entry.name))) return true;
  if (depth === LOOK_DEPTH) return false;
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  for (const { name } of folders.slice(0, LOOK_WIDTH))
    if (await holdsImages(join(folder, name), depth + 1)) return true;
  return false;
}
