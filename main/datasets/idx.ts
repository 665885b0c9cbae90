/**
 * Reads image sets in the IDX format of MNIST, as Fashion-MNIST and its siblings come: four files, each gzipped or
 * not. Integers are big-endian. Images: magic 0x00000803, count, rows, columns, then one byte a pixel (grey). Labels:
 * magic 0x00000801, count, then one byte a label.
 *
 * Format: yann.lecun.com/exdb/mnist. The class names of a set may lie beside it in `class_names.txt`, one a line.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './errors.ts';
import { readSized } from './gzip.ts';
import type { DatasetKind, ReadOptions, Source, SourceFile, SourceSplit } from './source.ts';

const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;
const MAX_SIDE = 1024;
const MAX_COUNT = 10_000_000;

const FASHION_CLASSES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/** SHA-256 of Fashion-MNIST's unpacked training labels: the same file names are used by other sets. */
const FASHION_LABELS_SHA256 = 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9';

const CLASS_NAMES_FILE = 'class_names.txt';

const PARTS = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;

/** Whether a folder holds at least one file of an IDX set. */
export async function hasIdxFiles(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return Object.values(PARTS).some((part) => names.some((name) => isPart(name, part)));
}

/**
 * Reads the four files of a folder. `kind` null: Fashion-MNIST where the training labels are its, else `idx`.
 *
 * Classes: those of Fashion-MNIST, or those named in class_names.txt, or one for each number up to the largest label.
 * Throws DatasetError.
 */
