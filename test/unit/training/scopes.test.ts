import test from 'node:test';
import assert from 'node:assert/strict';
import { scopeFrom } from '../../../main/training/scopes.ts';

test('a scope is the classes from a rank on, whatever their indices', () => {
  assert.deepEqual(scopeFrom([5, 90, 5, 100, 90], 2), [0, 2, 4]);
  assert.deepEqual(scopeFrom([5, 90, 5, 100, 90], 0), [0, 1, 2, 3, 4]);
  assert.deepEqual(scopeFrom([5, 90], 2), []);
});

test('a rank outside the classes is refused', () => {
  for (const rank of [-1, 3, 0.5]) assert.throws(() => scopeFrom([1, 2], rank), RangeError);
});
