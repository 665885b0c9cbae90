import test from 'node:test';
import assert from 'node:assert/strict';
import { Mt19937 } from '../../../main/datasets/mt19937.ts';
import {
  carveValidation,
  chooseRows,
  countClasses,
  longTailCounts,
  previewSubset,
  subsetCounts,
  SubsetError,
  validationCounts,
} from '../../../main/datasets/subset.ts';

const cifar10 = new Array<number>(10).fill(5000);

test('the generator starts as init_genrand(0) does', () => {
  const random = new Mt19937(0);
  assert.deepEqual([random.uint32(), random.uint32(), random.uint32()], [2357136044, 2546248239, 3071714933]);
  assert.throws(() => new Mt19937(-1), RangeError);
});

test('the published profile of CIFAR-10 with imbalance 100', () => {
  const profile = { type: 'exp', imbalanceFactor: 0.01 } as const;
  assert.deepEqual(longTailCounts(50000, 10, profile), [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
  assert.deepEqual(previewSubset(cifar10, profile, 0), {
    classCounts: [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50],
    trainImages: 12406,
    validationImages: 0,
    imbalanceRatio: 100,
  });
});

test('an imbalance factor outside (0, 1] is refused, and one above 1 says what was meant', () => {
  assert.throws(
    () => longTailCounts(50000, 10, { type: 'exp', imbalanceFactor: 100 }),
    /Did you mean 0.01\?/,
  );
  for (const imbalanceFactor of [0, -0.1, Number.NaN])
    assert.throws(() => longTailCounts(50000, 10, { type: 'exp', imbalanceFactor }), SubsetError);
});

test('a subset that empties a class is refused with the numbers', () => {
  const counts = new Array<number>(100).fill(50);
  assert.throws(
    () => subsetCounts(counts, { type: 'exp', imbalanceFactor: 0.01 }),
    /Class \d+ would keep no training image: the largest class has 50/,
  );
  assert.throws(
    () => subsetCounts([3, 0], { type: 'full', imbalanceFactor: 1 }),
    /Class 1 has no training image/,
  );
});

test('the step profile of an odd number of classes is refused', () => {
  assert.throws(
    () => subsetCounts([9, 9, 9], { type: 'step', imbalanceFactor: 0.5 }),
    /even number of classes .* but there are 3/,
  );
});

test('a source that is long-tailed already keeps what it has', () => {
  assert.deepEqual(subsetCounts([100, 2], { type: 'exp', imbalanceFactor: 1 }), [51, 2]);
  const labels = Int32Array.from([...new Array<number>(100).fill(0), 1, 1]);
  const rows = chooseRows(labels, 2, { type: 'exp', imbalanceFactor: 1 });
  assert.equal(rows.length, 53);
});

test('full keeps every image in its order', () => {
  assert.deepEqual(
    [...chooseRows(new Int32Array([1, 0, 1]), 2, { type: 'full', imbalanceFactor: 1 })],
    [0, 1, 2],
  );
});

test('a validation split takes a share of each class, one at least, never the last image', () => {
  assert.deepEqual(validationCounts([100, 14, 2, 1], 0.1), [10, 1, 1, 0]);
  assert.deepEqual(validationCounts([10], 0.99), [9]);
  for (const fraction of [0, 1, -1, Number.NaN])
    assert.throws(() => validationCounts([5], fraction), /between 0 and 1/);
});

test('a carved split is disjoint, stratified, seeded, and keeps the order', () => {
  const labels = Int32Array.from({ length: 60 }, (_, i) => (i < 50 ? 0 : 1));
  const rows = Uint32Array.from({ length: 60 }, (_, i) => 59 - i);
  const carve = (seed: number) => carveValidation(rows, labels, 2, { fraction: 0.2, seed });
  const { train, val } = carve(1);
  assert.deepEqual(
    countClasses(
      Int32Array.from(val, (row) => labels[row]!),
      2,
    ),
    [10, 2],
  );
  assert.deepEqual(new Set([...train, ...val]).size, 60);
  assert.deepEqual(
    [...train],
    [...train].sort((a, b) => b - a),
    'order of the rows it was carved from',
  );
  assert.deepEqual(carve(1), { train, val });
  assert.notDeepEqual(carve(2).val, val);
});
