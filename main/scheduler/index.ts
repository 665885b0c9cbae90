/**
 * The queue of a library and everything that its trainers need of an owner: starts runs when there is a slot, follows
 * them, carries wishes to them, and at the owner's start takes over what an earlier one left. Closing lets go; trainers
 * go on.
 */
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EngineChoice, EngineId, Notice } from '../../preload/contract.ts';
import { StudioError } from '../store/errors.ts';
import type { OriginRow } from '../store/origins.ts';
import type { SchedulerRun, Scheduling } from '../store/scheduling.ts';
import { describeFailure } from '../trainer/failure.ts';
import {
  launchFileName,
  type KeptCheckpoint,
  type LaunchFile,
  type LaunchOrigin,
} from '../trainer/protocol.ts';
import { controlSocketPath } from './controlPath.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { launchTrainer } from './launcher.ts';
import { nextToStart } from './nextToStart.ts';
import { placeBefore, placeFirst } from './queueOrder.ts';
import { ACTIVE_STATES, nextState } from './runStates.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

/** An engine that is there and can be used. */
export interface UsableEngine {
  name: EngineId;
  /** Why this one, as a sentence. */
  reason: string;
  /** What goes into the launch file, for the trainer to load it. */
  installed: unknown;
  /** Variables that the trainer's process must be started with. */
  environment: (threads: number) => Promise<Record<string, string>>;
}

export interface SchedulerOptions {
  store: Scheduling;
  libraryFolder: string;
  /** The trainer's program; run folder and attempt are appended. */
  trainer: { command: string; args: readonly string[] };
  appVersion: string;
  /** Throws with a sentence when the engine is not there. */
  selectEngine: (choice: EngineChoice) => Promise<UsableEngine>;
  /** Runs at once on one device, and threads of a training on the CPU (null: all cores). */
  settings: () => { concurrency: number; threads: number | null };
  notify: (notice: Notice) => void;
  /** Sentences for the owner's log. */
  report?: (message: string) => void;
  deadlines?: Partial<Deadlines>;
}

export interface Scheduler {
  /** Takes over what earlier owners left, then starts what may start. Resolves when the first is done. */
  start(): Promise<void>;
  /** Lets go of all trainers, which go on. */
  close(): Promise<void>;
  /** Gives runs in state `queued` a place: last, or first. May be called inside a transaction of the store. */
  enqueue(runIds: readonly number[], options: { first: boolean }): void;
  /** Ends a run: it leaves the queue, or its trainer is asked and, past the deadlines, killed. */
  stop(runId: number): Promise<void>;
  /** Asks a run to save a checkpoint and give up its slot. */
  pause(runId: number): Promise<void>;
  /** Puts a run that ended early at the head of the queue, to go on from its last checkpoint. */
  resume(runId: number): Promise<void>;
  /** Queues the evaluation that an imported run's row describes. May be called inside a transaction of the store. */
  evaluateImported(runId: number): void;
  /** Asks a running run for a checkpoint at its next step. */
  requestCheckpoint(runId: number): Promise<void>;
  /** Puts a waiting run before another, or last. */
  moveInQueue(runId: number, before: number | null): void;
  /** A paused queue starts nothing; what runs goes on. */
  setPaused(paused: boolean): void;
  /** Limits have changed: looks again at what may start. */
  settingsChanged(): void;
  isNotResponding(runId: number): boolean;
  /** What a run was asked to end with and has not yet, or null. */
  pendingWish(runId: number): 'stop' | 'pause' | null;
  /** Nothing runs and nothing can start (the queue is empty or paused). */
  isIdle(): boolean;
  /** Calls back whenever it has become idle. Returns the way to leave. */
  onIdle(listener: () => void): () => void;
}

