/**
 * The runs table: search, filter, sort, grouping and paging, all in SQL over all runs. A page of rows is what leaves the
 * store, never the table; what is counted is counted over all of it.
 */
import type {
  GroupSchemeId,
  RunList,
  RunListItem,
  RunKind,
  RunQuery,
  RunSortKey,
  RunState,
} from '../../preload/contract.ts';
import type { Database } from './database.ts';
import { containing } from './like.ts';
import { STATE_ORDER, type Runs } from './runs.ts';
import { groupColumn } from './scores.ts';

/** Words of a search that count; nobody types more, and each is part of the statement. */
const MAX_WORDS = 16;

const DAY_MS = 24 * 60 * 60 * 1000;

/** How one key sorts single runs (r) and seed groups (g). Every expression is NULL where there is no value. */
interface SortExpressions {
  run: string;
  group: string;
}

const stateRank = (column: string): string =>
  `CASE ${column} ${STATE_ORDER.map((state, rank) => `WHEN '${state}' THEN ${rank}`).join(' ')} END`;

const same = (column: string): SortExpressions => ({ run: `r.${column}`, group: `g.${column}` });

function sortExpressions(key: RunSortKey, scheme: GroupSchemeId): SortExpressions {
  switch (key) {
    case 'created':
      return same('created_at_ms');
    case 'started':
      // What waits stands where it was queued: at the end it would be out of sight in a long list.
      return {
        run: 'coalesce(r.started_at_ms, r.created_at_ms)',
        group: 'coalesce(g.started_at_ms, g.created_at_ms)',
      };
    case 'name':
      return { run: 'lower(r.name)', group: 'lower(g.name)' };
    case 'state':
      return { run: stateRank('r.state'), group: stateRank('g.state') };
    case 'dataset':
      return {
        run: '(SELECT lower(d.name) FROM datasets d WHERE d.id = r.dataset_id)',
        group: '(SELECT lower(d.name) FROM datasets d WHERE d.id = g.dataset_id)',
      };
    case 'method':
      return same('method');
    case 'seed':
      return { run: 'r.seed', group: 'g.lowest_seed' };
    case 'last-top1':
      return same('last_top1');
    case 'last-top5':
      return same('last_top5');
    case 'last-many':
      return same(`last_${groupColumn(scheme, 'many')}`);
    case 'last-medium':
      return same(`last_${groupColumn(scheme, 'medium')}`);
    case 'last-few':
      return same(`last_${groupColumn(scheme, 'few')}`);
    case 'best-top1':
      return same('best_top1');
    case 'active':
      return same('active_ms');
    case 'size':
      return same('size_bytes');
  }
}

interface Parameters extends Record<string, unknown> {
  archived: number;
  states: string | null;
  datasets: string | null;
  methods: string | null;
  kinds: string | null;
  sinceMs: number;
  limit: number;
  offset: number;
}

/** Which runs a query is about before its filters by state, dataset and method: the filters' own counts are over these. */
const BASE = (searched: boolean): string =>
  `r.trash_token IS NULL AND r.archived = @archived AND r.created_at_ms >= @sinceMs
   ${searched ? 'AND r.id IN (SELECT id FROM temp.found_runs)' : ''}`;

const FILTERS = `
  AND (@states IS NULL OR r.state IN (SELECT value FROM json_each(@states)))
  AND (@datasets IS NULL OR r.dataset_id IN (SELECT value FROM json_each(@datasets)))
  AND (@methods IS NULL OR r.method IN (SELECT value FROM json_each(@methods)))
  AND (@kinds IS NULL OR r.kind IN (SELECT value FROM json_each(@kinds)))`;

type Combination = [state: RunState, datasetId: number | null, method: string, kind: RunKind, count: number];

const KINDS: readonly RunKind[] = ['train', 'evaluate', 'import'];

export class RunLists {
  readonly #database: Database;
  readonly #runs: Runs;
  readonly #methodLabel: (id: string) => string;

  constructor(database: Database, runs: Runs, methodLabel: (id: string) => string) {
    this.#database = database;
    this.#runs = runs;
    this.#methodLabel = methodLabel;
    // Runs that match a search, found once and used by each statement of the query.
    database.raw.exec('CREATE TEMP TABLE found_runs (id INTEGER PRIMARY KEY)');
  }

