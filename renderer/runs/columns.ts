/**
 * The columns of the runs table: what each shows, how it sorts, how wide it is and how dear. Pure. The user's choice is
 * kept as a list of ids; a narrow window drops the cheapest of them for the time being.
 */
import type { RunSortKey } from '../../preload/contract.ts';

export type ColumnId =
  | 'state'
  | 'dataset'
  | 'method'
  | 'seed'
  | 'last-top1'
  | 'last-many'
  | 'last-medium'
  | 'last-few'
  | 'last-top5'
  | 'best-top1'
  | 'best-on'
  | 'active'
  | 'size'
  | 'created'
  | 'started';

/** Columns of one family stand together under one head. */
export type ColumnFamily = 'last' | 'best' | null;

export interface Column {
  id: ColumnId;
  /** In the head. */
  label: string;
  /** In the chooser, where no family head stands above. */
  longLabel: string;
  family: ColumnFamily;
  widthPx: number;
  alignsRight: boolean;
  /** null: it only explains its neighbour. */
  sortKey: RunSortKey | null;
  /** The larger, the later it is dropped in a narrow window; Infinity is never dropped. */
  priority: number;
  isDefault: boolean;
}

const column = (
  id: ColumnId,
  label: string,
  rest: Partial<Column> & { widthPx: number; priority: number },
): Column => ({
  id,
  label,
  longLabel: label,
  family: null,
  alignsRight: false,
  sortKey: null,
  isDefault: true,
  ...rest,
});

/** In the order of the table; the run's name stands before them and is always there. */
export const COLUMNS: Column[] = [
  column('state', 'State', { widthPx: 190, sortKey: 'state', priority: Infinity }),
  column('dataset', 'Dataset', { widthPx: 136, sortKey: 'dataset', priority: 6 }),
  column('method', 'Method', { widthPx: 84, sortKey: 'method', priority: 2, isDefault: false }),
  column('seed', 'Seed', { widthPx: 52, sortKey: 'seed', alignsRight: true, priority: 1, isDefault: false }),
  column('last-top1', 'All', {
    longLabel: 'Last epoch: all classes',
    family: 'last',
    widthPx: 80,
    sortKey: 'last-top1',
    alignsRight: true,
    priority: Infinity,
  }),
  column('last-many', 'Many', {
    longLabel: 'Last epoch: many-shot',
    family: 'last',
    widthPx: 80,
    sortKey: 'last-many',
    alignsRight: true,
    priority: 9,
  }),
  column('last-medium', 'Med.', {
    longLabel: 'Last epoch: medium-shot',
    family: 'last',
    widthPx: 80,
    sortKey: 'last-medium',
    alignsRight: true,
    priority: 9,
  }),
  column('last-few', 'Few', {
    longLabel: 'Last epoch: few-shot',
    family: 'last',
    widthPx: 80,
    sortKey: 'last-few',
    alignsRight: true,
    priority: 9,
  }),
  column('last-top5', 'Top 5', {
    longLabel: 'Last epoch: top 5',
    family: 'last',
    widthPx: 80,
    sortKey: 'last-top5',
    alignsRight: true,
    priority: 3,
    isDefault: false,
  }),
  column('best-top1', 'All', {
    longLabel: 'Best epoch: all classes',
    family: 'best',
    widthPx: 80,
    sortKey: 'best-top1',
    alignsRight: true,
    priority: 8,
  }),
  column('best-on', 'On', { longLabel: 'Best epoch: chosen on', family: 'best', widthPx: 46, priority: 8 }),
  column('active', 'Time', {
    longLabel: 'Training time',
    widthPx: 98,
    sortKey: 'active',
    alignsRight: true,
    priority: 4,
  }),
  column('size', 'Size', { widthPx: 76, sortKey: 'size', alignsRight: true, priority: 1, isDefault: false }),
  column('created', 'Queued', {
    widthPx: 84,
    sortKey: 'created',
    alignsRight: true,
    priority: 2,
    isDefault: false,
  }),
  column('started', 'Started', { widthPx: 78, sortKey: 'started', alignsRight: true, priority: 7 }),
];

export const DEFAULT_COLUMNS: ColumnId[] = COLUMNS.filter(({ isDefault }) => isDefault).map(({ id }) => id);

/** The mark's column, and below what the name may not shrink. */
export const CHECK_WIDTH_PX = 34;
const NAME_MIN_PX = 220;
/** Columns up to this priority are shown only where the name has more room than that. */
const OPTIONAL_UP_TO = 4;
const NAME_COMFORT_PX = 280;
const NAME_EXTRA_PX = 100;
const STATE_EXTRA_PX = 140;
const DATASET_EXTRA_PX = 90;

export const isColumnList = (value: unknown): value is ColumnId[] =>
  Array.isArray(value) && value.every((id) => COLUMNS.some((candidate) => candidate.id === id));

/** The chosen columns that have room beside the name, in the order of the table, and those that had to go. */
export function fitColumns(
  chosen: readonly ColumnId[],
  roomPx: number,
): { shown: Column[]; dropped: Column[] } {
  let shown = COLUMNS.filter(({ id }) => chosen.includes(id));
  const dropped: Column[] = [];
  const width = (namePx: number) =>
    CHECK_WIDTH_PX + namePx + shown.reduce((sum, { widthPx }) => sum + widthPx, 0);
  for (;;) {
    const cheapest = Math.min(...shown.map(({ priority }) => priority));
    const fits = width(cheapest <= OPTIONAL_UP_TO ? NAME_COMFORT_PX : NAME_MIN_PX) <= roomPx;
    if (fits || !Number.isFinite(cheapest)) break;
    // Columns of one priority go together: Many without Few would mislead.
    dropped.push(...shown.filter(({ priority }) => priority === cheapest));
    shown = shown.filter(({ priority }) => priority !== cheapest);
  }
  return { shown: widened(shown, roomPx - width(NAME_MIN_PX)), dropped };
}

/** Room that is left goes to the name up to a point, then to the words that would be cut: messages and datasets. */
function widened(columns: Column[], sparePx: number): Column[] {
  const spare = Math.max(0, sparePx - NAME_EXTRA_PX);
  const extra: Partial<Record<ColumnId, number>> = {
    state: Math.min(STATE_EXTRA_PX, Math.round(spare * 0.5)),
    dataset: Math.min(DATASET_EXTRA_PX, Math.round(spare * 0.25)),
  };
  return columns.map((own) => ({ ...own, widthPx: own.widthPx + (extra[own.id] ?? 0) }));
}

export interface HeadSpan {
  family: ColumnFamily;
  /** Columns under it. */
  count: number;
}

/** The upper row of the head: neighbours of one family share a cell. */
export function headSpans(columns: readonly Column[]): HeadSpan[] {
  const spans: HeadSpan[] = [];
  for (const { family } of columns) {
    const last = spans.at(-1);
    if (last && last.family === family) last.count += 1;
    else spans.push({ family, count: 1 });
  }
  return spans;
}

/** Whether a column begins a family, or follows one: a vertical line stands there. */
export function startsFamily(columns: readonly Column[], index: number): boolean {
  const own = columns[index]?.family ?? null;
  return own !== null && own !== (columns[index - 1]?.family ?? null);
}
