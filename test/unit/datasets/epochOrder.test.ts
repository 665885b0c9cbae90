import test from 'node:test';
import assert from 'node:assert/strict';
import { epochOrder } from '../../../main/datasets/epochOrder.ts';
import { createRandom } from '../../../main/training/random.ts';

/** 100 images of class 0, 10 of class 1, none of class 2, 2 of class 3. */
const labels = Int32Array.from([
  ...Array.from({ length: 100 }, () => 0),
  ...Array.from({ length: 10 }, () => 1),
  3,
  3,
]);

test('shuffling takes every row once', () => {
  const order = epochOrder(labels, 'shuffle', createRandom(1));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from(labels.keys()),
  );
});

test('class-balanced sampling takes classes alike and goes through each list before it begins again', () => {
  const order = epochOrder(labels, 'class-balanced', createRandom(1));
  assert.equal(order.length, labels.length, 'an epoch is as long as the split');
  const byClass = new Map<number, number[]>();
  for (const row of order) byClass.set(labels[row]!, [...(byClass.get(labels[row]!) ?? []), row]);
  assert.deepEqual([...byClass.keys()].sort(), [0, 1, 3], 'a class without images is never drawn');
  for (const [k, rows] of byClass) {
    assert.ok(rows.length > 20 && rows.length < 55, `class ${k} was drawn ${rows.length} times of 112`);
    const size = labels.filter((label) => label === k).length;
    for (let first = 0; first + size <= rows.length; first += size)
      assert.equal(new Set(rows.slice(first, first + size)).size, size, 'no row twice in one round');
  }
});

test('the order follows from the random numbers alone', () => {
  const draw = (seed: number) => [...epochOrder(labels, 'class-balanced', createRandom(seed))];
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
});
