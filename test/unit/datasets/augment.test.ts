import test from 'node:test';
import assert from 'node:assert/strict';
import { fillBatch, normalisationTable, PLAN_WIDTH } from '../../../main/datasets/augment.ts';
import { normalisationOf } from '../../../main/datasets/pixels.ts';

/** Pixel values 1 to 6 in 2 rows of 3, so that 0 is only padding; the table leaves values as they are. */
const image = new Uint8Array([1, 2, 3, 4, 5, 6]);
const identity = Float32Array.from({ length: 256 }, (_, value) => value);

function crop(top: number, left: number, mirrored: 0 | 1, padding: number): number[] {
  const out = new Float32Array(6);
  fillBatch({
    images: image,
    shape: { height: 2, width: 3, channels: 1 },
    table: identity,
    padding,
    rotated: false,
    plan: new Int32Array([0, top, left, mirrored, 0]),
    size: 1,
    out,
  });
  return [...out];
}

test('a crop at the padding is the image itself; mirroring turns each row', () => {
  assert.deepEqual(crop(1, 1, 0, 1), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(crop(0, 0, 0, 0), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(crop(1, 1, 1, 1), [3, 2, 1, 6, 5, 4]);
});

test('crops at the corners take black padding, and are mirrored after cropping', () => {
  assert.deepEqual(crop(0, 0, 0, 1), [0, 0, 0, 0, 1, 2]);
  assert.deepEqual(crop(2, 2, 0, 1), [5, 6, 0, 0, 0, 0]);
  assert.deepEqual(crop(0, 0, 1, 1), [0, 0, 0, 2, 1, 0]);
  assert.deepEqual(crop(4, 4, 0, 2), [0, 0, 0, 0, 0, 0]);
});

test('padding is normalised like a black pixel, per channel', () => {
  const table = normalisationTable([0.5, 0.25], [0.5, 0.25]);
  const out = new Float32Array(2 * 2);
  fillBatch({
    images: new Uint8Array([255, 255, 0, 255]),
    shape: { height: 1, width: 1, channels: 2 },
    table,
    padding: 1,
    rotated: false,
    plan: new Int32Array([0, 0, 0, 0, 0, 1, 1, 1, 0, 0]),
    size: 2,
    out,
  });
  assert.deepEqual([...out], [-1, -1, -1, 3]);
});

test('normalisation is (v/255 - mean) / std in float32 steps', () => {
  const table = normalisationTable([0.4914], [0.2023]);
  const step = Math.fround;
  for (const value of [0, 1, 97, 255]) {
    const expected = step(step(step(value / 255) - step(0.4914)) / step(0.2023));
    assert.equal(table[value], expected);
  }
});

test('the plan says which image comes where', () => {
  const out = new Float32Array(2);
  fillBatch({
    images: new Uint8Array([10, 20, 30]),
    shape: { height: 1, width: 1, channels: 1 },
    table: identity,
    padding: 0,
    rotated: false,
    plan: new Int32Array(2 * PLAN_WIDTH).fill(2, 0, 1),
    size: 2,
    out,
  });
  assert.deepEqual([...out], [30, 10]);
});

test('CIFAR is normalised with the constants of the reference, other sets with their own pixels', () => {
  assert.deepEqual(normalisationOf('cifar-100', new Uint8Array(0), 3), {
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
  });
  // Channel 0: 0 and 255; channel 1: constant.
  assert.deepEqual(normalisationOf('idx', new Uint8Array([0, 51, 255, 51]), 2), {
    mean: [0.5, 0.2],
    std: [0.5, 1],
  });
});
