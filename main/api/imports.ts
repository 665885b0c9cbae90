/**
 * The contract's functions that take files of other programs in. A file is read in a process of its own
 * (main/owner/foreign.ts). A run of it is there whole or not at all: its folder carries a mark until its row is written,
 * and what carries a mark at the next start without being whole is removed.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  Api,
  CheckpointImportOptions,
  Config,
  GroupSchemeId,
  GroupValues,
  ImportOptions,
  ImportProbe,
  ImportSource,
  Split,
  Task,
} from '../../preload/contract.ts';
import type { RunForeign } from '../owner/foreign.ts';
import type { FileReport, LogReport } from '../owner/foreignTasks.ts';
import type { CheckpointReport, RecognisedNetwork } from '../owner/foreignCheckpoint.ts';
import { appVersion } from '../paths.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { StudioError } from '../store/errors.ts';
import type { ImportedPoint } from '../store/imports.ts';
import type { Store } from '../store/index.ts';
import { runFolder, type NewRun } from '../store/runs.ts';
import { findNetwork, NETWORKS } from '../training/networks/index.ts';
import type { TaskContext } from '../tasks.ts';
import type { TrashFiles } from '../trashFiles.ts';
import { classesOfOutputs, classOrdersFor, isRenumbered } from './classOrders.ts';
import { methodLabel, runTitle } from './configText.ts';
import type { ApiContext } from './context.ts';
import { headWords, importedConfig, methodOfHead, recipesFor } from './importedConfig.ts';
import { slugOf } from './runs.ts';

type ImportApi = Pick<Api, 'probeImport' | 'importCheckpoint' | 'importLog'>;

/** In a run's folder until the run is whole. */
const MARK = '.importing';

/** Names that a preview lists; the rest is counted. */
const LISTED_NAMES = 20;

/** Rows that are stored at once: some milliseconds. */
const PORTION_ROWS = 2000;

export function importApi(context: ApiContext): ImportApi {
  const { store, foreign, tasks } = context;

  return {
    async probeImport({ path: file, kind }) {
      return toProbe(store, file, await foreign.run('inspectFile', { file: path.resolve(file), kind }));
    },

    async importCheckpoint(options) {
      return start('import-checkpoint', options, (task) =>
        foreign.read((run) => importCheckpoint(context, run, options, task)),
      );
    },

    async importLog(options) {
      return start('import-log', options, (task) => importLog(context, options, task));
    },
  };

  function start(
    kind: Task['kind'],
    options: ImportOptions,
    work: (task: TaskContext) => Promise<number>,
  ): Task {
    // A dataset that is not there is told at once.
    if (options.datasetId !== null) store.datasets.get(options.datasetId);
    return tasks.start(kind, `Import ${path.basename(options.path)}`, async (task) => {
      const id = await work(task);
      return { resultId: id, message: `Run ${id}: ${store.runs.get(id).name}` };
    });
  }
}

// ---------------------------------------------------------------------------------------------------- looking

function toProbe(store: Store, given: string, report: FileReport): ImportProbe {
  const file = path.resolve(given);
  const classes = report.kind === 'log' ? report.log.classes : (report.checkpoint.network?.classes ?? null);
  const network = report.kind === 'log' ? null : report.checkpoint.network;
  const base = {
    path: file,
    fileName: path.basename(file),
    sizeBytes: report.sizeBytes,
    sha256: report.sha256,
    suggestedName: suggestedName(file),
    classes,
    existing: store.runs.importedFrom(report.sha256).map(({ id, name }) => ({ runId: id, name })),
    datasets: store.datasets.list().map(({ id, name }) => {
      const dataset = store.datasets.get(id);
      return {
        id,
        name,
        problem: datasetProblem(dataset, classes, network),
        ...(network === null ? UNORDERED : classOrdersFor(dataset.manifest, network)),
      };
    }),
  };
  return report.kind === 'log'
    ? { ...base, ...logProbe(report.log), kind: 'log', problem: null }
    : { ...base, ...checkpointProbe(report.checkpoint), kind: 'checkpoint' };
}

