/**
 * What the whole window knows: the library, the queue with what runs now, the device's reading, engine and disk. One
 * instance, made by App.svelte and read anywhere below it with `getApp()`.
 */
import { createContext } from 'svelte';
import type {
  AppInfo,
  DeviceReading,
  EngineStatus,
  Queue,
  RunSummary,
  StorageReport,
} from '../../preload/contract.ts';
import { api } from './api.ts';
import { onNotice } from './notices.ts';
import { resource, type Resource } from './resource.svelte.ts';

/** Progress in the top bar and in rows need not move faster than this. */
const PROGRESS_EVERY_MS = 500;
/** Walking the library's folders is dear; the status line can be late. */
const STORAGE_EVERY_MS = 30_000;

export class AppState {
  readonly info: Resource<AppInfo>;
  readonly queue: Resource<Queue>;
  readonly engine: Resource<EngineStatus>;
  readonly storage: Resource<StorageReport>;
  device: DeviceReading | null = $state.raw(null);

  constructor() {
    this.info = resource(() => api.getAppInfo());
    this.queue = resource(() => api.getQueue(), {
      refreshOn: (notice) =>
        notice.type === 'queue-changed' || notice.type === 'runs-changed' || notice.type === 'run-grew',
      everyMs: PROGRESS_EVERY_MS,
    });
    this.engine = resource(() => api.getEngine(), {
      refreshOn: (notice) =>
        notice.type === 'settings-changed' ||
        (notice.type === 'task-changed' &&
          notice.task.kind === 'install-engine' &&
          notice.task.state !== 'running'),
    });
    this.storage = resource(() => api.getStorage(), {
      refreshOn: (notice) => notice.type === 'run-ended' || notice.type === 'datasets-changed',
      everyMs: STORAGE_EVERY_MS,
    });
    $effect(() => {
      const stop = onNotice('device', ({ reading }) => (this.device = reading));
      void api.getDevice().then(
        (reading) => (this.device ??= reading),
        () => undefined, // the meter stays empty; the next notice fills it
      );
      return stop;
    });
  }

  /** The runs that train or prepare now, oldest first. */
  get running(): RunSummary[] {
    return this.queue.value?.running ?? [];
  }
}

export const [getApp, setApp] = createContext<AppState>();