export async function readIdxFolder(
  folder: string,
  kind: Extract<DatasetKind, 'fashion-mnist' | 'idx' | 'sample'> | null,
  options: ReadOptions,
): Promise<Source> {
  const files: SourceFile[] = [];
  const read = async (part: string, share: number, parse: (path: string) => Promise<Buffer>) => {
    options.signal?.throwIfAborted();
    options.onProgress?.(share, `Reading ${part}`);
    const path = await findPart(folder, part);
    const bytes = await parse(path);
    files.push({
      name: part,
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    return { path, bytes };
  };
  const trainLabels = await read(PARTS.trainLabels, 0, readLabelFile);
  const trainImages = await read(PARTS.trainImages, 0.05, readImageFile);
  const testLabels = await read(PARTS.testLabels, 0.8, readLabelFile);
  const testImages = await read(PARTS.testImages, 0.85, readImageFile);

  const isFashion = kind === 'fashion-mnist' || (kind === null && files[0]!.sha256 === FASHION_LABELS_SHA256);
  const names = isFashion ? FASHION_CLASSES : await readClassNames(folder);
  const train = splitOf(trainImages, trainLabels, names?.length ?? null, options.pixels);
  const classNames = names ?? numberedClasses(train.labels);
  const test = splitOf(testImages, testLabels, classNames.length, options.pixels);
  const [rows, columns] = [trainImages.bytes.readUInt32BE(8), trainImages.bytes.readUInt32BE(12)];
  [rows, columns].forEach((side, i) => {
    const found = testImages.bytes.readUInt32BE(8 + 4 * i);
    if (found === side) return;
    throw new DatasetError({
      file: testImages.path,
      offset: 8 + 4 * i,
      expected: `${side} ${i === 0 ? 'rows' : 'columns'}, as in the training images`,
      found: `${found}`,
    });
  });
  return {
    kind: kind ?? (isFashion ? 'fashion-mnist' : 'idx'),
    path: folder,
    classNames,
    height: rows,
    width: columns,
    channels: 1,
    train,
    test,
    files: files.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** `train-images-idx3-ubyte`, also as `train-images.idx3-ubyte`, each with or without `.gz`. */
function isPart(name: string, part: string): boolean {
  const plain = name.endsWith('.gz') ? name.slice(0, -3) : name;
  return plain === part || plain === part.replace('-idx', '.idx');
}

async function findPart(folder: string, part: string): Promise<string> {
  const found = (await readdir(folder)).filter((name) => isPart(name, part));
  // The plain file wins where both lie there.
  const name = found.find((candidate) => !candidate.endsWith('.gz')) ?? found[0];
  if (name === undefined) {
    throw new DatasetError({
      file: join(folder, part),
      offset: null,
      expected: `the file ${part} or ${part}.gz`,
      found: 'neither',
    });
  }
  return join(folder, name);
}

function readImageFile(path: string): Promise<Buffer> {
  return readSized(path, 16, (header) => {
    requireMagic(path, header, IMAGES_MAGIC, 'images');
    requireHeader(path, header, 16);
    const [count, rows, columns] = [4, 8, 12].map((offset) => header.readUInt32BE(offset)) as [
      number,
      number,
      number,
    ];
    requireRange(path, 4, 'a count of images', count, MAX_COUNT);
    requireRange(path, 8, 'rows', rows, MAX_SIDE);
    requireRange(path, 12, 'columns', columns, MAX_SIDE);
    return { sizeBytes: 16 + count * rows * columns, because: `${count} images of ${rows} x ${columns}` };
  });
}

function readLabelFile(path: string): Promise<Buffer> {
  return readSized(path, 8, (header) => {
    requireMagic(path, header, LABELS_MAGIC, 'labels');
    requireHeader(path, header, 8);
    const count = header.readUInt32BE(4);
    requireRange(path, 4, 'a count of labels', count, MAX_COUNT);
    return { sizeBytes: 8 + count, because: `${count} labels` };
  });
}

function requireMagic(path: string, header: Buffer, magic: number, what: string): void {
  const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;
  const found = header.length < 4 ? `only ${header.length} bytes` : hex(header.readUInt32BE(0));
  if (found === hex(magic)) return;
  throw new DatasetError({
    file: path,
    offset: 0,
    expected: `the magic number ${hex(magic)} of IDX ${what}`,
    found,
  });
}

function requireHeader(path: string, header: Buffer, bytes: number): void {
  if (header.length >= bytes) return;
  throw new DatasetError({
    file: path,
    offset: header.length,
    expected: `a header of ${bytes} bytes`,
    found: 'the end of the file',
  });
}

function requireRange(path: string, offset: number, what: string, value: number, max: number): void {
  if (value >= 1 && value <= max) return;
  throw new DatasetError({ file: path, offset, expected: `${what} from 1 to ${max}`, found: `${value}` });
}

interface IdxFile {
  path: string;
  bytes: Buffer;
}

function splitOf(images: IdxFile, labels: IdxFile, classes: number | null, pixels: boolean): SourceSplit {
  const count = images.bytes.readUInt32BE(4);
  const labelCount = labels.bytes.readUInt32BE(4);
  if (labelCount !== count) {
    throw new DatasetError({
      file: labels.path,
      offset: 4,
      expected: `${count} labels, as many as images`,
      found: `${labelCount}`,
    });
  }
  const values = labels.bytes.subarray(8);
  if (classes !== null) {
    const wrong = values.findIndex((label) => label >= classes);
    if (wrong >= 0) {
      throw new DatasetError({
        file: labels.path,
        offset: 8 + wrong,
        expected: `a label from 0 to ${classes - 1}`,
        found: `${values[wrong]}`,
      });
    }
  }
  return { images: pixels ? images.bytes.subarray(16) : new Uint8Array(0), labels: Int32Array.from(values) };
}

async function readClassNames(folder: string): Promise<string[] | null> {
  const path = join(folder, CLASS_NAMES_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length === 0 || names.length > 256 || new Set(names).size < names.length) {
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'up to 256 different class names, one a line',
      found: names.length === 0 ? 'none' : names.length > 256 ? `${names.length}` : 'a name twice',
    });
  }
  return names;
}

function numberedClasses(labels: Int32Array): string[] {
  const largest = labels.reduce((max, label) => Math.max(max, label), 0);
  return Array.from({ length: largest + 1 }, (_, k) => String(k));
}
