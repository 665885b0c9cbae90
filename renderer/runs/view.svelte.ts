/**
 * How the runs are looked at: filters, sorting, columns, what is opened and marked. One instance for as long as the
 * window lives, so that coming back from a run finds everything as it was; layout is also kept in the library.
 */
import type { GroupSchemeId, RunQuery, RunSortKey } from '../../preload/contract.ts';
import { innerWidth } from 'svelte/reactivity/window';
import { preferences } from '../lib/preferences.svelte.ts';
import { isSchemeId } from '../lib/schemes.ts';
import { COLUMNS, DEFAULT_COLUMNS, isColumnList, type ColumnId } from './columns.ts';
import { NO_FILTERS, type RunFilters } from './query.ts';
import type { Selected } from './selection.ts';

interface Sorting {
  key: RunSortKey;
  descending: boolean;
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isSorting = (value: unknown): value is Sorting =>
  typeof value === 'object' &&
  value !== null &&
  'key' in value &&
  'descending' in value &&
  (value.key === 'name' || COLUMNS.some(({ sortKey }) => sortKey === value.key));

const QUEUE_FOLDS_BELOW_PX = 1340;

/** Text reads from A to Z first; numbers and times from the top. */
const ASCENDS_FIRST: RunSortKey[] = ['name', 'dataset', 'method', 'state', 'seed'];

class RunsView {
  filters: RunFilters = $state.raw(NO_FILTERS);
  expanded: ReadonlySet<string> = $state.raw(new Set());
  selected: Selected = $state.raw(new Map());
  /** Where the keyboard is: the key of a row ("group:3", "run:12"), and its number when that row is not loaded. */
  cursorKey: string | null = $state(null);
  cursorRow = $state(0);
  scrollTop = 0;
  /** Columns that the window has no room for now. */
  dropped: ColumnId[] = $state.raw([]);

  get sort(): Sorting {
    return preferences.view<Sorting>('runs.sort', { key: 'started', descending: true }, isSorting);
  }
  get columns(): ColumnId[] {
    return preferences.view('runs.columns', DEFAULT_COLUMNS, isColumnList);
  }
  get isGrouped(): boolean {
    return preferences.view('runs.grouped', true, isBoolean);
  }
  /** Narrow windows have no room for the queue beside the table, unless it is asked for there. */
  get #queueKey(): string {
    return (innerWidth.current ?? Infinity) > QUEUE_FOLDS_BELOW_PX ? 'runs.queue' : 'runs.queueNarrow';
  }
  get isQueueOpen(): boolean {
    return preferences.view(this.#queueKey, this.#queueKey === 'runs.queue', isBoolean);
  }
  get scheme(): GroupSchemeId {
    return preferences.view<GroupSchemeId>('groupScheme', 'count-100-20', isSchemeId);
  }

  /** What the owner is asked, without the page. */
  get query(): RunQuery {
    return {
      ...this.filters,
      grouped: this.isGrouped,
      scheme: this.scheme,
      sort: this.sort,
      offset: 0,
      limit: 0,
    };
  }

  filter(change: Partial<RunFilters>): void {
    this.filters = { ...this.filters, ...change };
  }

  sortBy(key: RunSortKey): void {
    const descending = this.sort.key === key ? !this.sort.descending : !ASCENDS_FIRST.includes(key);
    preferences.setView('runs.sort', { key, descending });
  }

  toggleColumn(id: ColumnId): void {
    const chosen = this.columns;
    preferences.setView(
      'runs.columns',
      chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id],
    );
  }

  resetColumns(): void {
    preferences.setView('runs.columns', DEFAULT_COLUMNS);
  }

  setGrouped(isGrouped: boolean): void {
    preferences.setView('runs.grouped', isGrouped);
  }

  toggleQueue(): void {
    preferences.setView(this.#queueKey, !this.isQueueOpen);
  }

  setExpanded(key: string, isExpanded: boolean): void {
    const next = new Set(this.expanded);
    if (isExpanded) next.add(key);
    else next.delete(key);
    this.expanded = next;
  }
}

export const runsView = new RunsView();
