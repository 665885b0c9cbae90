/**
 * Looks at photographs before anything is written: reads all names and labels, looks every file up, reads a sample of
 * the images whole, and says what is wrong or worth knowing.
 */
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatasetError } from '../errors.ts';
import type { Split } from '../manifest.ts';
import type { TaskOptions } from '../newDataset.ts';
import type { DatasetProbe } from '../probe.ts';
import { countClasses } from '../subset.ts';
import { decodePhotograph, PhotographError, readImageFile, requireHeader } from './decode.ts';
import { DEFAULT_IMAGE_SIZE } from './describe.ts';
import type { ImageHeader } from './imageHeader.ts';
import type { NormalisationId } from './normalisation.ts';
import type { PhotoProblemCode } from './photoCheck.ts';
import { statAll } from './photoIndex.ts';
import { resolveInRoot } from './root.ts';
import { readPhotographs, sourceSplits, type PhotographLocation, type PhotographSource } from './source.ts';
import { suggestPhotographName } from './suggestName.ts';

export interface FoundProblem {
  split: Split;
  path: string;
  reason: PhotoProblemCode;
  message: string;
}

export interface PhotographProbe {
  /** Images that were read whole, spread over all splits, and what they are. */
  sample: {
    images: number;
    smallest: { width: number; height: number } | null;
    largest: { width: number; height: number } | null;
    /** Most frequent first. */
    formats: { format: string; images: number }[];
  };
  /** Images of all splits that are not there. */
  missing: number;
  /** Those that are: training images per class, and of each split. */
  present: { classCounts: number[]; counts: Record<Split, number> };
  /** The first problems: missing images, and images of the sample that can't be read. */
  problems: FoundProblem[];
  /** What to know beforehand, as sentences. */
  remarks: string[];
  hasTest: boolean;
  suggestedNormalisation: NormalisationId;
}

/** Images that are read whole: enough to see a wrong folder or a broken download, and done in seconds. */
const SAMPLE_IMAGES = 64;
/** Problems that are named; the rest is counted. */
const NAMED_PROBLEMS = 100;

/**
 * Throws DatasetError for lists with faults, a root that is no folder, and a root that has none of the images: then the
 * wrong folder was given, and the error says what was looked for.
 */
export async function probePhotographs(
  location: PhotographLocation,
  { onProgress, signal }: TaskOptions = {},
): Promise<DatasetProbe> {
  onProgress?.(0, 'Reading names');
  const source = await readPhotographs(location, { signal });
  const splits = sourceSplits(source);
  const problems: FoundProblem[] = [];
  const present: { split: Split; path: string; label: number }[] = [];
  let missing = 0;
  for (const [index, [split, { paths, labels }]] of splits.entries()) {
    const { sizes } = await statAll(source.root, paths, {
      signal,
      onProgress: (share) => onProgress?.(0.1 + (0.6 * (index + share)) / splits.length, 'Looking files up'),
    });
    paths.forEach((path, row) => {
      if (!Number.isNaN(sizes[row])) present.push({ split, path, label: labels[row]! });
      else {
        missing++;
        if (problems.length < NAMED_PROBLEMS)
          problems.push({ split, path, reason: 'missing', message: 'There is no file at this path.' });
      }
    });
  }
  if (present.length === 0) await refuseRoot(source);
  const sample = await readSample(source.root, spread(present, SAMPLE_IMAGES), {
    signal,
    onProgress: (share, message) => onProgress?.(0.7 + 0.3 * share, message),
  });
  const classes = source.classNames.length;
  const classCounts = countClasses(source.train.labels, classes);
  const labelsPresent = (wanted: Split): number[] =>
    present.filter(({ split }) => split === wanted).map(({ label }) => label);
  const trainPresent = labelsPresent('train');
  return {
    kind: source.kind,
    path: source.root,
    classNames: source.classNames,
    classCounts,
    counts: {
      train: source.train.paths.length,
      val: source.val?.paths.length ?? 0,
      test: source.test?.paths.length ?? 0,
    },
    height: DEFAULT_IMAGE_SIZE,
    width: DEFAULT_IMAGE_SIZE,
    channels: 3,
    suggestedName: suggestPhotographName(source),
    photographs: {
      sample: sample.facts,
      missing,
      present: {
        classCounts: countClasses(Int32Array.from(trainPresent), classes),
        counts: {
          train: trainPresent.length,
          val: labelsPresent('val').length,
          test: labelsPresent('test').length,
        },
      },
      problems: [...problems, ...sample.problems],
      remarks: remarksOn(source, classCounts),
      hasTest: source.test !== null,
      suggestedNormalisation: suggestNormalisation(source),
    },
  };
}

