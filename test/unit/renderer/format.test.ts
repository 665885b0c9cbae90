/** The number rules of the interface, case by case. */
import test from 'node:test';
import assert from 'node:assert/strict';
import {
  DASH,
  formatAhead,
  formatBytes,
  formatBytesOf,
  formatClock,
  formatCount,
  formatDateTime,
  formatDecimal,
  formatDeviation,
  formatDuration,
  formatImbalance,
  formatInterval,
  formatLogTime,
  formatMean,
  formatNumber,
  formatP,
  formatPercent,
  formatPercentUnit,
  formatPoints,
  formatQuantity,
  formatSeedCount,
  formatSetting,
  formatShare,
  formatSpeed,
  formatWhen,
} from '../../../renderer/lib/format.ts';

const MINUS = '\u2212';
const NB = '\u00a0';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('accuracies are percent with one decimal, kept down a column', () => {
  assert.equal(formatPercent(0.476), '47.6');
  assert.equal(formatPercent(0.7996), '80.0');
  assert.equal(formatPercent(0), '0.0');
  assert.equal(formatPercent(1), '100.0');
  assert.equal(formatPercentUnit(0.476), `47.6${NB}%`);
});

test('a missing value is an en dash, never 0', () => {
  for (const missing of [null, undefined, NaN, Infinity]) {
    assert.equal(formatPercent(missing), DASH);
    assert.equal(formatPercentUnit(missing), DASH);
    assert.equal(formatCount(missing), DASH);
    assert.equal(formatDecimal(missing), DASH);
    assert.equal(formatPoints(missing), DASH);
    assert.equal(formatP(missing), DASH);
    assert.equal(formatBytes(missing), DASH);
    assert.equal(formatDuration(missing), DASH);
    assert.equal(formatShare(missing), DASH);
    assert.equal(formatSpeed(missing), DASH);
    assert.equal(formatWhen(missing), DASH);
    assert.equal(formatNumber(missing), DASH);
    assert.equal(formatImbalance(missing), DASH);
  }
  assert.equal(formatInterval(null, 0.1), DASH);
  assert.equal(formatMean({ mean: null, std: null, n: 0 }), DASH);
});

test('differences are signed in points, with a true minus, and zero has no sign', () => {
  assert.equal(formatPoints(0.087), '+8.7');
  assert.equal(formatPoints(-0.008), `${MINUS}0.8`);
  assert.equal(formatPoints(0.0004), '0.0');
  assert.equal(formatPoints(-0.0004), '0.0');
  assert.equal(formatInterval(-0.017, 0.0), `[${MINUS}1.7, 0.0]`);
});

test('a deviation needs two runs, and a mean says its n', () => {
  assert.equal(formatDeviation(null), '');
  assert.equal(formatDeviation(0.004), `±${NB}0.4`);
  assert.equal(formatMean({ mean: 0.476, std: 0.004, n: 3 }), `47.6 ±${NB}0.4 (3)`);
  assert.equal(formatMean({ mean: 0.476, std: null, n: 1 }), '47.6 (1)');
  assert.equal(formatSeedCount(3, 3), 'n = 3');
  assert.equal(formatSeedCount(2, 3), 'n = 2 of 3');
});

test('p has three decimals below 0.1, two above, and an end', () => {
  assert.equal(formatP(0.0004), `<${NB}0.001`);
  assert.equal(formatP(0.001), '0.001');
  assert.equal(formatP(0.0321), '0.032');
  assert.equal(formatP(0.1), '0.10');
  assert.equal(formatP(1), '1.00');
});

test('counts have thousands separators and the right word', () => {
  assert.equal(formatCount(0), '0');
  assert.equal(formatCount(999), '999');
  assert.equal(formatCount(12406), '12,406');
  assert.equal(formatCount(-1234567), `${MINUS}1,234,567`);
  assert.equal(formatQuantity(1, 'run'), '1 run');
  assert.equal(formatQuantity(0, 'run'), '0 runs');
  assert.equal(formatQuantity(2, 'class', 'classes'), '2 classes');
});

test('progress never says 100 % before the end', () => {
  assert.equal(formatShare(0.57), `57${NB}%`);
  assert.equal(formatShare(0.999), `99${NB}%`);
  assert.equal(formatShare(1), `100${NB}%`);
});

