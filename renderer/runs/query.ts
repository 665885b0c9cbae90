/** Questions about the list of runs: what the filters ask for, and how many of them are set. */
import {
  PLAIN_RUN_QUERY,
  type RunListItem,
  type RunQuery,
  type RunState,
  type RunSummary,
} from '../../preload/contract.ts';
import { api } from '../lib/api.ts';

export type RunFilters = Pick<
  RunQuery,
  'search' | 'states' | 'datasetIds' | 'methods' | 'kinds' | 'sinceDays' | 'archived'
>;

const { search, states, datasetIds, methods, kinds, sinceDays, archived } = PLAIN_RUN_QUERY;
export const NO_FILTERS: RunFilters = { search, states, datasetIds, methods, kinds, sinceDays, archived };

/** More than this the owner is not asked for at once. */
const BATCH = 500;

/** How many filters hide something. */
export function countFilters(filters: RunFilters): number {
  return [
    filters.search.trim() !== '',
    filters.states.length > 0,
    filters.datasetIds.length > 0,
    filters.methods.length > 0,
    filters.kinds.length > 0,
    filters.sinceDays !== null,
    filters.archived,
  ].filter(Boolean).length;
}

/** The newest runs that match the words, one a line. */
export async function findRuns(search: string, limit: number): Promise<RunSummary[]> {
  const list = await api.listRuns({ ...PLAIN_RUN_QUERY, search, limit });
  return list.items.flatMap((item) => item.runs);
}

/** The newest settings that match the words: of each seed group its newest run, and how many it has. */
export async function findGroups(
  search: string,
  limit: number,
): Promise<{ run: RunSummary; count: number }[]> {
  const list = await api.listRuns({ ...PLAIN_RUN_QUERY, search, grouped: true, limit });
  return list.items.flatMap(({ runs }) => (runs[0] ? [{ run: runs[0], count: runs.length }] : []));
}

/** Items from `start` up to `end` of a query, in as many requests as it takes. */
export async function loadItems(query: RunQuery, start: number, end: number): Promise<RunListItem[]> {
  const items: RunListItem[] = [];
  while (start + items.length < end) {
    const offset = start + items.length;
    const page = await api.listRuns({ ...query, offset, limit: Math.min(BATCH, end - offset) });
    items.push(...page.items);
    if (page.items.length === 0) break;
  }
  return items;
}

/** Adds or takes away a value of a filter. */
export function toggled<T extends RunState | number | string>(values: readonly T[], value: T): T[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}
