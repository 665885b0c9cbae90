import test from 'node:test';
import assert from 'node:assert/strict';
import { learningRateAt, resolveMilestones, type ScheduleOptions } from '../../../main/training/schedules.ts';

const STEP: ScheduleOptions = {
  schedule: 'cifar-step',
  learningRate: 0.1,
  epochs: 40,
  warmupEpochs: 5,
  milestones: [0.8, 0.9],
  decayFactor: 0.1,
};

test('a shortened run keeps its shape: milestones scale, the warm-up does not', () => {
  assert.deepEqual(resolveMilestones([0.8, 0.9], 200), [160, 180]);
  assert.deepEqual(resolveMilestones([0.8, 0.9], 40), [32, 36]);
  const rates = [0, 1, 4, 5, 31, 32, 35, 36, 39].map((epoch) => learningRateAt(STEP, epoch));
  const expected = [0.1 * (0.8 / 3 + 0.2), 0.06, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001];
  rates.forEach((rate, index) => assert.ok(Math.abs(rate - expected[index]!) < 1e-15, `${rate}`));
});

test('milestones from 1 on are epochs, in any order', () => {
  assert.deepEqual(resolveMilestones([30, 0.5, 10], 40), [10, 20, 30]);
  assert.equal(learningRateAt({ ...STEP, milestones: [39, 1] }, 38), 0.1 * 0.1);
});

test('without a warm-up the first epoch has the full rate', () => {
  assert.equal(learningRateAt({ ...STEP, warmupEpochs: 0 }, 0), 0.1);
  assert.equal(learningRateAt({ ...STEP, schedule: 'cosine' }, 0), 0.1);
  assert.equal(learningRateAt({ ...STEP, schedule: 'warmup-cosine' }, 0), 0.02);
});
