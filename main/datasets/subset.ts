/**
 * Which training images a long-tailed dataset keeps. The choice is the reference's, image for image: class k (in label
 * order, class 0 the most frequent) keeps n_max * f^(k/(C-1)) images (`exp`), or n_max for the first half of the
 * classes and n_max * f for the rest (`step`); the images come from one MT19937 stream over all classes.
 *
 * Follows imbalance_cifar.py of kaidic/LDAM-DRW, which ResLT uses too. Rows are positions in the source's train split.
 */
import { createHash } from 'node:crypto';
import { Mt19937 } from './mt19937.ts';

export interface SubsetOptions {
  /** `full` keeps every training image. */
  type: 'exp' | 'step' | 'full';
  /** Smallest ÷ largest class, in (0, 1]. Ignored for `full`. */
  imbalanceFactor: number;
}

export interface ValidationOptions {
  /** Share of the training images of each class, in (0, 1). */
  fraction: number;
  /** Integer in [0, 2^32). */
  seed: number;
}

/** A subset or validation split that cannot be made as asked. */
export class SubsetError extends Error {
  override readonly name = 'SubsetError';
  readonly code = 'invalid-arguments';
}

/** The seed of every published long-tailed CIFAR set; it does not follow the seed of a run. */
export const SUBSET_SEED = 0;

/**
 * Images per class of a long-tailed profile, truncated towards zero as the reference does.
 *
 * `images` is the size of the whole train split, `classes` the number of classes; the largest count starts from the
 * fraction images/classes. For an odd number of classes `step` gives one count fewer, as published.
 */
export function longTailCounts(
  images: number,
  classes: number,
  { type, imbalanceFactor }: { type: 'exp' | 'step'; imbalanceFactor: number },
): number[] {
  requireFactor(imbalanceFactor);
  const largest = images / classes;
  if (type === 'step') {
    const half = Math.floor(classes / 2);
    return [
      ...new Array<number>(half).fill(Math.trunc(largest)),
      ...new Array<number>(half).fill(Math.trunc(largest * imbalanceFactor)),
    ];
  }
  const last = Math.max(1, classes - 1);
  return Array.from({ length: classes }, (_, k) => Math.trunc(largest * imbalanceFactor ** (k / last)));
}

/**
 * The rows that a subset keeps: classes in label order, each in the order of its draw; for `full` all rows as they are.
 *
 * A class with fewer images than its profile asks for keeps all it has.
 */
export function chooseRows(
  labels: Int32Array,
  classes: number,
  { type, imbalanceFactor }: SubsetOptions,
  seed: number = SUBSET_SEED,
): Uint32Array {
  if (type === 'full') return Uint32Array.from(labels, (_, row) => row);
  const counts = longTailCounts(labels.length, classes, { type, imbalanceFactor });
  const random = new Mt19937(seed);
  const kept = rowsByClass(labels, classes).map((rows, k) => {
    random.shuffle(rows);
    return rows.subarray(0, counts[k] ?? 0);
  });
  return concatenate(kept);
}

/**
 * SHA-256 of the choice as the reference lists give it: for each class the kept images as positions within the class
 * (in the order of the source), as little-endian uint32, classes in label order.
 */
export function subsetHash(labels: Int32Array, classes: number, rows: Uint32Array): string {
  const seen = new Array<number>(classes).fill(0);
  const ordinals = Uint32Array.from(labels, (label) => seen[label]!++);
  const chosen = new Array<number[]>(classes);
  for (let k = 0; k < classes; k++) chosen[k] = [];
  for (const row of rows) chosen[labels[row]!]!.push(ordinals[row]!);
  const hash = createHash('sha256');
  for (const list of chosen) hash.update(Uint32Array.from(list));
  return hash.digest('hex');
}

/**
 * How many images of each class the validation split takes: the rounded share, at least one where the class has two
 * or more, and never the last one.
 */
export function validationCounts(classCounts: number[], fraction: number): number[] {
  if (!(fraction > 0 && fraction < 1)) {
    throw new SubsetError(
      `The validation share must be between 0 and 1 (0.1 takes a tenth of each class), but got ${fraction}.`,
    );
  }
  return classCounts.map((count) =>
    Math.max(0, Math.min(count - 1, Math.max(1, Math.round(fraction * count)))),
  );
}

/**
 * Carves a validation split from chosen training rows, per class, with its own generator. Both parts keep the order
 * of `rows`.
 */
