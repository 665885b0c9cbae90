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

test('warmup-step has its full factor from the last epoch of the warm-up on, and decays at milestones', () => {
  const options: ScheduleOptions = { ...STEP, schedule: 'warmup-step', decayFactor: 0.01 };
  const rates = [0, 3, 4, 31, 32, 36].map((epoch) => learningRateAt(options, epoch));
  const expected = [0.02, 0.08, 0.1, 0.1, 1e-3, 1e-5];
  rates.forEach((rate, index) => assert.ok(Math.abs(rate - expected[index]!) < 1e-15, `${rate}`));
});

test('cosine-annealing ends near its lowest rate, cosine-restarts begins again in longer and longer periods', () => {
  const annealing: ScheduleOptions = { ...STEP, schedule: 'cosine-annealing', minLearningRate: 0.01 };
  assert.equal(learningRateAt(annealing, 0), 0.1);
  assert.ok(Math.abs(learningRateAt(annealing, 20) - 0.055) < 1e-15);
  const restarts: ScheduleOptions = {
    ...STEP,
    schedule: 'cosine-restarts',
    restartPeriod: 2,
    restartFactor: 3,
  };
  const isFull = (epoch: number): boolean => learningRateAt(restarts, epoch) === 0.1;
  assert.deepEqual([0, 1, 2, 7, 8, 25, 26].map(isFull), [true, false, true, false, true, false, true]);
});
