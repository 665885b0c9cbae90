/** Long series are read through tiers, and no extreme is ever lost; deleted runs go for good in portions. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Series } from '../../../preload/contract.ts';
import type { Store } from '../../../main/store/index.ts';
import { TIER_THRESHOLD_POINTS } from '../../../main/store/metrics.ts';
import { addDataset, exampleRun, openTempStore } from '../../helpers/library.ts';

const METRIC = 'train/loss';
const ALL = { maxPoints: 1000, afterStep: null, untilStep: null };

/** Noise with a few spikes that a chart must show. */
const valueAt = (step: number): number =>
  step % 30_011 === 0 ? 1e6 + step : step % 40_009 === 0 ? -1e6 - step : Math.sin(step * 1.7) + step / 1e6;

function addSteps(store: Store, runId: number, steps: number[], value = valueAt): void {
  store.metrics.add(
    runId,
    steps.map((step) => ({
      step,
      epoch: Math.ceil(step / 1000),
      timeMs: step * 3,
      values: { [METRIC]: value(step) },
    })),
  );
}

const range = (from: number, until: number, by = 1): number[] =>
  Array.from({ length: Math.floor((until - from) / by) + 1 }, (_, i) => from + i * by);

function withSeries(t: { after: (f: () => void) => void }, steps: number[]): { store: Store; runId: number } {
  const { store, close } = openTempStore();
  t.after(close);
  const runId = store.runs.create(exampleRun(addDataset(store)));
  store.transaction(() => {
    for (let at = 0; at < steps.length; at += 5000) addSteps(store, runId, steps.slice(at, at + 5000));
  });
  return { store, runId };
}

function check(series: Series, steps: number[], maxPoints: number): void {
  assert.ok(
    series.steps.length <= maxPoints,
    `${series.steps.length} points, at most ${maxPoints} were asked for`,
  );
  assert.deepEqual(
    series.steps,
    [...new Set(series.steps)].sort((a, b) => a - b),
    'in order, each once',
  );
  for (const [index, step] of series.steps.entries()) {
    assert.equal(series.values[index], valueAt(step), `a point that was stored, at step ${step}`);
    assert.equal(series.times[index], step * 3);
    assert.equal(series.epochs[index], Math.ceil(step / 1000));
  }
  assert.equal(series.steps[0], steps[0]);
  assert.equal(series.steps.at(-1), steps.at(-1));
  const values = steps.map(valueAt);
  assert.equal(
    Math.max(...series.values),
    values.reduce((a, b) => Math.max(a, b)),
  );
  assert.equal(
    Math.min(...series.values),
    values.reduce((a, b) => Math.min(a, b)),
  );
  assert.equal(series.total, steps.length);
}

test('a short series comes whole', (t) => {
  const steps = range(10, 1000, 10);
  const { store, runId } = withSeries(t, steps);
  const series = store.metrics.read(runId, METRIC, { ...ALL, maxPoints: 100 })!;
  assert.deepEqual(series.steps, steps);
  check(series, steps, 100);
  assert.equal(store.metrics.read(runId, 'train/other', ALL), null);
});

test('a longer one keeps the lowest and the highest point of each bucket', (t) => {
  const steps = range(1, 45_000);
  const { store, runId } = withSeries(t, steps);
  for (const maxPoints of [10, 333, 2000])
    check(store.metrics.read(runId, METRIC, { ...ALL, maxPoints })!, steps, maxPoints);
});

for (const [name, steps] of [
  ['every step', range(1, 130_000)],
  ['every hundredth step', range(100, 7_000_000, 100)],
] as const)
  test(`a long series of ${name} has a tier that says the same as its points`, (t) => {
    const { store, runId } = withSeries(t, steps);
    assert.ok(steps.length > TIER_THRESHOLD_POINTS);
    const tiers = store.database.raw.prepare('SELECT count(*) FROM metric_tiers').pluck().get() as number;
    assert.ok(
      tiers > steps.length / 100 && tiers < steps.length / 40,
      `${tiers} buckets for ${steps.length} points`,
    );
    for (const maxPoints of [100, 2000]) {
      const started = performance.now();
      const series = store.metrics.read(runId, METRIC, { ...ALL, maxPoints })!;
      t.diagnostic(
        `${maxPoints} of ${steps.length} points in ${(performance.now() - started).toFixed(1)} ms`,
      );
      check(series, steps, maxPoints);
    }
  });

