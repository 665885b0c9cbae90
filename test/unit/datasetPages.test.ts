/** The pure parts of the Datasets page: class profiles, thumbnail geometry, the wizard's decisions. */
import test from 'node:test';
import assert from 'node:assert/strict';
import type { GroupScheme } from '../../preload/contract.ts';
import {
  bandLabel,
  countAxis,
  glyphHeights,
  groupBands,
  orderClasses,
  rankTicks,
  schemesAgree,
} from '../../renderer/pages/datasets/classProfile.ts';
import { groupsByClass } from '../../renderer/charts/groups.ts';
import {
  BLOCK,
  blocksOf,
  gridShape,
  movedPlace,
  scrollToPlace,
  SHEET_IMAGES,
  sheetCell,
  visiblePlaces,
} from '../../renderer/pages/datasets/thumbnailGrid.ts';
import {
  errorFacts,
  freeName,
  parseImbalanceFactor,
  parseName,
  isBalanced,
  parseSeed,
  parseTestShare,
  parseValidationShare,
  ratioText,
  requireImages,
  subsetLabel,
  subsetName,
} from '../../renderer/pages/datasets/addDataset.ts';

const CIFAR10_LT = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

function scheme(groups: [number[], number[], number[]]): GroupScheme {
  const rules = ['> 100', '20–100', '< 20'];
  return {
    id: 'count-100-20',
    label: 'By count',
    groups: (['many', 'medium', 'few'] as const).map((id, index) => ({
      id,
      label: ['Many', 'Medium', 'Few'][index]!,
      rule: rules[index]!,
      classes: groups[index]!,
      images: 0,
    })),
  };
}

test('classes are ordered by descending count, ties by index', () => {
  assert.deepEqual(orderClasses([5, 9, 5, 7], 'frequency'), [1, 3, 0, 2]);
  assert.deepEqual(orderClasses([5, 9, 5, 7], 'label'), [0, 1, 2, 3]);
});

test('bands join neighbouring classes of one group, and a group may come twice in label order', () => {
  const groups = groupsByClass(scheme([[0, 3], [1], [2]]), 4);
  assert.deepEqual(groups, ['many', 'medium', 'few', 'many']);
  assert.deepEqual(groupBands([0, 3, 1, 2], groups), [
    { group: 'many', from: 0, to: 1 },
    { group: 'medium', from: 2, to: 2 },
    { group: 'few', from: 3, to: 3 },
  ]);
  assert.equal(groupBands([0, 1, 2, 3], groups).length, 4);
});

test('a class outside every group breaks a band', () => {
  const groups = groupsByClass(scheme([[0, 2], [], []]), 3);
  assert.deepEqual(groupBands([0, 1, 2], groups), [
    { group: 'many', from: 0, to: 0 },
    { group: 'many', from: 2, to: 2 },
  ]);
});

test('band labels say the rule in words', () => {
  const words = scheme([[0], [1], [2]]);
  assert.equal(bandLabel(words, 'many'), 'Many, more than 100');
  assert.equal(bandLabel(words, 'medium'), 'Medium, 20 to 100');
  assert.equal(bandLabel(words, 'few'), 'Few, fewer than 20');
});

test('a linear axis starts at zero and leaves room above the most frequent class', () => {
  const axis = countAxis(CIFAR10_LT, 'linear');
  assert.equal(axis.min, 0);
  assert.ok(axis.max > 5000 * 1.15, `no room for labels: ${axis.max}`);
  assert.deepEqual(axis.ticks, [0, 1000, 2000, 3000, 4000, 5000]);
});

test('a log axis has decades as ticks and starts below the rarest class', () => {
  const axis = countAxis(CIFAR10_LT, 'log');
  assert.equal(axis.min, 10);
  assert.deepEqual(axis.ticks, [10, 100, 1000, 10000]);
  assert.ok(axis.max > 10_000 && axis.max < 20_000, String(axis.max));
  assert.equal(countAxis([3, 1], 'log').min, 0.5);
});

test('log axes of narrow, single-valued and partly empty profiles still have ticks', () => {
  for (const counts of [[500, 400, 300], [1], [0, 0], [7, 0, 3], []]) {
    const { min, max, ticks } = countAxis(counts, 'log');
    assert.ok(min > 0 && max > min, `${counts}: ${min}…${max}`);
    assert.ok(ticks.length >= 2, `${counts}: ticks ${ticks}`);
    assert.ok(
      ticks.every((tick) => tick >= min * 0.999 && tick <= max),
      `${counts}: ${ticks} outside ${min}…${max}`,
    );
  }
});

