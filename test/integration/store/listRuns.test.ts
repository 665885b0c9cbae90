/** The runs table against the same worked out in plain JavaScript, over the whole of a seeded library. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  PLAIN_RUN_QUERY,
  type RunListItem,
  type RunQuery,
  type RunSortKey,
  type RunSummary,
} from '../../../preload/contract.ts';
import type { Store } from '../../../main/store/index.ts';
import { addDataset, exampleRun, openTempStore } from '../../helpers/library.ts';
import { seedLibrary } from '../../helpers/seedLibrary.ts';

const NOW_MS = 1_763_000_000_000;
const DAY_MS = 86_400_000;

const QUERY: RunQuery = { ...PLAIN_RUN_QUERY, limit: 1000 };

const VALUES: Record<RunSortKey, (run: RunSummary) => string | number | null> = {
  created: (run) => run.createdAtMs,
  started: (run) => run.startedAtMs ?? run.createdAtMs,
  name: (run) => run.name.toLowerCase(),
  state: (run) =>
    ['running', 'preparing', 'queued', 'paused', 'crashed', 'failed', 'stopped', 'completed'].indexOf(
      run.state,
    ),
  dataset: (run) => run.datasetName?.toLowerCase() ?? null,
  method: (run) => run.method,
  seed: (run) => run.seed,
  'last-top1': (run) => run.last?.top1 ?? null,
  'last-top5': (run) => run.last?.top5 ?? null,
  'last-many': (run) => run.last?.groups['reslt-ranges'].many ?? null,
  'last-medium': (run) => run.last?.groups['reslt-ranges'].medium ?? null,
  'last-few': (run) => run.last?.groups['reslt-ranges'].few ?? null,
  'best-top1': (run) => run.best?.top1 ?? null,
  active: (run) => run.activeMs,
  size: (run) => run.sizeBytes,
};
const KEYS = Object.keys(VALUES) as RunSortKey[];

let shared: { store: Store; close: () => void; all: RunSummary[] };

test.before(() => {
  const { store, close } = openTempStore();
  const ids = seedLibrary(store, { runs: 300, detailedRuns: 2, nowMs: NOW_MS });
  store.runs.change(ids[5]!, { archived: true });
  // Some that have not begun, so that there are rows without values.
  for (let n = 0; n < 5; n++)
    store.runs.create(exampleRun(1, { name: `waiting ${n}`, note: 'Ünïcode_100%' }));
  shared = { store, close, all: store.runs.summaries(Array.from({ length: 305 }, (_, i) => i + 1)) };
});
test.after(() => shared.close());

const list = (change: Partial<RunQuery>) => shared.store.runLists.list({ ...QUERY, ...change }, NOW_MS);
const idsOf = (items: RunListItem[]): number[] => items.flatMap((item) => item.runs.map((run) => run.id));
const live = (): RunSummary[] => shared.all.filter((run) => run.id !== 6);

test('every key sorts both ways, what has no value comes last, and equals follow their numbers', () => {
  for (const key of KEYS)
    for (const descending of [true, false]) {
      const { items } = list({ sort: { key, descending }, scheme: 'reslt-ranges' });
      const expected = live().sort((a, b) => {
        const [x, y] = [VALUES[key](a), VALUES[key](b)];
        const order = descending ? -1 : 1;
        if (x === null || y === null) return x === y ? order * (a.id - b.id) : x === null ? 1 : -1;
        if (x === y) return order * (a.id - b.id);
        return order * (x < y ? -1 : 1);
      });
      assert.deepEqual(
        idsOf(items),
        expected.map((run) => run.id),
        `${key} ${descending ? 'down' : 'up'}`,
      );
    }
});

test('pages are pieces of one list', () => {
  const whole = idsOf(list({ sort: { key: 'last-few', descending: true } }).items);
  const pages = [0, 100, 200, 300].flatMap((offset) =>
    idsOf(list({ sort: { key: 'last-few', descending: true }, offset, limit: 100 }).items),
  );
  assert.deepEqual(pages, whole);
});

test('filters and search narrow together, and counts are over everything, not the page', () => {
  const cases: [Partial<RunQuery>, (run: RunSummary) => boolean][] = [
    [{ states: ['failed', 'crashed'] }, (run) => run.state === 'failed' || run.state === 'crashed'],
    [{ datasetIds: [2], methods: ['ce'] }, (run) => run.datasetId === 2 && run.method === 'ce'],
    [{ sinceDays: 1 }, (run) => run.createdAtMs >= NOW_MS - DAY_MS],
    [{ search: 'CIFAR100 lt-CE' }, (run) => run.name.includes('cifar100') && run.name.includes('lt-ce')],
    [{ search: 'beta=0.99 seed=2' }, (run) => run.detail.startsWith('β 0.99') && run.seed === 2],
    [{ search: 'milestones=0.8,0.9' }, (run) => !run.name.startsWith('waiting') || run.method === 'reslt'],
    [{ search: 'cifar-100-lt-if50' }, (run) => run.datasetName === 'cifar-100-lt-if50'],
    [{ search: 'ünïcode' }, (run) => run.note !== '' && run.name.startsWith('waiting')],
    [{ search: '_100%' }, (run) => run.name.startsWith('waiting')],
    [{ search: '%' }, (run) => run.note.includes('%')],
    [
      { search: 'reslt', states: ['completed'], datasetIds: [1, 3] },
      (run) => run.method === 'reslt' && run.state === 'completed' && run.datasetId !== 2,
    ],
    [{ search: 'nothing-is-called-this' }, () => false],
  ];
  for (const [change, passes] of cases) {
    const found = list({ ...change, limit: 10 });
    const expected = live().filter(passes);
    assert.equal(found.matchingRuns, expected.length, JSON.stringify(change));
    assert.equal(found.itemCount, expected.length, JSON.stringify(change));
    assert.equal(found.totalRuns, 304);
    assert.deepEqual(
      new Set(idsOf(list(change).items)),
      new Set(expected.map((run) => run.id)),
      JSON.stringify(change),
    );
  }
});

test('each filter counts what the others leave', () => {
  const { filters } = list({ states: ['failed'], methods: ['ce'] });
  const count = (passes: (run: RunSummary) => boolean): number => live().filter(passes).length;
  for (const { state, count: n } of filters.states)
    assert.equal(
      n,
      count((run) => run.state === state && run.method === 'ce'),
      state,
    );
  for (const { id, count: n } of filters.methods)
    assert.equal(
      n,
      count((run) => run.state === 'failed' && run.method === id),
      id,
    );
  for (const { id, count: n } of filters.datasets)
    assert.equal(
      n,
      count((run) => run.state === 'failed' && run.method === 'ce' && run.datasetId === id),
    );
});

test('archived runs have a list of their own', () => {
  const archived = list({ archived: true });
  assert.deepEqual(idsOf(archived.items), [6]);
  assert.equal(archived.totalRuns, 1);
});

test('a seed group is one row, with mean and sample deviation over the last epoch of its completed runs', () => {
  const { items, itemCount, matchingRuns } = list({ grouped: true });
  assert.equal(matchingRuns, 304);
  assert.equal(items.length, itemCount);
  assert.equal(idsOf(items).length, 304, 'every run is in one row');
  const groups = items.filter((item) => item.group !== null);
  assert.ok(groups.length > 20);
  for (const { group, runs } of groups) {
    const members = shared.all.filter((run) => run.groupId === group!.id);
    const completed = members.filter((run) => run.state === 'completed');
    const top1 = completed.map((run) => run.last!.top1);
    const mean = top1.reduce((sum, value) => sum + value, 0) / top1.length;
    const std = Math.sqrt(top1.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (top1.length - 1));
    assert.equal(group!.runCount, members.length);
    assert.equal(group!.completedCount, completed.length);
    assert.equal(group!.last.top1.n, top1.length);
    if (top1.length === 0) assert.equal(group!.last.top1.mean, null);
    else assert.ok(Math.abs(group!.last.top1.mean! - mean) < 1e-12);
    if (top1.length < 2) assert.equal(group!.last.top1.std, null);
    else assert.ok(Math.abs(group!.last.top1.std! - std) < 1e-12);
    assert.deepEqual(
      runs.map((run) => run.id),
      members
        .filter((run) => run.id !== 6)
        .map((run) => run.id)
        .sort((a, b) => b - a),
      'newest first',
    );
  }
});

test('grouped rows sort by the mean, every key both ways, with single runs among them', () => {
  for (const key of KEYS)
    for (const descending of [true, false]) {
      const { items } = list({ grouped: true, sort: { key, descending }, scheme: 'reslt-ranges' });
      assert.equal(idsOf(items).length, 304, key);
    }
  for (const descending of [true, false]) {
    const { items } = list({ grouped: true, sort: { key: 'last-top1', descending } });
    const values = items.map(({ group, runs }) =>
      group === null ? (runs[0]!.last?.top1 ?? null) : group.last.top1.mean,
    );
    const known = values.filter((value) => value !== null);
    assert.deepEqual(
      known,
      [...known].sort((a, b) => (descending ? b - a : a - b)),
    );
    assert.ok(
      values.slice(known.length).every((value) => value === null),
      'rows without a value are last',
    );
  }
});

test('a filtered group keeps the statistics of all its runs, and lists those that match', () => {
  const { items } = list({ grouped: true, states: ['failed', 'stopped', 'crashed'] });
  const { group, runs } = items.find((item) => item.group !== null && item.group.completedCount === 2)!;
  assert.ok(runs.every((run) => run.state !== 'completed'));
  assert.equal(group!.last.top1.n, 2);
});

test('waiting runs show their place', (t) => {
  const { store, close } = openTempStore();
  t.after(close);
  const datasetId = addDataset(store);
  const ids = [0, 1, 2].map((seed) => store.runs.create(exampleRun(datasetId, { seed })));
  store.scheduling.setQueuePositions(ids.map((runId, index) => ({ runId, position: -index })));
  assert.deepEqual(
    store.runs.summaries(ids).map((run) => run.queuePosition),
    [3, 2, 1],
  );
});

test('renaming a dataset is found by its new name only', (t) => {
  const { store, close } = openTempStore();
  t.after(close);
  const datasetId = addDataset(store, 'Before');
  store.runs.create(exampleRun(datasetId, { name: 'x', config: {} }));
  store.datasets.rename(datasetId, 'Afterwards');
  const find = (search: string): number => store.runLists.list({ ...QUERY, search }, NOW_MS).matchingRuns;
  assert.deepEqual([find('before'), find('AFTER')], [0, 1]);
});
