/** The run page's curves: growing series, the plan of a run, milestones and the planned learning rate. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RunDetail, Series } from '../../preload/contract.ts';
import {
  appendSeries,
  MAX_POINTS,
  milestonesOn,
  nextMilestone,
  plannedRest,
  stepsOfRange,
  planOf,
  timeOfStep,
  xMaxOf,
  xsOf,
  type Plan,
} from '../../renderer/pages/run/curves.ts';

const series = (steps: number[], values = steps.map((s) => s / 10)): Series => ({
  runId: 1,
  metric: 'train/loss',
  steps,
  epochs: steps.map((s) => Math.ceil(s / 10)),
  times: steps.map((s) => s * 100),
  values,
  total: steps.length,
});

test('new points are appended and points that came twice are not', () => {
  const grown = appendSeries(series([1, 2, 3]), series([3, 4, 5]));
  assert.deepEqual(grown?.steps, [1, 2, 3, 4, 5]);
  assert.deepEqual(grown?.times, [100, 200, 300, 400, 500]);
  const old = series([1, 2]);
  assert.equal(appendSeries(old, series([1, 2])), old, 'nothing new: the same object');
  assert.deepEqual(appendSeries(series([]), series([7]))?.steps, [7]);
});

test('a series that outgrows the chart is asked for again', () => {
  const long = series(Array.from({ length: 2 * MAX_POINTS }, (_, i) => i + 1));
  assert.equal(appendSeries(long, series([2 * MAX_POINTS + 1])), null);
});

const plan: Plan = { stepsPerEpoch: 10, totalSteps: 100, epochs: 10, activeMs: 2000, totalMs: 10_000 };

function detail(over: Partial<RunDetail>): RunDetail {
  return {
    config: { epochs: 40, batchSize: 128, dropLast: true },
    splits: { train: 1000, val: 0, test: 100 },
    progress: null,
    resolved: null,
    activeMs: null,
    endedAtMs: null,
    state: 'queued',
    ...over,
  } as RunDetail;
}

test('before the first step the plan comes from the settings', () => {
  const queued = planOf(detail({}));
  assert.equal(queued.stepsPerEpoch, 7, '1000 images in batches of 128, the last one dropped');
  assert.equal(queued.totalSteps, 280);
  assert.equal(planOf(detail({ config: { epochs: 40, batchSize: 128, dropLast: false } })).stepsPerEpoch, 8);
});

test('while it runs the plan comes from its progress', () => {
  const progress = {
    step: 50,
    totalSteps: 200,
    epoch: 10,
    epochs: 40,
    share: 0.25,
    remainingMs: 3000,
    imagesPerSecond: 1,
    waitShare: 0,
    memoryBytes: 0,
    phase: 'training' as const,
  };
  const running = planOf(
    detail({ progress, resolved: { stepsPerEpoch: 5 }, activeMs: 1000, state: 'running' }),
  );
  assert.deepEqual(running, { stepsPerEpoch: 5, totalSteps: 200, epochs: 40, activeMs: 1000, totalMs: 4000 });
});

test('the x axis spans the planned run', () => {
  assert.equal(xMaxOf('epoch', plan), 10);
  assert.equal(xMaxOf('step', plan), 100);
  assert.ok(xMaxOf('time', plan) >= 10_000);
  assert.deepEqual(xsOf('epoch', { steps: [5, 10], times: [1, 2] }, plan), [0.5, 1]);
});

test('time of a step: measured behind, at the mean speed ahead', () => {
  const known = { steps: [10, 20], times: [1000, 2000] };
  assert.equal(timeOfStep(15, known, plan), 1500);
  assert.equal(timeOfStep(5, known, plan), 500);
  assert.equal(timeOfStep(60, known, plan), 6000);
  assert.deepEqual(milestonesOn('time', [{ epoch: 2, label: 'lr ÷ 10' }], known, plan), [
    { x: 2000, label: 'lr ÷ 10' },
  ]);
});

test('the planned learning rate goes on from where the run is', () => {
  const rates = [0.1, 0.1, 0.01];
  const short: Plan = { ...plan, totalSteps: 30, epochs: 3 };
  assert.deepEqual(plannedRest('epoch', rates, { step: 15, value: 0.1 }, { steps: [], times: [] }, short), {
    xs: [1.5, 2, 3],
    ys: [0.1, 0.1, 0.01],
  });
  assert.deepEqual(plannedRest('step', rates, { step: 0, value: null }, { steps: [], times: [] }, short), {
    xs: [0, 10, 20, 30],
    ys: [0.1, 0.1, 0.1, 0.01],
  });
  assert.deepEqual(plannedRest('step', rates, { step: 30, value: 0.01 }, { steps: [], times: [] }, short), {
    xs: [],
    ys: [],
  });
});

test('the next milestone is the first one ahead', () => {
  const milestones = [
    { epoch: 32, label: '' },
    { epoch: 36, label: '' },
  ];
  assert.equal(nextMilestone(milestones, 10), 32);
  assert.equal(nextMilestone(milestones, 32), 36);
  assert.equal(nextMilestone(milestones, 40), null);
});

test('a zoomed part of the axis is asked for by its steps, with some air', () => {
  const known = { steps: [10, 20, 30, 40], times: [1000, 2000, 3000, 4000] };
  assert.deepEqual(stepsOfRange('epoch', { min: 1, max: 2.5 }, known, plan), { afterStep: 8, untilStep: 26 });
  assert.deepEqual(stepsOfRange('step', { min: 1, max: 15.5 }, known, plan), { afterStep: 0, untilStep: 17 });
  assert.deepEqual(stepsOfRange('time', { min: 2100, max: 2900 }, known, plan), {
    afterStep: 8,
    untilStep: 41,
  });
});
