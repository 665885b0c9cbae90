/**
 * Datasets as folders of classes, as torchvision's ImageFolder reads them: each folder is a class, classes are numbered
 * by their sorted names, and every image below a class's folder is one of its images.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../errors.ts';

/** Extensions of torchvision that are read here; the decoder says of each file whether it can. */
const EXTENSIONS = /\.(jpe?g|png|webp)$/i;
/** Split folders, by the names that people give them. */
const SPLIT_NAMES = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation'],
  test: ['test'],
} as const;
/** Other files that are listed by name; the count goes on. */
const MAX_SKIPPED = 1000;

export interface FolderSplit {
  /** Relative to the root, with `/`; by class, then by name. */
  paths: string[];
  labels: Int32Array;
}

export interface ClassFolders {
  classNames: string[];
  train: FolderSplit;
  val: FolderSplit | null;
  test: FolderSplit | null;
  /** Files that are no images by their extension: the first thousand, and how many in all. */
  skipped: string[];
  skippedCount: number;
}

/**
 * Reads the folders of a root: `train` with `val` and/or `test` beside it, or the class folders themselves, which are
 * then all training images: a `train` without two folders in it is a class (of vehicles), where there are others. With
 * `train` and `val` only, `val` is the test split, as is the custom.
 *
 * Throws DatasetError when there are fewer than two classes, an empty split, or a class that only one split has.
 */
export async function readClassFolders(
  root: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ClassFolders> {
  const top = await subfolders(root);
  const found = (split: keyof typeof SPLIT_NAMES) =>
    top.find((name) => (SPLIT_NAMES[split] as readonly string[]).includes(name.toLowerCase())) ?? null;
  const folders = { train: found('train'), val: found('val'), test: found('test') };
  const reader = new Reader(root, signal);
  const hasOthers = top.some((name) => !Object.values(folders).includes(name));
  const isClass = async (folder: string) => hasOthers && (await subfolders(join(root, folder))).length < 2;
  if (folders.train === null || (await isClass(folders.train))) {
    const classNames = await reader.classesOf('');
    return { classNames, train: await reader.split('', classNames), val: null, test: null, ...reader.others };
  }
  const classNames = await reader.classesOf(folders.train);
  const train = await reader.split(folders.train, classNames);
  const val = folders.val === null ? null : await reader.split(folders.val, classNames);
  const test = folders.test === null ? null : await reader.split(folders.test, classNames);
  return { classNames, train, val: test === null ? null : val, test: test ?? val, ...reader.others };
}

class Reader {
  readonly others: Pick<ClassFolders, 'skipped' | 'skippedCount'> = { skipped: [], skippedCount: 0 };
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  async classesOf(folder: string): Promise<string[]> {
    const names = await subfolders(join(this.#root, folder));
    if (names.length >= 2) return names;
    throw fault(
      join(this.#root, folder),
      'a folder for each class, at least two',
      names.length === 0 ? 'no folders' : 'only one',
    );
  }

  async split(folder: string, classNames: string[]): Promise<FolderSplit> {
    const where = join(this.#root, folder);
    const own = await subfolders(where);
    const unknown = own.find((name) => !classNames.includes(name));
    if (unknown !== undefined)
      throw fault(join(where, unknown), 'a class that the training folder has too', `"${unknown}"`);
    const paths: string[] = [];
    const labels: number[] = [];
    for (const [label, name] of classNames.entries()) {
      if (!own.includes(name)) continue;
      const images: string[] = [];
      await this.#collect(folder === '' ? name : `${folder}/${name}`, images);
      for (const path of images.sort(byCodePoint)) {
        paths.push(path);
        labels.push(label);
      }
    }
    if (paths.length === 0) throw fault(where, 'images (.jpg, .jpeg, .png, .webp) in class folders', 'none');
    return { paths, labels: Int32Array.from(labels) };
  }

  async #collect(folder: string, images: string[]): Promise<void> {
    this.#signal?.throwIfAborted();
    for (const entry of await readdir(join(this.#root, folder), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await this.#collect(path, images);
      // A path is one line of the index, so a name with a line break cannot be kept.
      else if (EXTENSIONS.test(entry.name) && !/[\n\r]/.test(path)) images.push(path);
      else {
        this.others.skippedCount++;
        if (this.others.skipped.length < MAX_SKIPPED) this.others.skipped.push(path);
      }
    }
  }
}

/** Names of the folders in a folder, sorted as Python sorts them. Links to folders count, hidden ones do not. */
async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw fault(folder, 'a folder', 'nothing');
    if (error.code === 'ENOTDIR') throw fault(folder, 'a folder', 'a file');
    throw error;
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) names.push(entry.name);
    else if (entry.isSymbolicLink() && (await leadsToFolder(join(folder, entry.name))))
      names.push(entry.name);
  }
  return names.sort(byCodePoint);
}

async function leadsToFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function fault(file: string, expected: string, found: string): DatasetError {
  return new DatasetError({ file, offset: null, expected, found });
}
