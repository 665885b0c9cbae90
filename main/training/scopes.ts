/**
 * Which classes a branch is trained on. A scope is a set of ranks by descending number of training images, ties by
 * class index, so it means the same on data whose class indices are not sorted by frequency.
 */

/** Class indices by descending count, equal counts in index order. */
export function classesByFrequency(classCounts: readonly number[]): number[] {
  return classCounts.map((_, index) => index).sort((a, b) => classCounts[b]! - classCounts[a]! || a - b);
}

/** The classes of rank `fromRank` and rarer, in index order. Throws RangeError if the rank is not in [0, classes]. */
export function scopeFrom(classCounts: readonly number[], fromRank: number): number[] {
  if (!Number.isInteger(fromRank) || fromRank < 0 || fromRank > classCounts.length)
    throw new RangeError(
      `A scope starts at a rank from 0 to ${classCounts.length} (the number of classes), not at ${fromRank}.`,
    );
  return classesByFrequency(classCounts)
    .slice(fromRank)
    .sort((a, b) => a - b);
}

/**
 * Sizes of the class ranges, by descending frequency, over which the reference averages its head, medium and tail
 * accuracy. They differ from the scopes that branches train on.
 */
export function referenceGroupSizes(classes: number): [number, number, number] {
  if (classes === 10) return [3, 3, 4];
  const [mediumFrom, tailFrom] = [Math.round(0.36 * classes), Math.round(0.71 * classes)];
  return [mediumFrom, tailFrom - mediumFrom, classes - tailFrom];
}
