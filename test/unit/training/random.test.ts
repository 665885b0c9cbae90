import test from 'node:test';
import assert from 'node:assert/strict';
import { createRandom, restoreRandom } from '../../../main/training/random.ts';
import type { Random } from '../../../main/training/types.ts';

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.float());
}

test('a seed names one stream, another seed another', () => {
  assert.deepEqual(draw(createRandom(7), 5), draw(createRandom(7), 5));
  assert.notDeepEqual(draw(createRandom(7), 5), draw(createRandom(8), 5));
});

test('a fork depends on its label and path, not on what was drawn before', () => {
  const random = createRandom(1);
  const early = draw(random.fork('epoch-3'), 4);
  draw(random, 100);
  assert.deepEqual(draw(random.fork('epoch-3'), 4), early);
  assert.notDeepEqual(draw(random.fork('epoch-4'), 4), early);
  assert.notDeepEqual(draw(random.fork('a').fork('epoch-3'), 4), early);
});

test('a stream goes on from its saved state, also after JSON', () => {
  const random = createRandom(42).fork('weights');
  draw(random, 10);
  const saved: unknown = JSON.parse(JSON.stringify(random.state()));
  const expected = [...draw(random, 5), random.normal(), random.int(1000)];
  const restored = restoreRandom(saved);
  assert.deepEqual([...draw(restored, 5), restored.normal(), restored.int(1000)], expected);
  const forkOf = (each: Random): number => each.fork('x').float();
  assert.equal(forkOf(restoreRandom(saved)), forkOf(random));
});

test('a damaged state is refused', () => {
  for (const state of [null, {}, { path: 'seed-1', generator: [1, 2] }])
    assert.throws(() => restoreRandom(state), TypeError);
});

test('floats and integers are uniform, normals have mean 0 and deviation 1', () => {
  const random = createRandom(3);
  const counts = new Array<number>(10).fill(0);
  for (let index = 0; index < 20_000; index++) counts[random.int(10)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 200, `a tenth was drawn ${count} times`);

  const floats = draw(random, 20_000);
  assert.ok(floats.every((value) => value >= 0 && value < 1));
  const normals = Array.from({ length: 20_000 }, () => random.normal());
  const mean = normals.reduce((sum, value) => sum + value, 0) / normals.length;
  const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / normals.length;
  assert.ok(Math.abs(mean) < 0.03, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.05, `variance ${variance}`);
});

test('an integer needs a bound that 32 bits can reach', () => {
  const random = createRandom(0);
  for (const bound of [0, -1, 1.5, 2 ** 33]) assert.throws(() => random.int(bound), RangeError);
  assert.ok(random.int(2 ** 32) < 2 ** 32);
});

test('a shuffle keeps the values and gives every order', () => {
  const random = createRandom(5);
  const seen = new Set<string>();
  for (let index = 0; index < 200; index++) {
    const values = [0, 1, 2];
    random.shuffle(values);
    assert.deepEqual([...values].sort(), [0, 1, 2]);
    seen.add(values.join());
  }
  assert.equal(seen.size, 6);
});
