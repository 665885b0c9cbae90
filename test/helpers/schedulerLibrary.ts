/** A library in a temporary folder with a dataset row and queued runs, and an owner of it whose trainers are floods. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EngineChoice, Notice, RunState } from '../../preload/contract.ts';
import { controlSocketPath } from '../../main/scheduler/controlPath.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from '../../main/scheduler/index.ts';
import { openStore, type Store } from '../../main/store/index.ts';
import type { Flood } from './floodTrainer.ts';
import { addDataset, exampleManifest, exampleRun } from './library.ts';

export function makeLibraryFolder(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'reslt-library-'));
}

/** The library's store with one dataset, number 1, of which there are no files. */
export function openLibrary(folder: string): Store {
  mkdirSync(path.join(folder, 'runs'), { recursive: true });
  const store = openStore(path.join(folder, 'library.db'));
  if (store.datasets.list().length === 0) addDataset(store, 'nothing', exampleManifest());
  return store;
}

/** A run in state `queued`, without a place in the queue. */
export function createRun(store: Store, engine: EngineChoice = 'wasm'): number {
  return store.runs.create(exampleRun(1, { slug: 'flood', config: { engine, seed: 0 } }));
}

export interface Owner {
  store: Store;
  scheduler: Scheduler;
  notices: Notice[];
  reports: string[];
  close(): Promise<void>;
}

/** Opens the library and a scheduler on it, not yet started. What `flood` says goes to the trainers of this owner. */
export function openOwner(
  folder: string,
  flood: Partial<Flood>,
  options: Partial<Pick<SchedulerOptions, 'deadlines' | 'settings' | 'selectEngine' | 'trainer'>> = {},
): Owner {
  const store = openLibrary(folder);
  const notices: Notice[] = [];
  const reports: string[] = [];
  const scheduler = createScheduler({
    store: store.scheduling,
    libraryFolder: folder,
    trainer: { command: process.execPath, args: [path.join(import.meta.dirname, 'floodTrainer.ts')] },
    appVersion: '0.0.0',
    selectEngine: async () => ({
      name: 'wasm',
      reason: 'A flood needs no engine.',
      installed: null,
      environment: async () => ({ RESLT_FLOOD: JSON.stringify(flood) }),
    }),
    settings: () => ({ concurrency: 1, threads: 2 }),
    notify: (notice) => notices.push(notice),
    report: (message) => reports.push(message),
    ...options,
  });
  return {
    store,
    scheduler,
    notices,
    reports,
    async close() {
      await scheduler.close();
      store.close();
    },
  };
}

/** Waits until a condition holds. Throws with `what` when it does not within the limit. */
export async function waitFor(what: string, limitMs: number, holds: () => boolean): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms in vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits for a run to be in a state; fails at once when it ended in another. */
export async function waitForState(
  store: Store,
  runId: number,
  state: RunState,
  limitMs = 15_000,
): Promise<void> {
  const ends: RunState[] = ['completed', 'failed', 'stopped', 'crashed', 'paused'];
  await waitFor(`run ${runId} ${state}`, limitMs, () => {
    const run = store.runs.get(runId);
    if (run.state !== state && ends.includes(run.state) && ends.includes(state)) {
      throw new Error(`Run ${runId} is ${run.state}, not ${state}: ${run.stateMessage}`);
    }
    return run.state === state;
  });
}

/** Kills what is left of a library's trainers and removes its folder and their sockets. */
export function removeLibrary(folder: string, pids: readonly (number | null | undefined)[] = []): void {
  for (const pid of pids) {
    try {
      if (typeof pid === 'number') process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
  if (process.platform !== 'win32') {
    for (let runId = 1; runId <= 5; runId++) rmSync(controlSocketPath(folder, runId), { force: true });
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
