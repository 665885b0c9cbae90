/**
 * The data of one run: the packed copy of a registered dataset in shared memory, and streams of batches that worker
 * threads prepare ahead of the training loop, so that a step does not wait for data.
 *
 * Everything random of an epoch (order, crops, mirroring) is drawn by the caller's thread when the stream is made, in a
 * fixed order; so batches do not depend on the number of workers, and the generator's state not on what was prefetched.
 */
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { workerModule } from '../paths.ts';
import type {
  BatchStream,
  DataDescription,
  Split,
  TrainingData,
  TrainStreamOptions,
} from '../training/types.ts';
import {
  DONE,
  FAILED,
  fillBatch,
  normalisationTable,
  PLAN_WIDTH,
  WORKING,
  type ImageShape,
  type WorkerJob,
  type WorkerSetup,
} from './augment.ts';
import { streamAhead } from './batchAhead.ts';
import { epochOrder } from './epochOrder.ts';
import { DatasetError } from './errors.ts';
import { openPhotoData } from './photographs/photoData.ts';
import { partFile, readManifest, splitsOf } from './manifest.ts';
import { openedSplit } from './openedSplit.ts';

export interface TrainingDataOptions {
  /**
   * Worker threads that prepare batches. Of packed images one (the default) fills a batch of 128 images of 32 x 32 about
   * a hundred times faster than a CPU trains on it, and 0 prepares them in the caller's thread. Of photographs the
   * default is a thread for each core but one; there is always at least one.
   */
  workers?: number | undefined;
  /** What is needed; loading only that saves memory. Default: all the dataset has. */
  splits?: Split[] | undefined;
  /** Side of the images; null or none is the dataset's own. Packed images have only their own. */
  imageSize?: number | null | undefined;
  /** Told what the user should know of the images, a sentence each. */
  onWarning?: ((text: string) => void) | undefined;
}

/** More workers than this keep no GPU busier. */
const MAX_DECODE_WORKERS = 16;

/** Batches in preparation ahead of the one in use. Two keep a worker busy; the third absorbs a hiccup. */
const PREFETCHED_BATCHES = 3;

interface Slot {
  plan: Int32Array;
  out: Float32Array;
  state: Int32Array;
}

interface LoadedSplit {
  images: Uint8Array;
  labels: Int32Array;
}

/**
 * Opens a registered dataset for training. The caller closes it, which ends its worker threads.
 *
 * Throws DatasetError when the packed copy is missing or has another size than its manifest says.
 */
export async function openTrainingData(
  folder: string,
  { workers, splits, imageSize = null, onWarning = () => {} }: TrainingDataOptions = {},
): Promise<TrainingData> {
  const manifest = await readManifest(folder);
  const { height, width, channels, counts, classNames, classCounts } = manifest;
  if (manifest.photographs !== null)
    return openPhotoData(folder, manifest, {
      workers: Math.max(1, workers ?? Math.min(MAX_DECODE_WORKERS, availableParallelism() - 1)),
      splits: splitsOf(manifest).filter((split) => splits?.includes(split) ?? true),
      imageSize: imageSize ?? height,
      onWarning,
    });
  if (imageSize !== null && (imageSize !== height || imageSize !== width))
    throw new Error(
      `The images of this dataset are ${width} x ${height}; they cannot be ${imageSize} a side.`,
    );
  const shape = { height, width, channels };
  const loaded: Partial<Record<Split, LoadedSplit>> = {};
  for (const split of splitsOf(manifest)) {
    if (splits !== undefined && !splits.includes(split)) continue;
    const sizeOf: Record<'images' | 'labels', number> = {
      images: counts[split] * height * width * channels,
      labels: counts[split] * 4,
    };
    loaded[split] = {
      images: new Uint8Array(await readShared(partFile(folder, split, 'images'), sizeOf.images)),
      labels: new Int32Array(await readShared(partFile(folder, split, 'labels'), sizeOf.labels)),
    };
  }
  const description = { classNames, classCounts, ...shape, sizes: counts };
  return new PackedData(description, loaded, normalisationTable(manifest.mean, manifest.std), workers ?? 1);
}