export function carveValidation(
  rows: Uint32Array,
  labels: Int32Array,
  classes: number,
  { fraction, seed }: ValidationOptions,
): { train: Uint32Array; val: Uint32Array } {
  const random = new Mt19937(seed);
  // Positions within `rows`, grouped by class.
  const positions = rowsByClass(
    Int32Array.from(rows, (row) => labels[row]!),
    classes,
  );
  const counts = validationCounts(
    positions.map((list) => list.length),
    fraction,
  );
  const isVal = new Uint8Array(rows.length);
  positions.forEach((list, k) => {
    random.shuffle(list);
    for (const position of list.subarray(0, counts[k])) isVal[position] = 1;
  });
  return {
    train: rows.filter((_, position) => isVal[position] === 0),
    val: rows.filter((_, position) => isVal[position] === 1),
  };
}

export interface SubsetPreview {
  /** Training images per class, after the validation split was carved. */
  classCounts: number[];
  trainImages: number;
  validationImages: number;
  /** Largest ÷ smallest class count. */
  imbalanceRatio: number;
}

/**
 * What a subset would hold, from the class counts of the source alone. `testFraction` of each class is carved off
 * beforehand, where the source has no test split. Throws SubsetError for a subset that would leave a class without
 * images.
 */
export function previewSubset(
  sourceCounts: number[],
  subset: SubsetOptions,
  validationFraction: number,
  testFraction = 0,
): SubsetPreview {
  const test = testFraction === 0 ? null : validationCounts(sourceCounts, testFraction);
  const chosen = subsetCounts(
    test === null ? sourceCounts : sourceCounts.map((n, k) => n - test[k]!),
    subset,
  );
  const val = validationFraction === 0 ? chosen.map(() => 0) : validationCounts(chosen, validationFraction);
  const classCounts = chosen.map((count, k) => count - val[k]!);
  return {
    classCounts,
    trainImages: sum(classCounts),
    validationImages: sum(val),
    imbalanceRatio: Math.max(...classCounts) / Math.min(...classCounts),
  };
}

/** Images per class that a subset keeps of a source. Throws SubsetError when a class would be empty. */
export function subsetCounts(sourceCounts: number[], { type, imbalanceFactor }: SubsetOptions): number[] {
  const classes = sourceCounts.length;
  if (type === 'step' && classes % 2 === 1) {
    throw new SubsetError(
      `The step profile needs an even number of classes (the published one leaves out the last of an odd number), ` +
        `but there are ${classes}. Use the exponential profile.`,
    );
  }
  const wanted =
    type === 'full' ? sourceCounts : longTailCounts(sum(sourceCounts), classes, { type, imbalanceFactor });
  const counts = sourceCounts.map((count, k) => Math.min(count, wanted[k]!));
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new SubsetError(
      sourceCounts[empty] === 0
        ? `Class ${empty} has no training image in the source; every class needs at least one.`
        : `Class ${empty} would keep no training image: the largest class has ${Math.trunc(sum(sourceCounts) / classes)}, ` +
            `and the imbalance factor is ${imbalanceFactor}. Use a larger factor.`,
    );
  }
  return counts;
}

/** Throws SubsetError unless the factor is in (0, 1]; for larger values it says what was probably meant. */
export function requireFactor(imbalanceFactor: number): void {
  if (imbalanceFactor > 0 && imbalanceFactor <= 1) return;
  const meant = imbalanceFactor > 1 ? ` Did you mean ${Number((1 / imbalanceFactor).toPrecision(6))}?` : '';
  throw new SubsetError(
    `The imbalance factor must be above 0 and at most 1 (0.01 is "IF 100"), but got ${imbalanceFactor}.${meant}`,
  );
}

/** Row numbers of each class, ascending. */
export function rowsByClass(labels: Int32Array, classes: number): Uint32Array[] {
  const counts = countClasses(labels, classes);
  const lists = counts.map((count) => new Uint32Array(count));
  const filled = new Array<number>(classes).fill(0);
  labels.forEach((label, row) => {
    lists[label]![filled[label]!++] = row;
  });
  return lists;
}

/** Examples per class. labels in [0, classes). */
export function countClasses(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

function concatenate(lists: Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((total, list) => total + list.length, 0));
  let end = 0;
  for (const list of lists) {
    all.set(list, end);
    end += list.length;
  }
  return all;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
