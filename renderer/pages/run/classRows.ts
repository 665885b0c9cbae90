/** Rows of the per-class table: filtering and sorting, missing values last whichever way it is sorted. */
import type { ClassResult, GroupId } from '../../../preload/contract.ts';

export interface ClassRow {
  index: number;
  name: string;
  /** Training images; null where the run has no dataset. */
  count: number | null;
  group: GroupId | null;
  value: number | null;
  branches: Record<string, number | null>;
}

/** "count", "name", "value", or "branch:m". */
export type ClassSort = 'name' | 'count' | 'value' | `branch:${string}`;

export function classRows(
  result: Pick<ClassResult, 'perClass' | 'branches'> | null,
  about: {
    classNames: readonly string[];
    classCounts: readonly number[];
    groups: readonly (GroupId | null)[];
  },
): ClassRow[] {
  return about.classNames.map((name, index) => ({
    index,
    name,
    count: about.classCounts[index] ?? null,
    group: about.groups[index] ?? null,
    value: result?.perClass[index] ?? null,
    branches: Object.fromEntries(
      Object.entries(result?.branches ?? {}).map(([id, values]) => [id, values[index] ?? null]),
    ),
  }));
}

function keyOf(row: ClassRow, sort: ClassSort): number | string | null {
  if (sort === 'name') return row.name;
  if (sort === 'count') return row.count;
  if (sort === 'value') return row.value;
  return row.branches[sort.slice('branch:'.length)] ?? null;
}

export function sortClassRows(rows: readonly ClassRow[], sort: ClassSort, descending: boolean): ClassRow[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [keyOf(a, sort), keyOf(b, sort)];
    if (x === null || y === null) return x === y ? a.index - b.index : x === null ? 1 : -1;
    const order = typeof x === 'string' ? x.localeCompare(String(y), 'en', { numeric: true }) : x - Number(y);
    return order === 0 ? (a.count ?? 0) - (b.count ?? 0) || a.index - b.index : sign * order;
  });
}