class PackedData implements TrainingData {
  readonly classNames: string[];
  readonly classCounts: number[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly sizes: Record<Split, number>;
  readonly #splits: Partial<Record<Split, LoadedSplit>>;
  readonly #table: Float32Array;
  readonly #workers: Worker[];
  /** Batches that workers have in hand, to fail them when a worker dies. */
  readonly #working = new Set<Slot>();
  /** Slots of ended streams, by the number of images they hold. */
  readonly #free = new Map<number, Slot[]>();
  #nextWorker = 0;
  #failure: Error | null = null;
  #closed = false;

  constructor(
    description: DataDescription,
    splits: Partial<Record<Split, LoadedSplit>>,
    table: Float32Array,
    workerCount: number,
  ) {
    this.classNames = description.classNames;
    this.classCounts = description.classCounts;
    this.height = description.height;
    this.width = description.width;
    this.channels = description.channels;
    this.sizes = description.sizes;
    this.#splits = splits;
    this.#table = table;
    const images = Object.fromEntries(Object.entries(splits).map(([split, data]) => [split, data.images]));
    const setup: WorkerSetup = { images, shape: this.#shape, table };
    this.#workers = Array.from({ length: workerCount }, () => {
      const worker = new Worker(workerModule('augment'), { workerData: setup });
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => {
        if (!this.#closed) this.#fail(new Error(`A thread that prepares batches ended with code ${code}.`));
      });
      return worker;
    });
  }

  trainStream(options: TrainStreamOptions): BatchStream {
    const { batchSize, dropLast, cropPadding, skipBatches = 0, rotation = 0 } = options;
    if ((options.augmentation ?? 'crop') !== 'crop')
      throw new Error(
        'The augmentation resized-crop is for photographs (list files, class folders); this dataset is packed. Set augmentation to crop.',
      );
    const { labels } = this.#split('train');
    const plan = drawEpoch(labels, options);
    const whole = Math.floor(labels.length / batchSize) * batchSize;
    const examples = dropLast && whole > 0 ? whole : labels.length;
    return this.#stream('train', plan, examples, batchSize, {
      padding: cropPadding,
      rotated: rotation > 0,
      skipped: skipBatches,
    });
  }

  evalStream(split: Split, batchSize: number): BatchStream {
    const { labels } = this.#split(split);
    const plan = new Int32Array(labels.length * PLAN_WIDTH);
    for (let row = 0; row < labels.length; row++) plan[row * PLAN_WIDTH] = row;
    return this.#stream(split, plan, labels.length, batchSize, { padding: 0, rotated: false, skipped: 0 });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fail(new Error('the data was closed'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  get #shape(): ImageShape {
    return { height: this.height, width: this.width, channels: this.channels };
  }

  #split(split: Split): LoadedSplit {
    return openedSplit(this.#splits, split, this.sizes);
  }

  /** Batches of `plan` in order, the last one smaller where it does not divide; the first `skipped` are left out. */
  #stream(
    split: Split,
    plan: Int32Array,
    examples: number,
    batchSize: number,
    { padding, rotated, skipped }: { padding: number; rotated: boolean; skipped: number },
  ): BatchStream {
    const { labels } = this.#split(split);
    const imageLength = this.height * this.width * this.channels;
    const sizeOf = (batch: number) => Math.min(batchSize, examples - batch * batchSize);
    return streamAhead<Slot>({
      batches: Math.ceil(examples / batchSize),
      skipped,
      depth: this.#workers.length === 0 ? 1 : PREFETCHED_BATCHES,
      take: () => this.#takeSlot(batchSize, imageLength),
      release: (slot) => this.#releaseSlot(batchSize, slot),
      start: (batch, slot) => {
        const size = sizeOf(batch);
        const first = batch * batchSize * PLAN_WIDTH;
        slot.plan.set(plan.subarray(first, first + size * PLAN_WIDTH));
        this.#prepare(split, { padding, rotated, size, ...slot }, slot);
      },
      finish: async (batch, slot) => {
        await this.#ready(slot);
        const size = sizeOf(batch);
        const batchLabels = new Int32Array(size);
        for (let i = 0; i < size; i++) batchLabels[i] = labels[plan[(batch * batchSize + i) * PLAN_WIDTH]!]!;
        return { images: slot.out.subarray(0, size * imageLength), labels: batchLabels, size };
      },
    });
  }

  #prepare(split: Split, job: Omit<WorkerJob, 'split'>, slot: Slot): void {
    if (this.#failure !== null) {
      Atomics.store(slot.state, 0, FAILED);
      return;
    }
    Atomics.store(slot.state, 0, WORKING);
    const worker = this.#workers[this.#nextWorker++ % this.#workers.length];
    if (worker === undefined) {
      fillBatch({ ...job, images: this.#split(split).images, shape: this.#shape, table: this.#table });
      Atomics.store(slot.state, 0, DONE);
      return;
    }
    this.#working.add(slot);
    worker.postMessage({ ...job, split } satisfies WorkerJob);
  }

  async #ready(slot: Slot): Promise<void> {
    while (Atomics.load(slot.state, 0) === WORKING) {
      // A batch that is late is the data wait: the loop measures it around `next`.
      const waiting = Atomics.waitAsync(slot.state, 0, WORKING);
      if (waiting.async) await waiting.value;
    }
    this.#working.delete(slot);
    if (Atomics.load(slot.state, 0) !== FAILED) return;
    throw new Error(`Preparing a batch failed: ${this.#failure!.message}`, { cause: this.#failure });
  }

  #takeSlot(batchSize: number, imageLength: number): Slot {
    return (
      this.#free.get(batchSize)?.pop() ?? {
        plan: new Int32Array(new SharedArrayBuffer(batchSize * PLAN_WIDTH * 4)),
        out: new Float32Array(new SharedArrayBuffer(batchSize * imageLength * 4)),
        state: new Int32Array(new SharedArrayBuffer(4)),
      }
    );
  }

  /** Keeps a slot for the next stream, unless a worker still writes to it. */
  #releaseSlot(batchSize: number, slot: Slot): void {
    this.#working.delete(slot);
    if (Atomics.load(slot.state, 0) === WORKING) return;
    const free = this.#free.get(batchSize) ?? [];
    free.push(slot);
    this.#free.set(batchSize, free);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { state } of this.#working) {
      Atomics.store(state, 0, FAILED);
      Atomics.notify(state, 0);
    }
  }
}

