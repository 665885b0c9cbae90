/**
 * The way of a trainer's events into the store: one batch of journal records and the offset behind it, in one
 * transaction. Whatever dies in between, an event is stored once: a batch is refused unless it begins where the last one
 * ended. The first record of an attempt deletes what lies beyond the step that it goes on from, in the same transaction.
 */
import type { LogLine } from '../../preload/contract.ts';
import type { JournalRecord } from '../trainer/protocol.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Database } from './database.ts';
import { StudioError } from './errors.ts';
import type { Evaluations } from './evaluations.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Runs } from './runs.ts';

export interface IngestBatch {
  runId: number;
  attempt: number;
  /** Bytes of the attempt's journal that were stored before, and with this batch; both at the end of a record. */
  fromOffset: number;
  toOffset: number;
  records: readonly JournalRecord[];
}

export interface IngestResult {
  /** How far the run has come with this batch. */
  step: number;
  logLines: number;
}

type Progress = Extract<JournalRecord, { type: 'progress' }>;
type MetricsRecord = Extract<JournalRecord, { type: 'metrics' }>;

interface IngestedRun {
  /** Relative to the library. */
  folder: string;
  datasetId: number | null;
  groupId: number | null;
  step: number | null;
  logLines: number;
  logWarnings: number;
  logErrors: number;
}

/** The parts of the store that a journal's records go to. */
export interface IngestParts {
  runs: Runs;
  metrics: Metrics;
  evaluations: Evaluations;
  log: Log;
  checkpoints: Checkpoints;
}

export class Ingest {
  readonly #database: Database;
  readonly #parts: IngestParts;

  constructor(database: Database, parts: IngestParts) {
    this.#database = database;
    this.#parts = parts;
  }

  /**
   * Stores a batch. Throws `conflict` when the attempt's stored offset is not `fromOffset`, and whatever SQLite throws (a
   * full disk); nothing of the batch is stored then, and it may be tried again.
   */
  store(batch: IngestBatch): IngestResult {
    try {
      return this.#database.transaction('ingest', () => this.#store(batch));
    } catch (error) {
      this.#parts.metrics.forgetNames();
      throw error;
    }
  }

  #store(batch: IngestBatch): IngestResult {
    const { runId, attempt, fromOffset, toOffset, records } = batch;
    this.#moveOffset(runId, attempt, fromOffset, toOffset);
    const run = this.#readRun(runId);
    const { metrics, evaluations, checkpoints } = this.#parts;
    const points: { step: number; epoch: number; timeMs: number; values: Record<string, number> }[] = [];
    const addPoints = (): void => {
      metrics.add(runId, points);
      points.length = 0;
    };
    const say = (level: LogLine['level'], text: string, atMs: number): void => {
      run.logLines++;
      if (level === 'warn') run.logWarnings++;
      if (level === 'error') run.logErrors++;
      this.#parts.log.add(runId, { number: run.logLines, atMs, level, attempt, text });
    };
    let progress: Progress | null = null;
    let activeMs: number | null = null;
    let phase: string | null = null;
    let evaluated = false;
    let checkpointsChanged = false;

    for (const record of records) {
      if ('activeMs' in record) activeMs = record.activeMs;
      switch (record.type) {
        case 'attempt':
          addPoints();
          this.#beginAttempt(runId, attempt, record);
          run.step = record.resumedFromStep;
          progress = null;
          evaluated = true;
          checkpointsChanged = true;
          break;
        case 'environment':
          this.#setEnvironment(runId, record);
          break;
        case 'log':
          say(record.level, record.text, record.atMs);
          break;
        case 'metrics': {
          const { finite, others } = splitFinite(record);
          // JSON has no NaN: it arrives as null. SQLite would take it for "no value", so it is said aloud instead.
          for (const [name, value] of others)
            say(
              'error',
              `${name} at step ${record.step} is ${String(value)}, not a finite number, and was not stored.`,
              record.atMs,
            );
          points.push({ step: record.step, epoch: record.epoch, timeMs: record.activeMs, values: finite });
          run.step = Math.max(run.step ?? 0, record.step);
          break;
        }
        case 'progress':
          progress = record;
          run.step = record.step;
          break;
        case 'phase':
          phase = record.phase;
          break;
        case 'evaluation':
          evaluations.add({ id: runId, datasetId: run.datasetId }, record.result, {
            atMs: record.atMs,
            timeMs: record.activeMs,
          });
          evaluated = true;
          break;
        case 'checkpoint':
          checkpoints.put({
            runId,
            epoch: record.epoch,
            step: record.step,
            roles: record.roles,
            file: record.file,
            sizeBytes: record.sizeBytes + (record.logits?.sizeBytes ?? 0),
            logits: record.logits,
            evaluated: record.evaluated,
            createdAtMs: record.atMs,
          });
          checkpointsChanged = true;
          break;
        case 'checkpoint-roles':
          checkpoints.setRoles(runId, record.file, record.roles);
          break;
        case 'checkpoint-removed':
          checkpoints.removeFile(runId, record.file);
          checkpointsChanged = true;
          break;
        case 'logits': {
          checkpointsChanged = true;
          const own = ownFile(run.folder, record.checkpointPath);
          if (own !== null && checkpoints.list(runId).some(({ file }) => file === own)) {
            // An imported checkpoint, evaluated by its own run.
            checkpoints.setLogits(runId, own, record.logits);
            break;
          }
          // Another evaluation job keeps no weights of its own; its row is the logits that it made.
          checkpoints.put({
            runId,
            epoch: record.epoch,
            step: record.step,
            roles: ['last'],
            file: record.logits.file,
            sizeBytes: record.logits.sizeBytes,
            logits: record.logits,
            evaluated: record.logits.splits.map(({ split }) => split),
            createdAtMs: record.atMs,
          });
          break;
        }
        default:
          // 'running' and 'end' are states, which the scheduler sets in the same transaction; a type that this version
          // does not know comes from a newer trainer.
          break;
      }
    }
    addPoints();

