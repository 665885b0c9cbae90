/** Checkpoints as rows: what lies in a run's folder, what each is kept for, and which logits go with it. */
import type { CheckpointInfo, CheckpointRole, Selection, Split } from '../../preload/contract.ts';
import type { LogitsFile } from '../trainer/protocol.ts';
import type { Database } from './database.ts';
import type { Datasets } from './datasets.ts';
import { StudioError } from './errors.ts';
import { bestSelection, type Evaluations } from './evaluations.ts';
import type { Origins } from './origins.ts';

export interface CheckpointRow {
  id: number;
  runId: number;
  epoch: number;
  step: number;
  roles: CheckpointRole[];
  /** Relative to the run's folder: `checkpoints/epoch-0040.safetensors`. */
  file: string;
  /** Weights, their JSON and the logits. */
  sizeBytes: number;
  logits: LogitsFile | null;
  evaluated: Split[];
  pinned: boolean;
  createdAtMs: number;
  /** Relative to the library. */
  runFolder: string;
}

type RawCheckpoint = Omit<CheckpointRow, 'roles' | 'logits' | 'evaluated' | 'pinned'> & {
  roles: string;
  logits: string | null;
  evaluated: string;
  pinned: number;
};

const CHECKPOINT_SQL = `
  SELECT c.id, c.run_id AS runId, c.epoch, c.step, c.roles, c.file, c.size_bytes AS sizeBytes, c.logits, c.evaluated,
    c.pinned, c.created_at_ms AS createdAtMs, r.folder AS runFolder
  FROM checkpoints c JOIN runs r ON r.id = c.run_id`;

export class Checkpoints {
  readonly #database: Database;
  readonly #datasets: Datasets;
  readonly #evaluations: Evaluations;
  readonly #origins: Origins;

  constructor(database: Database, datasets: Datasets, evaluations: Evaluations, origins: Origins) {
    this.#database = database;
    this.#datasets = datasets;
    this.#evaluations = evaluations;
    this.#origins = origins;
  }

  /** Writes a checkpoint inside the caller's transaction; one with the same file is replaced and stays pinned. */
  put(checkpoint: Omit<CheckpointRow, 'id' | 'pinned' | 'runFolder'>): void {
    this.#database
      .statement<Record<string, unknown>>(
        'put checkpoint',
        `INSERT INTO checkpoints (run_id, epoch, step, roles, file, size_bytes, logits, evaluated, created_at_ms)
         VALUES (@runId, @epoch, @step, @roles, @file, @sizeBytes, @logits, @evaluated, @createdAtMs)
         ON CONFLICT (run_id, file) WHERE trash_token IS NULL DO UPDATE SET epoch = excluded.epoch, step = excluded.step,
           roles = excluded.roles, size_bytes = excluded.size_bytes, logits = excluded.logits,
           evaluated = excluded.evaluated, created_at_ms = excluded.created_at_ms`,
      )
      .run({
        ...checkpoint,
        roles: JSON.stringify(checkpoint.roles),
        logits: checkpoint.logits === null ? null : JSON.stringify(checkpoint.logits),
        evaluated: JSON.stringify(checkpoint.evaluated),
      });
  }

  /** A checkpoint was evaluated, and these are its logits. Its size grows by theirs. */
  setLogits(runId: number, file: string, logits: LogitsFile): void {
    this.#database
      .statement<Record<string, unknown>>(
        'set checkpoint logits',
        `UPDATE checkpoints SET logits = @logits, evaluated = @evaluated,
           size_bytes = size_bytes - coalesce(logits ->> 'sizeBytes', 0) + @sizeBytes
         WHERE run_id = @runId AND file = @file AND trash_token IS NULL`,
      )
      .run({
        runId,
        file,
        logits: JSON.stringify(logits),
        evaluated: JSON.stringify(logits.splits.map(({ split }) => split)),
        sizeBytes: logits.sizeBytes,
      });
  }

  /** What a checkpoint is kept for has changed. */
  setRoles(runId: number, file: string, roles: readonly CheckpointRole[]): void {
    this.#database
      .statement<[string, number, string]>(
        'set checkpoint roles',
        'UPDATE checkpoints SET roles = ? WHERE run_id = ? AND file = ? AND trash_token IS NULL',
      )
      .run([JSON.stringify(roles), runId, file]);
  }

  /** The files of a checkpoint are gone. */
  removeFile(runId: number, file: string): void {
    this.#database
      .statement<[number, string]>(
        'remove checkpoint by file',
        'DELETE FROM checkpoints WHERE run_id = ? AND file = ? AND trash_token IS NULL',
      )
      .run([runId, file]);
  }

  /** Deletes rows beyond a step, inside the caller's transaction. */
  removeBeyond(runId: number, step: number): void {
    this.#database
      .statement<[number, number]>(
        'delete checkpoints beyond step',
        'DELETE FROM checkpoints WHERE run_id = ? AND step > ? AND trash_token IS NULL',
      )
      .run([runId, step]);
  }

