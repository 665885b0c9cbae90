/**
 * Registers photographs by reference: the library gets an index of their paths, labels, sizes and dates, and a manifest.
 * They stay where they are, and nothing is ever written there.
 */
import { createHash } from 'node:crypto';
import type { DatasetManifest, Split } from '../manifest.ts';
import { writeNewDataset, type DatasetId, type RegisteredDataset, type TaskOptions } from '../newDataset.ts';
import { SUBSET_SEED, SubsetError } from '../subset.ts';
import {
  choosePhotographs,
  DEFAULT_IMAGE_SIZE,
  type ChosenSplit,
  type PhotographChoices,
} from './describe.ts';
import { NORMALISATION_VALUES } from './normalisation.ts';
import { readPhotoCheck } from './photoCheck.ts';
import { statAll, writePhotoIndex } from './photoIndex.ts';
import { readPhotographs, sourceSplits, type PhotographLocation } from './source.ts';

export interface RegisterPhotographs {
  libraryFolder: string;
  id: DatasetId;
  source: PhotographLocation;
  options: PhotographChoices & {
    /** Leaves out images that are not there. */
    leaveOutMissing: boolean;
    /** Folder of a registered dataset whose last check says which images are left out; null for none. */
    leaveOutProblemsOf: string | null;
  };
}

/** How photographs are registered where nothing else is said: all of them, as they are numbered. */
export const PLAIN_PHOTOGRAPHS = {
  rankLabels: false,
  normalisation: 'imagenet',
  testFraction: 0,
  leaveOutMissing: false,
  leaveOutProblemsOf: null,
} as const;

/**
 * Throws DatasetError for a faulty source, SubsetError for a choice that cannot be made, RegistrationError when the disk
 * has no room or the folder exists, and the signal's reason when aborted. Nothing is left behind then.
 */
export async function registerPhotographs(
  { libraryFolder, id, source: from, options }: RegisterPhotographs,
  { onProgress, signal }: TaskOptions = {},
): Promise<RegisteredDataset> {
  const fill = async (folder: string): Promise<Omit<DatasetManifest, 'manifestHash'>> => {
    onProgress?.(0, 'Reading names');
    const source = await readPhotographs(from, { signal });
    const known = new Map<Split, { sizes: Float64Array; mtimes: Float64Array }>();
    const given = sourceSplits(source);
    for (const [index, [split, { paths }]] of given.entries()) {
      const onLooked = (share: number) =>
        onProgress?.(0.2 + (0.6 * (index + share)) / given.length, 'Looking files up');
      known.set(split, await statAll(source.root, paths, { signal, onProgress: onLooked }));
    }
    const unusable =
      options.leaveOutProblemsOf === null ? null : await pathsOfProblems(options.leaveOutProblemsOf);
    const chosen = choosePhotographs(
      source,
      options,
      (path, split, row) =>
        unusable?.has(path) === true ||
        (options.leaveOutMissing && Number.isNaN(known.get(split)!.sizes[row]!)),
    );

    const files: DatasetManifest['files'] = {};
    const sizesHash = createHash('sha256');
    const counts = { train: 0, val: 0, test: 0 };
    const indices: DatasetManifest['indices'] = { train: '', val: null, test: '' };
    for (const split of ['train', 'val', 'test'] as const) {
      const data = chosen.splits[split];
      if (data === null) continue;
      onProgress?.(0.85, `Writing the ${split} split`);
      // A split that was carved has its files in the training split.
      const { sizes, mtimes } = known.get(source[split] === null ? 'train' : split)!;
      const stats = { sizes: gathered(sizes, data), mtimes: gathered(mtimes, data) };
      sizesHash.update(new Uint8Array(stats.sizes.buffer));
      Object.assign(files, await writePhotoIndex(folder, split, { ...data, ...stats }));
      counts[split] = data.paths.length;
      indices[split] = files[`${split}.rows`]!.sha256;
    }
    const { subset } = options;
    return {
      format: 1,
      source: { kind: source.kind, path: source.root, files: source.files },
      classNames: chosen.classNames,
      height: DEFAULT_IMAGE_SIZE,
      width: DEFAULT_IMAGE_SIZE,
      channels: 3,
      subset: {
        type: subset.type,
        imbalanceFactor: subset.type === 'full' ? 1 : subset.imbalanceFactor,
        seed: SUBSET_SEED,
      },
      subsetHash: chosen.subsetHash,
      sameAsReference: null,
      val: options.validation,
      classCounts: chosen.classCounts,
      sourceClassCounts: chosen.sourceClassCounts,
      counts,
      ...NORMALISATION_VALUES[options.normalisation],
      indices,
      files,
      photographs: {
        normalisation: options.normalisation,
        rankLabels: chosen.rankLabels,
        lists: source.lists,
        testFraction: chosen.testFraction,
        leftOut: chosen.leftOut,
        sizesHash: sizesHash.digest('hex'),
      },
    };
  };
  return writeNewDataset(libraryFolder, id, fill, { onProgress, signal });
}

function gathered(values: Float64Array, { rows }: ChosenSplit): Float64Array {
  return Float64Array.from(rows, (row) => values[row]!);
}

/** Paths that the last check of a dataset listed, whichever split they were in. */
async function pathsOfProblems(folder: string): Promise<Set<string>> {
  const check = await readPhotoCheck(folder);
  if (check === null)
    throw new SubsetError(
      'The dataset whose problems are to be left out has no finished check: verify it first.',
    );
  return new Set(check.problems.map(({ path }) => path));
}
