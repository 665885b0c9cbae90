/** How fast earlier runs were on this machine, for estimates of later ones. */
import type { Config } from '../../preload/contract.ts';
import type { Database } from './database.ts';

/** How far back is looked: machines and versions change, and so the newest runs need no index of their own. */
const NEWEST_RUNS = 1000;
const NEWEST_MEASURED = 40;

/** One run that has trained some steps, finished or not. */
export interface MeasuredRun {
  id: number;
  method: string;
  datasetId: number | null;
  engine: string;
  /** Training images a second as last measured, evaluations and saving left out. */
  imagesPerSecond: number;
  /** Mean milliseconds of an evaluation of the test split; null before the first. */
  evaluationMs: number | null;
  /** Size of its folder when it completed; null otherwise. */
  sizeBytes: number | null;
  config: Config;
}

/** Runs of a network with a measured speed, the newest first. */
export function measuredRuns(database: Database, network: string): MeasuredRun[] {
  return database
    .statement<[number, string, number], Omit<MeasuredRun, 'config'> & { config: string }>(
      'read measured speeds',
      `SELECT r.id, r.method, r.dataset_id AS datasetId, r.engine, r.images_per_second AS imagesPerSecond,
         CASE WHEN r.state = 'completed' THEN r.size_bytes END AS sizeBytes, c.config,
         (SELECT avg(e.seconds) * 1000 FROM evaluations e WHERE e.run_id = r.id AND e.split = 'test') AS evaluationMs
       FROM runs r JOIN run_documents c ON c.run_id = r.id
       WHERE r.id > (SELECT max(id) FROM runs) - ? AND r.network = ? AND r.images_per_second IS NOT NULL AND r.engine IS NOT NULL
       ORDER BY r.id DESC LIMIT ?`,
    )
    .all([NEWEST_RUNS, network, NEWEST_MEASURED])
    .map((row) => ({ ...row, config: JSON.parse(row.config) as Config }));
}
