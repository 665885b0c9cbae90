/** The contract's functions about runs and the queue. */
import path from 'node:path';
import type {
  Api,
  Config,
  ConfigProblem,
  DetailedResult,
  NewRuns,
  Queue,
  RunDetail,
  RunState,
  RunSummary,
  Selection,
} from '../../preload/contract.ts';
import type { EvaluationDetail } from '../store/evaluations.ts';
import { StudioError } from '../store/errors.ts';
import { toRunOrigin } from '../store/origins.ts';
import type { RunRow } from '../store/runs.ts';
import { schemesOf } from '../store/scores.ts';
import { learningRateAt, milestonesOf } from '../training/schedules.ts';
import type { RunConfig } from '../training/config.ts';
import { baseOf } from './config.ts';
import { checkRun } from './checkRun.ts';
import { configChanges, methodInfoOf, runDetail, runTitle } from './configText.ts';
import type { ApiContext } from './context.ts';
import { datasetFit } from './datasetFit.ts';
import { Estimates } from './estimates.ts';
import { findOrigins, pinOrigins } from './origins.ts';
import { referencedCheckpoints, wordOf } from './retention.ts';
import { evaluatedImages, runMemory } from './runMemory.ts';

type RunApi = Pick<
  Api,
  | 'createRuns'
  | 'listRuns'
  | 'getRun'
  | 'findRun'
  | 'getResults'
  | 'stopRun'
  | 'pauseRun'
  | 'resumeRun'
  | 'requestCheckpoint'
  | 'updateRun'
  | 'archiveRuns'
  | 'deleteRuns'
  | 'getQueue'
  | 'setQueuePaused'
  | 'moveInQueue'
>;

const ACTIVE_STATES: ReadonlySet<RunState> = new Set(['preparing', 'running']);

/** Runs that an error names when more than one is meant. */
const NAMED_MATCHES = 5;

/** Groups of the plain many/medium/few of a result. */
const PLAIN_SCHEME = 'count-100-20';