/** A log's numbers stay at the classes that it prints them for. */
const UNORDERED: Pick<ImportProbe['datasets'][number], 'classOrders' | 'whyOrder'> = {
  classOrders: ['as-stored'],
  whyOrder: null,
};

function logProbe(log: LogReport) {
  const notes = [...log.notes];
  if (log.runs > 1)
    notes.push(`The file holds ${log.runs} trainings, one after another. The newest is imported.`);
  if (!log.hasClasses) notes.push('The log has no accuracies of single classes.');
  return {
    program: log.label,
    method: log.method,
    runs: log.runs,
    epochs: log.epochs,
    evaluations: log.evaluations,
    metrics: log.series,
    hasClasses: log.hasClasses,
    hasGroups: log.hasGroups,
    bestTop1: log.bestTop1,
    lines: log.lines,
    notes,
  };
}

function checkpointProbe(report: CheckpointReport) {
  const { network, format, container, tensors, values, epoch, arch, bestTop1, optimizerBuffers } = report;
  const method = network === null ? null : methodOfHead(network.head);
  return {
    format,
    container,
    tensors,
    values,
    epoch,
    arch,
    bestTop1,
    optimizerBuffers,
    recognised:
      network === null || method === null
        ? null
        : {
            network: network.network,
            networkLabel: findNetwork(network.network).label,
            method,
            methodLabel: methodLabel(method),
            head: headWords(network.head),
            recipes: recipesFor(network).map(({ name, title, detail, benchmark }) => ({
              name,
              label: `${[title, detail].filter((word) => word !== '').join(', ')} on ${benchmark.label}`,
            })),
          },
    prefix: network?.prefix ?? '',
    missing: network?.missing.slice(0, LISTED_NAMES) ?? [],
    leftOver: network?.leftOver.slice(0, LISTED_NAMES) ?? [],
    problem: checkpointProblem(report),
    notes: checkpointNotes(report),
  };
}

/** Why there is no run to be made of it, and what to do. */
function checkpointProblem({ network, tensors, names }: CheckpointReport): string | null {
  if (tensors === 0)
    return 'The file holds no tensors. Save the weights: torch.save(model.state_dict(), FILE).';
  if (network === null)
    return (
      `The ${tensors} tensors (${names.slice(0, 3).join(', ')}, …) are of no network that is known here. ` +
      `Known are ${NETWORKS.map(({ label }) => label).join(', ')}, with the names that their reference programs give.`
    );
  if (methodOfHead(network.head) === null)
    return `The network is a ${findNetwork(network.network).label} with a head (${headWords(network.head)}) for which this version has no method.`;
  if (network.complete) return null;
  const label = findNetwork(network.network).label;
  const [first] = network.misshapen;
  if (first !== undefined)
    return `It looks like a ${label}, but ${first.name} has the shape [${first.shape.join(', ')}] where [${first.expected.join(', ')}] is expected: it is a variant that is not known here.`;
  const { missing } = network;
  return (
    `It looks like a ${label}, but ${count(missing.length, 'tensor')} of it ${missing.length === 1 ? 'is' : 'are'} missing (${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}). ` +
    'Save the whole state dict of the trained model and import that.'
  );
}

function checkpointNotes({ network, optimizerBuffers, epoch, format }: CheckpointReport): string[] {
  if (network === null) return [];
  const notes: string[] = [];
  if (optimizerBuffers !== null)
    notes.push('The optimizer state in the file is left behind: an imported run is not resumed.');
  if (network.leftOver.length > 0)
    notes.push(
      `${count(network.leftOver.length, 'tensor')} of the file ${network.leftOver.length === 1 ? 'belongs' : 'belong'} to nothing in this network and ${network.leftOver.length === 1 ? 'is' : 'are'} left out.`,
    );
  if (epoch === null && format !== 'safetensors')
    notes.push('The file does not say after which epoch it was saved; it is shown as epoch 0.');
  if (isRenumbered(network))
    notes.push(
      "ResLT's programs number the classes of ImageNet-LT and iNaturalist by training count, the rarest first. Import it with its dataset: only then are they put into the dataset's order. " +
        'Which of two classes with equal counts comes first was left to chance there, so a few points of accuracy may be missing.',
    );
  return notes;
}

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

