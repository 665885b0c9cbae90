/**
 * Opens everything that an owner of a library has, once and in order: folder, lock, store, background, scheduler, socket.
 * `close()` undoes it in reverse. The shells (desktop, headless) put their transport in front of it; training is in
 * processes of its own and goes on when this closes.
 */
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { AppInfo, Notice } from '../preload/contract.ts';
import { createApi, createDispatch } from './api.ts';
import { methodLabel } from './api/configText.ts';
import { freeDatasetName, suggestDatasetName } from './api/datasetNames.ts';
import { toApiError } from './apiErrors.ts';
import { readManifest, sweepPartialDatasets } from './datasets/index.ts';
import { engineEnvironment, readDevice, selectEngine } from './engine/index.ts';
import { sweepImports } from './api/imports.ts';
import { createBackground } from './owner/background.ts';
import { createForeignFiles } from './owner/foreign.ts';
import { lockLibrary } from './owner/lock.ts';
import { coalesceNotices } from './owner/notices.ts';
import { serveOwner, type OwnerServer, type OwnerServices } from './owner/server.ts';
import { ownerSocketPath } from './owner/socketPath.ts';
import { appVersion, entry } from './paths.ts';
import { createResources } from './resources.ts';
import { createScheduler, type UsableEngine } from './scheduler/index.ts';
import { openStore, type Store } from './store/index.ts';
import { StudioError } from './store/errors.ts';
import { Tasks } from './tasks.ts';
import { TrashFiles } from './trashFiles.ts';

/** How often the device is read while somebody looks. */
const DEVICE_INTERVAL_MS = 2000;

export interface ServicesOptions {
  libraryFolder: string;
  shell: AppInfo['shell'];
  /** Sentences for the owner's log. */
  report?: (message: string) => void;
  /** The program that trains; ours unless a test brings its own. */
  trainer?: { command: string; args: readonly string[] };
}

export interface Services extends OwnerServices {
  readonly libraryFolder: string;
  /** Sends a notice to everybody who listens: a shell's command to the page. */
  notify(notice: Notice): void;
  /** Tells other processes where the page is served; `fresh` gives an address that a browser can open once. */
  offerPage(url: string, fresh: () => string): void;
  /** Nothing runs, waits or is worked on, and no other process is connected. */
  isIdle(): boolean;
  /** Calls back whenever that may have become true. */
  onIdle(listener: () => void): () => void;
  /** Lets go of everything; trainers go on. */
  close(): Promise<void>;
}

