/**
 * What the scheduler keeps in the store: the queue's order, states, and the attempts with the trainers that make them.
 * A run waits when its state is `queued` and it has a place; the smaller place is the sooner. Which state may follow
 * which is the scheduler's table.
 */
import type { Config, EngineChoice, RunAttempt, RunKind, RunState } from '../../preload/contract.ts';
import type { EvaluateJob, KeptCheckpoint, ProcessIdentity } from '../trainer/protocol.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Database } from './database.ts';
import type { Datasets } from './datasets.ts';
import { StudioError } from './errors.ts';
import type { OriginRow, Origins } from './origins.ts';
import type { Ingest, IngestBatch, IngestResult } from './ingest.ts';
import type { Runs } from './runs.ts';
import type { Settings } from './settings.ts';

const FINAL_STATES: ReadonlySet<RunState> = new Set(['completed', 'failed', 'stopped', 'crashed']);

/** A run as the scheduler sees it. */
export interface SchedulerRun {
  id: number;
  kind: RunKind;
  title: string;
  state: RunState;
  /** Relative to the library. */
  folder: string;
  config: Config;
  /** Null for a run that was imported without a dataset; it never waits or runs. */
  dataset: {
    /** Relative to the library. */
    folder: string;
    manifestHash: string;
  } | null;
  queuePosition: number | null;
  resolved: Record<string, unknown> | null;
  /** The newest attempt; null before the first start. */
  attempt: {
    attempt: number;
    /** Bytes of whole journal records that are stored. */
    journalOffset: number;
    process: ProcessIdentity | null;
    socketPath: string | null;
  } | null;
  /** By step. */
  checkpoints: KeptCheckpoint[];
  evaluate: EvaluateJob | null;
  /** The checkpoints that it was made from. */
  origins: OriginRow[];
}

interface SchedulingParts {
  runs: Runs;
  datasets: Datasets;
  checkpoints: Checkpoints;
  origins: Origins;
  settings: Settings;
  ingest: Ingest;
}

export class Scheduling {
  readonly #database: Database;
  readonly #parts: SchedulingParts;

  constructor(database: Database, parts: SchedulingParts) {
    this.#database = database;
    this.#parts = parts;
  }

  /** Runs `work` in one transaction; nests. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction('schedule', work);
  }

  /** Waiting runs in the order in which they will start. */
  readQueue(): { runId: number; position: number; engine: EngineChoice }[] {
    return this.#database
      .statement<[], { runId: number; position: number; engine: EngineChoice }>(
        'read queue',
        `SELECT r.id AS runId, r.queue_order AS position, coalesce(c.config ->> 'engine', 'auto') AS engine
         FROM runs r INDEXED BY runs_waiting JOIN run_documents c ON c.run_id = r.id
         WHERE r.state = 'queued' AND r.trash_token IS NULL AND r.queue_order IS NOT NULL
         ORDER BY r.queue_order, r.id`,
      )
      .all([]);
  }

