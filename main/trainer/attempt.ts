/**
 * The frame around one attempt of a run: opens its journal and control socket, keeps the clock and the position, and
 * sees to it that every ending, also one that nobody foresaw, is the journal's last record. What is done inside the
 * frame (training, evaluating, a test's flood of lines) is the caller's.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { CheckpointToSave, ControlRequest, TrainingEvent } from '../training/types.ts';
import { readNotes, saveCheckpoint } from './checkpoints.ts';
import { AnotherTrainerError, ControlServer } from './control.ts';
import { describeFailure } from './failure.ts';
import { Journal } from './journal.ts';
import { readProcessIdentity } from './processIdentity.ts';
import {
  EXIT_CODES,
  journalFileName,
  launchFileName,
  type ControlMessage,
  type EndState,
  type JournalEntry,
  type KeptCheckpoint,
  type LaunchFile,
} from './protocol.ts';

/** How the work inside an attempt ended. */
export interface Ending {
  state: EndState;
  message: string | null;
}

export class Attempt {
  readonly folder: string;
  readonly launch: LaunchFile;
  /** What the dataset made of its original labels, to be stored with each checkpoint; null where they are as they were. */
  rankLabels: number[] | null = null;
  readonly #journal: Journal;
  /** On disk, oldest first. */
  #checkpoints: KeptCheckpoint[];
  #control: ControlServer | null = null;
  #request: ControlRequest | null = null;
  /** What the attempt was asked to end with, from the moment it was asked. */
  #endAsked: 'stop' | 'pause' | null = null;
  #step: number;
  #epoch: number;
  #activeMs: number;
  /** performance.now() at which the work proper began; null while preparing. */
  #runningSince: number | null = null;

  constructor(folder: string, launch: LaunchFile) {
    this.folder = folder;
    this.launch = launch;
    this.#checkpoints = [...launch.checkpoints].sort((a, b) => a.step - b.step);
    this.#step = launch.resume?.step ?? 0;
    this.#epoch = launch.resume?.epoch ?? 0;
    this.#activeMs = launch.resume === null ? 0 : readActiveMs(folder, launch.resume);
    this.#journal = new Journal(path.join(folder, journalFileName(launch.attempt)));
  }

  /** Writes the first record and starts to listen. Throws AnotherTrainerError when the run has a living trainer. */
  async open(): Promise<void> {
    const control = new ControlServer({
      socketPath: this.launch.socketPath,
      runId: this.launch.runId,
      attempt: this.launch.attempt,
      onMessage: (message) => this.ask(message.type),
    });
    let refusal: Error | null = null;
    try {
      await control.listen();
      this.#control = control;
      this.#journal.onGrew = (bytes) => control.grew(bytes);
    } catch (error) {
      refusal = error as Error;
    }
    const process_ = await readProcessIdentity(process.pid);
    if (process_ === null) throw new Error(`The system says nothing about this process, ${process.pid}.`);
    this.record({
      type: 'attempt',
      attempt: this.launch.attempt,
      kind: this.launch.kind,
      resumedFromStep: this.#step,
      resumedFromEpoch: this.#epoch,
      activeMs: this.#activeMs,
      process: process_,
      socketPath: refusal === null ? this.launch.socketPath : null,
    });
    if (refusal instanceof AnotherTrainerError) throw refusal;
    if (refusal !== null)
      this.log('warn', `Nothing can be asked of this run but by signals. ${refusal.message}`);
  }

  record(entry: JournalEntry): void {
    this.#journal.write(entry);
  }

  /** Writes a text to the run's log, a record a line. */
  log(level: 'info' | 'warn' | 'error', text: string): void {
    for (const line of text.split('\n')) this.record({ type: 'log', level, text: line });
  }

  /** Records what the training loop says, with the time and the memory that only the process knows. */
  emit(event: TrainingEvent): void {
    switch (event.type) {
      case 'log':
        this.log(event.level, event.text);
        return;
      case 'metrics':
        this.#step = event.step;
        this.#epoch = event.epoch;
        this.record({ ...event, activeMs: this.activeMs() });
        return;
      case 'progress':
        this.#step = event.step;
        this.#epoch = event.epoch;
        this.record({ ...event, activeMs: this.activeMs(), memoryBytes: process.memoryUsage.rss() });
        return;
      case 'evaluation':
        this.record({ ...event, activeMs: this.activeMs() });
        return;
      case 'phase':
        if (event.phase !== 'preparing' && this.#runningSince === null) {
          this.#runningSince = performance.now();
          this.record({ type: 'running' });
        }
        this.record(event);
        return;
    }
  }

