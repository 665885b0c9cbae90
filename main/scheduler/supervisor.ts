/**
 * Follows one trainer, whether this owner started it or found it: stores what its journal says, batch by batch, each with
 * its offset in one transaction, then tells; notices when it dies or falls silent; and carries wishes to it. The journal
 * alone decides what happened: a trainer that is gone is `crashed` only if its journal, read to the end, has no last word.
 */
import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Notice, RunState } from '../../preload/contract.ts';
import { StudioError } from '../store/errors.ts';
import type { Scheduling } from '../store/scheduling.ts';
import { sweepTemporaryFiles } from '../durableFile.ts';
import { isAlive } from '../trainer/processIdentity.ts';
import { journalFileName, type JournalRecord, type ProcessIdentity } from '../trainer/protocol.ts';
import { ControlClient } from './controlClient.ts';
import { CHECK_INTERVAL_MS, POLL_INTERVAL_MS, type Deadlines } from './deadlines.ts';
import { JournalReader, type JournalBatch } from './journalReader.ts';
import { readLastWords } from './lastWords.ts';
import { END_EVENTS, findNextState, nextState, type RunEvent } from './runStates.ts';

/** How long the exit of a dead child may take to be known. */
const EXIT_NEWS_MS = 1000;
/** A tick that comes so late means that this process was stopped, not that the trainer was silent. */
const OWN_ABSENCE_MS = 2000;

export interface SupervisorOptions {
  store: Scheduling;
  runId: number;
  title: string;
  /** Absolute. */
  folder: string;
  attempt: number;
  state: RunState;
  /** Bytes of the journal that are stored, and the step that they reach. */
  journalOffset: number;
  step: number;
  socketPath: string;
  /** Null: known from the journal's first record, once that is read. */
  identity: ProcessIdentity | null;
  /** Where this owner started it. */
  child: ChildProcess | null;
  /** The slot that it takes. */
  device: string;
  deadlines: Deadlines;
  notify: (notice: Notice) => void;
  report: (message: string) => void;
  /** Puts a run back to the head of the queue whose trainer was never started. */
  requeue: (runId: number, attempt: number) => void;
  /** Called once, when the trainer is gone and the state of its run is final. */
  onDone: () => void;
}

export class Supervisor {
  readonly runId: number;
  readonly device: string;
  readonly #options: SupervisorOptions;
  readonly #reader: JournalReader;
  readonly #control: ControlClient;
  #identity: ProcessIdentity | null;
  #state: RunState;
  #offset: number;
  #step: number;
  /** Whether the last record of the journal was read: the state is final, the process may still be there. */
  #hasEnded = false;
  #isDone = false;
  #isClosed = false;
  #wish: 'stop' | 'pause' | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pumping: Promise<void> | null = null;
  #pumpAgain = false;
  /** Whether the last look found nothing more to store. */
  #isCaughtUp = false;
  #checking: Promise<void> | null = null;
  #checkedAtMs = 0;
  #heardAtMs = performance.now();
  #tickedAtMs = performance.now();
  readonly #startedAtMs = performance.now();
  #notResponding = false;