  setQueuePositions(changes: readonly { runId: number; position: number | null }[]): void {
    this.#database.transaction('set queue positions', () => {
      const update = this.#database.statement<[number | null, number]>(
        'set queue position',
        'UPDATE runs SET queue_order = ? WHERE id = ?',
      );
      for (const { runId, position } of changes) update.run([position, runId]);
    });
  }

  isQueuePaused(): boolean {
    return this.#parts.settings.isQueuePaused();
  }

  setQueuePaused(paused: boolean): void {
    this.#parts.settings.setQueuePaused(paused);
  }

  /** Runs in one of these states, oldest first. */
  listRunsInStates(states: readonly RunState[]): number[] {
    return this.#database
      .statement<[string], { id: number }>(
        'list runs in states',
        `SELECT id FROM runs WHERE state IN (SELECT value FROM json_each(?)) AND trash_token IS NULL ORDER BY id`,
      )
      .all([JSON.stringify(states)])
      .map(({ id }) => id);
  }

  /** The run, or null where there is none or it lies in the trash. */
  readSchedulerRun(runId: number): SchedulerRun | null {
    const run = this.#parts.runs.read(runId);
    if (run === null) return null;
    const dataset = run.datasetId === null ? null : this.#parts.datasets.get(run.datasetId);
    return {
      id: run.id,
      kind: run.kind,
      title: `${run.title} ${run.detail}`.trim(),
      state: run.state,
      folder: run.folder,
      config: run.config,
      dataset: dataset && { folder: dataset.folder, manifestHash: dataset.manifest.manifestHash },
      queuePosition: run.queueOrder,
      resolved: run.resolved,
      attempt: this.#readAttempt(runId),
      checkpoints: this.#parts.checkpoints
        .list(runId)
        .map(({ epoch, step, roles, file }) => ({ epoch, step, roles, file })),
      evaluate: run.evaluate,
      origins: this.#parts.origins.ofRun(runId),
    };
  }

  /**
   * Moves a run to a state. Throws `conflict` when it is not in `from`: something else has moved it meanwhile. The first
   * `preparing` sets when it started; a final state sets when it ended, any other clears that.
   */
  setRunState(
    runId: number,
    { from, to, message, atMs }: { from: RunState; to: RunState; message: string | null; atMs: number },
  ): void {
    this.#database.transaction('set run state', () => {
      const { changes } = this.#database
        .statement<Record<string, unknown>>(
          'set run state',
          `UPDATE runs SET state = @to, state_message = @message,
             started_at_ms = CASE WHEN @to = 'preparing' THEN coalesce(started_at_ms, @atMs) ELSE started_at_ms END,
             ended_at_ms = @endedAtMs,
             phase = CASE WHEN @to IN ('preparing', 'running') THEN phase END
           WHERE id = @runId AND state = @from AND trash_token IS NULL`,
        )
        .run({ runId, from, to, message, atMs, endedAtMs: FINAL_STATES.has(to) ? atMs : null });
      if (changes === 0)
        throw new StudioError(
          'conflict',
          `Run ${runId} was expected to be ${from}, to become ${to}, and is ${this.#parts.runs.get(runId).state}.`,
        );
      this.#parts.runs.refreshGroupOf(runId);
    });
  }

  /** Writes an attempt with an empty journal. */
  beginAttempt(
    runId: number,
    {
      attempt,
      startedAtMs,
      resumedFromStep,
    }: { attempt: number; startedAtMs: number; resumedFromStep: number },
  ): void {
    this.#database.transaction('begin an attempt', () => {
      this.#database
        .statement<[number, number, number, number]>(
          'insert attempt',
          'INSERT INTO attempts (run_id, attempt, started_at_ms, resumed_from_step) VALUES (?, ?, ?, ?)',
        )
        .run([runId, attempt, startedAtMs, resumedFromStep]);
      this.#database
        .statement<[number, number]>('set attempt of run', 'UPDATE runs SET attempt = ? WHERE id = ?')
        .run([attempt, runId]);
    });
  }

  setAttemptProcess(
    runId: number,
    attempt: number,
    { process, socketPath }: { process: ProcessIdentity; socketPath: string | null },
  ): void {
    this.#database
      .statement<unknown[]>(
        'set attempt process',
        'UPDATE attempts SET pid = ?, process_start = ?, socket_path = ? WHERE run_id = ? AND attempt = ?',
      )
      .run([process.pid, process.startedAt, socketPath, runId, attempt]);
  }

  finishAttempt(
    runId: number,
    attempt: number,
    { outcome, endedAtMs }: { outcome: RunState; endedAtMs: number },
  ): void {
    this.#database
      .statement<unknown[]>(
        'finish attempt',
        'UPDATE attempts SET outcome = ?, ended_at_ms = ? WHERE run_id = ? AND attempt = ?',
      )
      .run([outcome, endedAtMs, runId, attempt]);
  }

  /** Attempts of a run, oldest first. */
  attempts(runId: number): RunAttempt[] {
    return this.#database
      .statement<[number], RunAttempt>(
        'read attempts',
        `SELECT attempt, resumed_from_step AS resumedFromStep, started_at_ms AS startedAtMs, ended_at_ms AS endedAtMs,
           outcome FROM attempts WHERE run_id = ? ORDER BY attempt`,
      )
      .all([runId]);
  }

  /** Stores a batch of journal records: see `Ingest.store`. */
  ingest(batch: IngestBatch): IngestResult {
    return this.#parts.ingest.store(batch);
  }

  #readAttempt(runId: number): SchedulerRun['attempt'] {
    const row = this.#database
      .statement<
        [number],
        {
          attempt: number;
          journalOffset: number;
          pid: number | null;
          processStart: string | null;
          socketPath: string | null;
        }
      >(
        'read newest attempt',
        `SELECT attempt, journal_offset AS journalOffset, pid, process_start AS processStart, socket_path AS socketPath
         FROM attempts WHERE run_id = ? ORDER BY attempt DESC LIMIT 1`,
      )
      .get([runId]);
    if (row === undefined) return null;
    const { attempt, journalOffset, pid, processStart, socketPath } = row;
    return {
      attempt,
      journalOffset,
      process: pid === null || processStart === null ? null : { pid, startedAt: processStart },
      socketPath,
    };
  }
}