/** A run between the decision to start it and its trainer's process. */
interface Starting {
  device: string;
  wish: 'stop' | 'pause' | null;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, libraryFolder, notify } = options;
  const report = options.report ?? (() => {});
  const deadlines: Deadlines = { ...DEADLINES, ...options.deadlines };
  const starting = new Map<number, Starting>();
  const supervisors = new Map<number, Supervisor>();
  const beginning = new Set<Promise<void>>();
  const idleListeners = new Set<() => void>();
  let isStarted = false;
  let isClosed = false;
  let wakeAgain = false;
  let waking: Promise<void> | null = null;

  // ------------------------------------------------------------------------------------------------ what may start

  /** Looks at the queue soon: after whatever called this, which may be inside a transaction. */
  function wake(): void {
    if (!isStarted || isClosed) return;
    wakeAgain = true;
    waking ??= (async () => {
      await new Promise((resolve) => setImmediate(resolve));
      try {
        while (wakeAgain && !isClosed) {
          wakeAgain = false;
          await startWhatMay();
        }
      } catch (error) {
        report(`The queue could not be looked at: ${(error as Error).message}`);
      } finally {
        waking = null;
      }
      if (!isClosed && isIdle()) for (const listener of idleListeners) listener();
    })();
  }

  async function startWhatMay(): Promise<void> {
    const limits = { paused: store.isQueuePaused(), perDevice: options.settings().concurrency };
    if (limits.paused) return;
    const engines = new Map<EngineChoice, UsableEngine | Error>();
    const waiting = [];
    for (const { runId, engine: choice } of store.readQueue()) {
      // Its last trainer is on its way out.
      if (supervisors.has(runId)) continue;
      const engine = engines.get(choice) ?? (await usableEngine(choice));
      engines.set(choice, engine);
      // A run whose engine is missing takes no slot of a device; it fails when it is started.
      waiting.push({ runId, device: engine instanceof Error ? `no ${choice}` : deviceOf(engine.name) });
    }
    const running = [...starting.values(), ...supervisors.values()];
    const devices = new Map(waiting.map(({ runId, device }) => [runId, device]));
    for (const runId of nextToStart(waiting, running, limits)) {
      if (isClosed) return;
      const work = begin(runId, devices.get(runId) as string)
        .catch((error: unknown) => report(`Run ${runId} could not be started: ${(error as Error).message}`))
        .finally(() => beginning.delete(work));
      beginning.add(work);
    }
  }

  function usableEngine(choice: EngineChoice): Promise<UsableEngine | Error> {
    return options.selectEngine(choice).catch((error: unknown) => error as Error);
  }

  /** From queued to a trainer that is followed. Whatever goes wrong on the way is the run's failure. */
  async function begin(runId: number, device: string): Promise<void> {
    const run = store.readSchedulerRun(runId);
    // Between the look at the queue and now it may have been cancelled.
    if (run?.state !== 'queued') return;
    const attempt = (run.attempt?.attempt ?? 0) + 1;
    const resume = run.kind === 'train' ? lastCheckpoint(run.checkpoints) : null;
    const atMs = Date.now();
    store.transaction(() => {
      store.setQueuePositions([{ runId, position: null }]);
      store.setRunState(runId, { from: 'queued', to: nextState('queued', 'start'), message: null, atMs });
      store.beginAttempt(runId, { attempt, startedAtMs: atMs, resumedFromStep: resume?.step ?? 0 });
    });
    const entry: Starting = { device, wish: null };
    starting.set(runId, entry);
    notify({ type: 'runs-changed', runIds: [runId] });
    notify({ type: 'queue-changed' });
    let supervisor: Supervisor | null = null;
    try {
      // A run that began keeps the engine that `auto` was then, so that its numbers go on as they began.
      const engine = await usableEngine(
        (run.resolved?.['engine'] ?? run.config['engine'] ?? 'auto') as EngineChoice,
      );
      if (engine instanceof Error) throw engine;
      if (run.dataset === null) throw new Error('The run has no dataset. Evaluate its checkpoint with one.');
      const threads = resolveThreads(run);
      const environment = await engine.environment(threads);
      if (isClosed) {
        requeue(runId, attempt);
        return;
      }
      if (entry.wish !== null) {
        closeUnstarted(run, attempt, entry.wish, null);
        return;
      }
      const socketPath = controlSocketPath(libraryFolder, runId);
      const folder = path.join(libraryFolder, run.folder);
      const { child, identity } = await launchTrainer({
        program: options.trainer,
        folder,
        environment,
        launch: {
          format: 1,
          // An imported run has no training of its own; what is started for it evaluates its checkpoint.
          kind: run.kind === 'train' ? 'train' : 'evaluate',
          runId,
          attempt,
          config: run.config,
          datasetFolder: path.join(libraryFolder, run.dataset.folder),
          manifestHash: run.dataset.manifestHash,
          engine: { name: engine.name, reason: engine.reason, installed: engine.installed },
          threads,
          socketPath,
          resume,
          checkpoints: run.checkpoints,
          initFrom: launchOrigin(run.origins, 'initFrom'),
          teacher: launchOrigin(run.origins, 'teacher'),
          evaluate: run.evaluate,
          appVersion: options.appVersion,
        },
      });
      // Noted also when this owner is closing: the next one looks here.
      if (identity !== null) store.setAttemptProcess(runId, attempt, { process: identity, socketPath });
      if (isClosed) return;
      supervisor = follow(run, {
        attempt,
        state: 'preparing',
        journalOffset: 0,
        step: resume?.step ?? 0,
        socketPath,
        identity,
        child,
        device,
      });
    } catch (error) {
      const message = await describeFailure(error, libraryFolder);
      if (!isClosed) closeUnstarted(run, attempt, 'fail', message);
    } finally {
      starting.delete(runId);
    }
    if (entry.wish === 'stop') supervisor?.stop();
    if (entry.wish === 'pause') supervisor?.pause();
    await supervisor?.start();
    wake();
  }

  function launchOrigin(origins: readonly OriginRow[], role: OriginRow['role']): LaunchOrigin | null {
    const origin = origins.find((one) => one.role === role);
    if (origin === undefined) return null;
    const { ref, sha256, config } = origin;
    return { ref, path: path.resolve(libraryFolder, origin.path), sha256, config };
  }

  /** Ends an attempt for which no trainer was started. */
  function closeUnstarted(
    run: SchedulerRun,
    attempt: number,
    event: 'stop' | 'pause' | 'fail',
    message: string | null,
  ): void {
    const state = nextState('preparing', event);
    const atMs = Date.now();
    store.transaction(() => {
      store.ingest({
        runId: run.id,
        attempt,
        fromOffset: 0,
        toOffset: 0,
        records: message === null ? [] : [{ type: 'log', atMs, level: 'error', text: message }],
      });
      store.setRunState(run.id, { from: 'preparing', to: state, message, atMs });
      store.finishAttempt(run.id, attempt, { outcome: state, endedAtMs: atMs });
    });
    notify({ type: 'runs-changed', runIds: [run.id] });
    notify({ type: 'run-ended', runId: run.id, title: run.title, state, message });
  }

  /** Another thread count gives other last bits, so a run keeps the one that it began with. */
  function resolveThreads(run: SchedulerRun): number {
    const earlier = run.resolved?.['threads'];
    if (typeof earlier === 'number') return earlier;
    const chosen = run.config['threads'] ?? options.settings().threads;
    return typeof chosen === 'number' ? chosen : os.availableParallelism();
  }

  // ---------------------------------------------------------------------------------------------- what is followed

  function follow(
    run: SchedulerRun,
    trainer: Pick<
      SupervisorOptions,
      'attempt' | 'state' | 'journalOffset' | 'step' | 'socketPath' | 'identity' | 'child' | 'device'
    >,
  ): Supervisor {
    const supervisor = new Supervisor({
      ...trainer,
      store,
      runId: run.id,
      title: run.title,
      folder: path.join(libraryFolder, run.folder),
      deadlines,
      notify,
      report,
      requeue,
      onDone: () => {
        supervisors.delete(run.id);
        wake();
      },
    });
    supervisors.set(run.id, supervisor);
    return supervisor;
  }

  /** Back to the head of the queue: no trainer was ever started for this attempt. */
  function requeue(runId: number, attempt: number): void {
    const atMs = Date.now();
    store.transaction(() => {
      store.finishAttempt(runId, attempt, { outcome: 'crashed', endedAtMs: atMs });
      store.setRunState(runId, {
        from: 'preparing',
        to: nextState('preparing', 'requeue'),
        message: null,
        atMs,
      });
      enqueue([runId], { first: true });
    });
    notify({ type: 'runs-changed', runIds: [runId] });
  }

  /** Attaches to living trainers, and closes the runs of those that are gone. */
  async function recover(): Promise<void> {
    await Promise.all(
      store.listRunsInStates(ACTIVE_STATES).map(async (runId) => {
        const run = store.readSchedulerRun(runId);
        const attempt = run?.attempt ?? null;
        if (run === null || attempt === null) return;
        const supervisor = follow(run, {
          attempt: attempt.attempt,
          state: run.state,
          journalOffset: attempt.journalOffset,
          step: 0,
          socketPath: attempt.socketPath ?? controlSocketPath(libraryFolder, runId),
          identity: attempt.process,
          child: null,
          device: await launchedDevice(path.join(libraryFolder, run.folder), attempt.attempt),
        });
        await supervisor.start();
      }),
    );
  }

  // ------------------------------------------------------------------------------------------------------- wishes

  function readRun(runId: number): SchedulerRun {
    const run = store.readSchedulerRun(runId);
    if (run === null) throw new StudioError('not-found', `There is no run ${runId}.`);
    return run;
  }

  function enqueue(runIds: readonly number[], { first }: { first: boolean }): void {
    const queue = store.readQueue();
    store.setQueuePositions(first ? placeFirst(queue, runIds) : placeBefore(queue, runIds, null));
    notify({ type: 'queue-changed' });
    wake();
  }

  async function stop(runId: number): Promise<void> {
    const run = readRun(runId);
    const supervisor = supervisors.get(runId);
    const entry = starting.get(runId);
    if (entry !== undefined) entry.wish = 'stop';
    else if (supervisor !== undefined && ACTIVE_STATES.includes(run.state)) supervisor.stop();
    else {
      const to = nextState(run.state, 'cancel');
      const message = run.attempt === null ? 'Taken out of the queue before it began.' : null;
      store.transaction(() => {
        store.setQueuePositions([{ runId, position: null }]);
        store.setRunState(runId, { from: run.state, to, message, atMs: Date.now() });
      });
      notify({ type: 'queue-changed' });
      wake();
    }
    notify({ type: 'runs-changed', runIds: [runId] });
  }

  async function pause(runId: number): Promise<void> {
    nextState(readRun(runId).state, 'pause');
    const entry = starting.get(runId);
    if (entry !== undefined) entry.wish ??= 'pause';
    else supervisors.get(runId)?.pause();
    notify({ type: 'runs-changed', runIds: [runId] });
  }

  async function resume(runId: number): Promise<void> {
    const run = readRun(runId);
    if (run.kind === 'import')
      throw new StudioError(
        'conflict',
        `Run ${runId} was imported: there is no training to go on with. Evaluate its checkpoint, or fine-tune from it in a run of its own.`,
      );
    const to = nextState(run.state, 'resume');
    store.transaction(() => {
      store.setRunState(runId, { from: run.state, to, message: null, atMs: Date.now() });
      enqueue([runId], { first: true });
    });
    notify({ type: 'runs-changed', runIds: [runId] });
  }

  function evaluateImported(runId: number): void {
    const run = readRun(runId);
    const to = nextState(run.state, 'evaluate');
    store.transaction(() => {
      store.setRunState(runId, { from: run.state, to, message: null, atMs: Date.now() });
      enqueue([runId], { first: false });
    });
    notify({ type: 'runs-changed', runIds: [runId] });
  }

  async function requestCheckpoint(runId: number): Promise<void> {
    const run = readRun(runId);
    const supervisor = supervisors.get(runId);
    if (run.state !== 'running' || supervisor === undefined) {
      throw new StudioError(
        'conflict',
        `Run ${runId} is ${run.state}; a checkpoint can be asked of a running run.`,
      );
    }
    supervisor.requestCheckpoint();
  }

  function moveInQueue(runId: number, before: number | null): void {
    const queue = store.readQueue();
    for (const wanted of before === null ? [runId] : [runId, before]) {
      if (!queue.some((place) => place.runId === wanted)) {
        throw new StudioError('conflict', `Run ${wanted} does not wait in the queue.`);
      }
    }
    if (runId !== before) store.setQueuePositions(placeBefore(queue, [runId], before));
    notify({ type: 'queue-changed' });
    wake();
  }

  function isIdle(): boolean {
    if (starting.size > 0 || supervisors.size > 0) return false;
    return store.isQueuePaused() || store.readQueue().length === 0;
  }

  return {
    async start() {
      await recover();
      isStarted = true;
      wake();
    },
    async close() {
      isClosed = true;
      await waking;
      await Promise.all(beginning);
      await Promise.all([...supervisors.values()].map((supervisor) => supervisor.close()));
      supervisors.clear();
    },
    enqueue,
    stop,
    pause,
    resume,
    evaluateImported,
    requestCheckpoint,
    moveInQueue,
    setPaused(paused) {
      store.setQueuePaused(paused);
      notify({ type: 'queue-changed' });
      wake();
    },
    settingsChanged: wake,
    isNotResponding: (runId) => supervisors.get(runId)?.isNotResponding ?? false,
    pendingWish: (runId) => starting.get(runId)?.wish ?? supervisors.get(runId)?.wish ?? null,
    isIdle,
    onIdle(listener) {
      idleListeners.add(listener);
      return () => idleListeners.delete(listener);
    },
  };
}

/** The one to go on from: that of the highest step, also in the middle of an epoch. */
function lastCheckpoint(checkpoints: readonly KeptCheckpoint[]): KeptCheckpoint | null {
  return checkpoints.reduce<KeptCheckpoint | null>(
    (last, checkpoint) => (last === null || checkpoint.step > last.step ? checkpoint : last),
    null,
  );
}

/** The slot that a run with this engine takes. */
function deviceOf(engine: EngineId): string {
  return engine === 'tensorflow-gpu' ? 'gpu' : 'cpu';
}

/** The slot that an attempt took when it was launched, from its launch file. */
async function launchedDevice(folder: string, attempt: number): Promise<string> {
  try {
    const text = await readFile(path.join(folder, launchFileName(attempt)), 'utf8');
    return deviceOf((JSON.parse(text) as LaunchFile).engine.name);
  } catch {
    // It was never written, so there is no trainer either.
    return deviceOf('wasm');
  }
}
