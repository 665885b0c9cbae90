/** The contract's functions about the app, its settings, its engine, its tasks and the disk. */
import { readdir, stat, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Api, EngineInfo, EngineStatus, FolderListing } from '../../preload/contract.ts';
import {
  listEngines,
  readDevice,
  removeEngine,
  runDoctor,
  selectEngine,
  type InstalledEngine,
  type SelectedEngine,
} from '../engine/index.ts';
import { appVersion } from '../paths.ts';
import { StudioError } from '../store/errors.ts';
import type { ApiContext } from './context.ts';
import { freeableCheckpoints, removeCheckpointFiles } from './retention.ts';

type SystemApi = Pick<
  Api,
  | 'getAppInfo'
  | 'getSettings'
  | 'updateSettings'
  | 'getPreferences'
  | 'updatePreferences'
  | 'getDevice'
  | 'getEngine'
  | 'installEngine'
  | 'removeEngine'
  | 'getDoctor'
  | 'getStorage'
  | 'freeStorage'
  | 'emptyTrash'
  | 'listFolder'
  | 'listTasks'
  | 'getTask'
  | 'cancelTask'
  | 'undo'
>;

/** A folder with more entries is cut: nobody looks for a dataset by scrolling through them. */
const MAX_LISTED_ENTRIES = 2000;

export function systemApi(context: ApiContext): SystemApi {
  const { libraryFolder, store, scheduler, tasks, trashFiles, notify } = context;

  async function getStorage(): Promise<Awaited<ReturnType<Api['getStorage']>>> {
    const disk = await statfs(libraryFolder);
    const sizes = store.sizes();
    return {
      folder: libraryFolder,
      freeBytes: disk.bavail * disk.bsize,
      totalBytes: disk.blocks * disk.bsize,
      databaseBytes: await databaseBytes(libraryFolder),
      ...sizes,
      freeableBytes: freeableCheckpoints(store).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  return {
    async getAppInfo() {
      return {
        version: appVersion(),
        shell: context.shell,
        platform: process.platform,
        libraryFolder,
        libraryName: path.basename(libraryFolder),
        host: os.hostname(),
      };
    },

    async getSettings() {
      return store.settings.read();
    },

    async updateSettings(change) {
      const settings = store.settings.update(change);
      scheduler.settingsChanged();
      notify({ type: 'settings-changed' });
      return settings;
    },

    async getPreferences() {
      return store.settings.readPreferences();
    },

    async updatePreferences(change) {
      const preferences = store.settings.updatePreferences(change);
      notify({ type: 'settings-changed' });
      return preferences;
    },

    getDevice: () => readDevice(),

    getEngine: () => engineStatus(store.settings.read().engine),

    async installEngine({ device }) {
      return tasks.start('install-engine', 'Install the engine', async ({ signal, onProgress }) => {
        const { id } = await context.background.run('installEngine', { device }, { signal, onProgress });
        notify({ type: 'settings-changed' });
        return { message: `Installed ${id}` };
      });
    },

    async removeEngine({ id }) {
      await removeEngine(id);
      notify({ type: 'settings-changed' });
      return engineStatus(store.settings.read().engine);
    },

    async getDoctor() {
      return (await runDoctor({ libraryFolder })).items;
    },

    getStorage,

    async freeStorage({ dryRun }) {
      const checkpoints = freeableCheckpoints(store);
      const bytes = checkpoints.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (!dryRun) {
        for (const checkpoint of checkpoints) {
          // The row first: a checkpoint that is listed must be there.
          store.transaction(() => {
            store.checkpoints.removeFile(checkpoint.runId, checkpoint.file);
            store.runs.measure(checkpoint.runId);
          });
          await removeCheckpointFiles(libraryFolder, checkpoint);
        }
        notify({ type: 'runs-changed', runIds: [...new Set(checkpoints.map(({ runId }) => runId))] });
      }
      return { checkpoints: checkpoints.length, bytes };
    },

    async emptyTrash() {
      const { trashBytes } = store.sizes();
      for (const { token } of store.trash.list()) await trashFiles.destroy(token);
      return { bytes: trashBytes };
    },

    listFolder: ({ path: folder }) => listFolder(folder ?? os.homedir()),

    async listTasks() {
      return tasks.list();
    },

    async getTask({ id }) {
      return tasks.get(id);
    },

    cancelTask: ({ id }) => tasks.cancel(id),

    async undo({ token }) {
      const { title, kind } = store.trash.get(token);
      await trashFiles.bringBack(token);
      if (kind === 'dataset') notify({ type: 'datasets-changed' });
      else notify({ type: 'runs-changed', runIds: [] });
      return { message: `Brought back: ${title}` };
    },
  };
}

async function engineStatus(choice: EngineStatus['selected'] | 'auto'): Promise<EngineStatus> {
  // What is set may be missing; then the page says why, and that runs will fail with the same sentence.
  const [chosen, installed] = await Promise.all([
    selectEngine(choice).catch((error: unknown) => error as Error),
    listEngines(),
  ]);
  if (chosen instanceof Error)
    return {
      selected: choice === 'auto' ? 'wasm' : choice,
      reason: chosen.message,
      label: 'Engine missing',
      installed: installed.map(engineInfo),
    };
  return {
    selected: chosen.name,
    reason: chosen.reason,
    label: engineLabel(chosen),
    installed: installed.map(engineInfo),
  };
}

function engineLabel({ name, engine }: SelectedEngine): string {
  if (engine === null) return 'WebAssembly';
  return `TensorFlow ${engine.tensorflowVersion}, ${name === 'tensorflow-gpu' ? 'GPU' : 'CPU'}`;
}

function engineInfo({
  id,
  kind,
  tensorflowVersion,
  device,
  sizeBytes,
  builtAtMs,
}: InstalledEngine): EngineInfo {
  return {
    id,
    engine: kind,
    version: tensorflowVersion,
    device: device === 'gpu' ? 'NVIDIA GPU' : 'CPU',
    sizeBytes,
    installedAtMs: builtAtMs,
    removable: true,
  };
}

async function databaseBytes(libraryFolder: string): Promise<number> {
  const sizes = await Promise.all(
    ['library.db', 'library.db-wal'].map((name) =>
      stat(path.join(libraryFolder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Folders first, by name; hidden entries are left out. */
async function listFolder(folder: string): Promise<FolderListing> {
  const resolved = path.resolve(folder);
  const found = await readdir(resolved, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new StudioError(
      cause.code === 'ENOENT' ? 'not-found' : 'not-allowed',
      cause.code === 'ENOENT'
        ? `There is no folder ${resolved}.`
        : `${resolved} could not be read: ${cause.message}.`,
    );
  });
  const entries = await Promise.all(
    found
      .filter(({ name }) => !name.startsWith('.'))
      .slice(0, MAX_LISTED_ENTRIES)
      .map(async ({ name }) => {
        const entryPath = path.join(resolved, name);
        // Follows links, so that a linked folder can be opened; what can't be looked at is shown as a file.
        const status = await stat(entryPath).catch(() => null);
        const isFolder = status?.isDirectory() ?? false;
        return {
          name,
          path: entryPath,
          isFolder,
          sizeBytes: isFolder || status === null ? null : status.size,
        };
      }),
  );
  entries.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || a.name.localeCompare(b.name));
  const parent = path.dirname(resolved);
  return { path: resolved, parent: parent === resolved ? null : parent, entries };
}
