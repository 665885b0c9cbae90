import test from 'node:test';
import assert from 'node:assert/strict';
import { centreCrop, evaluationSide } from '../../../../main/datasets/photographs/centreCrop.ts';
import { drawJitter } from '../../../../main/datasets/photographs/colorJitter.ts';
import { exampleRandom } from '../../../../main/datasets/photographs/exampleRandom.ts';
import { axisWeights, resample } from '../../../../main/datasets/photographs/resample.ts';
import { drawCrop, resizedCropBox } from '../../../../main/datasets/photographs/resizedCrop.ts';
import { roundHalfEven } from '../../../../main/datasets/photographs/rounding.ts';
import {
  boxSampling,
  centreSampling,
  scaledBoxSampling,
} from '../../../../main/datasets/photographs/sampling.ts';
import { substituteFor } from '../../../../main/datasets/photographs/substitute.ts';
import { rotateImage } from '../../../../main/datasets/rotate.ts';
import { createRandom } from '../../../../main/training/random.ts';

function noise(width: number, height: number): Uint8Array {
  const uniform = exampleRandom([1, 2, 3, width * height]);
  return Uint8Array.from({ length: width * height * 3 }, () => uniform() * 256);
}

function cut(
  pixels: Uint8Array,
  width: number,
  region: { top: number; left: number; width: number; height: number },
) {
  const rows = Array.from({ length: region.height }, (_, y) => {
    const start = ((region.top + y) * width + region.left) * 3;
    return [...pixels.subarray(start, start + region.width * 3)];
  });
  return Uint8Array.from(rows.flat());
}

test('halves are rounded to the even neighbour', () => {
  assert.deepEqual([0.5, 1.5, 2.5, 6.5, 7.5, 2.4, 2.6].map(roundHalfEven), [0, 2, 2, 6, 8, 2, 3]);
});

test('what evaluation sees is the centre of the whole resized image, though only a part is decoded', () => {
  for (const [width, height] of [
    [50, 40],
    [33, 97],
    [20, 20],
    [400, 150],
  ] as const) {
    const pixels = noise(width, height);
    const crop = centreCrop(height, width, evaluationSide(28), 28);
    const whole = resample(
      pixels,
      width,
      axisWeights({ length: width, outLength: crop.width }),
      axisWeights({ length: height, outLength: crop.height }),
    ).slice();
    const { region, horizontal, vertical } = centreSampling(height, width, 28);
    const part = resample(cut(pixels, width, region), region.width, horizontal, vertical);
    assert.deepEqual(
      part,
      cut(whole, crop.width, { ...crop, width: 28, height: 28 }),
      `${width} x ${height}`,
    );
    if (width > 100) assert.ok(region.width < width, 'columns that do not matter are left out');
  }
});

test('resizing works for any number of taps, and for images narrower than the filter', () => {
  // The definition, in plain arithmetic.
  const slow = (pixels: Uint8Array, width: number, height: number, size: number): number[] => {
    const along = (line: number[], length: number): number[] => {
      const { taps, first, count, weights } = axisWeights({ length, outLength: size });
      return Array.from({ length: size }, (_, i) => {
        let sum = 2 ** 21;
        for (let k = 0; k < count[i]!; k++) sum += weights[i * taps + k]! * line[first[i]! + k]!;
        return Math.min(255, Math.floor(sum / 2 ** 22));
      });
    };
    const channel = (c: number): number[][] => {
      const rows = Array.from({ length: height }, (_, y) =>
        along(
          Array.from({ length: width }, (__, x) => pixels[(y * width + x) * 3 + c]!),
          width,
        ),
      );
      const columns = Array.from({ length: size }, (_, x) =>
        along(
          rows.map((row) => row[x]!),
          height,
        ),
      );
      return Array.from({ length: size }, (_, y) => columns.map((column) => column[y]!));
    };
    const [red, green, blue] = [channel(0), channel(1), channel(2)];
    return red!.flatMap((row, y) => row.flatMap((value, x) => [value, green![y]![x]!, blue![y]![x]!]));
  };
  for (const [width, height] of [
    [1, 1],
    [2, 3],
    [8, 8],
    [12, 9],
    [17, 13],
    [21, 30],
    [70, 41],
    [130, 200],
  ] as const) {
    const pixels = noise(width, height);
    const { horizontal, vertical } = boxSampling({ top: 0, left: 0, width, height }, 8);
    assert.deepEqual(
      [...resample(pixels, width, horizontal, vertical)],
      slow(pixels, width, height, 8),
      `${width} x ${height}`,
    );
  }
});

