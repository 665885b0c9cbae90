/** The order in which an epoch takes its training images. */
import type { Random, TrainStreamOptions } from '../training/types.ts';
import { rowsByClass } from './subset.ts';

/**
 * Rows of one epoch, as many as there are labels.
 *
 * `shuffle`: each row once. `class-balanced`: a class uniformly among those that have images, then the next row of
 * that class's shuffled list, which is shuffled again when it is through (RIDE's sampler; there the lists go on from
 * epoch to epoch, here each epoch begins them anew, so that it depends on its own random numbers only).
 */
export function epochOrder(
  labels: Int32Array,
  sampler: NonNullable<TrainStreamOptions['sampler']>,
  random: Random,
): Int32Array {
  const order = Int32Array.from(labels, (_, row) => row);
  if (sampler === 'shuffle') {
    random.shuffle(order);
    return order;
  }
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const lists = rowsByClass(labels, classes).filter((rows) => rows.length > 0);
  for (const rows of lists) random.shuffle(rows);
  const next = new Uint32Array(lists.length);
  for (let i = 0; i < order.length; i++) {
    const k = random.int(lists.length);
    const rows = lists[k]!;
    if (next[k] === rows.length) {
      random.shuffle(rows);
      next[k] = 0;
    }
    order[i] = rows[next[k]!++]!;
  }
  return order;
}