test('sizes use decimal units with three digits at most', () => {
  assert.equal(formatBytes(512), `512${NB}B`);
  assert.equal(formatBytes(3_800_000), `3.8${NB}MB`);
  assert.equal(formatBytes(175_000_000), `175${NB}MB`);
  assert.equal(formatBytes(999_600), `1.0${NB}MB`);
  assert.equal(formatBytes(0), `0${NB}B`);
  assert.equal(formatBytesOf(3.1e9, 24e9), `3.1 / 24.0${NB}GB`);
  assert.equal(formatBytesOf(null, 24e9), `${DASH} / 24.0${NB}GB`);
});

test('durations have two units at most', () => {
  assert.equal(formatDuration(400), `<${NB}1${NB}s`);
  assert.equal(formatDuration(9_000), `9${NB}s`);
  assert.equal(formatDuration(4 * MINUTE + 50_000), `4${NB}min 50${NB}s`);
  assert.equal(formatDuration(20 * MINUTE), `20${NB}min`);
  assert.equal(formatDuration(11 * MINUTE + 4_000, { pad: true }), `11${NB}min 04${NB}s`);
  assert.equal(formatDuration(HOUR + 29 * MINUTE), `1${NB}h 29${NB}min`);
  assert.equal(formatDuration(59_600), `1${NB}min`);
  assert.equal(formatDuration(3 * DAY + 4 * HOUR), `3${NB}d 4${NB}h`);
});

test('times of today are clock times, older ones days', () => {
  const now = new Date(2025, 10, 23, 14, 30).getTime();
  assert.equal(formatWhen(new Date(2025, 10, 23, 4, 2).getTime(), now), '04:02');
  assert.equal(formatWhen(new Date(2025, 10, 22, 23, 59).getTime(), now), 'Yesterday');
  assert.equal(formatWhen(new Date(2025, 10, 19).getTime(), now), '19 Nov');
  assert.equal(formatWhen(new Date(2024, 10, 19).getTime(), now), '19 Nov 2024');
  assert.equal(formatAhead(new Date(2025, 10, 23, 15, 42).getTime(), now), '15:42');
  assert.equal(formatAhead(new Date(2025, 10, 24, 2, 10).getTime(), now), 'tomorrow 02:10');
  assert.equal(formatAhead(new Date(2025, 10, 27, 2, 10).getTime(), now), '27 Nov 02:10');
  const at = new Date(2025, 10, 19, 14, 2, 11, 30).getTime();
  assert.equal(formatClock(at), '14:02');
  assert.equal(formatDateTime(at), '19 Nov 2025, 14:02:11');
  assert.equal(formatLogTime(at), '14:02:11.030');
});

test('numbers of any size stay short', () => {
  assert.equal(formatNumber(0.1), '0.1');
  assert.equal(formatNumber(5e-4), '5e-4');
  assert.equal(formatNumber(0.001), '0.001');
  assert.equal(formatNumber(1.83312345, 4), '1.833');
  assert.equal(formatNumber(12406), '12,406');
  assert.equal(formatNumber(4096), '4096');
  assert.equal(formatNumber(-0.5), `${MINUS}0.5`);
  assert.equal(formatNumber(2.5e12), '2.5e12');
  assert.equal(formatNumber(0.30000000000000004), '0.3');
});

test('settings read as people would say them', () => {
  assert.equal(formatSetting(true), 'on');
  assert.equal(formatSetting(false), 'off');
  assert.equal(formatSetting(null), 'none');
  assert.equal(formatSetting(undefined), DASH);
  assert.equal(formatSetting([0.8, 0.9]), '0.8, 0.9');
  assert.equal(formatSetting([]), 'none');
  assert.equal(formatSetting('cifar-step'), 'cifar-step');
});

test('speeds and imbalance carry their units', () => {
  assert.equal(formatSpeed(4212.4), `4,212${NB}img/s`);
  assert.equal(formatSpeed(8.44), `8.4${NB}img/s`);
  assert.equal(formatImbalance(100), 'IF 100');
  assert.equal(formatImbalance(99.7), 'IF 100');
  assert.equal(formatImbalance(2.5), 'IF 2.5');
  assert.equal(formatImbalance(1), 'balanced');
});