test('boxes lie inside the image and have the areas and shapes that are asked for', () => {
  const uniform = exampleRandom([9, 8, 7, 6]);
  let small = 0;
  for (let i = 0; i < 2000; i++) {
    const box = resizedCropBox(300, 400, () => drawCrop(uniform));
    assert.ok(box.top >= 0 && box.left >= 0 && box.top + box.height <= 300 && box.left + box.width <= 400);
    const area = (box.width * box.height) / 120_000;
    assert.ok(area > 0.075 && area <= 1, `area ${area}`);
    assert.ok(Math.abs(Math.log(box.width / box.height)) < Math.log(4 / 3) + 0.03);
    if (area < 0.54) small++;
  }
  // Large boxes do not fit as often: torchvision's own has 67 % of them below the middle in such an image.
  assert.ok(small > 1260 && small < 1420, `${small} below the middle`);
});

test('a box is scaled by the decoder only as far as it stays large enough', () => {
  const image = { width: 2000, height: 1500 };
  const box = (length: number) => ({ top: 100, left: 40, width: length, height: length + 5 });
  assert.equal(scaledBoxSampling(image, box(447), 224).shrink, 1);
  assert.equal(scaledBoxSampling(image, box(448), 224).shrink, 2);
  assert.equal(scaledBoxSampling(image, box(900), 224).shrink, 4);
  const { region, horizontal } = scaledBoxSampling(image, box(900), 224);
  assert.ok(region.left >= 9 && region.left <= 10 && region.width >= 224 && region.width <= 228);
  assert.equal(horizontal.first.length, 224);
});

test('jitter draws a factor for each change, in every order', () => {
  const uniform = exampleRandom([4, 3, 2, 1]);
  const orders = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const steps = drawJitter(0.4, uniform);
    assert.ok(steps.every(({ factor }) => factor >= Math.fround(0.6) && factor <= Math.fround(1.4)));
    orders.add(steps.map(({ op }) => op).join());
  }
  assert.equal(orders.size, 6);
});

test('a substitute comes from the class, follows from the seed, and from what is usable alone', () => {
  const rows = [4, 8, 15, 16, 23, 42];
  const bad = new Set([8, 16]);
  const find = (unusable: Set<number>, seed = [1, 2, 3, 4]) =>
    substituteFor(rows, seed, (row) => unusable.has(row));
  const chosen = find(bad)!;
  assert.ok(rows.includes(chosen) && !bad.has(chosen));
  assert.equal(find(bad), chosen);
  const random = createRandom(1);
  const seeds = Array.from({ length: 40 }, () => [0, 0, 0, 0].map(() => random.int(2 ** 32)));
  assert.equal(new Set(seeds.map((seed) => find(bad, seed))).size, 4, 'any of the others');
  assert.equal(find(new Set([4, 8, 15, 16, 23])), 42);
  assert.equal(find(new Set(rows)), null);
});

test('a rotated image keeps its centre and turns counter-clockwise', () => {
  const side = 9;
  const image = new Uint8Array(side * side);
  image[4 * side + 4] = 7;
  image[4 * side + 8] = 200; // right edge, in the middle
  const shape = { height: side, width: side, channels: 1 };
  const out = new Uint8Array(side * side);
  rotateImage(image, shape, 90, out);
  assert.equal(out[4 * side + 4], 7);
  assert.equal(out[4], 200, 'what was right is up');
  rotateImage(image, shape, 0, out);
  assert.deepEqual(out, image);
});