/** Opens a library. Throws StudioError `library-busy` when another process owns it; nothing is left open then. */
export async function openServices({
  libraryFolder,
  shell,
  report = logToStderr,
  trainer = entry('trainer'),
}: ServicesOptions): Promise<Services> {
  const undo: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await open({ libraryFolder: path.resolve(libraryFolder), shell, report, trainer }, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  { libraryFolder, shell, report, trainer }: Required<ServicesOptions>,
  undo: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Services> {
  makeFolders(libraryFolder);
  const lock = lockLibrary(libraryFolder, { shell, version: appVersion() });
  undo.push(() => lock.release());

  const store = openStore(path.join(libraryFolder, 'library.db'), { report, methodLabel });
  undo.push(() => store.close());

  const listeners = new Set<(notice: Notice) => void>();
  const notify = coalesceNotices((notice) => {
    for (const listener of listeners) listener(notice);
  });

  const background = createBackground();
  undo.push(() => background.close());
  const foreign = createForeignFiles();
  undo.push(() => foreign.close());
  const tasks = new Tasks(notify, toApiError);
  undo.push(() => tasks.close());
  const trashFiles = new TrashFiles(libraryFolder, store);

  await sweepPartialDatasets(libraryFolder);
  await adoptDatasets(libraryFolder, store, report);
  await sweepImports({ libraryFolder, store, trashFiles, report });
  // A full trash takes a while; nothing waits for it.
  trashFiles
    .tidy(Date.now())
    .catch((error: unknown) => report(`The trash could not be tidied: ${(error as Error).message}`));
  undo.push(() => trashFiles.close());

  const scheduler = createScheduler({
    store: store.scheduling,
    libraryFolder,
    trainer,
    appVersion: appVersion(),
    selectEngine: (choice) => usableEngine(choice === 'auto' ? store.settings.read().engine : choice),
    settings: () => store.settings.read(),
    notify,
    report,
  });
  undo.push(() => scheduler.close());
  await scheduler.start();

  const context = { libraryFolder, shell, store, scheduler, background, foreign, tasks, trashFiles, notify };
  const dispatch = createDispatch(createApi(context), report);
  const resource = createResources({ libraryFolder, store, background });

  const subscribe = (listener: (notice: Notice) => void): (() => void) => {
    // A set of its own functions, so that one listener given twice is told twice and leaves once.
    const own = (notice: Notice): void => listener(notice);
    listeners.add(own);
    return () => void listeners.delete(own);
  };
  undo.push(meterDevice(() => listeners.size > 0, notify));

  let freshPage: (() => string) | null = null;
  const pageUrl = async (): Promise<string | null> => freshPage?.() ?? null;
  const socketPath = ownerSocketPath(libraryFolder);
  const server: OwnerServer = await serveOwner(socketPath, { dispatch, subscribe, resource, pageUrl });
  undo.push(() => server.close());
  lock.describe({ socketPath });

  const isIdle = (): boolean => scheduler.isIdle() && tasks.isIdle() && server.clientCount() === 0;
  return {
    libraryFolder,
    dispatch,
    subscribe,
    resource,
    notify,
    pageUrl,
    offerPage(url, fresh) {
      freshPage = fresh;
      lock.describe({ url });
    },
    isIdle,
    onIdle(listener) {
      const look = (): void => {
        if (isIdle()) listener();
      };
      const leave = [scheduler.onIdle(look), server.onClientGone(look), subscribe(look)];
      return () => leave.forEach((one) => one());
    },
    close,
  };
}

function makeFolders(libraryFolder: string): void {
  try {
    for (const folder of ['datasets', 'runs', 'trash'])
      mkdirSync(path.join(libraryFolder, folder), { recursive: true });
  } catch (cause) {
    throw new StudioError(
      'not-allowed',
      `The library folder ${libraryFolder} could not be made: ${(cause as Error).message}. Choose another with --library, or make it writable.`,
      null,
      { cause },
    );
  }
}

/**
 * Datasets that lie in the library without a row: complete, but their owner died before it wrote them down, or the
 * database was brought back from a copy. They get their row now, so that nothing is lost.
 */
async function adoptDatasets(
  libraryFolder: string,
  store: Store,
  report: (message: string) => void,
): Promise<void> {
  const known = store.datasets.knownNumbers();
  const names = await readdir(path.join(libraryFolder, 'datasets'));
  for (const id of names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)) {
    if (known.has(id)) continue;
    const folder = path.join(libraryFolder, 'datasets', String(id));
    try {
      const manifest = await readManifest(folder);
      const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
      const name = freeDatasetName(store, suggestDatasetName(manifest));
      store.datasets.add({ id, name, manifest, sizeBytes, createdAtMs: Date.now() });
      report(`The dataset in ${folder} was not in the list; it is now, as “${name}”.`);
    } catch (error) {
      report(
        `The folder ${folder} holds no complete dataset and was left alone: ${(error as Error).message}`,
      );
    }
  }
}

/** The engine that a run gets, in the scheduler's words. */
async function usableEngine(choice: Parameters<typeof selectEngine>[0]): Promise<UsableEngine> {
  const selected = await selectEngine(choice);
  return {
    name: selected.name,
    reason: selected.reason,
    installed: selected.engine,
    environment: (threads) => engineEnvironment(selected, { threads }),
  };
}

/** Reads the device every two seconds while somebody listens. */
function meterDevice(isWatched: () => boolean, notify: (notice: Notice) => void): () => void {
  const timer = setInterval(() => {
    if (!isWatched()) return;
    readDevice().then(
      (reading) => notify({ type: 'device', reading }),
      // Nobody needs the meter; it tries again in two seconds.
      () => undefined,
    );
  }, DEVICE_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function logToStderr(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message}\n`);
}
