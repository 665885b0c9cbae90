/** What the decode pool and its worker threads say to each other. Pixels and states lie in shared memory. */
import type { Preparation } from './prepare.ts';

export interface DecodeSetup {
  /** [3, 256], what each pixel value becomes; see normalisationTable. */
  table: Float32Array;
  /** How long to wait before a file that the disk does not give is asked for again, ms. */
  retryDelaysMs: readonly number[];
}

/** Some images of a batch. */
export interface DecodeJob {
  id: number;
  preparation: Preparation;
  /** `row` tells whoever ordered them which image it was. */
  examples: { index: number; row: number; file: string }[];
  /** Of the whole batch: [size, SEED_WORDS] uint32. */
  seeds: Uint32Array;
  /** Of the whole batch: [size, side, side, 3] float32. */
  out: Float32Array;
  /**
   * Of the whole batch, [STATE_HEAD + size]: the number of images that are still to come, or CANCELLED; the generation
   * of the batch, since its memory goes round; then 1 for each image that is there.
   */
  state: Int32Array;
  /** A job of another generation than the state's comes too late. */
  generation: number;
}

/** Places before those of the images in a state. */
export const STATE_HEAD = 2;

/** In the first place of a state: nobody waits for this batch any more. */
export const CANCELLED = -1;

export type ToWorker = { kind: 'job'; job: DecodeJob } | { kind: 'close' };

export type FromWorker =
  /** The worker is through with a job: each image is there, failed, or was cancelled. */
  | { kind: 'done'; id: number }
  /** An image cannot be used; `message` is the sentence. */
  | { kind: 'failed'; id: number; index: number; message: string };
