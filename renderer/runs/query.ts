/** Questions about the list of runs. */
import type { RunQuery, RunSummary } from '../../preload/contract.ts';
import { api } from '../lib/api.ts';

export const EMPTY_QUERY: RunQuery = {
  search: '',
  states: [],
  datasetIds: [],
  methods: [],
  sinceDays: null,
  archived: false,
  grouped: true,
  scheme: 'count-100-20',
  sort: { key: 'started', descending: true },
  offset: 0,
  limit: 100,
};

/** The newest runs that match the words, one a line. */
export async function findRuns(search: string, limit: number): Promise<RunSummary[]> {
  const list = await api.listRuns({
    ...EMPTY_QUERY,
    search,
    grouped: false,
    sort: { key: 'created', descending: true },
    limit,
  });
  return list.items.flatMap((item) => item.runs);
}