/** Why a dataset can't be what the file is about. */
function datasetProblem(
  { name, manifest }: DatasetRow,
  classes: number | null,
  network: RecognisedNetwork | null,
): string | null {
  const own = manifest.classNames.length;
  if (classes !== null && own !== classes)
    return `The file is about ${classes} classes, and the dataset “${name}” has ${own}. Choose one with ${classes}.`;
  if (network === null) return null;
  const { channels, height, width } = manifest;
  if (network.channels !== channels)
    return `The network takes images of ${count(network.channels, 'channel')}, and the dataset “${name}” has ${channels}.`;
  try {
    findNetwork(network.network).build({ height, width, channels, classes: own, head: network.head });
    return null;
  } catch (error) {
    return `${findNetwork(network.network).label} can't take images of “${name}”: ${(error as Error).message}`;
  }
}

/** "model_best" of `…/model_best.pth.tar`; the names of programs' log files say nothing, so their folder's does. */
function suggestedName(file: string): string {
  const stem = path
    .basename(file)
    .replace(/(\.pth)?(\.tar|\.pth|\.pt|\.safetensors|\.log|\.txt|\.csv)$/i, '');
  const isPlain = /^(info|log|train|log_train|log_test|checkpoint|model_best|ckpt|ckpt\.best|weights)$/i.test(
    stem,
  );
  const folder = path.basename(path.dirname(file));
  return isPlain && folder !== '' ? `${folder}-${stem}` : stem === '' ? 'imported' : stem;
}

// -------------------------------------------------------------------------------------------------- importing

/** Looks at the file and converts it, in one process of its own. */
async function importCheckpoint(
  context: ApiContext,
  run: RunForeign,
  options: CheckpointImportOptions,
  task: TaskContext,
): Promise<number> {
  const { store, libraryFolder, scheduler, notify } = context;
  const file = path.resolve(options.path);
  const report = await run('inspectFile', { file, kind: 'checkpoint' }, task);
  if (report.kind !== 'checkpoint') throw new StudioError('file-invalid', `${file} is no checkpoint.`);
  const { checkpoint } = report;
  const problem = checkpointProblem(checkpoint);
  if (problem !== null) throw new StudioError('file-invalid', `${file}: ${problem}`);
  const network = checkpoint.network!;
  if (options.network !== null && options.network !== network.network)
    throw new StudioError(
      'file-invalid',
      `${file} was expected to hold a ${options.network}, and holds a ${network.network} (${headWords(network.head)}).`,
    );
  refuseKnown(store, options, report.sha256);
  const dataset = options.datasetId === null ? null : store.datasets.get(options.datasetId);
  if (dataset !== null) {
    const unfit = datasetProblem(dataset, network.classes, network);
    if (unfit !== null) throw new StudioError('invalid-arguments', unfit);
  }
  if (options.classOrder !== 'as-stored' && dataset === null)
    throw new StudioError(
      'invalid-arguments',
      `The order of classes ${options.classOrder} takes a dataset that the classes are put into the order of. Name one (--dataset), or keep the order of the file.`,
    );

  const fileName = path.basename(file);
  const { config, recipe } = importedConfig(network, {
    recipe: options.recipe,
    dataset: dataset?.name ?? '',
    fileName,
  });
  const name = options.name ?? suggestedName(file);
  const epoch = checkpoint.epoch ?? 0;
  return writeRun(
    context,
    name,
    async (id, folder) => {
      const written = await run(
        'convertCheckpoint',
        {
          file,
          expected: report.sha256,
          target: {
            folder,
            runId: id,
            appVersion: appVersion(),
            config,
            epoch,
            fileName,
            classOfOutput: dataset === null ? null : classesOfOutputs(options.classOrder, dataset.manifest),
            classOrder: options.classOrder,
            rankLabels: dataset?.manifest.photographs?.rankLabels ?? null,
          },
        },
        task,
      );
      task.signal.throwIfAborted();
      const nowMs = Date.now();
      const splits: Split[] = dataset?.manifest.val ? ['val', 'test'] : ['test'];
      const row = newRun(id, name, {
        title: runTitle(config, null),
        detail: `${findNetwork(network.network).label} from ${fileName}`,
        method: String(config['method']),
        network: network.network,
        datasetId: dataset?.id ?? null,
        config,
        evaluate:
          dataset === null
            ? null
            : { checkpointPath: path.join(folder, ...written.written.file.split('/')), splits },
        imported: {
          kind: 'checkpoint',
          fileName,
          sizeBytes: report.sizeBytes,
          sha256: report.sha256,
          importedAtMs: nowMs,
          format: checkpoint.format,
          classes: network.classes,
          epoch: checkpoint.epoch,
          bestTop1: checkpoint.bestTop1,
          recipe,
          classOrder: options.classOrder,
        },
        createdAtMs: nowMs,
      });
      store.transaction(() => {
        store.imports.create(row, dataset === null ? 'completed' : 'queued', {
          epoch,
          step: 0,
          roles: ['last'],
          file: written.written.file,
          sizeBytes: written.written.sizeBytes,
          logits: null,
          evaluated: [],
          createdAtMs: nowMs,
        });
        if (dataset !== null) scheduler.enqueue([id], { first: false });
      });
      notify({ type: 'runs-changed', runIds: [id] });
      if (dataset !== null) notify({ type: 'datasets-changed' });
    },
    libraryFolder,
  );
}