/**
 * Draws one epoch: first the order of the examples, then, example by example in that order, top and left of the crop
 * (where there is padding), whether to mirror, and the angle (where there is rotation). Returns the plan
 * [examples, PLAN_WIDTH].
 */
function drawEpoch(
  labels: Int32Array,
  { cropPadding, flip, rotation = 0, sampler = 'shuffle', random }: TrainStreamOptions,
): Int32Array {
  const plan = new Int32Array(labels.length * PLAN_WIDTH);
  const angles = new Float32Array(plan.buffer);
  const offsets = 2 * cropPadding + 1;
  epochOrder(labels, sampler, random).forEach((row, i) => {
    const at = i * PLAN_WIDTH;
    plan[at] = row;
    if (cropPadding > 0) {
      plan[at + 1] = random.int(offsets);
      plan[at + 2] = random.int(offsets);
    }
    if (flip) plan[at + 3] = random.float() < 0.5 ? 1 : 0;
    if (rotation > 0) angles[at + 4] = rotation * (2 * random.float() - 1);
  });
  return plan;
}

/** A file of known size in shared memory. Throws DatasetError when it is missing or has another size. */
async function readShared(path: string, sizeBytes: number): Promise<SharedArrayBuffer> {
  const shared = new SharedArrayBuffer(sizeBytes);
  const fault = (offset: number | null, found: string) =>
    new DatasetError({
      file: path,
      offset,
      expected: `${sizeBytes} bytes, as the manifest says; verify the dataset and add it again`,
      found,
    });
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? fault(null, 'no file') : error;
  });
  try {
    const { size } = await file.stat();
    if (size !== sizeBytes) throw fault(size, `${size}`);
    const bytes = new Uint8Array(shared);
    let done = 0;
    while (done < sizeBytes) {
      const { bytesRead } = await file.read(bytes, done, sizeBytes - done, done);
      if (bytesRead === 0) throw fault(done, 'the end of the file');
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
  return shared;
}
