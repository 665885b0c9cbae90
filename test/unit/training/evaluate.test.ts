import test from 'node:test';
import assert from 'node:assert/strict';
import { countCorrect } from '../../../main/training/evaluate.ts';

test('accuracy is counted over examples and by class', () => {
  const logits = Float32Array.of(2, 1, 0, 0, 1, 2, 0, 3, 1, 5, 0, 0);
  const { top1, perClass } = countCorrect(logits, Int32Array.of(0, 1, 1, 0), 3);
  assert.equal(top1, 3 / 4);
  assert.deepEqual(perClass, [1, 0.5, null]);
});

test('among equal logits the lower class index is the prediction', () => {
  const logits = Float32Array.of(1, 1, 1, 1);
  assert.deepEqual(countCorrect(logits, Int32Array.of(0, 1), 2).perClass, [1, 0]);
});