async function importLog(context: ApiContext, options: ImportOptions, task: TaskContext): Promise<number> {
  const { store, foreign, libraryFolder, notify } = context;
  const file = path.resolve(options.path);
  const read = await foreign.run('readLog', { file, expected: options.sha256 }, task);
  refuseKnown(store, options, read.sha256);
  const { run } = read;
  const { classes, beta } = run.facts;
  const dataset = options.datasetId === null ? null : store.datasets.get(options.datasetId);
  if (dataset !== null) {
    const unfit = datasetProblem(dataset, classes, null);
    if (unfit !== null) throw new StudioError('invalid-arguments', unfit);
  }
  const name = options.name ?? suggestedName(file);
  const fileName = path.basename(file);
  const method = run.facts.method ?? 'unknown';
  const warnings = [
    ...logProbe(read.report).notes,
    ...(read.report.skippedLines > 0
      ? [
          `${count(read.report.skippedLines, 'line')} of the log say nothing that is known here; all are in the log as they were.`,
        ]
      : []),
  ];
  return writeRun(
    context,
    name,
    async (id) => {
      const nowMs = Date.now();
      const imported: ImportSource = {
        kind: 'log',
        fileName,
        sizeBytes: read.sizeBytes,
        sha256: read.sha256,
        importedAtMs: nowMs,
        format: read.report.label,
        classes,
        epoch: run.epochs,
        bestTop1: run.facts.bestTop1,
        recipe: null,
        classOrder: 'as-stored',
      };
      // Only what the log proves; the rest of the settings is not known.
      const config: Config = {
        method,
        epochs: run.epochs,
        ...(beta === null ? {} : { beta }),
        ...(dataset === null ? {} : { dataset: dataset.name }),
      };
      store.imports.create(
        newRun(id, name, {
          title: method === 'unknown' ? read.report.label : runTitle(config, null),
          detail: `log from ${fileName}`,
          method,
          network: '',
          datasetId: dataset?.id ?? null,
          config,
          evaluate: null,
          imported,
          warnings,
          createdAtMs: nowMs,
        }),
        'preparing',
        null,
      );
      const target = { id, datasetId: dataset?.id ?? null };
      for (const [first, lines] of portions(read.lines)) {
        await breathe(task);
        store.imports.addLines(id, first + 1, lines, nowMs);
      }
      const points = run.series.flatMap(({ metric, points: own }) =>
        own.map((point): ImportedPoint => ({ metric, ...point })),
      );
      for (const [, some] of portions(points)) {
        await breathe(task);
        store.imports.addPoints(id, some);
      }
      const evaluations = run.evaluations.map(({ groups, perClass, ...result }) => ({
        result: { ...result, perClass: perClass ?? [], branches: {}, seconds: null },
        groups: groupsOf(groups),
      }));
      for (const [, some] of portions(evaluations)) {
        await breathe(task);
        store.imports.addEvaluations(target, some, nowMs);
      }
      const stepsPerEpoch = run.stepsPerEpoch.count;
      store.imports.finish(
        target,
        { step: stepsPerEpoch * run.epochs, epochs: run.epochs, lines: read.lines.length, stepsPerEpoch },
        nowMs,
      );
      notify({ type: 'runs-changed', runIds: [id] });
      if (dataset !== null) notify({ type: 'datasets-changed' });
    },
    libraryFolder,
  );
}

