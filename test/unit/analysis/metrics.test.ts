import test from 'node:test';
import assert from 'node:assert/strict';
import { calibration } from '../../../main/analysis/calibration.ts';
import {
  addOutputs,
  classificationReport,
  confusionMatrix,
  correctness,
  macroMetrics,
  predict,
  scoreLogits,
  topK,
} from '../../../main/analysis/classification.ts';
import { frequencyStatistics } from '../../../main/analysis/frequency.ts';
import { groupScheme } from '../../../main/analysis/groups.ts';
import { meanStd, quantile, spearman } from '../../../main/analysis/statistics.ts';

const CIFAR10_IF100 = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

const close = (actual: number | null, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual! - expected) <= tolerance, `${actual} is not ${expected}`);

test('scores of two classes can be checked by hand, also for huge logits', () => {
  const scores = scoreLogits(new Float32Array([0, 0, 1e4, 0, 0, 1e4]), new Int32Array([1, 0, 0]), 2);
  assert.deepEqual([...scores.predicted], [0, 0, 1], 'a tie goes to the lower class');
  assert.deepEqual([...scores.rank], [1, 0, 1]);
  close(scores.loss[0]!, Math.LN2);
  close(scores.confidence[0]!, 0.5);
  close(scores.brier[0]!, 0.5);
  assert.deepEqual([...scores.loss.slice(1)], [0, 1e4]);
  close(scores.brier[2]!, 2);
});

test('logits that do not fit the labels are refused', () => {
  assert.throws(() => scoreLogits(new Float32Array(5), new Int32Array(2), 3), /6 values\), but got 5/);
  assert.throws(() => scoreLogits(new Float32Array(3), new Int32Array([3]), 3), /Label 3 of example 0/);
});

test('top-5 has no meaning with five classes or fewer', () => {
  assert.equal(topK(scoreLogits(new Float32Array(5), new Int32Array(1), 5), 5), null);
  assert.equal(topK(scoreLogits(new Float32Array([6, 5, 4, 3, 2, 1]), new Int32Array([4]), 6), 5), 1);
  assert.equal(topK(scoreLogits(new Float32Array([6, 5, 4, 3, 2, 1]), new Int32Array([5]), 6), 5), 0);
});

test('macro metrics leave out classes without examples', () => {
  const labels = new Int32Array([0, 0, 0, 1]);
  const matrix = confusionMatrix(new Int32Array([0, 0, 1, 1]), labels, 3);
  assert.deepEqual([...matrix], [2, 1, 0, 0, 1, 0, 0, 0, 0]);
  const { recall, precision, f1, geometricMean } = macroMetrics(matrix, 3);
  close(recall, (2 / 3 + 1) / 2);
  close(precision, (1 + 1 / 2) / 2);
  close(f1, (4 / 5 + 2 / 3) / 2);
  close(geometricMean, Math.sqrt(2 / 3));
  assert.equal(macroMetrics(confusionMatrix(new Int32Array([1, 1, 1, 1]), labels, 3), 3).geometricMean, 0);
});

test('a report of nothing has nulls, not zeros', () => {
  const schemes = [groupScheme('count-100-20', [200, 50])];
  const report = classificationReport(
    scoreLogits(new Float32Array(0), new Int32Array(0), 2),
    new Int32Array(0),
    schemes,
  );
  assert.equal(report.top1, null);
  assert.equal(report.loss, null);
  assert.deepEqual(report.perClass, [null, null]);
  assert.deepEqual(report.groups['count-100-20'], { many: null, medium: null, few: null });
});

test('calibration bins include their upper edge', () => {
  const { bins, ece, mce } = calibration(
    new Float64Array([0.2, 0.21, 1]),
    new Uint8Array([1, 0, 1]),
    undefined,
    5,
  );
  assert.deepEqual(
    bins.map(({ count }) => count),
    [1, 1, 0, 0, 1],
  );
  close(ece, (0.8 + 0.21 + 0) / 3);
  close(mce, 0.8);
  assert.equal(bins[2]!.accuracy, null);
  const none = calibration(new Float64Array([0.5]), new Uint8Array([1]), () => false);
  assert.equal(none.ece, null);
});

test('frequency statistics of CIFAR-10-LT with imbalance 100', () => {
  const stats = frequencyStatistics(CIFAR10_IF100);
  assert.equal(stats.images, 12406);
  assert.equal(stats.imbalanceRatio, 100);
  close(stats.topFifthShare, 7997 / 12406);
  // By the definition: mean absolute difference over twice the mean.
  const differences = CIFAR10_IF100.flatMap((a) => CIFAR10_IF100.map((b) => Math.abs(a - b)));
  close(stats.gini, differences.reduce((sum, value) => sum + value, 0) / (2 * 10 * 12406));
  close(stats.effectiveClasses, 5.174422663831358);
  assert.equal(stats.lorenz.length, 11);
  assert.deepEqual(stats.lorenz.at(-1), { classes: 1, images: 1 });
  close(stats.lorenz[1]!.images, 50 / 12406);
});

test('equal classes have no inequality', () => {
  const stats = frequencyStatistics([7, 7, 7, 7]);
  assert.equal(stats.gini, 0);
  close(stats.effectiveClasses, 4);
  assert.equal(stats.imbalanceFactor, 1);
  assert.throws(() => frequencyStatistics([3, 0]), /at least one image in every class/);
});

test('mean and standard deviation use n − 1 and skip nulls', () => {
  assert.deepEqual(meanStd([1, null, 3]), { mean: 2, std: Math.SQRT2, n: 2 });
  assert.deepEqual(meanStd([0.5]), { mean: 0.5, std: null, n: 1 });
  assert.deepEqual(meanStd([null]), { mean: null, std: null, n: 0 });
});

test('quantiles interpolate and Spearman ranks ties in the middle', () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.equal(quantile([4], 0.975), 4);
  close(spearman([1, 2, 3, null], [10, 20, 25, 0]), 1);
  close(spearman([1, 1, 2], [3, 2, 1]), -Math.sqrt(3) / 2);
  assert.equal(spearman([1, 1], [1, 2]), null);
});

test('partial sums of branches add value by value', () => {
  assert.deepEqual([...addOutputs([new Float32Array([1, 2]), new Float32Array([10, 20])])], [11, 22]);
});

test('predict is argmax, the lower class for equal logits', () => {
  assert.deepEqual([...predict(new Float32Array([1, 1, 0, 0, 2, 2]), 3)], [0, 1]);
});

test('correctness marks right predictions', () => {
  const labels = new Int32Array([0, 1]);
  assert.deepEqual([...correctness(new Int32Array([0, 0]), labels)], [1, 0]);
});