export function runApi(context: ApiContext): RunApi {
  const { store, scheduler, trashFiles, notify } = context;

  const summary = (id: number): RunSummary => live(context, store.runs.summary(id));

  /** A wish that the scheduler has taken; it tells by itself when the run has followed it. */
  async function wish(id: number, act: (id: number) => Promise<void>): Promise<RunSummary> {
    store.runs.get(id);
    await act(id);
    return summary(id);
  }

  function changed(runIds: number[], queue: boolean): void {
    notify({ type: 'runs-changed', runIds });
    if (queue) notify({ type: 'queue-changed' });
  }

  function getQueue(): Queue {
    const running = store.runs.summaries(store.scheduling.listRunsInStates(['preparing', 'running']));
    const estimates = new Estimates(store);
    const names = new Map<number, string>();
    const nameOf = (id: number): string => {
      if (!names.has(id)) names.set(id, store.datasets.get(id).name);
      return names.get(id)!;
    };
    return {
      paused: store.scheduling.isQueuePaused(),
      slots: store.settings.read().concurrency,
      running: running.map((run) => live(context, run)),
      waiting: store.scheduling.readQueue().map(({ runId }) => {
        const run = store.runs.get(runId);
        return {
          runId,
          title: run.title,
          detail: run.detail,
          // What waits has a dataset: an imported run gets one with its evaluation.
          datasetName: nameOf(run.datasetId!),
          seed: run.seed,
          kind: run.kind,
          estimateMs: estimates.waiting(run),
        };
      }),
      emptyAtMs: estimates.emptyAt(Date.now()),
    };
  }

  return {
    async createRuns(args) {
      const created = await createRuns(context, args);
      changed(created.ids, true);
      changedDatasets(context);
      return { runs: created.ids.map(summary), groupId: created.groupId };
    },

    async listRuns(query) {
      const list = store.runLists.list(query, Date.now());
      return {
        ...list,
        items: list.items.map((item) => ({ ...item, runs: item.runs.map((run) => live(context, run)) })),
      };
    },

    async getRun({ id }) {
      return runDetailOf(context, id);
    },

    async findRun({ text }) {
      return live(context, store.runs.summary(findRunId(context, text)));
    },

    async getResults({ runId }) {
      const { last, best } = store.runs.summary(runId);
      const read = (epoch: number | undefined, selection: Selection | undefined): DetailedResult | null => {
        if (epoch === undefined || selection === undefined) return null;
        const evaluation = store.evaluations.read(runId, 'test', epoch);
        return evaluation === null ? null : detailedResult(evaluation, selection);
      };
      return { last: read(last?.epoch, last?.selection), best: read(best?.epoch, best?.selection) };
    },

    stopRun: ({ id }) => wish(id, (runId) => scheduler.stop(runId)),
    pauseRun: ({ id }) => wish(id, (runId) => scheduler.pause(runId)),
    resumeRun: ({ id }) => wish(id, (runId) => scheduler.resume(runId)),
    requestCheckpoint: ({ id }) => wish(id, (runId) => scheduler.requestCheckpoint(runId)),

    async updateRun({ id, ...change }) {
      store.runs.change(id, change);
      changed([id], false);
      return summary(id);
    },

    async archiveRuns({ ids, archived }) {
      store.transaction(() => {
        for (const id of ids) store.runs.change(id, { archived });
      });
      changed(ids, false);
      return { count: ids.length };
    },

    async deleteRuns({ ids }) {
      const entry = store.transaction(() => {
        refuseActive(ids.map((id) => store.runs.get(id)));
        refuseReferenced(context, ids);
        return store.trash.putRuns(ids, Date.now());
      });
      await trashFiles.putAway(entry.token);
      changed(ids, true);
      changedDatasets(context);
      return { count: ids.length, undo: entry.token };
    },

    async getQueue() {
      return getQueue();
    },

    async setQueuePaused({ paused }) {
      scheduler.setPaused(paused);
      return getQueue();
    },

    async moveInQueue({ runId, before }) {
      scheduler.moveInQueue(runId, before);
      return getQueue();
    },
  };
}

/** Datasets show how many runs use them. */
function changedDatasets({ notify }: ApiContext): void {
  notify({ type: 'datasets-changed' });
}

/** Adds what only the scheduler knows of a run. */
export function live({ scheduler }: ApiContext, run: RunSummary): RunSummary {
  if (!ACTIVE_STATES.has(run.state)) return run;
  const wish = scheduler.pendingWish(run.id);
  return {
    ...run,
    notResponding: scheduler.isNotResponding(run.id),
    stateMessage:
      wish === null ? run.stateMessage : wish === 'stop' ? 'Stopping' : 'Pausing after a checkpoint',
  };
}

