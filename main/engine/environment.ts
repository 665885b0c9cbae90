/** The environment variables of a process that loads an engine. They are read when the process starts, so they go to spawn. */
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { InstalledEngine } from './installed.ts';

export interface EngineUse {
  /** Null for wasm, which needs nothing. */
  engine: InstalledEngine | null;
  /** Train on the CPU even if the engine could use a GPU. */
  hideGpus: boolean;
}

/**
 * Settings of glibc's allocator that keep freed memory in the process. Otherwise each step's large buffers go back to
 * the system and are fetched, zeroed, again: about 6 % of a step.
 */
const KEEP_FREED_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(16 * 2 ** 30),
  MALLOC_TOP_PAD_: String(256 * 2 ** 20),
};

/**
 * Variables to merge over `process.env` when a trainer is spawned. `threads`: how many CPU threads TensorFlow computes
 * with; null leaves it all cores.
 */
export async function engineEnvironment(
  { engine, hideGpus }: EngineUse,
  { threads }: { threads: number | null },
): Promise<Record<string, string>> {
  if (engine === null) return {};
  const folders = [engine.libraryFolder, ...(await nvidiaFolders(engine))];
  const inherited = process.env.LD_LIBRARY_PATH;
  const environment: Record<string, string> = {
    LD_LIBRARY_PATH: [...folders, ...(inherited !== undefined && inherited !== '' ? [inherited] : [])].join(
      path.delimiter,
    ),
    // Memory grows as needed instead of all being taken at the start: others may use the GPU too.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // Errors and warnings only: the start-up notices say nothing that doctor does not.
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '1',
    ...KEEP_FREED_MEMORY,
    // Images are decoded in Node's pool of threads, which has four unless told otherwise.
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? String(Math.max(4, availableParallelism())),
  };
  if (hideGpus) environment.CUDA_VISIBLE_DEVICES = '-1';
  if (threads !== null) {
    environment.TF_NUM_INTRAOP_THREADS = String(threads);
    environment.TF_NUM_INTEROP_THREADS = '1';
  }
  return environment;
}

async function nvidiaFolders(engine: InstalledEngine): Promise<string[]> {
  const root = path.join(engine.folder, 'nvidia');
  const names = await readdir(root).catch(() => []);
  return names.sort().map((name) => path.join(root, name, 'lib'));
}
