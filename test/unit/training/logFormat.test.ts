import test from 'node:test';
import assert from 'node:assert/strict';
import { formatStep, formatTest, formatTrainEpoch, formatVal } from '../../../main/training/logFormat.ts';

test('lines are those of the reference program', () => {
  assert.equal(
    formatStep({
      loss: 1.04138,
      terms: { branch: 1.04115, fusion: 1.08856 },
      top1: 0.6171875,
      learningRate: 0.1 * (7 / 15),
    }),
    'Train loss 1.04138  loss_ice 1.04115 loss_fce 1.08856 acc_n 0.61719 lr 0.04667',
  );
  assert.equal(formatTrainEpoch(0, 1.70444, 0.37891), 'Train epoch=0 loss=1.70444  acc=0.37891');
  assert.equal(
    formatTest({
      epoch: 0,
      loss: 2.1,
      top1: 0.4531,
      bestTop1: 0.4531,
      perClass: [0.437, 0.23, 0.927, 0.671, 0.286, 0.421, 0.66, 0.58, 0.319, 0],
      head: 0.5313,
      medium: 0.4593,
      tail: 0.3898,
      terms: {},
    }),
    [
      'Test epoch=0 loss=2.10000  acc=0.45310 best_acc=0.45310',
      'Test tensor([0.4370, 0.2300, 0.9270, 0.6710, 0.2860, 0.4210, 0.6600, 0.5800, 0.3190,',
      '        0.0000])',
      'Test head acc:tensor(0.5313) medium acc tensor(0.4593) tail acc tensor(0.3898)',
    ].join('\n'),
  );
});

test('a loss of one term is its own individual term, and what is missing is nan', () => {
  assert.equal(
    formatStep({ loss: 2, terms: {}, top1: 0.5, learningRate: 0.1 }),
    'Train loss 2.00000  loss_ice 2.00000 acc_n 0.50000 lr 0.10000',
  );
  const text = formatTest({
    epoch: 3,
    loss: 1,
    top1: 1,
    bestTop1: 1,
    perClass: [1, null],
    head: 1,
    medium: null,
    tail: null,
    terms: {},
  });
  assert.match(text, /^Test tensor\(\[1\.0000, {4}nan\]\)$/m);
  assert.match(text, /medium acc tensor\(nan\)/);
});

test('terms of other methods stand on a line of their own, and the reference line stays as it is', () => {
  assert.equal(
    formatStep({
      loss: 36.72263,
      terms: { base: 36.88891, 'diversity-expert-0': 0.18194 },
      top1: 0.5,
      learningRate: 0.1,
    }),
    [
      'Train loss 36.72263  loss_ice 36.72263 acc_n 0.50000 lr 0.10000',
      'Train terms base 36.88891 diversity-expert-0 0.18194',
    ].join('\n'),
  );
  assert.equal(
    formatVal(2, 1.5, 0.25, { 'experts-used': 1.25, 'experts-used/few': 2 }),
    'Val epoch=2 loss=1.50000  acc=0.25000\nVal terms experts-used 1.25000 experts-used/few 2.00000',
  );
  assert.equal(formatVal(2, 1.5, 0.25, {}), 'Val epoch=2 loss=1.50000  acc=0.25000');
});