  /** One page of the table. nowMs: the time that `sinceDays` counts back from. */
  list(query: RunQuery, nowMs: number): RunList {
    return this.#database.snapshot('list runs', () => {
      const words = query.search
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '')
        .slice(0, MAX_WORDS);
      if (words.length > 0) this.#search(words);
      const searched = words.length > 0;
      const parameters: Parameters = {
        archived: query.archived ? 1 : 0,
        states: listOrNull(query.states),
        datasets: listOrNull(query.datasetIds),
        methods: listOrNull(query.methods),
        kinds: listOrNull(query.kinds),
        sinceMs: query.sinceDays === null ? 0 : nowMs - query.sinceDays * DAY_MS,
        limit: query.limit,
        offset: query.offset,
      };
      const combinations = this.#combinations(parameters, searched);
      const matchingRuns = count(combinations, query, null);
      const items = query.grouped
        ? this.#groupedItems(query, parameters, searched)
        : this.#singleItems(query, parameters, searched);
      return {
        items,
        itemCount: query.grouped ? this.#countItems(parameters, searched) : matchingRuns,
        matchingRuns,
        totalRuns: this.#total(parameters.archived),
        filters: this.#filters(combinations, query),
      };
    });
  }

  #search(words: readonly string[]): void {
    const db = this.#database;
    db.statement('clear found runs', 'DELETE FROM temp.found_runs').run([]);
    const found = words.map(() => `(text LIKE ? ESCAPE '\\' OR dataset_name LIKE ? ESCAPE '\\')`);
    db.statement<string[]>(
      `search runs, ${words.length} words`,
      `INSERT INTO temp.found_runs SELECT run_id FROM run_search WHERE ${found.join(' AND ')}`,
    ).run(words.flatMap((word) => [containing(word), containing(word)]));
  }

  #combinations(parameters: Parameters, searched: boolean): Combination[] {
    return this.#database.rows<Parameters, Combination>(
      `count runs by facet${searched ? ', searched' : ''}`,
      `SELECT r.state, r.dataset_id, r.method, r.kind, count(*) FROM runs r WHERE ${BASE(searched)} GROUP BY 1, 2, 3, 4`,
    )(parameters);
  }

  #singleItems(query: RunQuery, parameters: Parameters, searched: boolean): RunListItem[] {
    const direction = query.sort.descending ? 'DESC' : 'ASC';
    const { run } = sortExpressions(query.sort.key, query.scheme);
    const ids = this.#database.rows<Parameters, [number]>(
      `page of runs by ${query.sort.key} ${direction} ${query.scheme}${searched ? ', searched' : ''}`,
      `SELECT r.id FROM runs r WHERE ${BASE(searched)} ${FILTERS}
       ORDER BY ${run} ${direction} NULLS LAST, r.id ${direction} LIMIT @limit OFFSET @offset`,
    )(parameters);
    return this.#runs
      .summaries(ids.map(([id]) => id))
      .map((summary) => ({ key: `run-${summary.id}`, group: null, runs: [summary] }));
  }

  #groupedItems(query: RunQuery, parameters: Parameters, searched: boolean): RunListItem[] {
    const direction = query.sort.descending ? 'DESC' : 'ASC';
    const { run, group } = sortExpressions(query.sort.key, query.scheme);
    const suffix = searched ? ', searched' : '';
    // Equal values: the newer first, also between groups and single runs, which are numbered apart.
    const page = this.#database.rows<Parameters, [groupId: number | null, runId: number | null]>(
      `page of groups by ${query.sort.key} ${direction} ${query.scheme}${suffix}`,
      `SELECT group_id, run_id FROM (
         SELECT NULL AS group_id, r.id AS run_id, ${run} AS value, r.created_at_ms AS created
         FROM runs r WHERE r.group_id IS NULL AND ${BASE(searched)} ${FILTERS}
         UNION ALL
         SELECT g.id, NULL, ${group}, g.created_at_ms
         FROM seed_groups g
         WHERE g.id IN (SELECT r.group_id FROM runs r WHERE r.group_id IS NOT NULL AND ${BASE(searched)} ${FILTERS})
       )
       ORDER BY value ${direction} NULLS LAST, created ${direction}, run_id ${direction}, group_id ${direction}
       LIMIT @limit OFFSET @offset`,
    )(parameters);
    const groupIds = page.flatMap(([groupId]) => (groupId === null ? [] : [groupId]));
    const members = this.#database.rows<Parameters, [groupId: number, runId: number]>(
      `members of groups${suffix}`,
      `SELECT r.group_id, r.id FROM runs r
       WHERE r.group_id IN (SELECT value FROM json_each(@groups)) AND ${BASE(searched)} ${FILTERS}
       ORDER BY r.id DESC`,
    )({ ...parameters, groups: JSON.stringify(groupIds) });
    const runsOf = new Map<number, number[]>(groupIds.map((id) => [id, []]));
    for (const [groupId, runId] of members) runsOf.get(groupId)?.push(runId);
    const idsOf = ([groupId, runId]: [number | null, number | null]): number[] =>
      groupId === null ? [runId!] : runsOf.get(groupId)!;
    const groups = this.#runs.groups(groupIds);
    const summaries = new Map(this.#runs.summaries(page.flatMap(idsOf)).map((one) => [one.id, one]));
    return page.map((entry) => {
      const [groupId, runId] = entry;
      return {
        key: groupId === null ? `run-${runId}` : `group-${groupId}`,
        group: groupId === null ? null : groups.get(groupId)!,
        runs: idsOf(entry).map((id) => summaries.get(id)!),
      };
    });
  }

  #countItems(parameters: Parameters, searched: boolean): number {
    const [row] = this.#database.rows<Parameters, [number]>(
      `count groups${searched ? ', searched' : ''}`,
      // Single runs count as themselves: their key is the negative of their number.
      `SELECT count(DISTINCT coalesce(r.group_id, -r.id)) FROM runs r WHERE ${BASE(searched)} ${FILTERS}`,
    )(parameters);
    return row![0];
  }

  #total(archived: number): number {
    const [row] = this.#database.rows<[number], [number]>(
      'count all runs',
      'SELECT count(*) FROM runs r WHERE r.trash_token IS NULL AND r.archived = ?',
    )([archived]);
    return row![0];
  }

  /** Each filter's choices, counted over the runs that the other filters leave. */
  #filters(combinations: readonly Combination[], query: RunQuery): RunList['filters'] {
    const names = new Map(
      this.#database
        .rows<[], [number, string]>(
          'read dataset names',
          'SELECT id, name FROM datasets',
        )([])
        .map(([id, name]) => [id, name]),
    );
    const choices = <T>(facet: Facet, at: 0 | 1 | 2 | 3): Map<T, number> => {
      const counts = new Map<T, number>();
      for (const combination of combinations) {
        const value = combination[at] as T;
        const n = matches(combination, query, facet) ? combination[4] : 0;
        counts.set(value, (counts.get(value) ?? 0) + n);
      }
      return counts;
    };
    const states = choices<RunState>('states', 0);
    const kinds = choices<RunKind>('kinds', 3);
    return {
      states: STATE_ORDER.filter((state) => states.has(state)).map((state) => ({
        state,
        count: states.get(state)!,
      })),
      datasets: [...choices<number | null>('datasetIds', 1)]
        .flatMap(([id, n]) => (id === null ? [] : [{ id, name: names.get(id) ?? '', count: n }]))
        .sort((a, b) => a.name.localeCompare(b.name)),
      methods: [...choices<string>('methods', 2)]
        .map(([id, n]) => ({ id, label: this.#methodLabel(id), count: n }))
        .sort((a, b) => a.label.localeCompare(b.label)),
      kinds: KINDS.filter((kind) => kinds.has(kind)).map((kind) => ({ kind, count: kinds.get(kind)! })),
    };
  }
}

type Facet = 'states' | 'datasetIds' | 'methods' | 'kinds';

/** Whether runs of a combination pass the query's filters, one of them left out. */
function matches(
  [state, datasetId, method, kind]: Combination,
  query: RunQuery,
  without: Facet | null,
): boolean {
  const passes = <T>(facet: Facet, chosen: readonly T[], value: T): boolean =>
    facet === without || chosen.length === 0 || chosen.includes(value);
  return (
    passes('states', query.states, state) &&
    passes<number | null>('datasetIds', query.datasetIds, datasetId) &&
    passes('methods', query.methods, method) &&
    passes('kinds', query.kinds, kind)
  );
}

function count(combinations: readonly Combination[], query: RunQuery, without: Facet | null): number {
  return combinations.reduce((total, one) => total + (matches(one, query, without) ? one[4] : 0), 0);
}

function listOrNull(values: readonly unknown[]): string | null {
  return values.length === 0 ? null : JSON.stringify(values);
}