test('rank ticks begin with the first class and end with the last', () => {
  assert.deepEqual(rankTicks(100), [0, 19, 39, 59, 79, 99]);
  assert.deepEqual(rankTicks(1000), [0, 199, 399, 599, 799, 999]);
  assert.deepEqual(rankTicks(1), [0]);
  assert.deepEqual(rankTicks(0), []);
});

test('the glyph falls from frequent to rare whatever the label order', () => {
  const heights = glyphHeights([50, 5000, 645], 24);
  assert.equal(heights.length, 24);
  assert.equal(heights[0], 1);
  assert.ok(heights.every((height, index) => index === 0 || height <= heights[index - 1]!));
  assert.ok(heights.at(-1)! > 0);
  assert.deepEqual(glyphHeights([], 24), []);
});

test('schemes agree only when every class has the same group', () => {
  assert.ok(schemesAgree(scheme([[0], [1], [2]]), scheme([[0], [1], [2]])));
  assert.ok(!schemesAgree(scheme([[0], [1], [2]]), scheme([[0, 1], [], [2]])));
});

test('a grid of 50,000 thumbnails draws only the rows near the window', () => {
  const shape = gridShape({ width: 520, size: 48, total: 50_000 });
  assert.equal(shape.columns, 10);
  assert.equal(shape.rows, 5000);
  const { from, to } = visiblePlaces(shape, { scrollTop: 52 * 1000, height: 300, total: 50_000 });
  assert.ok(from <= 10_000 && to >= 10_050, `${from}…${to}`);
  assert.ok(to - from < 150, `${to - from} thumbnails drawn`);
});

test('an empty or tiny grid has no negative extent', () => {
  assert.deepEqual(gridShape({ width: 10, size: 48, total: 0 }), {
    columns: 1,
    rows: 0,
    height: 0,
    pitch: 52,
  });
  assert.deepEqual(
    visiblePlaces(gridShape({ width: 10, size: 48, total: 0 }), { scrollTop: 0, height: 100, total: 0 }),
    { from: 0, to: 0 },
  );
});

test('arrows move through the grid and never leave it', () => {
  const grid = { columns: 10, total: 83, pageRows: 4 };
  assert.equal(movedPlace('ArrowRight', 82, grid), 82);
  assert.equal(movedPlace('ArrowLeft', 0, grid), 0);
  assert.equal(movedPlace('ArrowDown', 5, grid), 15);
  assert.equal(movedPlace('ArrowDown', 75, grid), 82, 'the last row is short: the last image is nearest');
  assert.equal(movedPlace('ArrowDown', 81, grid), 81);
  assert.equal(movedPlace('ArrowUp', 3, grid), 3);
  assert.equal(movedPlace('PageDown', 3, grid), 43);
  assert.equal(movedPlace('PageUp', 23, grid), 3);
  assert.equal(movedPlace('End', 3, grid), 82);
  assert.equal(movedPlace('x', 3, grid), null);
});

test('scrolling brings a place into view with the least movement', () => {
  const shape = gridShape({ width: 520, size: 48, total: 1000 });
  const window = { scrollTop: 520, height: 260, size: 48 };
  assert.equal(scrollToPlace(shape, 105, window), 520);
  assert.equal(scrollToPlace(shape, 5, window), 0);
  assert.equal(scrollToPlace(shape, 155, window), 15 * 52 + 48 - 260);
});

test('blocks cover the places that are asked for', () => {
  assert.deepEqual(blocksOf({ from: 0, to: 1 }), [0]);
  assert.deepEqual(blocksOf({ from: BLOCK - 1, to: BLOCK + 1 }), [0, 1]);
  assert.deepEqual(blocksOf({ from: 0, to: 0 }), []);
});

test('a sheet holds a fixed run of places, never crosses a block, and ends with the class', () => {
  assert.equal(BLOCK % SHEET_IMAGES, 0);
  assert.deepEqual(sheetCell(0, 83), { from: 0, to: 48, column: 0, line: 0, lines: 6 });
  assert.deepEqual(sheetCell(17, 83), { from: 0, to: 48, column: 1, line: 2, lines: 6 });
  assert.deepEqual(sheetCell(82, 83), { from: 48, to: 83, column: 2, line: 4, lines: 5 });
});