/** What the files of a source tell before any is read. */
function remarksOn(source: PhotographSource, classCounts: number[]): string[] {
  const remarks: string[] = [];
  const splits = sourceSplits(source);
  for (const [index, [split, { paths }]] of splits.entries()) {
    for (const [other, { paths: others }] of splits.slice(index + 1)) {
      const known = new Set(paths);
      const shared = others.filter((path) => known.has(path));
      if (shared.length > 0)
        remarks.push(
          `${images(shared.length)} of the ${other} split ${shared.length === 1 ? 'is' : 'are'} in the ${split} split too (${shared[0]}).`,
        );
    }
  }
  const empty = classCounts.filter((count) => count === 0).length;
  if (empty > 0)
    remarks.push(
      `${empty} of ${classCounts.length} class numbers ${empty === 1 ? 'has' : 'have'} no training image; every class needs at least one.`,
    );
  if (source.test !== null) {
    const untested = countClasses(source.test.labels, classCounts.length).filter((count) => count === 0);
    if (untested.length > 0)
      remarks.push(
        `${untested.length} of ${classCounts.length} classes ${untested.length === 1 ? 'has' : 'have'} no test image; their accuracy will have no value.`,
      );
  }
  if (source.skippedCount > 0)
    remarks.push(
      `${source.skippedCount === 1 ? '1 file is' : `${source.skippedCount} files are`} left out, being no JPEG, PNG or WebP by name (${source.skipped[0]}).`,
    );
  return remarks;
}

function images(count: number): string {
  return count === 1 ? '1 image' : `${count} images`;
}

/** Says which folder would have been right, where it is near. */
async function refuseRoot({ root, train }: PhotographSource): Promise<never> {
  const first = train.paths[0]!;
  const rest = first.split('/').slice(1).join('/');
  const candidates = [
    dirname(root),
    dirname(dirname(root)),
    ...['train', 'images', 'data', 'val'].map((name) => join(root, name)),
  ];
  const exists = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  let advice = 'Give the folder that the paths of the list start from';
  if (rest !== '' && (await exists(resolveInRoot(root, rest))))
    advice = `There is ${rest}, so the list has one folder more in its paths than the root`;
  for (const candidate of candidates)
    if (await exists(resolveInRoot(candidate, first))) {
      advice = `They are below ${candidate}; give that folder`;
      break;
    }
  throw new DatasetError({
    file: root,
    offset: null,
    expected: `the images of the list, such as ${first}`,
    found: `none of them. ${advice}`,
  });
}

/** So many of the items, at equal distances. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}

async function readSample(
  root: string,
  chosen: { split: Split; path: string }[],
  { onProgress, signal }: TaskOptions,
): Promise<{ facts: PhotographProbe['sample']; problems: FoundProblem[] }> {
  const problems: FoundProblem[] = [];
  const sizes: { width: number; height: number }[] = [];
  const formats = new Map<string, number>();
  for (const [index, { split, path }] of chosen.entries()) {
    signal?.throwIfAborted();
    onProgress?.(index / chosen.length, `Reading image ${index + 1} of ${chosen.length}`);
    try {
      const file = resolveInRoot(root, path);
      const bytes = await readImageFile(file);
      const format = FORMATS[requireHeader(bytes, file).format];
      const { width, height } = await decodePhotograph(bytes, file);
      sizes.push({ width, height });
      formats.set(format, (formats.get(format) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof PhotographError)) throw error;
      problems.push({ split, path, reason: error.reason, message: error.message });
    }
  }
  const byArea = sizes.sort((a, b) => a.width * a.height - b.width * b.height);
  return {
    facts: {
      images: chosen.length,
      smallest: byArea[0] ?? null,
      largest: byArea.at(-1) ?? null,
      formats: [...formats]
        .map(([format, count]) => ({ format, images: count }))
        .sort((a, b) => b.images - a.images),
    },
    problems,
  };
}

const FORMATS: Readonly<Record<ImageHeader['format'], string>> = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' };

/** iNaturalist 2018 has 8,142 classes in super-class folders; everything else takes ImageNet's values. */
function suggestNormalisation(source: PhotographSource): NormalisationId {
  const name = `${suggestPhotographName(source)} ${source.train.paths[0] ?? ''}`;
  return source.classNames.length === 8142 || /inat(uralist)?|train_val2018/i.test(name)
    ? 'inaturalist'
    : 'imagenet';
}
