/**
 * What takes the place of a training image that cannot be used: another image of its class, chosen by the seed of the
 * example. So an epoch has as many images of each class as it should, and its batches depend only on which files are
 * good, not on who found out when.
 */
import { exampleRandom } from './exampleRandom.ts';

/** Draws before the class is gone through in order. */
const DRAWS = 64;

/**
 * Returns the row of the substitute, or null when no image of the class is usable.
 *
 * rows: the class's rows. seed: the example's words.
 */
export function substituteFor(
  rows: ArrayLike<number>,
  seed: ArrayLike<number>,
  isUnusable: (row: number) => boolean,
): number | null {
  const uniform = exampleRandom(seed);
  for (let draw = 0; draw < DRAWS; draw++) {
    const row = rows[Math.floor(uniform() * rows.length)]!;
    if (!isUnusable(row)) return row;
  }
  for (let i = 0; i < rows.length; i++) if (!isUnusable(rows[i]!)) return rows[i]!;
  return null;
}
