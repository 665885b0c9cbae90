/**
 * How SQLite finds what the store asks for. Every statement is prepared by doing everything once; then none of the large
 * tables may be scanned, and the hot statements must use the index that was made for them.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { RUN_SORT_KEYS } from '../../../preload/contract.ts';
import type { Store } from '../../../main/store/index.ts';
import { measuredRuns } from '../../../main/store/speeds.ts';
import { addDataset, exampleRun, openTempStore } from '../../helpers/library.ts';
import { seedLibrary } from '../../helpers/seedLibrary.ts';

/** Tables that grow with every epoch, line or step. */
const LARGE = ['metrics', 'metric_tiers', 'evaluations', 'evaluation_vectors', 'log_lines', 'run_documents'];

/** Statements that read all of a table on purpose, and why that is quick enough. */
const MAY_SCAN: Record<string, string> = {
  'page of ':
    'sorts ten thousand narrow rows in some milliseconds; an index a key would cost more on every epoch',
  'members of groups': 'looks the groups of one page up by index',
  'count groups': 'reads the facet index',
  'sum sizes': 'the storage page, some thousand checkpoints',
  'search runs': 'looks through the search texts, 2 ms for ten thousand',
  'find runs by name': 'what somebody types',
  'purge datasets': 'emptying the trash',
};

/** Does everything that the store can do, so that every statement has been prepared. */
function doEverything(store: Store): void {
  const ids = seedLibrary(store, { runs: 30, detailedRuns: 30, nowMs: 1_763_000_000_000 });
  const run = store.runs.get(ids[0]!);
  for (const key of RUN_SORT_KEYS)
    for (const grouped of [true, false])
      for (const search of ['', 'reslt'])
        store.runLists.list(
          {
            search,
            states: ['completed'],
            datasetIds: [1, 2, 3],
            methods: ['reslt'],
            kinds: ['train'],
            sinceDays: 1000,
            archived: false,
            grouped,
            scheme: 'count-100-20',
            sort: { key, descending: true },
            offset: 0,
            limit: 50,
          },
          1_763_000_000_000,
        );
  store.runs.inStates(['running']);
  store.runs.ofGroup(1);
  store.runs.ofDataset(1);
  store.runs.named('cifar');
  measuredRuns(store.database, 'resnet32');
  store.runs.change(run.id, { note: 'x', archived: false, resolved: {} });
  store.metrics.read(run.id, 'train/loss', { maxPoints: 10, afterStep: null, untilStep: null });
  store.metrics.names(run.id);
  store.evaluations.series(run.id, 'test', 'count-100-20');
  store.evaluations.classResult(run, null);
  store.evaluations.summary(run.id, 1, 'epoch');
  store.log.read(run.id, 0, 10);
  for (const level of ['all', 'warn'] as const)
    store.log.search(run.id, { text: 'x', level, fromNumber: 1, untilNumber: 100 });
  const [checkpoint] = store.checkpoints.list(run.id);
  store.checkpoints.get(checkpoint!.id);
  store.checkpoints.count(run.id);
  store.checkpoints.expendable();
  store.scheduling.readQueue();
  store.runs.summary(store.runs.create(exampleRun(1)));
  store.scheduling.readSchedulerRun(run.id);
  store.scheduling.attempts(run.id);
  store.scheduling.listRunsInStates(['running']);
  store.datasets.list();
  store.sizes();
  // A series long enough for a tier, and an attempt that goes back in it.
  const long = store.runs.create(exampleRun(1));
  store.scheduling.beginAttempt(long, { attempt: 1, startedAtMs: 1, resumedFromStep: 0 });
  store.metrics.add(
    long,
    Array.from({ length: 50_100 }, (_, i) => ({
      step: i + 1,
      epoch: 1,
      timeMs: i,
      values: { 'train/loss': i },
    })),
  );
  store.metrics.add(long, [{ step: 50_100, epoch: 1, timeMs: 1, values: { 'train/loss': 1 } }]);
  store.metrics.read(long, 'train/loss', { maxPoints: 500, afterStep: null, untilStep: null });
  store.metrics.removeBeyond(long, 50_000);
  store.evaluations.removeBeyond(long, 5);
  store.checkpoints.removeBeyond(long, 5);
  store.settings.update({ concurrency: 1 });
  store.settings.updatePreferences({ theme: 'dark' });
  const dataset = addDataset(store, 'to be deleted');
  for (const entry of [
    store.trash.putCheckpoints([checkpoint!], 1),
    store.trash.putRuns([ids[1]!], 1),
    store.trash.putDataset(dataset, 'x', 1),
  ]) {
    store.trash.paths(entry.token);
    store.trash.restore(entry.token);
  }
  const { token } = store.trash.putRuns([long], 1);
  while (store.trash.purge(token).more);
}