  constructor(options: SupervisorOptions) {
    this.runId = options.runId;
    this.device = options.device;
    this.#options = options;
    this.#identity = options.identity;
    this.#state = options.state;
    this.#offset = options.journalOffset;
    this.#step = options.step;
    this.#reader = new JournalReader(path.join(options.folder, journalFileName(options.attempt)));
    this.#control = new ControlClient({
      onMessage: (message) => {
        this.#heard();
        if (message.type === 'hello') this.#repeatWish();
        if (message.type !== 'alive') void this.#pump();
      },
      onClose: () => this.#check(),
    });
    options.child?.once('exit', () => void this.#check());
  }

  /** Starts to follow. Resolves when it is known whether the trainer lives, and, if not, when all it left is stored. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#tick(), POLL_INTERVAL_MS);
    this.#control.connect(this.#options.socketPath);
    await this.#pump();
    await this.#check();
  }

  /** Shown as not responding: it lives, and has been silent for a while. */
  get isNotResponding(): boolean {
    return this.#notResponding;
  }

  /** What it was asked to end with, or null. */
  get wish(): 'stop' | 'pause' | null {
    return this.#wish;
  }

  /** Asks it to save a checkpoint and leave, its run to be resumed later. There is no deadline. */
  pause(): void {
    if (this.#hasEnded || this.#wish !== null) return;
    this.#wish = 'pause';
    this.#repeatWish();
  }

  /** Asks it to stop; what does not leave by the deadlines is ended by signals. */
  stop(): void {
    if (this.#hasEnded || this.#wish === 'stop') return;
    this.#wish = 'stop';
    this.#repeatWish();
    void this.#climbStopLadder();
  }

  /** Asks it for a checkpoint. Throws a StudioError (conflict) when it does not listen. */
  requestCheckpoint(): void {
    if (this.#control.send({ type: 'checkpoint' })) return;
    throw new StudioError(
      'conflict',
      'The trainer does not listen at the moment; try again in a few seconds.',
    );
  }

  /** Lets go of the trainer, which goes on. Nothing is stored after this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#control.close();
    await this.#pumping;
    await this.#checking;
    await this.#reader.close();
  }

  #tick(): void {
    void this.#pump();
    const now = performance.now();
    if (now - this.#tickedAtMs > OWN_ABSENCE_MS) this.#heard();
    this.#tickedAtMs = now;
    if (!this.#control.isConnected) {
      if (!this.#hasEnded) this.#control.connect(this.#options.socketPath);
      if (now - this.#checkedAtMs >= CHECK_INTERVAL_MS) void this.#check();
    }
    if (!this.#hasEnded && now - this.#heardAtMs > this.#options.deadlines.silenceMs)
      this.#setNotResponding(true);
  }

  #heard(): void {
    this.#heardAtMs = performance.now();
    this.#setNotResponding(false);
  }

  #setNotResponding(isSilent: boolean): void {
    if (isSilent === this.#notResponding) return;
    this.#notResponding = isSilent;
    this.#options.notify({ type: 'runs-changed', runIds: [this.runId] });
  }

  #repeatWish(): void {
    if (this.#wish !== null) this.#control.send({ type: this.#wish });
  }

  // -------------------------------------------------------------------------------------------------- the journal

  /** Stores everything that the journal holds by now. One at a time; a call while one runs makes it look once more. */
  #pump(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (this.#pumping !== null) {
      this.#pumpAgain = true;
      return this.#pumping;
    }
    this.#pumping = this.#drainAgain().catch((error: unknown) => {
      // A full disk or a busy store: the journal keeps what could not be stored, and the next tick tries again.
      this.#options.report(`Run ${this.runId} could not be followed: ${(error as Error).message}`);
    });
    return this.#pumping;
  }

  async #drainAgain(): Promise<void> {
    try {
      do {
        this.#pumpAgain = false;
        this.#isCaughtUp = false;
        await this.#drain();
      } while (this.#pumpAgain && !this.#isClosed);
    } finally {
      // In the same moment as the last look at pumpAgain, so that no call falls between the two.
      this.#pumping = null;
    }
  }

  async #drain(): Promise<void> {
    while (!this.#isClosed) {
      const batch = await this.#reader.read(this.#offset);
      if (batch === null) {
        this.#isCaughtUp = true;
        return;
      }
      if (this.#isClosed) return;
      this.#heard();
      this.#storeBatch(batch);
      // Requests of the interface come in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** One transaction: the records, the offset behind them, and what they do to the run's state. Then tells. */
  #storeBatch(batch: JournalBatch): void {
    const { store, attempt, notify } = this.#options;
    let state = this.#state;
    let end: Extract<JournalRecord, { type: 'end' }> | null = null;
    const grown = store.transaction(() => {
      const result = store.ingest({ runId: this.runId, attempt, ...batch });
      for (const record of batch.records) {
        const event = eventOf(record);
        const to = event === null ? null : findNextState(state, event);
        if (to === null) {
          if (event !== null) this.#options.report(`Run ${this.runId} is ${state}: "${event}" is ignored.`);
          continue;
        }
        const message = record.type === 'end' ? record.message : null;
        store.setRunState(this.runId, { from: state, to, message, atMs: record.atMs });
        state = to;
        if (record.type !== 'end') continue;
        end = record;
        store.finishAttempt(this.runId, attempt, { outcome: to, endedAtMs: record.atMs });
      }
      return result;
    });
    this.#offset = batch.toOffset;
    this.#step = grown.step;
    const first = batch.records[0];
    if (first?.type === 'attempt') this.#identity ??= first.process;
    notify({ type: 'run-grew', runId: this.runId, ...grown });
    if (state === this.#state) return;
    this.#state = state;
    notify({ type: 'runs-changed', runIds: [this.runId] });
    if (end === null) return;
    this.#hasEnded = true;
    this.#announceEnd(state, (end as { message: string | null }).message);
    void this.#seeOff();
  }

  // --------------------------------------------------------------------------------------------------- life and death

  /** Whether the trainer lives. Before its first record is read, an unknown one is given a moment. */
  async #isTrainerAlive(): Promise<boolean> {
    if (this.#identity !== null) return isAlive(this.#identity);
    return performance.now() - this.#startedAtMs < this.#options.deadlines.firstRecordMs;
  }

  /** Looks whether the trainer is gone, and if so closes its run. One at a time. */
  #check(): Promise<void> {
    if (this.#isClosed || this.#isDone) return Promise.resolve();
    this.#checking ??= this.#closeIfGone()
      .catch((error: unknown) => {
        this.#options.report(`Run ${this.runId} could not be closed: ${(error as Error).message}`);
      })
      .finally(() => {
        this.#checking = null;
      });
    return this.#checking;
  }

  async #closeIfGone(): Promise<void> {
    this.#checkedAtMs = performance.now();
    if (this.#control.isConnected || (await this.#isTrainerAlive())) return;
    // It is gone: whatever it wrote is in the file now.
    await this.#pump();
    if (this.#isClosed || this.#isDone || !this.#isCaughtUp) return;
    if (!this.#hasEnded) await this.#closeAsGone();
    // A killed trainer leaves its socket behind.
    if (process.platform !== 'win32') await rm(this.#options.socketPath, { force: true });
    this.#finish();
  }

  /** The trainer is gone without a last word: the run is closed by the owner's, with what the trainer left on stderr. */
  async #closeAsGone(): Promise<void> {
    const { store, attempt, folder, child } = this.#options;
    const atMs = Date.now();
    if (this.#offset === 0 && this.#identity === null && child === null) {
      this.#options.requeue(this.runId, attempt);
      this.#hasEnded = true;
      return;
    }
    const exit = child === null ? null : await describeExit(child);
    const wasStopped = this.#wish === 'stop';
    const state = nextState(this.#state, wasStopped ? 'stop' : 'crash');
    const message = wasStopped
      ? `Ended by force at step ${this.#step}: it did not stop when asked.`
      : `The trainer is gone at step ${this.#step}${exit === null ? '' : ` (${exit})`}.`;
    const level = wasStopped ? 'warn' : 'error';
    const lines = [
      { level, text: message },
      ...(await readLastWords(path.join(folder, 'stderr.log'))),
    ] as const;
    store.transaction(() => {
      store.ingest({
        runId: this.runId,
        attempt,
        fromOffset: this.#offset,
        toOffset: this.#offset,
        records: lines.map((line) => ({ type: 'log', atMs, ...line })),
      });
      store.setRunState(this.runId, { from: this.#state, to: state, message, atMs });
      store.finishAttempt(this.runId, attempt, { outcome: state, endedAtMs: atMs });
    });
    this.#state = state;
    this.#hasEnded = true;
    this.#options.notify({ type: 'runs-changed', runIds: [this.runId] });
    this.#announceEnd(state, message);
    for (const part of ['.', 'checkpoints', 'logits']) await sweepTemporaryFiles(path.join(folder, part));
  }

  /** It said its last word; a process that stays all the same holds memory that the next run needs. */
  async #seeOff(): Promise<void> {
    if (await this.#isGoneWithin(this.#options.deadlines.exitMs)) return;
    await this.#signal('SIGKILL');
  }

  #finish(): void {
    this.#isDone = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#control.close();
    void this.#reader.close();
    this.#options.onDone();
  }

  #announceEnd(state: RunState, message: string | null): void {
    this.#options.notify({
      type: 'run-ended',
      runId: this.runId,
      title: this.#options.title,
      state,
      message,
    });
  }

  // ------------------------------------------------------------------------------------------------- the stop ladder

  /** Asked, then SIGTERM, then SIGKILL, each after its deadline. Where nobody listens, SIGTERM is how one asks. */
  async #climbStopLadder(): Promise<void> {
    const { stopMs, terminateMs } = this.#options.deadlines;
    if (await this.#isGoneWithin(stopMs)) return;
    await this.#signal('SIGTERM');
    if (await this.#isGoneWithin(terminateMs)) return;
    await this.#signal('SIGKILL');
  }

  async #isGoneWithin(limitMs: number): Promise<boolean> {
    const end = performance.now() + limitMs;
    while (!this.#isDone && !this.#isClosed) {
      if (performance.now() >= end) return false;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return true;
  }

  /** Signals exactly this process, never a later one with its pid. */
  async #signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#identity === null || !(await isAlive(this.#identity))) return;
    try {
      process.kill(this.#identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
        this.#options.report(`Run ${this.runId} could not be sent ${signal}: ${(error as Error).message}`);
      }
    }
  }
}

/** How a child that is gone has ended; the system may tell a moment later than the socket closes. */
async function describeExit(child: ChildProcess): Promise<string | null> {
  const end = performance.now() + EXIT_NEWS_MS;
  while (child.exitCode === null && child.signalCode === null && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (child.signalCode !== null) return `signal ${child.signalCode}`;
  return child.exitCode === null ? null : `exit code ${child.exitCode}`;
}

/** What a record does to the state of its run; null for most. */
function eventOf(record: JournalRecord): RunEvent | null {
  if (record.type === 'running') return 'begin';
  return record.type === 'end' ? END_EVENTS[record.state] : null;
}
