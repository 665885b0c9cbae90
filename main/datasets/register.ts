/**
 * Registers a packed dataset: reads the source, chooses its rows, and writes a packed copy with a manifest into the
 * library, so that the source may vanish afterwards.
 */
import { createHash } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { writeSynced } from '../durableFile.ts';
import { partFile, splitsOf, type DatasetManifest, type PackedPart, type Split } from './manifest.ts';
import { chooseTraining } from './chooseTraining.ts';
import {
  freeDatasetFolder,
  RegistrationError,
  writeNewDataset,
  type DatasetId,
  type RegisteredDataset,
  type TaskOptions,
} from './newDataset.ts';
import { normalisationOf } from './pixels.ts';
import { readSource } from './probe.ts';
import { sameAsReference } from './referenceSubsets.ts';
import { readSampleDescription } from './sample.ts';
import type { PackedKind, Source, SourceSplit } from './source.ts';
import { SUBSET_SEED, SubsetError, type SubsetOptions, type ValidationOptions } from './subset.ts';

export interface RegisterDataset {
  libraryFolder: string;
  /** The dataset's id in the store; its folder is `datasets/<id>`. */
  id: DatasetId;
  source: { path: string; kind: PackedKind | null };
  options: { subset: SubsetOptions; validation: ValidationOptions | null };
}

/** Pixels are packed and written in pieces of about this size. */
const CHUNK_BYTES = 4 << 20;

/**
 * Registers a dataset under an id that has none yet.
 *
 * Throws DatasetError for a faulty source, SubsetError for a subset that cannot be made, RegistrationError when the
 * disk has no room or the folder exists, and the signal's reason when aborted. Nothing is left behind then.
 */
export async function registerDataset(
  { libraryFolder, id, source: from, options }: RegisterDataset,
  { onProgress, signal }: TaskOptions = {},
): Promise<RegisteredDataset> {
  await freeDatasetFolder(libraryFolder, id);
  const source = await readSource(from.path, from.kind, {
    pixels: true,
    onProgress: (share, message) => onProgress?.(0.6 * share, message),
    signal,
  });
  onProgress?.(0.6, 'Choosing images');
  const { rows, ...described } = await describe(source, options);
  const fill = async (folder: string) => {
    await requireSpace(folder, source, rows);
    const files: DatasetManifest['files'] = {};
    const splits = splitsOf(described);
    for (const [index, split] of splits.entries()) {
      onProgress?.(0.6 + (0.38 * index) / splits.length, `Writing the ${split} split`);
      const data = split === 'test' ? source.test : source.train;
      const write = async (part: PackedPart, bytes: Iterable<Uint8Array>) => {
        files[`${split}.${part}`] = await writeSynced(partFile(folder, split, part), bytes, {
          flags: 'wx',
          signal,
        });
      };
      await write('images', gather(data, rows[split]!, source));
      await write('labels', [bytesOf(Int32Array.from(rows[split]!, (row) => data.labels[row]!))]);
      await write('rows', [bytesOf(rows[split]!)]);
    }
    return { ...described, files };
  };
  return writeNewDataset(libraryFolder, id, fill, { onProgress, signal });
}

type Rows = Record<Split, Uint32Array | null>;

/** Chooses the rows of every split and works out everything of the manifest that does not need the written files. */
async function describe(
  source: Source,
  { subset: asked, validation }: RegisterDataset['options'],
): Promise<Omit<DatasetManifest, 'files' | 'manifestHash'> & { rows: Rows }> {
  const { labels } = source.train;
  const all = Uint32Array.from(labels, (_, row) => row);
  const { train, val, ...chosen } = chooseTraining(labels, source.classNames.length, all, {
    subset: asked,
    validation,
  });
  const test = Uint32Array.from(source.test.labels, (_, row) => row);
  const rows: Rows = { train, val, test };
  return {
    format: 1,
    source: { kind: source.kind, path: source.path, files: source.files },
    classNames: source.classNames,
    height: source.height,
    width: source.width,
    channels: source.channels,
    subset: await describedSubset(source, asked),
    subsetHash: chosen.subsetHash,
    sameAsReference: sameAsReference(source.kind, asked, chosen.subsetHash),
    val: validation,
    classCounts: chosen.classCounts,
    sourceClassCounts: chosen.sourceClassCounts,
    counts: { train: train.length, val: val?.length ?? 0, test: test.length },
    ...normalisationOf(source.kind, source.train.images, source.channels),
    indices: { train: sha256Of(train), val: val === null ? null : sha256Of(val), test: sha256Of(test) },
    photographs: null,
    rows,
  };
}

/** The subset as the manifest tells it. The sample is a slice already: its manifest says how that was made. */
async function describedSubset(source: Source, asked: SubsetOptions): Promise<DatasetManifest['subset']> {
  if (source.kind !== 'sample') {
    return {
      type: asked.type,
      imbalanceFactor: asked.type === 'full' ? 1 : asked.imbalanceFactor,
      seed: SUBSET_SEED,
    };
  }
  if (asked.type !== 'full') {
    throw new SubsetError('The sample dataset is long-tailed already; add it whole (subset "full").');
  }
  const { type, imbalanceFactor, seed } = (await readSampleDescription(source.path))!.subset;
  return { type, imbalanceFactor, seed };
}

/** Refuses early, with the numbers, when the copy cannot fit. */
async function requireSpace(folder: string, { height, width, channels }: Source, rows: Rows): Promise<void> {
  const examples = Object.values(rows).reduce((sum, list) => sum + (list?.length ?? 0), 0);
  const needed = examples * (height * width * channels + 8);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new RegistrationError(
    'disk-full',
    `The dataset needs ${megabytes(needed)} in ${folder}, but only ${megabytes(free)} are free. Free some space and add it again.`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The images of `rows`, packed, in pieces. */
function* gather({ images }: SourceSplit, rows: Uint32Array, { height, width, channels }: Source) {
  const imageBytes = height * width * channels;
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / imageBytes));
  for (let first = 0; first < rows.length; first += perChunk) {
    const part = rows.subarray(first, first + perChunk);
    const chunk = new Uint8Array(part.length * imageBytes);
    part.forEach((row, i) => {
      chunk.set(images.subarray(row * imageBytes, (row + 1) * imageBytes), i * imageBytes);
    });
    yield chunk;
  }
}

function bytesOf(values: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function sha256Of(values: Uint32Array): string {
  return createHash('sha256').update(bytesOf(values)).digest('hex');
}
