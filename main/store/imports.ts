/**
 * Runs that were made from files of other programs. They begin and end here: no trainer writes them. A checkpoint's run
 * is there whole or not at all; a log's is filled in portions, so that a long log never holds the thread, and is
 * `preparing` until its last portion is stored.
 */
import type { GroupSchemeId, GroupValues, RunState } from '../../preload/contract.ts';
import type { Checkpoints, CheckpointRow } from './checkpoints.ts';
import type { Database } from './database.ts';
import type { Evaluations, StoredResult } from './evaluations.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { NewRun, Runs } from './runs.ts';

export interface ImportedPoint {
  metric: string;
  step: number;
  epoch: number;
  value: number;
}

export interface ImportedEvaluation {
  result: StoredResult;
  /** Values that the log prints itself. */
  groups: Partial<Record<GroupSchemeId, GroupValues>>;
}

export interface ImportParts {
  runs: Runs;
  metrics: Metrics;
  evaluations: Evaluations;
  log: Log;
  checkpoints: Checkpoints;
}

export class Imports {
  readonly #database: Database;
  readonly #parts: ImportParts;

  constructor(database: Database, parts: ImportParts) {
    this.#database = database;
    this.#parts = parts;
  }

  /** Writes a run in this state, with its checkpoint where it has one, and returns its number. */
  create(
    run: NewRun,
    state: Extract<RunState, 'queued' | 'preparing' | 'completed'>,
    checkpoint: Omit<CheckpointRow, 'id' | 'runId' | 'pinned' | 'runFolder'> | null,
  ): number {
    return this.#database.transaction('create an imported run', () => {
      const id = this.#parts.runs.create(run);
      if (checkpoint !== null) this.#parts.checkpoints.put({ ...checkpoint, runId: id });
      this.#parts.runs.measure(id);
      this.#setState(id, state, run.createdAtMs);
      return id;
    });
  }

  /** Stores a portion of a log's lines; `first` is the number of the first one. */
  addLines(runId: number, first: number, lines: readonly string[], atMs: number): void {
    this.#database.transaction('import log lines', () => {
      lines.forEach((text, index) =>
        this.#parts.log.add(runId, { number: first + index, atMs, level: 'info', attempt: 1, text }),
      );
    });
  }

  /** Stores a portion of curves. The program that wrote the log kept no time that ours could be compared with. */
  addPoints(runId: number, points: readonly ImportedPoint[]): void {
    this.#database.transaction('import metrics', () =>
      this.#parts.metrics.add(
        runId,
        points.map(({ metric, step, epoch, value }) => ({
          step,
          epoch: Math.floor(epoch),
          timeMs: 0,
          values: { [metric]: value },
        })),
      ),
    );
  }

  /** Stores a portion of evaluations. */
  addEvaluations(
    run: { id: number; datasetId: number | null },
    evaluations: readonly ImportedEvaluation[],
    atMs: number,
  ): void {
    this.#database.transaction('import evaluations', () => {
      for (const { result, groups } of evaluations)
        this.#parts.evaluations.add(run, result, { atMs, timeMs: 0 }, groups);
    });
  }

  /** The last portion is stored: the run is completed. */
  finish(
    run: { id: number; datasetId: number | null },
    reached: { step: number; epochs: number; lines: number; stepsPerEpoch: number },
    atMs: number,
  ): void {
    this.#database.transaction('finish an import', () => {
      this.#parts.evaluations.summarise(run);
      this.#parts.runs.change(run.id, { resolved: { stepsPerEpoch: reached.stepsPerEpoch } });
      this.#database
        .statement<Record<string, unknown>>(
          'write imported progress',
          `UPDATE runs SET step = @step, total_steps = @step, epoch = @epochs, epochs = @epochs, log_lines = @lines
           WHERE id = @id`,
        )
        .run({ id: run.id, ...reached });
      this.#setState(run.id, 'completed', atMs);
    });
  }

  #setState(id: number, state: RunState, atMs: number): void {
    this.#parts.runs.change(id, { state, endedAtMs: state === 'completed' ? atMs : null });
  }
}
