import test from 'node:test';
import assert from 'node:assert/strict';
import { analyseCheckpoint, compareCheckpoints } from '../../../main/analysis/compare.ts';
import { groupScheme } from '../../../main/analysis/groups.ts';
import {
  bootstrapDifferences,
  drawCounts,
  holm,
  mcnemar,
  namedUniform,
  percentileInterval,
} from '../../../main/analysis/paired.ts';
import { meanStd } from '../../../main/analysis/statistics.ts';

/** Logits of examples [N] whose predictions are given. */
function predicting(predictions: number[], classes: number): Float32Array {
  const logits = new Float32Array(predictions.length * classes);
  predictions.forEach((k, i) => {
    logits[i * classes + k] = 3;
  });
  return logits;
}

const plain = (predictions: number[], classes: number) => ({
  fused: predicting(predictions, classes),
  fusedLabel: 'fused',
  branches: [],
  residual: false,
});

test('Holm takes the smallest p times the number of tests and never decreases', () => {
  assert.deepEqual(holm([0.01, null, 0.04, 0.03]), [0.03, null, 0.06, 0.06]);
  assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test('McNemar without any difference has p = 1', () => {
  assert.deepEqual(mcnemar(0, 0), { exactP: 1, midP: 1, chi2Corrected: 0 });
});

test('drawing counts has the mean and spread of drawing examples', () => {
  const stratum = { onlyA: 30, onlyB: 12, total: 200 };
  const uniform = namedUniform('counts');
  const [values] = bootstrapDifferences({
    strata: [stratum],
    statistics: [[1 / stratum.total]],
    replicates: 20_000,
    sampler: (one) => drawCounts(one, uniform),
  });
  const { mean, std } = meanStd([...values!]);
  const expected = (30 - 12) / 200;
  const spread = Math.sqrt(((30 + 12) / 200 - expected ** 2) / 200);
  assert.ok(Math.abs(mean! - expected) < 4 * (spread / Math.sqrt(20_000)), `mean ${mean}`);
  assert.ok(Math.abs(std! / spread - 1) < 0.03, `std ${std}, expected ${spread}`);
});

test('drawing counts keeps the extremes: all, none, only one side', () => {
  const draw = (onlyA: number, onlyB: number) => drawCounts({ onlyA, onlyB, total: 5 }, namedUniform('x'))();
  assert.equal(draw(5, 0), 5);
  assert.equal(draw(0, 5), -5);
  assert.equal(draw(0, 0), 0);
});

test('a percentile interval leaves the values as they are', () => {
  const values = new Float64Array([3, 1, 2]);
  assert.deepEqual(percentileInterval(values, 0.5), { low: 1.5, high: 2.5 });
  assert.deepEqual([...values], [3, 1, 2]);
});

test('a comparison counts who is right where, by group and class', () => {
  const labels = new Int32Array([0, 0, 0, 0, 1, 1, 2, 2]);
  const schemes = [groupScheme('count-100-20', [500, 50, 60])];
  const first = plain([0, 0, 0, 1, 1, 1, 0, 2], 3);
  const second = plain([0, 1, 1, 1, 1, 0, 2, 2], 3);
  const result = compareCheckpoints([first, second], labels, 3, schemes);
  const [pair] = result.pairs;
  assert.equal(result.examples, 8);
  assert.deepEqual(result.examplesByGroup['count-100-20'], { many: 4, medium: 4, few: 0 });
  assert.deepEqual([pair!.bothRight, pair!.onlyA, pair!.onlyB, pair!.bothWrong], [3, 3, 1, 1]);
  assert.deepEqual(pair!.perClass, [0.5, 0.5, -0.5]);
  const { all, groups } = pair!.schemes['count-100-20']!;
  assert.equal(all.difference, 0.25);
  assert.equal(groups['many']!.difference, 0.5);
  assert.equal(groups['medium']!.difference, 0, 'mean of the class differences');
  assert.deepEqual(groups['few'], {
    difference: null,
    low: null,
    high: null,
    p: null,
    pHolm: null,
    onlyA: 0,
    onlyB: 0,
  });
  assert.equal(all.p, mcnemar(3, 1).exactP);
  assert.equal(result.tests['count-100-20'], 3, 'an empty group is no test');
  assert.ok(all.low! <= 0.25 && all.high! >= 0.25);
  assert.ok(all.pHolm! >= all.p!);
  assert.equal(result.items[0]!.report.top1, 6 / 8);
});

test('a comparison is the same when it is made again, and a third checkpoint does not change the first pair', () => {
  const labels = Int32Array.from({ length: 300 }, (_, i) => i % 3);
  const uniform = namedUniform('predictions');
  const random = () =>
    plain(
      Array.from(labels, (label) => (uniform() < 0.6 ? label : Math.floor(uniform() * 3))),
      3,
    );
  const schemes = [groupScheme('count-100-20', [500, 50, 10])];
  const [a, b, c] = [random(), random(), random()];
  const two = compareCheckpoints([a, b], labels, 3, schemes);
  assert.deepEqual(compareCheckpoints([a, b], labels, 3, schemes), two);
  const three = compareCheckpoints([a, b, c], labels, 3, schemes);
  assert.equal(three.pairs.length, 2);
  const interval = (pair: (typeof two.pairs)[number]) => {
    const { low, high } = pair.schemes['count-100-20']!.all;
    return [low, high];
  };
  assert.deepEqual(interval(three.pairs[0]!), interval(two.pairs[0]!));
});

test('branches are listed alone, then partial sums, then fused', () => {
  const labels = new Int32Array([0, 1]);
  const branch = (id: string, logits: number[]) => ({
    id,
    label: id.toUpperCase(),
    logits: new Float32Array(logits),
  });
  const outputs = {
    branches: [branch('h', [5, 0, 5, 0]), branch('m', [0, 0, 0, 6]), branch('t', [0, 1, 0, 1])],
    fused: new Float32Array([5, 1, 5, 7]),
    fusedLabel: 'H+M+T',
    residual: true,
  };
  const schemes = [groupScheme('count-100-20', [500, 10])];
  const { branches } = analyseCheckpoint(outputs, labels, 2, schemes);
  assert.deepEqual(
    branches.map(({ id, label, top1 }) => [id, label, top1]),
    [
      ['h', 'H', 0.5],
      ['m', 'M', 1],
      ['t', 'T', 0.5],
      ['h+m', 'H+M', 1],
      ['fused', 'H+M+T', 1],
    ],
  );
  const twoOfThree = analyseCheckpoint({ ...outputs, fusedLabel: 'H+M' }, labels, 2, schemes);
  assert.deepEqual(
    twoOfThree.branches.map(({ id }) => id),
    ['h', 'm', 't', 'fused'],
    'the sum that is the fused output is not listed twice',
  );
  const experts = analyseCheckpoint({ ...outputs, residual: false }, labels, 2, schemes);
  assert.equal(experts.branches.length, 4);
});
