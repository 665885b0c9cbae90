/**
 * Turns packed 8-bit images into normalised batches: crop from a zero-padded image, flip, normalise. Pure and without
 * randomness: what happens to each example is given as numbers, so that any worker makes the same batch.
 */

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
export interface WorkerJob extends Pick<BatchJob, 'padding' | 'plan' | 'size' | 'out'> {
  split: string;
  /** [1], see above. */
  state: Int32Array;
}

/** Numbers per example in a plan: row in the split, top and left of the crop in the padded image, 1 to mirror. */
export const PLAN_WIDTH = 4;

export interface BatchJob {
  /** [N, H, W, C] uint8, the whole split. */
  images: Uint8Array;
  shape: ImageShape;
  /** [C, 256], what each pixel value becomes; see normalisationTable. */
  table: Float32Array;
  /** Black pixels around the image that the crop is taken from. */
  padding: number;
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
 * mirroring comes after the crop.
 */
export function fillBatch({ images, shape, table, padding, plan, size, out }: BatchJob): void {
  const { height, width, channels } = shape;
  const lineLength = width * channels;
  const imageLength = height * lineLength;
  let to = 0;
  for (let example = 0; example < size; example++) {
    const row = plan[example * PLAN_WIDTH]!;
    const top = plan[example * PLAN_WIDTH + 1]! - padding;
    const left = plan[example * PLAN_WIDTH + 2]! - padding;
    const mirrored = plan[example * PLAN_WIDTH + 3]! === 1;
    const image = row * imageLength;
    for (let y = top; y < top + height; y++) {
      const line = y >= 0 && y < height ? image + y * lineLength : -1;
      for (let i = 0; i < width; i++) {
        const x = left + (mirrored ? width - 1 - i : i);
        const pixel = line >= 0 && x >= 0 && x < width ? line + x * channels : -1;
        for (let c = 0; c < channels; c++) {
          out[to++] = table[c * 256 + (pixel < 0 ? 0 : images[pixel + c]!)]!;
        }
      }
    }
  }
}