function planOf(store: Store, sql: string): string[] {
  const names = [...sql.matchAll(/@(\w+)/g)].map((match) => match[1]!);
  const statement = store.database.raw.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  if (names.length > 0)
    return statement.all(Object.fromEntries(names.map((name) => [name, null]))).map(detailOf);
  for (let count = 0; ; count++) {
    try {
      return statement.all(new Array<null>(count).fill(null)).map(detailOf);
    } catch (error) {
      if (count > 40 || !/parameter/.test((error as Error).message)) throw error;
    }
  }
}

const detailOf = ({ detail }: { detail: string }): string => detail;

test('no statement scans a large table, and the hot ones use their index', (t) => {
  const { store, close } = openTempStore();
  t.after(close);
  doEverything(store);
  const plans = new Map(
    store.database.preparedStatements().map(({ name, sql }) => [name, planOf(store, sql)]),
  );
  assert.ok(plans.size > 120, `${plans.size} statements were prepared`);

  for (const [name, plan] of plans) {
    if (Object.keys(MAY_SCAN).some((start) => name.startsWith(start))) continue;
    for (const step of plan) {
      const scanned = /^SCAN (\w+)/.exec(step)?.[1];
      const isLarge = scanned !== undefined && (LARGE.includes(scanned) || /^[rev]$/.test(scanned));
      assert.ok(!isLarge, `“${name}” scans ${scanned}:\n  ${plan.join('\n  ')}`);
    }
  }

  const uses: [name: string, expected: RegExp][] = [
    ['count runs by facet (rows)', /USING COVERING INDEX runs_by_facet/],
    ['count groups (rows)', /USING COVERING INDEX runs_by_facet/],
    ['read run summaries', /SEARCH r USING INTEGER PRIMARY KEY/],
    ['read queue', /USING COVERING INDEX runs_waiting/],
    ['read queue places', /USING COVERING INDEX runs_waiting/],
    ['read runs in states', /runs_by_state/],
    ['list runs in states', /runs_by_state/],
    ['read members of group', /USING INDEX runs_by_group/],
    ['read runs of dataset', /runs_by_dataset/],
    ['read measured speeds', /SEARCH r USING INTEGER PRIMARY KEY/],
    [
      'read metric points (rows)',
      /SEARCH metrics USING PRIMARY KEY \(run_id=\? AND metric_id=\? AND step>\? AND step<\?\)/,
    ],
    ['read last metric point (rows)', /SEARCH metrics USING PRIMARY KEY/],
    ['read metric tier (rows)', /SEARCH metric_tiers USING PRIMARY KEY/],
    ['read evaluations (rows)', /USING INDEX evaluations_by_run \(run_id=\? AND split=\?\)/],
    ['read evaluation', /USING INDEX evaluations_by_run \(run_id=\? AND split=\? AND epoch<\?\)/],
    ['read last evaluation', /USING INDEX evaluations_by_run/],
    ['read log lines (rows)', /SEARCH log_lines USING PRIMARY KEY \(run_id=\? AND number>\? AND number<\?\)/],
    ['search marked log lines (rows)', /log_lines_marked/],
    ['count log lines', /SEARCH log_lines USING PRIMARY KEY/],
    ['read checkpoints of run', /checkpoints_by_run/],
  ];
  for (const [name, expected] of uses) {
    const plan = plans.get(name);
    assert.ok(plan !== undefined, `no statement is called “${name}”`);
    assert.match(plan.join('\n'), expected, name);
  }
  for (const name of [
    'read metric points (rows)',
    'read log lines (rows)',
    'read queue',
    'read evaluations (rows)',
  ])
    assert.doesNotMatch(plans.get(name)!.join('\n'), /TEMP B-TREE/, `${name} comes in order from its index`);
});