/** Lets requests of the interface come in between, and gives up when that was asked. */
async function breathe({ signal }: TaskContext): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

function* portions<T>(items: readonly T[]): Generator<[first: number, items: T[]]> {
  for (let first = 0; first < items.length; first += PORTION_ROWS)
    yield [first, items.slice(first, first + PORTION_ROWS)];
}

function groupsOf(
  printed: ({ scheme: GroupSchemeId } & GroupValues) | null,
): Partial<Record<GroupSchemeId, GroupValues>> {
  if (printed === null) return {};
  const { scheme, many, medium, few } = printed;
  return { [scheme]: { many, medium, few } };
}

function refuseKnown(store: Store, { again, sha256, path: file }: ImportOptions, found: string): void {
  if (sha256 !== null && sha256 !== found)
    throw new StudioError('file-invalid', `${file} has changed since it was looked at. Look at it again.`);
  const [known] = store.runs.importedFrom(found);
  if (known !== undefined && !again)
    throw new StudioError(
      'conflict',
      `This file was imported before, as run ${known.id} (${known.name}). Use that one, or say that it is to be imported again (--again).`,
      { runId: known.id },
    );
}

function newRun(
  id: number,
  name: string,
  run: Pick<
    NewRun,
    'title' | 'detail' | 'method' | 'network' | 'datasetId' | 'config' | 'evaluate' | 'createdAtMs'
  > & { imported: ImportSource; warnings?: string[] },
): NewRun {
  return {
    id,
    kind: 'import',
    name,
    slug: slugOf(name),
    groupId: null,
    seed: 0,
    preset: null,
    parentRunId: null,
    note: '',
    warnings: [],
    ...run,
  };
}

/** Gives `write` a new run's number and folder; when it fails, nothing of the run is left. */
async function writeRun(
  { store, trashFiles }: ApiContext,
  name: string,
  write: (id: number, folder: string) => Promise<void>,
  libraryFolder: string,
): Promise<number> {
  const id = store.runs.takeNumber();
  const folder = path.join(libraryFolder, runFolder(id, slugOf(name)));
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, MARK), '');
    await write(id, folder);
  } catch (error) {
    await discard(store, trashFiles, id, folder);
    throw error;
  }
  await rm(path.join(folder, MARK), { force: true });
  return id;
}

/** Removes a half-made run: its row, where it has one, with all that belongs to it, and its folder. */
async function discard(store: Store, trashFiles: TrashFiles, id: number, folder: string): Promise<void> {
  if (store.runs.read(id) !== null) await trashFiles.destroy(store.trash.putRuns([id], Date.now()).token);
  await rm(folder, { recursive: true, force: true });
}

/** At the owner's start: an import that its owner's death interrupted leaves nothing. */
export async function sweepImports({
  libraryFolder,
  store,
  trashFiles,
  report,
}: {
  libraryFolder: string;
  store: Store;
  trashFiles: TrashFiles;
  report: (message: string) => void;
}): Promise<void> {
  const runs = path.join(libraryFolder, 'runs');
  for (const name of await readdir(runs)) {
    const folder = path.join(runs, name);
    const id = Number(/^(\d+)-/.exec(name)?.[1]);
    const inside = await readdir(folder).catch(() => [] as string[]);
    if (!Number.isInteger(id) || !inside.includes(MARK)) continue;
    const run = store.runs.read(id);
    if (run !== null && run.state !== 'preparing') await rm(path.join(folder, MARK), { force: true });
    else {
      await discard(store, trashFiles, id, folder);
      report(`The import that run ${id} was to come of was interrupted; nothing of it was kept.`);
    }
  }
}
