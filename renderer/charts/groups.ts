/** Classes, their groups and the background bands of plots that have classes or training images on the x axis. */
import type { GroupId, GroupScheme } from '../../preload/contract.ts';
import type { Band } from './types.ts';

/** The group of each class, index = class; null where the scheme leaves one out. */
export function groupsByClass(scheme: GroupScheme, classes: number): (GroupId | null)[] {
  const result = new Array<GroupId | null>(classes).fill(null);
  for (const group of scheme.groups) for (const index of group.classes) result[index] = group.id;
  return result;
}

/**
 * Bands over an axis of training images. Between two groups the border is half way on a logarithmic axis between the
 * rarest class of the one and the most frequent of the other.
 */
export function countBands(
  scheme: GroupScheme,
  classCounts: readonly number[],
  axis: { min: number; max: number },
): Band[] {
  const filled = scheme.groups
    .filter((group) => group.classes.length > 0)
    .map((group) => {
      const counts = group.classes.map((index) => classCounts[index] ?? 0);
      return { group, low: Math.min(...counts), high: Math.max(...counts) };
    })
    .sort((a, b) => b.high - a.high);
  return filled.map(({ group, low }, i) => {
    const above = filled[i - 1];
    const below = filled[i + 1];
    const border = (upper: number, lower: number) => Math.sqrt(Math.max(upper, 0.5) * Math.max(lower, 0.5));
    return {
      from: below ? border(low, below.high) : axis.min,
      to: above ? border(above.low, filled[i]!.high) : axis.max,
      color: `group-${group.id}-tint`,
      label: group.label,
    };
  });
}

/** Bands over an axis of places (0 = first class of `order`); a group that comes twice has two. */
export function placeBands(
  scheme: GroupScheme,
  order: readonly number[],
  label: (id: GroupId, label: string) => string | string[] = (_id, text) => text,
): Band[] {
  const groups = groupsByClass(scheme, order.length);
  const bands: (Band & { id: GroupId })[] = [];
  order.forEach((classIndex, place) => {
    const id = groups[classIndex];
    if (!id) return;
    const last = bands.at(-1);
    if (last && last.id === id && last.to === place - 0.5) {
      last.to = place + 0.5;
      return;
    }
    const text = scheme.groups.find((group) => group.id === id)?.label ?? id;
    bands.push({
      id,
      from: place - 0.5,
      to: place + 0.5,
      color: `group-${id}-tint`,
      label: label(id, text),
    });
  });
  return bands;
}

/** At most `count` places, evenly spread, the first and the last among them. */
export function placeTicks(places: number, count: number): number[] {
  if (places <= count) return Array.from({ length: places }, (_, place) => place);
  const step = Math.ceil((places - 1) / (count - 1));
  const ticks: number[] = [];
  for (let place = 0; place < places - 1 - step / 2; place += step) ticks.push(place);
  ticks.push(places - 1);
  return ticks;
}