/** Writes runs, one a seed, and puts them into the queue, all or none. */
async function createRuns(
  context: ApiContext,
  { preset, parentRunId, config, datasetId, seeds, name, note, runNext }: NewRuns,
): Promise<{ ids: number[]; groupId: number | null }> {
  const { store, scheduler } = context;
  const dataset = store.datasets.get(datasetId);
  const { keepEvery } = store.settings.read();
  const checked = checkRun({ checkpointEvery: keepEvery, ...config }, dataset, preset);
  if (checked.config === null) throw invalidConfig(checked.problems);
  const { origins: found, problems, warnings } = await findOrigins(context, checked.config, dataset);
  checked.warnings.push(...warnings);
  const fit = await datasetFit(context, dataset);
  problems.push(...fit.problems);
  checked.warnings.push(...fit.warnings);
  const memory = await runMemory(checked.config, checked.network!, evaluatedImages(dataset));
  if (memory.problem !== null) problems.push(memory.problem);
  if (problems.length > 0) throw invalidConfig(problems);
  const repeated = seeds.find((seed, index) => seeds.indexOf(seed) !== index);
  if (repeated !== undefined)
    throw new StudioError(
      'invalid-config',
      `The seed ${repeated} is given twice; the second run would repeat the first number for number. Give each seed once.`,
      [{ key: 'seed', message: 'Each seed once.' }],
    );
  const parent = parentRunId === null ? null : store.runs.get(parentRunId);
  const base = parent?.config ?? baseOf(preset);
  const whole = checked.config as Config;
  const title = runTitle(whole, preset);
  const detail = runDetail(whole, base);
  const stem = name ?? preset ?? `${dataset.name}-${String(whole['method'])}`;
  const createdAtMs = Date.now();
  const method = String(whole['method']);
  const origins = await pinOrigins(context, found);

  return store.transaction(() => {
    const groupId =
      seeds.length > 1
        ? store.runs.createGroup({ name: stem, title, detail, datasetId, method, createdAtMs })
        : null;
    const ids = seeds.map((seed) => {
      const runName = name !== null && seeds.length === 1 ? name : `${stem}-s${seed}`;
      const id = store.runs.create({
        kind: 'train',
        name: runName,
        title,
        detail,
        slug: slugOf(runName),
        groupId,
        seed,
        method,
        network: String(whole['network']),
        datasetId,
        preset,
        parentRunId,
        note,
        config: { ...whole, seed },
        evaluate: null,
        warnings: checked.warnings.map(({ message }) => message),
        createdAtMs,
      });
      store.origins.add(id, origins);
      return id;
    });
    scheduler.enqueue(ids, { first: runNext });
    return { ids, groupId };
  });
}

function invalidConfig(problems: ConfigProblem[]): StudioError {
  return new StudioError('invalid-config', problems.map(({ message }) => message).join(' '), problems);
}

/** Letters, digits and hyphens, for the name of a folder. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'run' : slug;
}

/**
 * The run that a text means: its number, its whole name, or a unique beginning of it. Throws `not-found`, or `conflict`
 * which lists what it could be.
 */
export function findRunId({ store }: ApiContext, text: string): number {
  if (/^\d+$/.test(text) && store.runs.read(Number(text)) !== null) return Number(text);
  const matches = store.runs.named(text);
  const exact = matches.filter((run) => run.name.toLowerCase() === text.toLowerCase());
  const found = exact.length > 0 ? exact : matches;
  const [only] = found;
  if (only === undefined)
    throw new StudioError(
      'not-found',
      `There is no run “${text}”. Give its number, its name, or a beginning of it.`,
    );
  if (found.length > 1)
    throw new StudioError(
      'conflict',
      `“${text}” could be ${found
        .slice(0, NAMED_MATCHES)
        .map((run) => `${run.id} (${run.name})`)
        .join(
          ', ',
        )}${found.length > NAMED_MATCHES ? ` or ${found.length - NAMED_MATCHES} more` : ''}. Give the number.`,
      found.map((run) => run.id),
    );
  return only.id;
}

export function detailedResult(evaluation: EvaluationDetail, selection: Selection): DetailedResult {
  const { epoch, split, top1, top5, groups, perClass, branches } = evaluation;
  return {
    epoch,
    split,
    selection,
    groupScheme: PLAIN_SCHEME,
    top1,
    top5,
    ...groups[PLAIN_SCHEME],
    groups,
    perClass,
    branches,
  };
}

function runDetailOf(context: ApiContext, id: number): RunDetail {
  const { store, libraryFolder } = context;
  const run = store.runs.get(id);
  const { changes, against } = changesOf(context, run);
  return {
    ...live(context, store.runs.summary(id)),
    config: run.config,
    resolved: run.resolved,
    environment: run.environment,
    changes,
    changesAgainst: against,
    methodInfo: methodInfoOf(run.config),
    imported: run.imported,
    origins: store.origins.ofRun(id).map(toRunOrigin),
    ...dataOf(context, run),
    ...(run.kind === 'import' ? { milestones: [], plannedLearningRate: [] } : plan(run.config)),
    attempts: store.scheduling.attempts(id),
    warnings: run.warnings,
    logLines: run.logLines,
    logWarnings: run.logWarnings + run.logErrors,
    checkpointCount: store.checkpoints.count(id),
    folder: path.join(libraryFolder, run.folder),
    metricNames: store.metrics.names(id),
    siblings: run.groupId === null ? [] : store.runs.ofGroup(run.groupId),
  };
}