test('an imbalance factor above 1 is refused with its inverse', () => {
  assert.deepEqual(parseImbalanceFactor('0.01'), { ok: true, value: 0.01 });
  assert.deepEqual(parseImbalanceFactor('0,02'), { ok: true, value: 0.02 });
  assert.deepEqual(parseImbalanceFactor('1'), { ok: true, value: 1 });
  const refused = parseImbalanceFactor('100');
  assert.ok(!refused.ok);
  assert.match(refused.message, /Did you mean 0\.01\?/);
  assert.equal(refused.suggestion, '0.01');
  assert.equal((parseImbalanceFactor('50') as { suggestion: string }).suggestion, '0.02');
  for (const text of ['', '0', '-1', 'abc', '0.0.1', 'Infinity', 'NaN'])
    assert.ok(!parseImbalanceFactor(text).ok, `"${text}" was taken`);
});

test('validation shares are percentages from 0 to 50', () => {
  assert.deepEqual(parseValidationShare(''), { ok: true, value: 0 });
  assert.deepEqual(parseValidationShare('10'), { ok: true, value: 0.1 });
  assert.deepEqual(parseValidationShare('5 %'), { ok: true, value: 0.05 });
  for (const text of ['-1', '51', 'ten']) assert.ok(!parseValidationShare(text).ok, text);
  assert.deepEqual(parseTestShare('20'), { ok: true, value: 0.2 });
  // A source without a test split needs one.
  for (const text of ['', '0', '60', 'all']) assert.ok(!parseTestShare(text).ok, text);
});

test('seeds are whole numbers', () => {
  assert.deepEqual(parseSeed('7'), { ok: true, value: 7 });
  for (const text of ['', '-1', '1.5', 'x']) assert.ok(!parseSeed(text).ok, text);
});

test('names are checked against those that are taken, ignoring case', () => {
  assert.deepEqual(parseName(' CIFAR ', []), { ok: true, value: 'CIFAR' });
  const taken = parseName('cifar', ['CIFAR', 'cifar 2']);
  assert.ok(!taken.ok);
  assert.equal(taken.suggestion, 'cifar 3');
  assert.ok(!parseName('  ', []).ok);
  assert.ok(!parseName('x'.repeat(121), []).ok);
  assert.equal(freeName('A', ['a']), 'A 2');
});

test('subsets name themselves as papers do', () => {
  assert.equal(subsetName('CIFAR-10', { type: 'exp', imbalanceFactor: 0.01 }, 0), 'CIFAR-10-LT IF 100');
  assert.equal(
    subsetName('CIFAR-10', { type: 'step', imbalanceFactor: 0.02 }, 0.1),
    'CIFAR-10-LT IF 50 step, 10 % val',
  );
  assert.equal(subsetName('CIFAR-10', { type: 'exp', imbalanceFactor: null }, 0), 'CIFAR-10-LT');
  assert.equal(subsetName('CIFAR-10', { type: 'full', imbalanceFactor: 1 }, 0), 'CIFAR-10');
  assert.equal(ratioText(0.015), '66.7');
  assert.equal(
    subsetLabel({ type: 'exp', imbalanceFactor: 0.01, seed: 0 }),
    'exponential, factor 0.01, seed 0',
  );
});

test('a reader’s error shows file, offset, expected and found', () => {
  const facts = errorFacts({
    code: 'dataset-invalid',
    message: 'no',
    details: { file: 'data_batch_1.bin', offset: 3073, expected: 'a label from 0 to 9', found: '17' },
  });
  assert.deepEqual(
    facts.map(({ label }) => label),
    ['File', 'At byte', 'Expected', 'Found'],
  );
  assert.equal(facts[1]?.value, '3,073');
  assert.deepEqual(errorFacts({ code: 'internal', message: 'x', details: null }), []);
  assert.deepEqual(errorFacts({ code: 'dataset-invalid', message: 'x', details: { offset: null } }), []);
});

test('a long-tailed subset is suggested for photographs whose classes are about equal', () => {
  assert.equal(isBalanced([500, 480, 510]), true);
  assert.equal(isBalanced([500, 300, 510]), false);
  assert.equal(isBalanced([5, 0]), false);
});

test('a class of which all images are missing is told before they are left out', () => {
  const probe = { classNames: ['ant', 'bee', 'cat'], classCounts: [1200, 1, 0] };
  requireImages(probe, [1, 1, 0]);
  assert.throws(() => requireImages(probe, [0, 1, 0]), /class “ant” .*all its 1,200 are missing/);
  assert.throws(
    () => requireImages(probe, [3, 0, 0]),
    /class “bee” .*its only one is missing. Bring one back/,
  );
});