  /** Checkpoints of a run, by step. */
  list(runId: number): CheckpointRow[] {
    return this.#database
      .statement<[number], RawCheckpoint>(
        'read checkpoints of run',
        `${CHECKPOINT_SQL} WHERE c.run_id = ? AND c.trash_token IS NULL ORDER BY c.step, c.id`,
      )
      .all([runId])
      .map(toCheckpoint);
  }

  /** How many checkpoints a run has. */
  count(runId: number): number {
    return this.#database
      .statement<[number], { count: number }>(
        'count checkpoints of run',
        'SELECT count(*) AS count FROM checkpoints WHERE run_id = ? AND trash_token IS NULL',
      )
      .get([runId])!.count;
  }

  /** The checkpoint; throws `not-found`. */
  get(id: number): CheckpointRow {
    const raw = this.#database
      .statement<[number], RawCheckpoint>(
        'read checkpoint',
        `${CHECKPOINT_SQL} WHERE c.id = ? AND c.trash_token IS NULL AND r.trash_token IS NULL`,
      )
      .get([id]);
    if (raw === undefined)
      throw new StudioError('not-found', `There is no checkpoint ${id}. It may have been deleted.`);
    return toCheckpoint(raw);
  }

  /** The checkpoint whose file this is, by its path relative to the library, or null. */
  atPath(file: string): CheckpointRow | null {
    const raw = this.#database
      .statement<[string], RawCheckpoint>(
        'find checkpoint by path',
        `${CHECKPOINT_SQL} WHERE r.folder || '/' || c.file = ? AND c.trash_token IS NULL AND r.trash_token IS NULL`,
      )
      .get([file]);
    return raw === undefined ? null : toCheckpoint(raw);
  }

  setPinned(id: number, pinned: boolean): void {
    this.#database
      .statement<[number, number]>('pin checkpoint', 'UPDATE checkpoints SET pinned = ? WHERE id = ?')
      .run([pinned ? 1 : 0, id]);
  }

  /**
   * Checkpoints of runs that have ended which are neither best nor last nor pinned nor imported, from which no run was
   * made, and which a run that ended early does not go on from; the oldest first.
   */
  expendable(): CheckpointRow[] {
    return this.#database
      .statement<[], RawCheckpoint>(
        'read expendable checkpoints',
        `${CHECKPOINT_SQL} WHERE c.trash_token IS NULL AND r.trash_token IS NULL
           AND c.pinned = 0 AND c.roles NOT LIKE '%"best"%' AND c.roles NOT LIKE '%"last"%'
           AND r.kind <> 'import' AND r.state IN ('completed', 'failed', 'stopped', 'crashed')
           AND (r.state = 'completed' OR c.step < (SELECT max(l.step) FROM checkpoints l
             WHERE l.run_id = c.run_id AND l.trash_token IS NULL))
           AND NOT EXISTS (SELECT 1 FROM run_origins o JOIN runs u ON u.id = o.run_id AND u.trash_token IS NULL
             WHERE o.checkpoint_id = c.id)
         ORDER BY c.created_at_ms`,
      )
      .all([])
      .map(toCheckpoint);
  }

  /** As tables show it. datasetId is that of its run, null where it has none. */
  info(row: CheckpointRow, datasetId: number | null): CheckpointInfo {
    const selection: Selection = row.roles.includes('best')
      ? bestSelection(datasetId === null ? 'test' : this.#datasets.facts(datasetId).selectionSplit)
      : row.roles.includes('last')
        ? 'last'
        : 'epoch';
    const word = row.roles.includes('best')
      ? 'best'
      : row.roles.includes('last')
        ? 'last'
        : `epoch-${row.epoch}`;
    return {
      id: row.id,
      runId: row.runId,
      ref: `${row.runId}@${word}`,
      epoch: row.epoch,
      step: row.step,
      roles: row.roles,
      selection,
      result: this.#evaluations.summary(row.runId, row.epoch, selection),
      sizeBytes: row.sizeBytes,
      logits:
        row.logits === null
          ? []
          : row.logits.splits.map(({ split, outputs }) => ({ split, outputs, dtype: row.logits!.dtype })),
      pinned: row.pinned,
      usedBy: this.#origins.usersOf(row.id).map(({ runId, role }) => ({ runId, role })),
      createdAtMs: row.createdAtMs,
      path: `${row.runFolder}/${row.file}`,
    };
  }
}

function toCheckpoint(raw: RawCheckpoint): CheckpointRow {
  return {
    ...raw,
    roles: JSON.parse(raw.roles) as CheckpointRole[],
    logits: raw.logits === null ? null : (JSON.parse(raw.logits) as LogitsFile),
    evaluated: JSON.parse(raw.evaluated) as Split[],
    pinned: raw.pinned === 1,
  };
}