/** What of its dataset a run is shown with; a run that was imported without one has classes without names. */
function dataOf(
  { store }: ApiContext,
  run: RunRow,
): Pick<RunDetail, 'classNames' | 'classCounts' | 'schemes' | 'splits' | 'selectionSplit'> {
  if (run.datasetId === null) {
    const classNames = Array.from({ length: run.imported?.classes ?? 0 }, (_, index) => `class ${index}`);
    const splits = { train: 0, val: 0, test: 0 };
    return { classNames, classCounts: [], schemes: schemesOf([]), splits, selectionSplit: 'test' };
  }
  const { classNames, classCounts, schemes, selectionSplit } = store.datasets.facts(run.datasetId);
  const splits = store.datasets.get(run.datasetId).manifest.counts;
  return { classNames, classCounts, schemes, splits, selectionSplit };
}

/** Against the run that it was made from, else against its preset. */
function changesOf(
  { store }: ApiContext,
  run: RunRow,
): { changes: RunDetail['changes']; against: string | null } {
  const parent = run.parentRunId === null ? null : store.runs.read(run.parentRunId);
  if (parent !== null)
    return {
      changes: configChanges(parent.config, run.config),
      against: `${parent.name} (run ${parent.id})`,
    };
  const base = baseOf(run.preset);
  if (base === null) return { changes: [], against: null };
  // A preset names no dataset; which one was taken is no change to it.
  const changes = configChanges(base, run.config).filter(({ key }) => key !== 'dataset' && key !== 'seed');
  return { changes, against: run.preset };
}

/** The schedule as it is planned: milestones in finished epochs, and the learning rate of every epoch. */
function plan(config: Config): Pick<RunDetail, 'milestones' | 'plannedLearningRate'> {
  const options = config as RunConfig;
  const { epochs } = options;
  const rates = Array.from({ length: epochs }, (_, epoch) => learningRateAt(options, epoch));
  return {
    plannedLearningRate: rates,
    milestones: milestonesOf(options)
      .filter((epoch) => epoch < epochs)
      .map((epoch) => ({ epoch, label: `lr ${Number(rates[epoch]!.toPrecision(3))}` })),
  };
}

function refuseActive(runs: readonly RunRow[]): void {
  const active = runs.find((run) => ACTIVE_STATES.has(run.state));
  if (active !== undefined)
    throw new StudioError(
      'in-use',
      `Run ${active.id} (${active.name}) is ${active.state}. Stop it before you delete it; nothing was deleted.`,
      { runId: active.id },
    );
}

/**
 * Runs stay whose checkpoint another run was made from, or which a waiting or running evaluation needs, unless that goes
 * with them.
 */
function refuseReferenced({ store }: ApiContext, ids: readonly number[]): void {
  for (const id of ids) {
    const user = store.origins.madeFrom(id).find(({ runId }) => !ids.includes(runId));
    if (user === undefined) continue;
    const { name } = store.runs.get(id);
    throw new StudioError(
      'in-use',
      `Run ${user.runId} (${user.runName}) ${wordOf(user.role)} a checkpoint of run ${id} (${name}). Delete both together, or that one first; nothing was deleted.`,
      { runId: user.runId },
    );
  }
  const evaluations = store.runs
    .inStates(['queued', 'preparing', 'running', 'paused'])
    .filter((run) => run.evaluate !== null && !ids.includes(run.id));
  if (evaluations.length === 0) return;
  const paths = referencedCheckpoints(store);
  const needed = ids
    .map((id) => store.runs.get(id))
    .find((run) => paths.some((file) => file.includes(`/${run.folder}/`)));
  if (needed !== undefined)
    throw new StudioError(
      'in-use',
      `A checkpoint of run ${needed.id} (${needed.name}) is waiting to be evaluated. Stop that evaluation first; nothing was deleted.`,
      { runId: needed.id },
    );
}
