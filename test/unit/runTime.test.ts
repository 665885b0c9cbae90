/** How long a run would take, worked out from the speed of earlier ones. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { estimateTime, type Speed, type Work } from '../../main/api/runTime.ts';
import type { Config } from '../../preload/contract.ts';

const RIDE: Config = { method: 'ride', experts: 3, reduceDimension: true, batchSize: 100, evaluateEvery: 1 };
const CE: Config = { method: 'ce', batchSize: 100, evaluateEvery: 1 };

/** 10 epochs of 10 steps on 1000 images, and 500 to evaluate after each. */
const work = (change: Partial<Work> = {}): Work => ({
  config: RIDE,
  datasetId: 1,
  imageSize: 32,
  totalSteps: 100,
  stepsPerEpoch: 10,
  trainImages: 1000,
  evaluationImages: 500,
  ...change,
});

const speed = (change: Partial<Speed> = {}): Speed => ({
  config: RIDE,
  datasetId: 1,
  imageSize: 32,
  engine: 'tensorflow-cpu',
  imagesPerSecond: 100,
  evaluationMsPerImage: 2,
  ...change,
});

test('without an earlier run of the network nothing is told', () => {
  assert.equal(estimateTime(work(), []), null);
  assert.equal(estimateTime(work(), [speed({ config: { ...RIDE, experts: 6 } })]), null, 'other experts');
});

test('training at the measured speed and the evaluations make the time', () => {
  // 10,000 images at 100 a second, and 10 evaluations of 500 images at 2 ms.
  assert.deepEqual(estimateTime(work(), [speed()]), { ms: 100_000 + 10_000, runs: 1, sameMethod: true });
  const half = estimateTime(work({ totalSteps: 50 }), [speed()]);
  assert.equal(half?.ms, 50_000 + 5000);
  const rare = estimateTime(work({ config: { ...RIDE, evaluateEvery: 5 } }), [speed()]);
  assert.equal(rare?.ms, 100_000 + 2000);
});

test('an evaluation that was not measured costs a third of a step', () => {
  const told = estimateTime(work(), [speed({ evaluationMsPerImage: null })]);
  assert.equal(told?.ms, Math.round(100_000 + 10 * 500 * (10 / 3)));
});

test('the nearest runs count: this data, then this method, then this network, then other sizes', () => {
  const near = speed({ imagesPerSecond: 200, evaluationMsPerImage: 0 });
  const elsewhere = speed({ datasetId: 2, imagesPerSecond: 50, evaluationMsPerImage: 0 });
  const other = speed({
    config: { ...RIDE, method: 'ride-distill' },
    imagesPerSecond: 25,
    evaluationMsPerImage: 0,
  });
  const larger = speed({ imageSize: 64, imagesPerSecond: 5, evaluationMsPerImage: 0 });
  const ms = (speeds: Speed[]) => estimateTime(work(), speeds)?.ms;
  assert.equal(ms([larger, other, elsewhere, near]), 50_000);
  assert.equal(ms([larger, other, elsewhere]), 200_000);
  assert.equal(ms([larger, other]), 400_000);
  assert.equal(ms([larger]), 500_000, 'four times the pixels, a quarter of the speed');
  assert.equal(estimateTime(work(), [larger])?.sameMethod, false);
});

test('the engine that is asked for counts, and with "auto" the newest run’s', () => {
  const gpu = speed({ engine: 'tensorflow-gpu', imagesPerSecond: 1000, evaluationMsPerImage: 0 });
  const cpu = speed({ evaluationMsPerImage: 0 });
  assert.equal(estimateTime(work(), [gpu, cpu])?.ms, 10_000);
  assert.equal(
    estimateTime(work({ config: { ...RIDE, engine: 'tensorflow-cpu' } }), [gpu, cpu])?.ms,
    100_000,
  );
});

test('a second stage is no measure for whole trainings, nor they for it', () => {
  assert.equal(estimateTime(work({ config: CE }), [speed({ config: { ...CE, method: 'crt' } })]), null);
  assert.equal(estimateTime(work({ config: { ...CE, method: 'crt' } }), [speed({ config: CE })]), null);
});

test('the middle of the newest five counts, so that one slow run does not', () => {
  const speeds = [100, 10, 100, 100, 100, 1].map((imagesPerSecond) =>
    speed({ imagesPerSecond, evaluationMsPerImage: 0 }),
  );
  assert.deepEqual(estimateTime(work(), speeds), { ms: 100_000, runs: 5, sameMethod: true });
});