test('a zoomed range shows its own extremes, down to every point', (t) => {
  const { store, runId } = withSeries(t, range(1, 120_000));
  const zoomed = store.metrics.read(runId, METRIC, { maxPoints: 500, afterStep: 29_999, untilStep: 60_050 })!;
  assert.ok(zoomed.steps.length <= 500);
  assert.ok(zoomed.values.includes(1e6 + 30_011) && zoomed.values.includes(1e6 + 60_022), 'its spikes');
  assert.deepEqual([zoomed.steps[0], zoomed.steps.at(-1)], [30_000, 60_050]);
  const near = store.metrics.read(runId, METRIC, { maxPoints: 500, afterStep: 99, untilStep: 300 })!;
  assert.deepEqual(near.steps, range(100, 300));
  const newer = store.metrics.read(runId, METRIC, { maxPoints: 500, afterStep: 119_990, untilStep: null })!;
  assert.deepEqual(newer.steps, range(119_991, 120_000));
  assert.deepEqual(
    store.metrics.read(runId, METRIC, { maxPoints: 500, afterStep: 120_000, untilStep: null })!.steps,
    [],
  );
});

test('a range that begins and ends within buckets shows exactly what lies in it', (t) => {
  const { store, runId } = withSeries(t, range(1, 120_000));
  for (const [from, until] of [
    [30_000, 120_000],
    [30_012, 120_000],
    [1, 90_033],
    [777, 119_321],
  ] as const) {
    const values = range(from, until).map(valueAt);
    const series = store.metrics.read(runId, METRIC, {
      maxPoints: 400,
      afterStep: from - 1,
      untilStep: until,
    })!;
    assert.equal(
      Math.max(...series.values),
      values.reduce((a, b) => Math.max(a, b)),
      `${from} to ${until}`,
    );
    assert.equal(
      Math.min(...series.values),
      values.reduce((a, b) => Math.min(a, b)),
      `${from} to ${until}`,
    );
    assert.ok(series.steps.every((step) => step >= from && step <= until));
  }
});

test('going back to an earlier step takes spikes beyond it out of the tier', (t) => {
  const { store, runId } = withSeries(t, range(1, 100_000));
  store.transaction(() => store.metrics.removeBeyond(runId, 60_010));
  check(store.metrics.read(runId, METRIC, ALL)!, range(1, 60_010), 1000);
  store.transaction(() => addSteps(store, runId, range(60_011, 90_000)));
  check(store.metrics.read(runId, METRIC, ALL)!, range(1, 90_000), 1000);
});

test('a value that is written again replaces the first, in the tier too', (t) => {
  const { store, runId } = withSeries(t, range(1, 60_000));
  addSteps(store, runId, [500], () => 5e9);
  addSteps(store, runId, [500], valueAt);
  check(store.metrics.read(runId, METRIC, ALL)!, range(1, 60_000), 1000);
});

test('a long run in the trash goes for good, a portion at a time', (t) => {
  const { store, runId } = withSeries(t, range(1, 60_000));
  const groupId = store.runs.createGroup({
    name: 'g',
    title: 'g',
    detail: '',
    datasetId: 1,
    method: 'reslt',
    createdAtMs: 1,
  });
  const member = store.runs.create(exampleRun(1, { groupId }));
  const { token } = store.trash.putRuns([runId, member], 1);
  let portions = 1;
  while (store.trash.purge(token).more) portions++;
  assert.ok(portions > 6, `${portions} portions`);
  for (const table of [
    'runs',
    'run_documents',
    'run_search',
    'metrics',
    'metric_series',
    'metric_tiers',
    'seed_groups',
    'trash',
  ])
    assert.equal(store.database.raw.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), 0, table);
  assert.ok(store.runs.create(exampleRun(1)) > member, 'a number is never given twice');
});
