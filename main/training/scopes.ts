/**
 * Which classes a branch is trained on. A scope is a set of ranks by descending number of training images, ties by
 * class index, so it means the same on data whose class indices are not sorted by frequency.
 */
import { rankByCount } from '../analysis/groups.ts';

/** The classes of rank `fromRank` and rarer, in index order. Throws RangeError if the rank is not in [0, classes]. */
export function scopeFrom(classCounts: readonly number[], fromRank: number): number[] {
  if (!Number.isInteger(fromRank) || fromRank < 0 || fromRank > classCounts.length)
    throw new RangeError(
      `A scope starts at a rank from 0 to ${classCounts.length} (the number of classes), not at ${fromRank}.`,
    );
  return rankByCount(classCounts)
    .slice(fromRank)
    .sort((a, b) => a - b);
}
