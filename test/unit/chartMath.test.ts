/** Chart arithmetic: smoothing, ticks, label placement, look-ups, the class trend. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { countBands, placeBands, placeTicks } from '../../renderer/charts/groups.ts';
import { extent, lastIndexWithValue, nearestIndex } from '../../renderer/charts/lookup.ts';
import { spreadLabels } from '../../renderer/charts/placement.ts';
import { smooth } from '../../renderer/charts/smoothing.ts';
import {
  durationTicks,
  formatDurationTick,
  integerTicks,
  linearTicks,
  logDomain,
  logTicks,
  niceDomain,
  niceDurationMs,
  niceStep,
} from '../../renderer/charts/ticks.ts';
import { classTrend, studentQuantile975 } from '../../renderer/charts/trend.ts';
import { seriesStyle } from '../../renderer/charts/types.ts';
import { formatX } from '../../renderer/charts/xAxis.ts';
import type { GroupScheme } from '../../preload/contract.ts';

const near = (actual: number | null | undefined, expected: number, tolerance = 1e-9) =>
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `expected ${expected}, got ${actual}`,
  );

test('smoothing is debiased: a constant stays, the first value is itself', () => {
  assert.deepEqual(
    smooth([3, 3, 3], 0.9).map((v) => Number(v?.toFixed(9))),
    [3, 3, 3],
  );
  const two = smooth([1, 2], 0.5);
  near(two[0], 1);
  // 0.5 × (0.5 × 1) + 0.5 × 2 = 1.25, divided by 1 − 0.25.
  near(two[1], 1.25 / 0.75);
});

test('smoothing leaves gaps as gaps and weight 0 changes nothing', () => {
  assert.deepEqual(smooth([1, null, 5], 0), [1, null, 5]);
  const gap = smooth([4, null, 4], 0.6);
  assert.equal(gap[1], null);
  near(gap[2], 4);
});

test('ticks are round and four to six', () => {
  assert.deepEqual(linearTicks({ min: 0, max: 0.7 }, 4), [0, 0.2, 0.4, 0.6]);
  assert.deepEqual(linearTicks({ min: -0.28, max: 0.42 }, 4), [-0.2, 0, 0.2, 0.4]);
  assert.deepEqual(integerTicks({ min: 0, max: 200 }), [0, 50, 100, 150, 200]);
  assert.deepEqual(integerTicks({ min: 0, max: 3 }), [0, 1, 2, 3]);
  assert.deepEqual(integerTicks({ min: 0, max: 1 }), [0, 1]);
  for (const max of [1, 3, 7, 12, 40, 99, 200, 1234, 0.013]) {
    const count = linearTicks({ min: 0, max }).length;
    assert.ok(count >= 3 && count <= 6, `${count} ticks up to ${max}`);
  }
  assert.equal(niceStep(100, 4), 25);
});

test('a tick range that makes no sense falls back to 0…1', () => {
  assert.deepEqual(linearTicks({ min: NaN, max: 3 }, 2), [0, 0.5, 1]);
  assert.deepEqual(linearTicks({ min: 5, max: 1 }, 2), [0, 0.5, 1]);
});

test('an axis starts at zero when the data come near it, else where they are', () => {
  assert.deepEqual(niceDomain({ min: 0.1, max: 0.68 }, { count: 4 }), { min: 0, max: 0.7 });
  assert.deepEqual(niceDomain({ min: 4000, max: 4400 }, { fromZero: true, count: 4 }), { min: 0, max: 5000 });
  assert.equal(niceDomain({ min: 4000, max: 4400 }, { count: 4 }).min, 4000);
  const flat = niceDomain({ min: 2, max: 2 });
  assert.ok(flat.min < 2 && flat.max > 2, 'a flat curve gets air');
});

test('logarithmic ticks: powers, with 2 and 5 over few decades', () => {
  assert.deepEqual(logTicks({ min: 4, max: 600 }), [5, 10, 20, 50, 100, 200, 500]);
  assert.deepEqual(logTicks({ min: 0.0005, max: 0.2 }), [0.001, 0.01, 0.1]);
  assert.deepEqual(logTicks({ min: 0, max: 5 }), [1, 10]);
  assert.deepEqual(logDomain({ min: 0.001, max: 0.1 }), { min: 0.0005, max: 0.2 });
});

test('durations are ticked at seconds, minutes and hours', () => {
  assert.deepEqual(durationTicks({ min: 0, max: 8 * 60_000 }).map(formatDurationTick), [
    '0',
    '2\u00a0min',
    '4\u00a0min',
    '6\u00a0min',
    '8\u00a0min',
  ]);
  assert.equal(formatDurationTick(90_000), '1:30');
  assert.equal(formatDurationTick(3_600_000), '1\u00a0h');
  assert.equal(formatDurationTick(5_400_000), '1\u00a0h\u00a030');
  assert.ok(niceDurationMs(61_000) >= 61_000);
  assert.equal(
    niceDurationMs(61_000),
    niceDurationMs(63_000),
    'a small change of the estimate keeps the axis',
  );
});

test('labels are pushed apart by the least total move and stay inside', () => {
  assert.deepEqual(spreadLabels([10, 50], 14, 0, 100), [10, 50]);
  assert.deepEqual(spreadLabels([20, 20], 14, 0, 100), [13, 27]);
  // The order of the input is kept: the second is the upper one.
  assert.deepEqual(spreadLabels([21, 20], 14, 0, 100), [27.5, 13.5]);
  const crowded = spreadLabels([0, 0, 0], 14, 0, 20);
  assert.deepEqual(crowded, [0, 10, 20]);
  const low = spreadLabels([98, 99, 100], 14, 0, 100);
  assert.deepEqual(low, [72, 86, 100]);
  assert.deepEqual(spreadLabels([], 14, 0, 100), []);
});

test('spread labels keep their distance for many random inputs', () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let run = 0; run < 200; run++) {
    const centres = Array.from({ length: 1 + Math.floor(random() * 6) }, () => random() * 150);
    const placed = [...spreadLabels(centres, 14, 0, 150)].sort((a, b) => a - b);
    placed.forEach((at, i) => {
      assert.ok(at >= -1e-9 && at <= 150 + 1e-9, `inside: ${at}`);
      if (i > 0) assert.ok(at - placed[i - 1]! >= 14 - 1e-6, `apart: ${placed}`);
    });
  }
});

test('look-ups find the nearest point and skip what is missing', () => {
  assert.equal(nearestIndex([], 3), -1);
  assert.equal(nearestIndex([1, 5, 9], 3), 0, 'the earlier of two equally near');
  assert.equal(nearestIndex([1, 5, 9], 3.1), 1);
  assert.equal(nearestIndex([1, 5, 9], 100), 2);
  assert.equal(lastIndexWithValue([1, null, 2, null]), 2);
  assert.equal(lastIndexWithValue([null]), -1);
  assert.deepEqual(extent([1, 2, 3], [5, null, -1], 1, 2), { min: 5, max: 5 });
  assert.equal(extent([1], [null], 0, 9), null);
});

test('the class trend is the least-squares line over log counts with its band', () => {
  // Accuracy is exactly 0.2 × log10(count): no residual, so the band has no width.
  const exact = classTrend([1000, 100, 10], [0.6, 0.4, 0.2]);
  near(exact[0]?.count, 1000, 1e-6);
  near(exact[0]?.value, 0.6);
  near(exact.at(-1)?.value, 0.2);
  near((exact[5]?.high ?? 0) - (exact[5]?.low ?? 0), 0, 1e-9);
  assert.deepEqual(classTrend([5, 5, 5], [0.1, 0.2, 0.3]), [], 'one count only');
  assert.deepEqual(classTrend([5, 7], [0.1, 0.2]), [], 'too few classes');
  const noisy = classTrend([1000, 300, 100, 30, 10], [0.9, 0.2, 0.5, 0.1, 0.3]);
  assert.ok(noisy.every((p) => p.low >= 0 && p.high <= 1 && p.low <= p.value && p.value <= p.high));
});

test("Student's quantile is near the tables", () => {
  near(studentQuantile975(2), 4.303, 1e-3);
  near(studentQuantile975(3), 3.182, 1e-2);
  near(studentQuantile975(8), 2.306, 1e-3);
  near(studentQuantile975(98), 1.984, 1e-3);
});

const scheme: GroupScheme = {
  id: 'count-100-20',
  label: 'by count',
  groups: [
    { id: 'many', label: 'Many', rule: '> 100', classes: [0, 2], images: 700 },
    { id: 'medium', label: 'Medium', rule: '20–100', classes: [1], images: 50 },
    { id: 'few', label: 'Few', rule: '< 20', classes: [3], images: 5 },
  ],
};

test('bands follow the groups along the order of classes', () => {
  const bands = placeBands(scheme, [0, 2, 1, 3]);
  assert.deepEqual(
    bands.map((band) => [band.from, band.to, band.label]),
    [
      [-0.5, 1.5, 'Many'],
      [1.5, 2.5, 'Medium'],
      [2.5, 3.5, 'Few'],
    ],
  );
});

test('bands over training images meet between the groups', () => {
  const bands = countBands(scheme, [500, 50, 200, 5], { min: 4, max: 600 });
  assert.deepEqual(
    bands.map((band) => [Math.round(band.from), Math.round(band.to)]),
    [
      [100, 600],
      [16, 100],
      [4, 16],
    ],
  );
});

test('place ticks name the first and the last and keep apart', () => {
  assert.deepEqual(placeTicks(4, 20), [0, 1, 2, 3]);
  assert.deepEqual(placeTicks(100, 11), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99]);
});

test('series from the sixth on are dashed as well, and numbers wrap', () => {
  assert.deepEqual(seriesStyle(1), { color: 'series-1', dash: [] });
  assert.equal(seriesStyle(6).color, 'series-6');
  assert.ok(seriesStyle(6).dash.length > 0);
  assert.equal(seriesStyle(11).color, 'series-1');
});

test('x is worded by its kind', () => {
  assert.equal(formatX('epoch', 84), '84');
  assert.equal(formatX('epoch', 83.52), '83.5');
  assert.equal(formatX('step', 9492), '9,492');
  assert.equal(formatX('time', 245_000), '4:05');
  assert.equal(formatX('time', 3_845_000), '1:04:05');
});