  /** Training time of the run over all attempts, integer ms; preparing and pauses do not count. */
  activeMs(): number {
    const now = this.#runningSince === null ? 0 : performance.now() - this.#runningSince;
    return Math.round(this.#activeMs + now);
  }

  /** Notes a wish. A wish to end is not overtaken by one for a checkpoint. */
  ask(wish: ControlMessage['type']): void {
    if (wish === 'checkpoint') this.#request ??= 'checkpoint';
    else {
      this.#request = wish;
      this.#endAsked = wish;
    }
  }

  /** Takes the newest wish, or null. */
  takeRequest(): ControlRequest | null {
    const request = this.#request;
    this.#request = null;
    return request;
  }

  /** Whether the attempt was asked to stop or to pause; for the time before the loop listens. */
  get endAsked(): 'stop' | 'pause' | null {
    return this.#endAsked;
  }

  /** Lets sockets and timers run, and tells owners what was written since. */
  async yieldToEvents(): Promise<void> {
    this.#control?.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Saves a checkpoint. The one of a pause is only there to go on from, so it has no role and goes with the next. */
  async saveCheckpoint(checkpoint: CheckpointToSave): Promise<void> {
    const { runId, attempt, appVersion, config, engine, threads } = this.launch;
    const roles = checkpoint.roles.filter((role) => role !== 'requested' || this.#endAsked !== 'pause');
    this.#checkpoints = await saveCheckpoint({
      folder: this.folder,
      checkpoint: { ...checkpoint, roles },
      kept: this.#checkpoints,
      notes: {
        ...{ appVersion, runId, attempt, activeMs: this.activeMs(), config, engine: engine.name, threads },
        rankLabels: this.rankLabels,
      },
      record: (entry) => this.record(entry),
      sync: () => this.#journal.sync(),
    });
  }

  /** Writes the last record, durably. Nothing may be recorded after it. */
  end(ending: Ending): void {
    this.#journal.releaseReserve();
    const last = this.#checkpoints.at(-1) ?? null;
    this.record({
      type: 'end',
      state: ending.state,
      message: ending.message,
      step: this.#step,
      epoch: this.#epoch,
      activeMs: this.activeMs(),
      lastCheckpoint: last && { epoch: last.epoch, step: last.step, file: last.file },
    });
    this.#journal.sync();
  }

  /** Ends as failed: the sentence, what remains, and for the log the place in the code. */
  async fail(error: unknown): Promise<void> {
    this.#journal.releaseReserve();
    const reason = await describeFailure(error, this.folder);
    const isTraining = this.launch.kind === 'train';
    const message = isTraining ? `${reason} ${describeLastCheckpoint(this.#checkpoints)}` : reason;
    this.log('error', message);
    if (!isExpected(error) && error instanceof Error && error.stack !== undefined)
      this.log('error', error.stack);
    this.end({ state: 'failed', message });
  }

  async close(): Promise<void> {
    await this.#control?.close();
    this.#journal.close();
  }
}

/**
 * Runs one attempt from its launch file to the end of the process.
 *
 * SIGTERM and SIGINT ask to stop; a second one, or one after a wish to stop, ends at once without a checkpoint.
 */
export async function runAttempt(
  folder: string,
  attemptNumber: number,
  work: (attempt: Attempt) => Promise<Ending>,
): Promise<never> {
  const launch = readLaunchFile(folder, attemptNumber);
  const attempt = new Attempt(folder, launch);
  let ended = false;
  const leave = async (state: EndState): Promise<never> => {
    await attempt.close();
    process.exit(EXIT_CODES[state]);
  };
  const failUnforeseen = async (error: unknown) => {
    if (ended) return;
    ended = true;
    console.error(error);
    await attempt.fail(error);
    await leave('failed');
  };
  process.on('uncaughtException', (error) => void failUnforeseen(error));
  process.on('unhandledRejection', (error) => void failUnforeseen(error));
  const onSignal = () => {
    if (ended) return;
    if (attempt.endAsked === 'stop') {
      ended = true;
      attempt.end({ state: 'stopped', message: 'Ended at once, without another checkpoint.' });
      process.exit(EXIT_CODES.stopped);
    }
    attempt.ask('stop');
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  try {
    await attempt.open();
    const ending = await work(attempt);
    ended = true;
    attempt.end(ending);
    return await leave(ending.state);
  } catch (error) {
    await failUnforeseen(error);
    // Where another ending came first, it is on its way out of the process.
    return await new Promise<never>(() => {});
  }
}

/** Reads the launch file of an attempt. Throws when a later attempt was launched, whose trainer this must not disturb. */
function readLaunchFile(folder: string, attempt: number): LaunchFile {
  if (existsSync(path.join(folder, launchFileName(attempt + 1)))) {
    throw new Error(
      `Attempt ${attempt} of the run in ${folder} was given up: attempt ${attempt + 1} is there.`,
    );
  }
  const file = path.join(folder, launchFileName(attempt));
  const launch = JSON.parse(readFileSync(file, 'utf8')) as LaunchFile;
  if (launch.format !== 1) {
    throw new Error(`${file} has format ${String(launch.format)}; this version reads format 1.`);
  }
  return launch;
}

/** Training time behind a checkpoint; 0 when its notes can't be read, which whoever loads it will say. */
function readActiveMs(folder: string, checkpoint: KeptCheckpoint): number {
  try {
    return readNotes(folder, checkpoint.file).activeMs;
  } catch {
    return 0;
  }
}

function isExpected(error: unknown): boolean {
  return !(
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    error instanceof SyntaxError
  );
}

function describeLastCheckpoint(checkpoints: KeptCheckpoint[]): string {
  const last = checkpoints.at(-1);
  if (last === undefined) return 'There is no checkpoint yet.';
  return `The last checkpoint is that of epoch ${last.epoch} (step ${last.step}).`;
}
