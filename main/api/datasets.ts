/** The contract's functions about datasets. Everything that reads foreign files or pixels runs in the background. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type {
  AddDatasetOptions,
  Api,
  DatasetDetail,
  DatasetOffer,
  PhotographDetail,
  PhotographOptions,
  Task,
} from '../../preload/contract.ts';
import { frequencyStatistics } from '../analysis/frequency.ts';
import {
  findLocalDatasets,
  OFFICIAL_DATASETS,
  previewSubset,
  type DatasetManifest,
} from '../datasets/index.ts';
import { isRootThere } from '../datasets/photographs/root.ts';
import { assetsFolder } from '../paths.ts';
import { StudioError } from '../store/errors.ts';
import { schemesOf } from '../store/scores.ts';
import type { TaskContext } from '../tasks.ts';
import type { ApiContext } from './context.ts';
import { lastPhotoCheck } from './datasetFit.ts';
import { freeDatasetName, suggestDatasetName } from './datasetNames.ts';

type DatasetApi = Pick<
  Api,
  | 'listDatasets'
  | 'getDataset'
  | 'listDatasetOffers'
  | 'probeDataset'
  | 'cancelProbe'
  | 'previewSubset'
  | 'addDataset'
  | 'addSampleDataset'
  | 'downloadDataset'
  | 'verifyDataset'
  | 'listDatasetProblems'
  | 'relocateDataset'
  | 'renameDataset'
  | 'deleteDataset'
  | 'listImages'
>;

/** Runs that a refused deletion names; the rest is counted. */
const NAMED_RUNS = 3;

/** Looking into a packed dataset takes milliseconds; a minute means that something hangs. */
const LOOK_TIMEOUT_MS = 60_000;

