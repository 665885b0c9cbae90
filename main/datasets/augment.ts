/**
 * Turns packed 8-bit images into normalised batches: crop from a zero-padded image, flip, normalise. Pure and without
 * randomness: what happens to each example is given as numbers, so that any worker makes the same batch.
 */

import { rotateImage } from './rotate.ts';

export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** States of a job in shared memory: WORKING until its batch is filled, then DONE, or FAILED when the worker died. */
export const WORKING = 1;
export const DONE = 2;
export const FAILED = 3;

/** What a worker is given once: the images of every split by its name. */
export interface WorkerSetup {
  images: Record<string, Uint8Array>;
  shape: ImageShape;
  table: Float32Array;
}

/** What a worker is given for each batch; the arrays lie in shared memory. */
export interface WorkerJob extends Pick<BatchJob, 'padding' | 'rotated' | 'plan' | 'size' | 'out'> {
  split: string;
  /** [1], see above. */
  state: Int32Array;
}

/**
 * Numbers per example in a plan: row in the split, top and left of the crop in the padded image, 1 to mirror, and the
 * bits of a float32, the angle of the rotation in degrees.
 */
export const PLAN_WIDTH = 5;

export interface BatchJob {
  /** [N, H, W, C] uint8, the whole split. */
  images: Uint8Array;
  shape: ImageShape;
  /** [C, 256], what each pixel value becomes; see normalisationTable. */
  table: Float32Array;
  /** Black pixels around the image that the crop is taken from. */
  padding: number;
  /** Whether images are rotated, after the mirroring. */
  rotated: boolean;
  /** [size, PLAN_WIDTH] */
  plan: Int32Array;
  size: number;
  /** At least [size, H, W, C]; the result. */
  out: Float32Array;
}

/**
 * What each of the 256 pixel values becomes, per channel: (v/255 - mean) / std, each operation rounded to float32 as
 * PyTorch's ToTensor and Normalize do it. Returns [C, 256].
 */
export function normalisationTable(mean: number[], std: number[]): Float32Array {
  const table = new Float32Array(mean.length * 256);
  mean.forEach((average, c) => {
    for (let value = 0; value < 256; value++) {
      const scaled = Math.fround(value / 255);
      table[c * 256 + value] = Math.fround(scaled - Math.fround(average)) / Math.fround(std[c]!);
    }
  });
  return table;
}

/**
 * Fills a batch. The padding is black before normalisation, as in the reference, so it becomes (0 - mean) / std. The
 * mirroring comes after the crop, the rotation after both.
 */
export function fillBatch({ images, shape, table, padding, rotated, plan, size, out }: BatchJob): void {
  const imageLength = shape.height * shape.width * shape.channels;
  const angles = new Float32Array(plan.buffer, plan.byteOffset, plan.length);
  const cropped = new Uint8Array(imageLength);
  const turned = new Uint8Array(rotated ? imageLength : 0);
  for (let example = 0; example < size; example++) {
    const [row, top, left, mirrored] = plan.subarray(example * PLAN_WIDTH) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const image = images.subarray(row * imageLength, (row + 1) * imageLength);
    crop(image, shape, top - padding, left - padding, mirrored === 1, cropped);
    if (rotated) rotateImage(cropped, shape, angles[example * PLAN_WIDTH + 4]!, turned);
    normalise(rotated ? turned : cropped, shape.channels, table, out, example * imageLength);
  }
}

/** Cuts an image of its own size out of a black plane that it lies on, mirrored on request. */
function crop(
  image: Uint8Array,
  { height, width, channels }: ImageShape,
  top: number,
  left: number,
  mirrored: boolean,
  out: Uint8Array,
): void {
  const lineLength = width * channels;
  let to = 0;
  for (let y = top; y < top + height; y++) {
    const line = y >= 0 && y < height ? y * lineLength : -1;
    for (let i = 0; i < width; i++) {
      const x = left + (mirrored ? width - 1 - i : i);
      const pixel = line >= 0 && x >= 0 && x < width ? line + x * channels : -1;
      for (let c = 0; c < channels; c++) out[to++] = pixel < 0 ? 0 : image[pixel + c]!;
    }
  }
}

function normalise(
  pixels: Uint8Array,
  channels: number,
  table: Float32Array,
  out: Float32Array,
  start: number,
): void {
  for (let i = 0; i < pixels.length; i += channels) {
    for (let c = 0; c < channels; c++) out[start + i + c] = table[c * 256 + pixels[i + c]!]!;
  }
}
