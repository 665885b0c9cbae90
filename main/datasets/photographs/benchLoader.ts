/** Measures how fast photographs are prepared for training, through the pool that training uses. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { normalisationTable } from '../augment.ts';
import { DecodePool } from './decodePool.ts';
import { STATE_HEAD, type DecodeJob } from './decodeProtocol.ts';
import { SEED_WORDS } from './exampleRandom.ts';

const SIZE = 224;
const COLOR_JITTER = 0.4;
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Images in shared memory at a time. */
const BATCH_SIZE = 32;

export type DecodeMode = 'exact' | 'scaled';

/** Image files below a folder by their names, sorted, evenly thinned out to at most `limit`. */
export async function findImages(folder: string, limit: number): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const images = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  const count = Math.min(limit, images.length);
  return Array.from({ length: count }, (_, i) =>
    join(folder, images[Math.floor((i * images.length) / count)]!),
  );
}

export interface LoaderBenchmark {
  /** Prepares each file once as for training. Throws Error when one cannot be used. */
  run(decode: DecodeMode): Promise<{ imagesPerSecondPerCore: number }>;
  close(): Promise<void>;
}

/**
 * One thread of the decode pool over `files`. What is measured is processor time of the whole process, so that other
 * programs on the machine, and decoding in another thread than the rest, make no difference.
 */
export function createLoaderBenchmark(files: readonly string[]): LoaderBenchmark {
  let fault: string | null = null;
  const state = new Int32Array(new SharedArrayBuffer((STATE_HEAD + BATCH_SIZE) * 4));
  const seeds = new Uint32Array(new SharedArrayBuffer(BATCH_SIZE * SEED_WORDS * 4));
  const out = new Float32Array(new SharedArrayBuffer(BATCH_SIZE * SIZE * SIZE * 3 * 4));
  const stop = (message: string) => {
    fault ??= message;
    Atomics.store(state, 0, 0);
    Atomics.notify(state, 0);
  };
  const pool = new DecodePool({
    workers: 1,
    table: normalisationTable(IMAGENET.mean, IMAGENET.std),
    retryDelaysMs: [],
    onImageFailed: (_job, _example, message) => stop(message),
    onWarning: stop,
    onFailed: (error) => stop(error.message),
  });

  const prepare = async (batch: readonly string[], preparation: DecodeJob['preparation']) => {
    const generation = Atomics.add(state, 1, 1) + 1;
    state.fill(0, STATE_HEAD);
    seeds.forEach((_, i) => {
      seeds[i] = Math.imul(i + 1, 2654435761) ^ Math.imul(generation, 40503);
    });
    Atomics.store(state, 0, batch.length);
    const examples = batch.map((file, index) => ({ index, row: index, file }));
    pool.submit({ preparation, examples, seeds, out, state, generation });
    for (let left = batch.length; left > 0; left = Atomics.load(state, 0)) {
      const waiting = Atomics.waitAsync(state, 0, left);
      if (waiting.async) await waiting.value;
    }
    if (fault !== null) throw new Error(fault);
  };

  return {
    async run(decode) {
      const preparation = {
        kind: 'training',
        size: SIZE,
        decode,
        flip: true,
        colorJitter: COLOR_JITTER,
      } as const;
      const start = process.cpuUsage();
      for (let first = 0; first < files.length; first += BATCH_SIZE)
        await prepare(files.slice(first, first + BATCH_SIZE), preparation);
      const { user, system } = process.cpuUsage(start);
      return { imagesPerSecondPerCore: files.length / ((user + system) / 1e6) };
    },
    close: () => pool.close(),
  };
}