export function datasetApi(context: ApiContext): DatasetApi {
  const { libraryFolder, store, background, tasks, trashFiles, notify } = context;
  const folderOf = (id: number): string => path.join(libraryFolder, store.datasets.get(id).folder);
  const changed = (): void => notify({ type: 'datasets-changed' });

  /** Options as the background takes them: another dataset by its folder. */
  function photographOptions(options: PhotographOptions | null) {
    if (options === null) return null;
    const { lists: _, leaveOutProblemsOf, ...choices } = options;
    return {
      ...choices,
      leaveOutProblemsOf: leaveOutProblemsOf === null ? null : folderOf(leaveOutProblemsOf),
    };
  }

  /** A name that is given must be free now, so that nobody waits for a task that can't end well. */
  function addDataset(options: AddDatasetOptions): Task {
    const { name } = options;
    const photographs = photographOptions(options.photographs ?? null);
    if (name !== null) store.datasets.refuseTakenName(name, null);
    return tasks.start('add-dataset', `Add ${name ?? path.basename(options.path)}`, async (task) => {
      const id = store.datasets.takeNumber();
      const { manifest, folder, sizeBytes } = await background.run(
        'registerDataset',
        {
          libraryFolder,
          id,
          source: { path: options.path, lists: options.photographs?.lists ?? null, kind: options.kind },
          options: {
            subset: options.subset,
            photographs,
            validation:
              options.validationFraction === 0
                ? null
                : { fraction: options.validationFraction, seed: options.validationSeed },
          },
        },
        task,
      );
      const chosen = name ?? freeDatasetName(store, suggestDatasetName(manifest));
      try {
        store.datasets.add({ id, name: chosen, manifest, sizeBytes, createdAtMs: Date.now() });
      } catch (error) {
        // Without a row the files are of no use.
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
      changed();
      // Their files lie where anything may happen to them: each is looked at before training trips over one.
      if (manifest.photographs !== null) verify(id);
      return { resultId: id, message: `${chosen}: ${manifest.counts.train} training images` };
    });
  }

  /** Looks at sources that are under way, by their tickets. */
  const probes = new Map<string, AbortController>();

  /** Tasks that check a dataset, by its id. */
  const checks = new Map<number, number>();

  let lastCheck: Promise<unknown> = Promise.resolve();

  /** Does checks one after another; one that is cancelled while it waits is not begun. */
  function oneByOne<T>({ signal, onProgress }: TaskContext, check: () => Promise<T>): Promise<T> {
    onProgress(null, 'Waiting for another check');
    const turn = lastCheck.then(() => {
      signal.throwIfAborted();
      return check();
    });
    lastCheck = turn.catch(() => undefined);
    return turn;
  }

  function runningCheck(id: number): Task | null {
    const taskId = checks.get(id);
    const task = taskId === undefined ? undefined : tasks.list().find((one) => one.id === taskId);
    return task?.state === 'running' ? task : null;
  }

  /** Starts a check, or gives the one that is under way. */
  function verify(id: number): Task {
    const { name, manifest } = store.datasets.get(id);
    const folder = folderOf(id);
    const running = runningCheck(id);
    if (running !== null) return running;
    const task = tasks.start('verify-dataset', `Verify ${name}`, async (task) => {
      const check = () => background.run('verifyDataset', { folder }, task);
      // Reading every photograph takes long, and whoever looks at pictures meanwhile needs a process too.
      const { ok, message } = await (manifest.photographs === null ? check() : oneByOne(task, check));
      store.datasets.setVerification(id, ok ? 'verified' : 'failed', message, Date.now());
      changed();
      return { resultId: id, message };
    });
    checks.set(id, task.id);
    return task;
  }

  /** Ends the check of a dataset, which is of no use any more. */
  async function endCheck(id: number): Promise<void> {
    const running = runningCheck(id);
    if (running !== null) await tasks.cancel(running.id);
  }

  async function detail(id: number): Promise<DatasetDetail> {
    const summary = store.datasets.summary(id);
    const { manifest, folder } = store.datasets.get(id);
    const { gini, effectiveClasses, topFifthShare, lorenz } = frequencyStatistics(manifest.classCounts);
    return {
      ...summary,
      classNames: manifest.classNames,
      height: manifest.height,
      width: manifest.width,
      channels: manifest.channels,
      subset: manifest.subset,
      validation: manifest.val,
      source: { path: manifest.source.path, files: manifest.source.files },
      subsetHash: manifest.subsetHash,
      sameAsReference: manifest.sameAsReference,
      mean: manifest.mean,
      std: manifest.std,
      gini,
      effectiveClasses,
      topFifthShare,
      lorenz,
      schemes: schemesOf(manifest.classCounts),
      folder: path.join(libraryFolder, folder),
      photographs: await photographDetail(background, manifest, path.join(libraryFolder, folder)),
    };
  }

  return {
    async listDatasets() {
      return store.datasets.list();
    },

    async getDataset({ id }) {
      return detail(id);
    },

    listDatasetOffers,

    async probeDataset({ path: source, lists, ticket }) {
      const controller = new AbortController();
      if (ticket !== undefined) probes.set(ticket, controller);
      try {
        const location = { path: source, lists: lists ?? null, kind: null };
        return await background.run('probeDataset', location, { signal: controller.signal });
      } finally {
        if (ticket !== undefined) probes.delete(ticket);
      }
    },

    async cancelProbe({ ticket }) {
      const probe = probes.get(ticket);
      probe?.abort(
        new StudioError('conflict', 'The look at this source was cancelled; nothing was written.'),
      );
      return { cancelled: probe !== undefined };
    },

    async previewSubset({ classCounts, subset, validationFraction, testFraction = 0 }) {
      const preview = previewSubset(classCounts, subset, validationFraction, testFraction);
      return { ...preview, schemes: schemesOf(preview.classCounts) };
    },

    async addDataset(options) {
      return addDataset(options);
    },

    async addSampleDataset() {
      return addDataset({
        path: path.join(assetsFolder(), 'sample'),
        kind: 'sample',
        name: null,
        // The sample is a long-tailed subset already.
        subset: { type: 'full', imbalanceFactor: 1 },
        validationFraction: 0,
        validationSeed: 0,
      });
    },

    async downloadDataset({ kind }) {
      const official = OFFICIAL_DATASETS.find((one) => one.kind === kind);
      if (official === undefined)
        throw new StudioError(
          'invalid-arguments',
          `There is no official download of ${kind}. Get its files yourself and give their path.`,
        );
      return tasks.start('download-dataset', `Download ${official.title}`, async (task) => {
        const folder = path.join(libraryFolder, 'downloads', official.kind);
        const found = await background.run('downloadDataset', { kind: official.kind, folder }, task);
        return { resultPath: found.path, message: found.path };
      });
    },

    async verifyDataset({ id }) {
      return verify(id);
    },

    async listDatasetProblems({ id, ...page }) {
      return background.run(
        'listPhotoProblems',
        { folder: folderOf(id), ...page },
        { timeoutMs: LOOK_TIMEOUT_MS },
      );
    },

    async relocateDataset({ id, root }) {
      const { name, manifest } = store.datasets.get(id);
      if (manifest.photographs === null)
        throw new StudioError(
          'invalid-arguments',
          `“${name}” is packed into the library, so it has no folder of photographs to change.`,
        );
      const folder = folderOf(id);
      return tasks.start('relocate-dataset', `Look for the images of ${name}`, async (task) => {
        await endCheck(id);
        store.datasets.setRoot(id, await background.run('relocateDataset', { folder, root }, task));
        store.datasets.setVerification(id, 'never', null, null);
        changed();
        verify(id);
        return { resultId: id, message: `${name} takes its images from ${root}.` };
      });
    },

    async renameDataset({ id, name }) {
      store.datasets.rename(id, name);
      changed();
      return store.datasets.summary(id);
    },

    async deleteDataset({ id }) {
      const { name } = store.datasets.get(id);
      const entry = store.transaction(() => {
        const runs = store.runs.ofDataset(id);
        if (runs.length > 0) throw inUse(name, runs);
        return store.trash.putDataset(id, name, Date.now());
      });
      await endCheck(id);
      await trashFiles.putAway(entry.token);
      changed();
      return { undo: entry.token };
    },

    async listImages({ datasetId, ...page }) {
      return background.run(
        'listImages',
        { folder: folderOf(datasetId), ...page },
        { timeoutMs: LOOK_TIMEOUT_MS },
      );
    },
  };
}

async function photographDetail(
  background: ApiContext['background'],
  { source, photographs, classCounts }: DatasetManifest,
  folder: string,
): Promise<PhotographDetail | null> {
  if (photographs === null) return null;
  const sourceLabels = Array.from(classCounts.keys());
  photographs.rankLabels?.forEach((label, sourceLabel) => {
    sourceLabels[label] = sourceLabel;
  });
  return {
    root: source.path,
    rootExists: await isRootThere(source.path),
    normalisation: photographs.normalisation,
    rankLabels: photographs.rankLabels !== null,
    sourceLabels,
    lists: photographs.lists,
    testFraction: photographs.testFraction,
    leftOut: photographs.leftOut,
    // A damaged result is told where it is listed.
    problems: (await lastPhotoCheck(background, folder).catch(() => null))?.problems ?? 0,
  };
}

function inUse(name: string, runs: readonly { id: number; name: string }[]): StudioError {
  const named = runs.slice(0, NAMED_RUNS).map((run) => `${run.name} (${run.id})`);
  const more = runs.length - named.length;
  return new StudioError(
    'in-use',
    `The dataset “${name}” is used by ${runs.length === 1 ? 'the run' : `${runs.length} runs:`} ${named.join(', ')}` +
      `${more > 0 ? ` and ${more} more` : ''}. Delete ${runs.length === 1 ? 'it' : 'them'} first.`,
    { runIds: runs.map(({ id }) => id) },
  );
}

async function listDatasetOffers(): Promise<DatasetOffer[]> {
  const local = await findLocalDatasets();
  const pathOf = (kind: string): string | null => local.find((one) => one.kind === kind)?.path ?? null;
  return [
    {
      kind: 'sample',
      title: 'Sample',
      description: 'A long-tailed slice of Fashion-MNIST that comes with ResLT Studio, for a first run',
      localPath: path.join(assetsFolder(), 'sample'),
      download: null,
    },
    ...OFFICIAL_DATASETS.map(({ kind, title, description, sizeBytes, host }) => ({
      kind,
      title,
      description,
      localPath: pathOf(kind),
      download: { sizeBytes, host },
    })),
  ];
}
