/**
 * What was deleted and can be brought back. A deletion marks rows with a token, under which their files lie in
 * `trash/<token>/`; every other statement passes such rows by. Moving the files is the owner's part (main/trash.ts).
 */
import { randomUUID } from 'node:crypto';
import type { Database } from './database.ts';
import { StudioError } from './errors.ts';
import type { Origins } from './origins.ts';
import type { Runs } from './runs.ts';

export interface TrashEntry {
  token: string;
  kind: 'runs' | 'dataset' | 'checkpoints';
  /** What it was, for a message: "3 runs", "dataset “cifar-10-lt”". */
  title: string;
  createdAtMs: number;
}

/** A file or folder of something in the trash, relative to the library, as it lay before. */
export type TrashPath = string;

/** Rows of metrics or log that one step of a purge deletes: some milliseconds. */
const PURGE_ROWS = 10_000;

export class Trash {
  readonly #database: Database;
  readonly #runs: Runs;
  readonly #origins: Origins;

  constructor(database: Database, runs: Runs, origins: Origins) {
    this.#database = database;
    this.#runs = runs;
    this.#origins = origins;
  }

  /** Marks runs and returns the token. Their queue places are taken from them. */
  putRuns(ids: readonly number[], atMs: number): TrashEntry {
    return this.#put('runs', ids.length === 1 ? 'run' : `${ids.length} runs`, atMs, (token) => {
      for (const id of ids) {
        this.#run('mark run', 'UPDATE runs SET trash_token = ?, queue_order = NULL WHERE id = ?', [
          token,
          id,
        ]);
        this.#runs.refreshGroupOf(id);
      }
    });
  }

  /** Marks a dataset. The caller has made sure that no run uses it. */
  putDataset(id: number, name: string, atMs: number): TrashEntry {
    return this.#put('dataset', `dataset “${name}”`, atMs, (token) => {
      this.#run('mark dataset', 'UPDATE datasets SET trash_token = ? WHERE id = ?', [token, id]);
    });
  }

  /** Marks checkpoints and measures their runs anew. */
  putCheckpoints(checkpoints: readonly { id: number; runId: number }[], atMs: number): TrashEntry {
    const title = checkpoints.length === 1 ? 'checkpoint' : `${checkpoints.length} checkpoints`;
    return this.#put('checkpoints', title, atMs, (token) => {
      for (const { id } of checkpoints)
        this.#run('mark checkpoint', 'UPDATE checkpoints SET trash_token = ? WHERE id = ?', [token, id]);
      for (const runId of new Set(checkpoints.map((one) => one.runId))) this.#runs.measure(runId);
    });
  }

  /** All entries, oldest first; runs before the dataset that they use, which can only have followed them. */
  list(): TrashEntry[] {
    return this.#database
      .statement<[], TrashEntry>(
        'list trash',
        `SELECT token, kind, title, created_at_ms AS createdAtMs FROM trash ORDER BY created_at_ms, kind DESC`,
      )
      .all([]);
  }

  /** The entry; throws `not-found`: it was brought back or emptied meanwhile. */
  get(token: string): TrashEntry {
    const entry = this.list().find((one) => one.token === token);
    if (entry === undefined)
      throw new StudioError(
        'not-found',
        'This deletion cannot be undone any more: the trash was emptied, or it was undone already.',
      );
    return entry;
  }

  /** Files and folders that belong to an entry, where they lay before the deletion, relative to the library. */
  paths(token: string): TrashPath[] {
    const folders = this.#database
      .statement<{ token: string }, { path: string }>(
        'read folders in trash',
        `SELECT folder AS path FROM runs WHERE trash_token = @token
         UNION ALL SELECT 'datasets/' || id FROM datasets WHERE trash_token = @token`,
      )
      .all({ token });
    const checkpoints = this.#database
      .statement<{ token: string }, { folder: string; file: string; logitsFile: string | null }>(
        'read checkpoints in trash',
        `SELECT r.folder, c.file, c.logits ->> 'file' AS logitsFile
         FROM checkpoints c JOIN runs r ON r.id = c.run_id WHERE c.trash_token = @token`,
      )
      .all({ token });
    return [
      ...folders.map(({ path }) => path),
      ...checkpoints.flatMap(({ folder, file, logitsFile }) =>
        [file, file.replace(/\.safetensors$/, '.json'), logitsFile]
          .filter((name) => name !== null)
          .map((name) => `${folder}/${name}`),
      ),
    ];
  }

  /** Takes the marks off. Throws `conflict` where a dataset's name has been given to another meanwhile. */
  restore(token: string): void {
    const db = this.#database;
    db.transaction('restore from trash', () => {
      this.get(token);
      const clash = db
        .statement<[string], { name: string }>(
          'find taken name',
          `SELECT t.name FROM datasets t JOIN datasets d ON d.name = t.name COLLATE NOCASE AND d.trash_token IS NULL
           WHERE t.trash_token = ?`,
        )
        .get([token]);
      if (clash !== undefined)
        throw new StudioError(
          'conflict',
          `The dataset cannot be brought back: another is called “${clash.name}” now. Rename that one first.`,
        );
      const dataset = db
        .statement<[string], { name: string }>(
          'find dataset in trash',
          `SELECT d.name FROM runs r JOIN datasets d ON d.id = r.dataset_id
           WHERE r.trash_token = ? AND d.trash_token IS NOT NULL LIMIT 1`,
        )
        .get([token]);
      if (dataset !== undefined)
        throw new StudioError(
          'conflict',
          `The dataset “${dataset.name}” of this run was deleted after it. Bring the dataset back first.`,
        );
      const missing = this.#origins.missingFor(token);
      if (missing !== null)
        throw new StudioError(
          'conflict',
          `The run “${missing.runName}” was made from a checkpoint of “${missing.sourceRunName}”, which was deleted after it. Bring that one back first.`,
        );
      const runs = this.#ids('read runs in trash', 'SELECT id FROM runs WHERE trash_token = ?', token);
      const ofRuns = this.#ids(
        'read runs of checkpoints in trash',
        'SELECT DISTINCT run_id AS id FROM checkpoints WHERE trash_token = ?',
        token,
      );
      // A run that waited has lost its place; it comes back stopped, not to start unasked.
      this.#run(
        'unmark runs',
        `UPDATE runs SET trash_token = NULL, state = CASE state WHEN 'queued' THEN 'stopped' ELSE state END
         WHERE trash_token = ?`,
        [token],
      );
      this.#run('unmark datasets', 'UPDATE datasets SET trash_token = NULL WHERE trash_token = ?', [token]);
      this.#run('unmark checkpoints', 'UPDATE checkpoints SET trash_token = NULL WHERE trash_token = ?', [
        token,
      ]);
      for (const id of runs) this.#runs.refreshGroupOf(id);
      for (const id of ofRuns) this.#runs.measure(id);
      this.#run('delete trash entry', 'DELETE FROM trash WHERE token = ?', [token]);
    });
  }

  /**
   * Deletes some of an entry's rows for good and says whether there are more: callers let the thread go between two
   * calls, since a long run has a million rows. The files must be gone already.
   */
  purge(token: string): { more: boolean } {
    return this.#database.transaction('purge trash', () => {
      const [runId] = this.#ids(
        'next run in trash',
        'SELECT id FROM runs WHERE trash_token = ? LIMIT 1',
        token,
      );
      if (runId !== undefined) {
        this.#purgeRun(runId);
        return { more: true };
      }
      this.#run('purge datasets', 'DELETE FROM datasets WHERE trash_token = ?', [token]);
      this.#run('purge checkpoints', 'DELETE FROM checkpoints WHERE trash_token = ?', [token]);
      this.#run('delete trash entry', 'DELETE FROM trash WHERE token = ?', [token]);
      return { more: false };
    });
  }

  #purgeRun(runId: number): void {
    const series = this.#database
      .statement<[number], { metricId: number }>(
        'next series of run',
        'SELECT metric_id AS metricId FROM metric_series WHERE run_id = ? LIMIT 1',
      )
      .get([runId]);
    if (series !== undefined) {
      const key = { runId, metricId: series.metricId };
      const points = this.#run(
        'purge metrics',
        `DELETE FROM metrics WHERE run_id = @runId AND metric_id = @metricId AND step <= coalesce(
           (SELECT step FROM metrics WHERE run_id = @runId AND metric_id = @metricId ORDER BY step
            LIMIT 1 OFFSET ${PURGE_ROWS - 1}),
           9223372036854775807)`,
        key,
      );
      if (points >= PURGE_ROWS) return;
      this.#run(
        'purge tier',
        'DELETE FROM metric_tiers WHERE run_id = @runId AND metric_id = @metricId',
        key,
      );
      this.#run(
        'purge series',
        'DELETE FROM metric_series WHERE run_id = @runId AND metric_id = @metricId',
        key,
      );
      return;
    }
    const lines = this.#run(
      'purge log lines',
      `DELETE FROM log_lines WHERE run_id = @runId AND number < ${PURGE_ROWS} +
         (SELECT coalesce(min(number), 0) FROM log_lines WHERE run_id = @runId)`,
      { runId },
    );
    if (lines >= PURGE_ROWS) return;
    const group = this.#database
      .statement<[number], { groupId: number | null }>(
        'read group of run',
        'SELECT group_id AS groupId FROM runs WHERE id = ?',
      )
      .get([runId]);
    this.#run('purge run', 'DELETE FROM runs WHERE id = ?', [runId]);
    if (group !== undefined && group.groupId !== null)
      this.#run(
        'purge empty group',
        'DELETE FROM seed_groups WHERE id = @groupId AND NOT EXISTS (SELECT 1 FROM runs WHERE group_id = @groupId)',
        { groupId: group.groupId },
      );
  }

  #put(kind: TrashEntry['kind'], title: string, atMs: number, mark: (token: string) => void): TrashEntry {
    const entry: TrashEntry = { token: randomUUID(), kind, title, createdAtMs: atMs };
    this.#database.transaction('put into trash', () => {
      this.#run(
        'insert trash entry',
        'INSERT INTO trash (token, kind, title, created_at_ms) VALUES (?, ?, ?, ?)',
        [entry.token, kind, title, atMs],
      );
      mark(entry.token);
    });
    return entry;
  }

  #run(name: string, sql: string, parameters: readonly unknown[] | Record<string, unknown>): number {
    return this.#database.statement<typeof parameters>(name, sql).run(parameters).changes;
  }

  #ids(name: string, sql: string, token: string): number[] {
    return this.#database
      .statement<[string], { id: number }>(name, sql)
      .all([token])
      .map(({ id }) => id);
  }
}
