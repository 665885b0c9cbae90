/**
 * What the pictures of a class distribution share: the order of the classes, the group each belongs to under a scheme,
 * the bands that neighbouring classes of one group make, and axes whose marks never reach the labels above them.
 * Pure; the plots only draw what these return.
 */
import type { GroupId, GroupScheme } from '../../../preload/contract.ts';
import { linearTicks, niceStep } from '../../charts/ticks.ts';

export type ClassOrder = 'frequency' | 'label';
export type Scale = 'linear' | 'log';

/** Class indices from most to least frequent, ties by index; or as they are numbered. */
export function orderClasses(classCounts: number[], order: ClassOrder): number[] {
  const classes = classCounts.map((_, index) => index);
  return order === 'label' ? classes : classes.sort((a, b) => classCounts[b]! - classCounts[a]! || a - b);
}

/** A stretch of neighbouring places that belong to one group: places `from` to `to`, both inclusive. */
export interface Band {
  group: GroupId;
  from: number;
  to: number;
}

/** Bands along an order of classes. In label order a group may come more than once. */
export function groupBands(order: number[], groups: (GroupId | null)[]): Band[] {
  const bands: Band[] = [];
  order.forEach((classIndex, place) => {
    const group = groups[classIndex] ?? null;
    if (group === null) return;
    const last = bands.at(-1);
    if (last && last.group === group && last.to === place - 1) last.to = place;
    else bands.push({ group, from: place, to: place });
  });
  return bands;
}

/** "Many, more than 100": a band's words from its group's rule. */
export function bandLabel(scheme: GroupScheme, group: GroupId): string {
  const found = scheme.groups.find(({ id }) => id === group);
  if (!found) return '';
  const words = found.rule.replace(/^>\s*/, 'more than ').replace(/^<\s*/, 'fewer than ');
  return `${found.label}, ${words.replace(/^(\d+)\s*[–-]\s*(\d+)$/, '$1 to $2')}`;
}

export interface CountAxis {
  min: number;
  max: number;
  ticks: number[];
}

/** Share of the plot's height that the most frequent class may take; the rest is for its number and the band labels. */
const FILL = 0.845;

/** A count axis over `classCounts` with round ticks. Linear axes start at 0; log axes start below the rarest class. */
export function countAxis(classCounts: number[], scale: Scale): CountAxis {
  const highest = Math.max(1, ...classCounts);
  if (scale === 'linear') {
    const max = highest / FILL;
    const ticks = linearTicks({ min: 0, max }, 6).filter(Number.isInteger);
    return { min: 0, max, ticks };
  }
  const lowest = Math.min(...classCounts.filter((count) => count > 0), highest);
  // A class at the axis would have no stem, so the axis starts clearly below the rarest one: 50 starts at 10, 1 at 0.5.
  const min = Math.max(0.5, 10 ** Math.floor(Math.log10(lowest / 1.5)));
  const span = Math.max(Math.log10(highest / min), 0.9);
  const max = min * 10 ** (span / FILL);
  const ticks: number[] = [];
  for (let value = 10 ** Math.ceil(Math.log10(min)); value <= max; value *= 10) ticks.push(value);
  if (ticks.length < 3) {
    for (const value of [...ticks])
      for (const times of [2, 5]) if (value * times <= max) ticks.push(value * times);
    ticks.sort((a, b) => a - b);
  }
  return { min, max, ticks };
}

/** Places to name on the axis when not every class can be: 1, then round ranks, then the last, as 0-based places. */
export function rankTicks(classes: number): number[] {
  if (classes <= 1) return classes === 1 ? [0] : [];
  const step = Math.max(1, niceStep(classes, 5));
  const places = [0];
  for (let rank = step; rank <= classes - step / 2; rank += step) places.push(Math.round(rank) - 1);
  if (places.at(-1) !== classes - 1) places.push(classes - 1);
  return [...new Set(places)];
}

/** Bars of the small glyph in lists: `bars` heights in (0, 1], most frequent class first, on a log scale. */
export function glyphHeights(classCounts: number[], bars: number): number[] {
  if (classCounts.length === 0) return [];
  const sorted = [...classCounts].sort((a, b) => b - a);
  const highest = Math.max(1, sorted[0]!);
  // Two decades fill the glyph, so that profiles of different datasets can be told apart by their slope.
  const floor = highest / 110;
  return Array.from({ length: bars }, (_, bar) => {
    const count = sorted[Math.min(sorted.length - 1, Math.floor((bar * sorted.length) / bars))]!;
    return count <= 0 ? 0 : Math.max(1 / 15, Math.log(count / floor) / Math.log(110));
  });
}

/** True when both schemes put every class into the same group. */
export function schemesAgree(a: GroupScheme, b: GroupScheme): boolean {
  return a.groups.every((group) => {
    const other = b.groups.find(({ id }) => id === group.id);
    return (
      !!other &&
      group.classes.length === other.classes.length &&
      group.classes.every((c) => other.classes.includes(c))
    );
  });
}
