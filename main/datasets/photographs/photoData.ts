/**
 * The data of a run on photographs: indices in memory, images decoded by worker threads ahead of the training loop.
 *
 * Everything random of an epoch is drawn by the caller's thread when the stream is made: the order, then a seed for each
 * example in that order. So batches do not depend on the number of workers, and the generator's state not on what was
 * prefetched.
 */
import type {
  BatchStream,
  DataDescription,
  Split,
  TrainingData,
  TrainStreamOptions,
} from '../../training/types.ts';
import { normalisationTable } from '../augment.ts';
import { streamAhead } from '../batchAhead.ts';
import { epochOrder } from '../epochOrder.ts';
import type { DatasetManifest } from '../manifest.ts';
import { openedSplit } from '../openedSplit.ts';
import { rowsByClass } from '../subset.ts';
import { CANCELLED, STATE_HEAD, type DecodeJob } from './decodeProtocol.ts';
import { DecodePool } from './decodePool.ts';
import { SEED_WORDS } from './exampleRandom.ts';
import { findUnusable } from './findUnusable.ts';
import { openPhotoIndex, type PhotoIndex } from './photoIndex.ts';
import type { Preparation } from './prepare.ts';
import { requireRoot, resolveInRoot } from './root.ts';
import { substituteFor } from './substitute.ts';
import { countFaults, judgePhotographs, toleratedFaults } from './usable.ts';

export interface PhotoDataOptions {
  workers: number;
  splits: readonly Split[];
  /** Side of the images that batches hold. */
  imageSize: number;
  onWarning: (text: string) => void;
  /** See DecodeSetup. */
  retryDelaysMs?: readonly number[];
}

/** Images that a worker is given at once. */
const IMAGES_PER_JOB = 8;
/** Batches in preparation ahead of the one in use, and the memory that all of them together may take. */
const PREFETCHED_BATCHES = 3;
const PREFETCHED_BYTES = 1 << 30;
const RETRY_DELAYS_MS = [250, 1000, 4000];

/** The memory of a batch, and what is in it. */
interface Slot {
  split: Split;
  preparation: Preparation;
  size: number;
  /** Row of each image: the one asked for, and the one that took its place. */
  wanted: Int32Array;
  rows: Int32Array;
  seeds: Uint32Array;
  out: Float32Array;
  state: Int32Array;
  /** Batches that this memory has held. */
  generation: number;
  failure: Error | null;
}

/**
 * Opens a registered dataset of photographs. The caller closes it, which ends its worker threads.
 *
 * Throws DatasetError when the index is damaged or the root is gone, and Error with a sentence when too many images are
 * unusable, or one that evaluation needs; see judgePhotographs.
 */
export async function openPhotoData(
  folder: string,
  manifest: DatasetManifest,
  { workers, splits, imageSize, onWarning, retryDelaysMs = RETRY_DELAYS_MS }: PhotoDataOptions,
): Promise<TrainingData> {
  const root = manifest.source.path;
  await requireRoot(root);
  const indices: Partial<Record<Split, PhotoIndex>> = {};
  for (const split of splits) indices[split] = await openPhotoIndex(folder, split);
  const problems = await findUnusable(folder, root, indices);
  const { refusal, warning } = judgePhotographs(
    manifest,
    countFaults(problems, indices.train?.labels ?? new Int32Array(0), manifest.classNames.length),
  );
  if (refusal !== null) throw new Error(refusal);
  if (warning !== null) onWarning(warning);
  const unusable = new Set(problems.filter(({ split }) => split === 'train').map(({ row }) => row));
  return new PhotoData(manifest, root, indices, unusable, { workers, imageSize, onWarning, retryDelaysMs });
}

class PhotoData implements TrainingData {
  readonly classNames: string[];
  readonly classCounts: number[];
  readonly height: number;
  readonly width: number;
  readonly channels = 3;
  readonly sizes: Record<Split, number>;
  readonly #root: string;
  readonly #indices: Partial<Record<Split, PhotoIndex>>;
  readonly #rowsByClass: Uint32Array[];
  /** Rows of the training split. */
  readonly #unusable: Set<number>;
  readonly #onWarning: (text: string) => void;
  readonly #pool: DecodePool;
  /** Slots in preparation, by their state, which jobs carry. */
  readonly #working = new Map<Int32Array, Slot>();
  /** Slots of ended streams, by the number of images they hold. */
  readonly #free = new Map<number, Slot[]>();
  #failure: Error | null = null;

