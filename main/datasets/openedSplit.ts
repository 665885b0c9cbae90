/** What was opened of a dataset, a split at a time. */
import type { Split } from '../training/types.ts';

/** Throws Error with a sentence when the dataset has no such split (`sizes`), or it was not opened. */
export function openedSplit<Opened>(
  opened: Partial<Record<Split, Opened>>,
  split: Split,
  sizes: Record<Split, number>,
): Opened {
  const found = opened[split];
  if (found !== undefined) return found;
  throw new Error(
    sizes[split] === 0
      ? `This dataset has no ${split} split.`
      : `The ${split} split was not among the splits that were opened.`,
  );
}
