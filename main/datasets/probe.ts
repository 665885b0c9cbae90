/**
 * Finds out what lies at a path and reads it. A path may be a folder with the files, a folder that holds the official
 * folder, or an official archive; what it is follows from its files, never from its name.
 */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { findCifarFolders, readCifarArchive, readCifarFolder } from './cifar.ts';
import { DatasetError } from './errors.ts';
import { missing } from './gzip.ts';
import { hasIdxFiles, readIdxFolder } from './idx.ts';
import type { Split } from './manifest.ts';
import type { PhotographProbe } from './photographs/probe.ts';
import { readSample, readSampleDescription } from './sample.ts';
import type { DatasetKind, PackedKind, ReadOptions, Source } from './source.ts';
import { countClasses } from './subset.ts';

/** What was found at a path, before anything is written. */
export interface DatasetProbe {
  kind: DatasetKind;
  path: string;
  classNames: string[];
  /** Training images per class of the whole source. */
  classCounts: number[];
  counts: Record<Split, number>;
  height: number;
  width: number;
  channels: number;
  suggestedName: string;
  /** What only photographs have (photographs/probe.ts); null for a packed source. */
  photographs: PhotographProbe | null;
}

/**
 * Reads and checks a whole source without keeping its pixels: every size, magic number and label.
 *
 * `kind` null takes what the files are; with one, other files are an error. Throws DatasetError.
 */
export async function probeDataset(
  path: string,
  kind: PackedKind | null,
  options: Omit<ReadOptions, 'pixels'> = {},
): Promise<DatasetProbe> {
  const source = await readSource(path, kind, { ...options, pixels: false });
  return {
    kind: source.kind,
    path: source.path,
    classNames: source.classNames,
    classCounts: countClasses(source.train.labels, source.classNames.length),
    counts: { train: source.train.labels.length, val: 0, test: source.test.labels.length },
    height: source.height,
    width: source.width,
    channels: source.channels,
    suggestedName: SUGGESTED_NAMES[source.kind] ?? basename(source.path),
    photographs: null,
  };
}

const SUGGESTED_NAMES: Partial<Record<PackedKind, string>> = {
  'cifar-10': 'CIFAR-10',
  'cifar-100': 'CIFAR-100',
  'fashion-mnist': 'Fashion-MNIST',
  sample: 'Fashion-MNIST sample',
};

/** Reads whatever lies at a path. Throws DatasetError when it is none of the known formats, or another than `kind`. */
export async function readSource(
  givenPath: string,
  kind: PackedKind | null,
  options: ReadOptions,
): Promise<Source> {
  const path = resolve(givenPath);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR'
      ? new DatasetError({
          file: path,
          offset: null,
          expected: 'a folder or an archive',
          found: 'nothing at this path',
        })
      : missing(path, error);
  });
  const source = found.isDirectory()
    ? await readFolder(path, kind, options)
    : await readArchive(path, options);
  if (kind !== null && source.kind !== kind) {
    throw new DatasetError({ file: path, offset: null, expected: kind, found: source.kind });
  }
  return source;
}

/** Whether a folder holds one of the formats that are packed. */
export async function hasPackedFiles(path: string): Promise<boolean> {
  return (
    (await readSampleDescription(path)) !== null ||
    (await findCifarFolders(path)).length > 0 ||
    (await hasIdxFiles(path))
  );
}

async function readFolder(path: string, kind: PackedKind | null, options: ReadOptions): Promise<Source> {
  if (kind === 'sample' || (kind === null && (await readSampleDescription(path)) !== null)) {
    return readSample(path, options);
  }
  const cifar = (await findCifarFolders(path)).filter((one) => kind === null || one.kind === kind);
  const isIdx = (await hasIdxFiles(path)) && (kind === null || kind === 'idx' || kind === 'fashion-mnist');
  if (cifar.length + Number(isIdx) > 1) {
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'one dataset',
      found: `several (${[...cifar.map((one) => one.kind), ...(isIdx ? ['IDX files'] : [])].join(', ')}); give the folder of one`,
    });
  }
  if (isIdx) return readIdxFolder(path, kind as 'idx' | 'fashion-mnist' | null, options);
  const only = cifar[0];
  if (only !== undefined) return readCifarFolder(only.kind, only.folder, options);
  throw new DatasetError({
    file: path,
    offset: null,
    expected:
      'CIFAR-10 in its binary version (data_batch_1.bin …), CIFAR-100 in its binary version (train.bin …), ' +
      'IDX files (train-images-idx3-ubyte …), or photographs in one folder a class',
    found: 'none of them in this folder',
  });
}

async function readArchive(path: string, options: ReadOptions): Promise<Source> {
  const name = basename(path);
  if (/\.(tar\.gz|tgz|tar)$/.test(name)) return readCifarArchive(path, options);
  throw new DatasetError({
    file: path,
    offset: null,
    expected: 'a folder, or a .tar.gz of CIFAR-10 or CIFAR-100',
    found: /\.bin$|ubyte(\.gz)?$/.test(name)
      ? 'one file of a dataset; give the folder that holds all of them'
      : 'another file',
  });
}
