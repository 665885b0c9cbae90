import test from 'node:test';
import assert from 'node:assert/strict';
import { classesByFrequency, referenceGroupSizes, scopeFrom } from '../../../main/training/scopes.ts';

test('ranks follow the counts, and the class index among equals', () => {
  assert.deepEqual(classesByFrequency([5, 90, 5, 100, 90]), [3, 1, 4, 0, 2]);
});

test('a scope is the classes from a rank on, whatever their indices', () => {
  assert.deepEqual(scopeFrom([5, 90, 5, 100, 90], 2), [0, 2, 4]);
  assert.deepEqual(scopeFrom([5, 90, 5, 100, 90], 0), [0, 1, 2, 3, 4]);
  assert.deepEqual(scopeFrom([5, 90], 2), []);
});

test('a rank outside the classes is refused', () => {
  for (const rank of [-1, 3, 0.5]) assert.throws(() => scopeFrom([1, 2], rank), RangeError);
});

test('the reference averages over 3/3/4 of 10 and 36/35/29 of 100 classes', () => {
  assert.deepEqual(referenceGroupSizes(10), [3, 3, 4]);
  assert.deepEqual(referenceGroupSizes(100), [36, 35, 29]);
  const sizes = referenceGroupSizes(37);
  assert.equal(sizes[0] + sizes[1] + sizes[2], 37);
});
