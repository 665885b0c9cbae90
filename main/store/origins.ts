/**
 * The checkpoints that a run was made from: the one whose weights it starts with, and its teacher. Each is resolved once,
 * when the run is made, to a file with a hash. As long as the run is there, that checkpoint is not freed.
 */
import type { Config, OriginRole, RunOrigin } from '../../preload/contract.ts';
import type { Database } from './database.ts';

/** What a run was made from, as it was found. */
export interface NewOrigin {
  role: OriginRole;
  /** As it was named: "3@last", or a file. */
  ref: string;
  /** Null for a file that is no checkpoint of the library. */
  checkpointId: number | null;
  /** Relative to the library for its own checkpoints, absolute for others. */
  path: string;
  sha256: string;
  epoch: number;
  step: number;
  /** The configuration that it was trained with; null for a file that does not say. */
  config: Config | null;
}

/** One of a run's origins, with the run whose checkpoint it is. */
export interface OriginRow extends NewOrigin {
  runId: number;
  /** Null for a file outside the library, and where the checkpoint was deleted for good. */
  sourceRunId: number | null;
  sourceRunName: string | null;
}

type RawOrigin = Omit<OriginRow, 'config'> & { config: string | null };

const ORIGIN_SQL = `
  SELECT o.run_id AS runId, o.role, o.ref, o.checkpoint_id AS checkpointId, o.path, o.sha256, o.epoch, o.step, o.config,
    s.id AS sourceRunId, s.name AS sourceRunName
  FROM run_origins o LEFT JOIN checkpoints c ON c.id = o.checkpoint_id LEFT JOIN runs s ON s.id = c.run_id`;

export class Origins {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Writes what a new run was made from, inside the caller's transaction. */
  add(runId: number, origins: readonly NewOrigin[]): void {
    for (const origin of origins)
      this.#database
        .statement<Record<string, unknown>>(
          'insert origin',
          `INSERT INTO run_origins (run_id, role, ref, checkpoint_id, path, sha256, epoch, step, config)
           VALUES (@runId, @role, @ref, @checkpointId, @path, @sha256, @epoch, @step, @config)`,
        )
        .run({
          ...origin,
          runId,
          config: origin.config === null ? null : JSON.stringify(origin.config),
        });
  }

  ofRun(runId: number): OriginRow[] {
    return this.#database
      .statement<[number], RawOrigin>(
        'read origins of run',
        `${ORIGIN_SQL} WHERE o.run_id = ? ORDER BY o.role`,
      )
      .all([runId])
      .map(toOrigin);
  }

  /** Who needs a checkpoint; runs in the trash do not count. */
  usersOf(checkpointId: number): { runId: number; runName: string; role: OriginRole }[] {
    return this.#database
      .statement<[number], { runId: number; runName: string; role: OriginRole }>(
        'read users of checkpoint',
        `SELECT o.run_id AS runId, u.name AS runName, o.role
         FROM run_origins o JOIN runs u ON u.id = o.run_id AND u.trash_token IS NULL
         WHERE o.checkpoint_id = ? ORDER BY o.run_id, o.role`,
      )
      .all([checkpointId]);
  }

  /** Runs outside the trash which were made from a checkpoint of this run. */
  madeFrom(runId: number): { runId: number; runName: string; role: OriginRole }[] {
    return this.#database
      .statement<[number], { runId: number; runName: string; role: OriginRole }>(
        'read runs made from run',
        `SELECT o.run_id AS runId, u.name AS runName, o.role
         FROM checkpoints c JOIN run_origins o ON o.checkpoint_id = c.id
         JOIN runs u ON u.id = o.run_id AND u.trash_token IS NULL
         WHERE c.run_id = ? ORDER BY o.run_id, o.role`,
      )
      .all([runId]);
  }

  /** A run or checkpoint in the trash from which a run under this token was made, or null. */
  missingFor(token: string): { runName: string; sourceRunName: string } | null {
    return (
      this.#database
        .statement<{ token: string }, { runName: string; sourceRunName: string }>(
          'read origins in trash',
          `SELECT u.name AS runName, s.name AS sourceRunName
           FROM runs u JOIN run_origins o ON o.run_id = u.id JOIN checkpoints c ON c.id = o.checkpoint_id
           JOIN runs s ON s.id = c.run_id
           WHERE u.trash_token = @token
             AND (coalesce(s.trash_token, @token) <> @token OR coalesce(c.trash_token, @token) <> @token) LIMIT 1`,
        )
        .get({ token }) ?? null
    );
  }
}

/** As the run page shows it. */
export function toRunOrigin(row: OriginRow): RunOrigin {
  const { role, ref, sourceRunId, sourceRunName, path, sha256, epoch, step } = row;
  return { role, ref, runId: sourceRunId, runName: sourceRunName, path, sha256, epoch, step };
}

function toOrigin({ config, ...row }: RawOrigin): OriginRow {
  return { ...row, config: config === null ? null : (JSON.parse(config) as Config) };
}
