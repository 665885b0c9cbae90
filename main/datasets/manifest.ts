/**
 * The manifest of a registered dataset: what it was made from, what was chosen, and hashes that pin down exactly which
 * examples it has. It lies beside the packed copy (`{train,val,test}.{images,labels,rows}`), which is all that training
 * reads; photographs stay where they are, and an index (`{train,val,test}.{paths,labels,rows,stats}`) takes its place.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from './errors.ts';

export const MANIFEST_FILE = 'manifest.json';

export type Split = 'train' | 'val' | 'test';
export const SPLITS = ['train', 'val', 'test'] as const;

/**
 * The files of one split: images [N, H, W, C] uint8 in C order, labels [N] int32 and source rows [N] uint32, both
 * little-endian.
 */
export const PARTS = ['images', 'labels', 'rows'] as const;
export type PackedPart = (typeof PARTS)[number];

/** Instead of images, photographs have paths (UTF-8, a line each) and stats (float64 pairs of size and time). */
export const PHOTOGRAPH_PARTS = ['labels', 'rows', 'paths', 'stats'] as const;
export type Part = PackedPart | (typeof PHOTOGRAPH_PARTS)[number];

export const PHOTOGRAPH_KINDS = ['list', 'folder'] as const;
export const NORMALISATIONS = ['imagenet', 'inaturalist'] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const storedFile = z.strictObject({ sizeBytes: count, sha256 });

const manifestSchema = z.strictObject({
  format: z.literal(1),
  source: z.strictObject({
    kind: z.enum(['cifar-10', 'cifar-100', 'fashion-mnist', 'idx', 'sample', ...PHOTOGRAPH_KINDS]),
    /** Of photographs: the root folder that all paths start from. */
    path: z.string(),
    /**
     * Sizes and hashes are of the unpacked files, so that an archive and its folder count as the same source. Of
     * photographs: the list files, none for folders.
     */
    files: z.array(z.strictObject({ name: z.string(), sizeBytes: count, sha256 })),
  }),
  classNames: z.array(z.string()).min(2),
  /** Of photographs: what networks are given unless a run says otherwise. */
  height: z.int().positive(),
  width: z.int().positive(),
  channels: z.int().positive(),
  /** For the sample: how it was made. */
  subset: z.strictObject({
    type: z.enum(['exp', 'step', 'full']),
    imbalanceFactor: z.number().positive().max(1),
    seed: count,
  }),
  /** SHA-256 of the chosen positions within each class (see subsetHash), before a validation split is carved. */
  subsetHash: sha256,
  /** Whether that equals the published choice for this set and factor; null where none is published. */
  sameAsReference: z.boolean().nullable(),
  val: z.strictObject({ fraction: z.number().positive().lt(1), seed: count }).nullable(),
  /** Training images per class: of the packed train split, and of the source's. */
  classCounts: z.array(count),
  sourceClassCounts: z.array(count),
  counts: z.strictObject({ train: count, val: count, test: count }),
  /** Per channel, of pixels scaled to 0…1. */
  mean: z.array(z.number()),
  std: z.array(z.number().positive()),
  /** SHA-256 of the source rows of each split (uint32, little-endian), in stored order. */
  indices: z.strictObject({ train: sha256, val: sha256.nullable(), test: sha256 }),
  /** The packed files, by `<split>.<part>`. */
  files: z.record(z.string(), storedFile),
  /** Null for a packed dataset. */
  photographs: z
    .strictObject({
      normalisation: z.enum(NORMALISATIONS),
      /** Of each class of the source, its number here: by ascending training count; null where they are kept. */
      rankLabels: z.array(count).nullable(),
      /** The lists of a dataset of kind `list`, as they were given. */
      lists: z.strictObject({ train: z.string(), val: z.string().nullable(), test: z.string() }).nullable(),
      /** The share of each class carved off as test split; null where the source has one. */
      testFraction: z.number().positive().lt(1).nullable(),
      /** Images of the source that were left out because they were missing or could not be read. */
      leftOut: count,
      /** SHA-256 of the sizes of all images in bytes, splits and rows in stored order. */
      sizesHash: sha256,
    })
    .nullable()
    .default(null),
  manifestHash: sha256,
});

export type DatasetManifest = z.infer<typeof manifestSchema>;
export type PhotographManifest = NonNullable<DatasetManifest['photographs']>;

/** The files that each split of a dataset has. */
export function partsOf(manifest: Pick<DatasetManifest, 'photographs'>): readonly Part[] {
  return manifest.photographs === null ? PARTS : PHOTOGRAPH_PARTS;
}

/** Path of a packed file. */
export function partFile(folder: string, split: Split, part: Part): string {
  return join(folder, `${split}.${part}`);
}

/** The splits that a dataset has: `val` only where one was carved or came with the source. */
export function splitsOf(manifest: Pick<DatasetManifest, 'counts'>): Split[] {
  return SPLITS.filter((split) => split !== 'val' || manifest.counts.val > 0);
}

/** Reads and checks the manifest of a registered dataset. Throws DatasetError. */
export async function readManifest(folder: string): Promise<DatasetManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'the manifest of a registered dataset',
      found: 'no file',
    });
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new DatasetError({ file: path, offset: null, expected: 'JSON', found: (error as Error).message });
  }
  const result = manifestSchema.safeParse(parsed);
  if (!result.success) {
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'the manifest of a registered dataset (format 1)',
      found: z.prettifyError(result.error),
    });
  }
  return result.data;
}

/**
 * SHA-256 over what decides which examples a dataset has: the source's files, the rows and labels of each split, and
 * the class names; of photographs also their paths below the root, and their sizes. The root, dates and names given by
 * the user are not part of it.
 */
export function computeManifestHash(
  manifest: Pick<DatasetManifest, 'source' | 'classNames' | 'indices' | 'files' | 'counts' | 'photographs'>,
): string {
  const hashesOf = (part: string) =>
    splitsOf(manifest).map((split) => manifest.files[`${split}.${part}`]?.sha256);
  const content = {
    classNames: manifest.classNames,
    indices: manifest.indices,
    labels: hashesOf('labels'),
    source: manifest.source.files.map(({ name, sha256 }) => [name, sha256]),
    ...(manifest.photographs === null
      ? {}
      : { paths: hashesOf('paths'), sizes: manifest.photographs.sizesHash }),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