    this.#writeRun(runId, run, {
      progress,
      activeMs,
      phase,
      journalBytes: toOffset - fromOffset,
      checkpointsChanged,
    });
    if (evaluated) evaluations.summarise({ id: runId, datasetId: run.datasetId });
    if (run.groupId !== null) this.#parts.runs.refreshGroup(run.groupId);
    return { step: run.step ?? 0, logLines: run.logLines };
  }

  #moveOffset(runId: number, attempt: number, fromOffset: number, toOffset: number): void {
    const { changes } = this.#database
      .statement<[number, number, number, number]>(
        'move journal offset',
        'UPDATE attempts SET journal_offset = ? WHERE run_id = ? AND attempt = ? AND journal_offset = ?',
      )
      .run([toOffset, runId, attempt, fromOffset]);
    if (changes === 0)
      throw new StudioError(
        'conflict',
        `The journal of run ${runId}, attempt ${attempt} was to be stored from byte ${fromOffset}, but that is not where ` +
          'the last batch ended. Read the offset from the store and go on from there.',
      );
  }

  #readRun(runId: number): IngestedRun {
    return this.#database
      .statement<[number], IngestedRun>(
        'read run to ingest',
        `SELECT folder, dataset_id AS datasetId, group_id AS groupId, step, log_lines AS logLines,
           log_warnings AS logWarnings, log_errors AS logErrors FROM runs WHERE id = ?`,
      )
      .get([runId])!;
  }

  #beginAttempt(runId: number, attempt: number, record: Extract<JournalRecord, { type: 'attempt' }>): void {
    // An evaluation goes on from nothing; what it writes replaces what was there.
    if (record.kind === 'train') {
      this.#parts.metrics.removeBeyond(runId, record.resumedFromStep);
      this.#parts.evaluations.removeBeyond(runId, record.resumedFromStep);
      this.#parts.checkpoints.removeBeyond(runId, record.resumedFromStep);
    }
    this.#database
      .statement<Record<string, unknown>>(
        'write attempt',
        `UPDATE attempts SET resumed_from_step = @step, pid = @pid, process_start = @processStart, socket_path = @socketPath
         WHERE run_id = @runId AND attempt = @attempt`,
      )
      .run({
        runId,
        attempt,
        step: record.resumedFromStep,
        pid: record.process.pid,
        processStart: record.process.startedAt,
        socketPath: record.socketPath,
      });
    this.#database
      .statement<Record<string, unknown>>(
        'reset progress',
        `UPDATE runs SET active_ms = @activeMs,
           step = CASE WHEN total_steps IS NULL THEN NULL ELSE @step END,
           epoch = CASE WHEN total_steps IS NULL THEN NULL ELSE @epoch END,
           wait_share = NULL, memory_bytes = NULL
         WHERE id = @runId`,
      )
      .run({
        runId,
        activeMs: record.activeMs,
        step: record.resumedFromStep,
        epoch: record.resumedFromEpoch,
      });
  }

  #setEnvironment(runId: number, record: Extract<JournalRecord, { type: 'environment' }>): void {
    this.#parts.runs.change(runId, {
      environment: record.environment,
      resolved: record.resolved,
      engine: record.engine,
      device: record.device,
    });
  }

  #writeRun(
    runId: number,
    run: IngestedRun,
    batch: {
      progress: Progress | null;
      activeMs: number | null;
      phase: string | null;
      journalBytes: number;
      checkpointsChanged: boolean;
    },
  ): void {
    const { progress } = batch;
    if (progress !== null)
      this.#database
        .statement<Record<string, unknown>>(
          'write progress',
          `UPDATE runs SET step = @step, total_steps = @totalSteps, epoch = @epoch, epochs = @epochs,
             images_per_second = coalesce(@imagesPerSecond, images_per_second), wait_share = @waitShare, memory_bytes = @memoryBytes
           WHERE id = @runId`,
        )
        .run({ ...progress, runId });
    this.#database
      .statement<Record<string, unknown>>(
        'write ingested run',
        `UPDATE runs SET log_lines = @logLines, log_warnings = @logWarnings, log_errors = @logErrors,
           active_ms = coalesce(@activeMs, active_ms), phase = coalesce(@phase, phase),
           size_bytes = size_bytes + @journalBytes
         WHERE id = @runId`,
      )
      .run({ ...run, activeMs: batch.activeMs, phase: batch.phase, journalBytes: batch.journalBytes, runId });
    if (batch.checkpointsChanged) this.#parts.runs.measure(runId);
  }
}

/** The file within a run's folder that an absolute path names, or null where it lies elsewhere. */
function ownFile(folder: string, absolute: string): string | null {
  const [before, file] = absolute.replaceAll('\\', '/').split(`/${folder}/`);
  return before === undefined || file === undefined ? null : file;
}

function splitFinite(record: MetricsRecord): {
  finite: Record<string, number>;
  others: [string, unknown][];
} {
  const entries: [string, unknown][] = Object.entries(record.values);
  const isFinite = ([, value]: [string, unknown]): boolean => Number.isFinite(value);
  return {
    finite: Object.fromEntries(entries.filter(isFinite)) as Record<string, number>,
    others: entries.filter((one) => !isFinite(one)),
  };
}
