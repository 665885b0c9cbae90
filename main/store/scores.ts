/**
 * How accuracies lie in the store: the columns of the group values, and the blobs of an evaluation. Both group schemes
 * are worked out once, when an evaluation is stored, from its per-class accuracies and the training counts; the
 * per-class vectors stay, so that any other scheme can be worked out later.
 */
import type { GroupId, GroupScheme, GroupSchemeId, GroupValues } from '../../preload/contract.ts';
import { groupMeans, groupScheme } from '../analysis/groups.ts';

export const SCHEME_IDS: readonly GroupSchemeId[] = ['count-100-20', 'reslt-ranges'];
export const GROUP_IDS: readonly GroupId[] = ['many', 'medium', 'few'];

const COLUMN_PREFIX: Record<GroupSchemeId, string> = { 'count-100-20': 'count', 'reslt-ranges': 'reslt' };

/** `count_many`, …: the part of a column's name that says scheme and group. */
export function groupColumn(scheme: GroupSchemeId, group: GroupId): string {
  return `${COLUMN_PREFIX[scheme]}_${group}`;
}

/** Every scheme and group in the order in which scores lie in a blob and columns in a table. */
export const GROUP_SLOTS: readonly { scheme: GroupSchemeId; group: GroupId; column: string }[] =
  SCHEME_IDS.flatMap((scheme) =>
    GROUP_IDS.map((group) => ({ scheme, group, column: groupColumn(scheme, group) })),
  );

/** The six group columns of a row, `null` where a group is empty. */
export type GroupColumns<Prefix extends string> = Record<
  `${Prefix}_${'count' | 'reslt'}_${GroupId}`,
  number | null
>;

/** Group values of every scheme from a row's columns. */
export function readGroupColumns<Prefix extends 'last' | 'best'>(
  row: GroupColumns<Prefix>,
  prefix: Prefix,
): Record<GroupSchemeId, GroupValues> {
  const values = emptyGroups();
  for (const { scheme, group, column } of GROUP_SLOTS)
    values[scheme][group] = (row as Record<string, number | null>)[`${prefix}_${column}`] ?? null;
  return values;
}

export function emptyGroups(): Record<GroupSchemeId, GroupValues> {
  const none = (): GroupValues => ({ many: null, medium: null, few: null });
  return { 'count-100-20': none(), 'reslt-ranges': none() };
}

/** What one output (the fused one, or a branch) scored. */
export interface OutputScores {
  top1: number;
  groups: Record<GroupSchemeId, GroupValues>;
}

/** The group schemes of a dataset, by its training images per class. */
export function schemesOf(classCounts: number[]): GroupScheme[] {
  return SCHEME_IDS.map((id) => groupScheme(id, classCounts));
}

/** Top-1 as given, and the groups of each scheme from per-class accuracies. */
export function scoreOutput(
  top1: number,
  perClass: readonly (number | null)[],
  schemes: readonly GroupScheme[],
): OutputScores {
  const groups = emptyGroups();
  for (const scheme of schemes) groups[scheme.id] = groupMeans([...perClass], scheme);
  return { top1, groups };
}

const SLOTS_PER_OUTPUT = 1 + GROUP_SLOTS.length;

/** Scores of several outputs as one blob: float64, top-1 and then the slots of each output. */
export function encodeScores(outputs: readonly OutputScores[]): Buffer {
  const numbers = outputs.flatMap(({ top1, groups }) => [
    top1,
    ...GROUP_SLOTS.map(({ scheme, group }) => groups[scheme][group]),
  ]);
  return encodeVector(numbers);
}

/** Back from `encodeScores`. */
export function decodeScores(blob: Uint8Array): OutputScores[] {
  const numbers = decodeVector(blob);
  const outputs: OutputScores[] = [];
  for (let at = 0; at < numbers.length; at += SLOTS_PER_OUTPUT) {
    const groups = emptyGroups();
    GROUP_SLOTS.forEach(({ scheme, group }, slot) => {
      groups[scheme][group] = numbers[at + 1 + slot] ?? null;
    });
    outputs.push({ top1: numbers[at] ?? 0, groups });
  }
  return outputs;
}

/** Where a group's accuracy stands among the numbers of one output; top-1 is at 0. */
export function scoreSlot(what: 'top1' | { scheme: GroupSchemeId; group: GroupId }): number {
  if (what === 'top1') return 0;
  return 1 + GROUP_SLOTS.findIndex(({ scheme, group }) => scheme === what.scheme && group === what.group);
}

/** One number of a blob from `encodeScores`, without the others. output counts from 0, the fused one. */
export function readScore(view: DataView, output: number, slot: number): number | null {
  const value = view.getFloat64((output * SLOTS_PER_OUTPUT + slot) * 8, true);
  return Number.isNaN(value) ? null : value;
}

/** Numbers as little-endian float64, NaN for null. */
export function encodeVector(values: readonly (number | null)[]): Buffer {
  const buffer = Buffer.allocUnsafe(values.length * 8);
  values.forEach((value, index) => buffer.writeDoubleLE(value ?? Number.NaN, index * 8));
  return buffer;
}

/** Back from `encodeVector`. */
export function decodeVector(blob: Uint8Array): (number | null)[] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  return Array.from({ length: blob.byteLength / 8 }, (_, index) => {
    const value = view.getFloat64(index * 8, true);
    return Number.isNaN(value) ? null : value;
  });
}