  constructor(
    manifest: DatasetManifest,
    root: string,
    indices: Partial<Record<Split, PhotoIndex>>,
    unusable: Set<number>,
    {
      workers,
      imageSize,
      onWarning,
      retryDelaysMs,
    }: Required<Pick<PhotoDataOptions, 'workers' | 'imageSize' | 'onWarning' | 'retryDelaysMs'>>,
  ) {
    const description: Pick<DataDescription, 'classNames' | 'classCounts'> = manifest;
    this.classNames = description.classNames;
    this.classCounts = description.classCounts;
    this.height = imageSize;
    this.width = imageSize;
    this.sizes = manifest.counts;
    this.#root = root;
    this.#indices = indices;
    this.#rowsByClass = indices.train ? rowsByClass(indices.train.labels, manifest.classNames.length) : [];
    this.#unusable = unusable;
    this.#onWarning = onWarning;
    this.#pool = new DecodePool({
      workers,
      table: normalisationTable(manifest.mean, manifest.std),
      retryDelaysMs,
      onWarning,
      onImageFailed: (job, example, message) => void this.#imageFailed(job, example, message),
      onFailed: (error) => this.#fail(error),
    });
  }

  trainStream(options: TrainStreamOptions): BatchStream {
    const { batchSize, dropLast, flip, random, skipBatches = 0, sampler = 'shuffle' } = options;
    const { augmentation = 'crop', rotation = 0, colorJitter = 0, decode = 'exact' } = options;
    if (augmentation !== 'resized-crop')
      throw new Error('Photographs differ in size; training on them takes the augmentation resized-crop.');
    if (rotation > 0) throw new Error('Photographs are not rotated; set rotation to 0.');
    const { labels } = this.#split('train');
    const order = epochOrder(labels, sampler, random);
    const seeds = Uint32Array.from({ length: order.length * SEED_WORDS }, () => random.int(0x1_0000_0000));
    const whole = Math.floor(order.length / batchSize) * batchSize;
    const examples = dropLast && whole > 0 ? whole : order.length;
    const preparation: Preparation = { kind: 'training', size: this.height, decode, flip, colorJitter };
    return this.#stream('train', preparation, order, seeds, examples, batchSize, skipBatches);
  }

  evalStream(split: Split, batchSize: number): BatchStream {
    const { labels } = this.#split(split);
    const order = Int32Array.from(labels, (_, row) => row);
    const seeds = new Uint32Array(order.length * SEED_WORDS);
    const preparation: Preparation = { kind: 'evaluation', size: this.height };
    return this.#stream(split, preparation, order, seeds, order.length, batchSize, 0);
  }

  async close(): Promise<void> {
    this.#fail(new Error('the data was closed'));
    await this.#pool.close();
  }

  #split(split: Split): PhotoIndex {
    return openedSplit(this.#indices, split, this.sizes);
  }

  #stream(
    split: Split,
    preparation: Preparation,
    order: Int32Array,
    seeds: Uint32Array,
    examples: number,
    batchSize: number,
    skipped: number,
  ): BatchStream {
    const { labels } = this.#split(split);
    const imageLength = this.height * this.width * 3;
    const depth = Math.floor(PREFETCHED_BYTES / (batchSize * imageLength * 4));
    return streamAhead<Slot>({
      batches: Math.ceil(examples / batchSize),
      skipped,
      depth: Math.max(1, Math.min(PREFETCHED_BATCHES, depth)),
      take: () => this.#takeSlot(batchSize, imageLength, split, preparation),
      release: (slot) => this.#releaseSlot(batchSize, slot),
      start: (batch, slot) => {
        const first = batch * batchSize;
        slot.size = Math.min(batchSize, examples - first);
        slot.split = split;
        slot.preparation = preparation;
        slot.wanted.set(order.subarray(first, first + slot.size));
        slot.seeds.set(seeds.subarray(first * SEED_WORDS, (first + slot.size) * SEED_WORDS));
        this.#prepare(slot);
      },
      finish: async (_batch, slot) => {
        await this.#ready(slot);
        return {
          images: slot.out.subarray(0, slot.size * imageLength),
          labels: slot.rows.slice(0, slot.size).map((row) => labels[row]!),
          size: slot.size,
        };
      },
    });
  }

  #prepare(slot: Slot): void {
    slot.failure = this.#failure;
    slot.state.fill(0);
    if (slot.failure !== null) return;
    Atomics.store(slot.state, 1, ++slot.generation);
    Atomics.store(slot.state, 0, slot.size);
    this.#working.set(slot.state, slot);
    const indices = Array.from({ length: slot.size }, (_, i) => i);
    for (const index of indices) {
      const row = slot.wanted[index]!;
      slot.rows[index] = row;
      if (slot.split === 'train' && slot.preparation.kind === 'training' && this.#unusable.has(row))
        slot.rows[index] = this.#substitute(slot, index);
    }
    for (let first = 0; first < slot.size; first += IMAGES_PER_JOB)
      this.#submit(slot, indices.slice(first, first + IMAGES_PER_JOB));
  }

  #submit({ split, preparation, rows, seeds, out, state, generation }: Slot, indices: number[]): void {
    const { paths } = this.#split(split);
    const examples = indices.map((index) => {
      const row = rows[index]!;
      return { index, row, file: resolveInRoot(this.#root, paths[row]!) };
    });
    this.#pool.submit({ preparation, examples, seeds, out, state, generation });
  }

  /** The row that takes the place of an unusable one. Throws Error when its class has none. */
  #substitute({ wanted, seeds }: Slot, index: number): number {
    const { labels } = this.#split('train');
    const label = labels[wanted[index]!]!;
    const seed = seeds.subarray(index * SEED_WORDS, (index + 1) * SEED_WORDS);
    const row = substituteFor(this.#rowsByClass[label]!, seed, (one) => this.#unusable.has(one));
    if (row !== null) return row;
    throw new Error(`No training image of the class "${this.classNames[label]}" can be read any more.`);
  }

  async #imageFailed(
    { state, generation }: DecodeJob,
    { index, row }: DecodeJob['examples'][number],
    message: string,
  ): Promise<void> {
    // Of a disk that is gone no image is to blame, and no other one could take its place.
    const rootFault = await requireRoot(this.#root).then(
      () => null,
      (error: Error) => error,
    );
    if (rootFault !== null) {
      this.#fail(new Error(`${rootFault.message} Resume the run when it is back.`, { cause: rootFault }));
      return;
    }
    const slot = this.#working.get(state);
    if (slot?.generation !== generation || Atomics.load(state, 0) <= 0) return;
    if (slot.preparation.kind === 'evaluation') {
      this.#failSlot(
        slot,
        new Error(`${message} Evaluation has to be exact, so it cannot go on without it.`),
      );
      return;
    }
    const { length } = this.#split('train').paths;
    if (!this.#unusable.has(row)) {
      this.#unusable.add(row);
      this.#onWarning(
        `${message} Another image of its class takes its place (${this.#unusable.size} of ${length} training images so far).`,
      );
    }
    try {
      if (this.#unusable.size > toleratedFaults(length))
        throw new Error(
          `${this.#unusable.size} of ${length} training images cannot be read, more than one in a hundred; the last: ${message}`,
        );
      slot.rows[index] = this.#substitute(slot, index);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#submit(slot, [index]);
  }

  async #ready(slot: Slot): Promise<void> {
    for (let left = Atomics.load(slot.state, 0); left > 0; left = Atomics.load(slot.state, 0)) {
      const waiting = Atomics.waitAsync(slot.state, 0, left);
      if (waiting.async) await waiting.value;
    }
    this.#working.delete(slot.state);
    if (slot.failure === null) return;
    throw new Error(`Preparing a batch failed: ${slot.failure.message}`, { cause: slot.failure });
  }

  #takeSlot(batchSize: number, imageLength: number, split: Split, preparation: Preparation): Slot {
    return (
      this.#free.get(batchSize)?.pop() ?? {
        split,
        preparation,
        size: 0,
        wanted: new Int32Array(batchSize),
        rows: new Int32Array(batchSize),
        seeds: new Uint32Array(new SharedArrayBuffer(batchSize * SEED_WORDS * 4)),
        out: new Float32Array(new SharedArrayBuffer(batchSize * imageLength * 4)),
        state: new Int32Array(new SharedArrayBuffer((STATE_HEAD + batchSize) * 4)),
        generation: 0,
        failure: null,
      }
    );
  }

  /** Keeps a slot for the next stream, unless a worker may still write to it: that one is cancelled and let go. */
  #releaseSlot(batchSize: number, slot: Slot): void {
    this.#working.delete(slot.state);
    if (Atomics.load(slot.state, 0) !== 0) {
      Atomics.store(slot.state, 0, CANCELLED);
      return;
    }
    const free = this.#free.get(batchSize) ?? [];
    free.push(slot);
    this.#free.set(batchSize, free);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const slot of this.#working.values()) this.#failSlot(slot, error);
  }

  #failSlot(slot: Slot, error: Error): void {
    if (Atomics.load(slot.state, 0) <= 0) return;
    slot.failure = error;
    Atomics.store(slot.state, 0, CANCELLED);
    Atomics.notify(slot.state, 0);
  }
}
