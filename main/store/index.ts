/**
 * The store of a library: one SQLite file, opened once, closed last. Everything here is synchronous. This folder is the
 * only one that knows SQL; the rest of the app sees typed functions.
 */
import { Checkpoints } from './checkpoints.ts';
import { Database } from './database.ts';
import { Datasets } from './datasets.ts';
import { Evaluations } from './evaluations.ts';
import { Imports } from './imports.ts';
import { Ingest } from './ingest.ts';
import { RunLists } from './listRuns.ts';
import { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { migrate, refuseForeignFile, type Migration } from './migrate.ts';
import { Origins } from './origins.ts';
import { Runs } from './runs.ts';
import { Scheduling } from './scheduling.ts';
import { MIGRATIONS } from './schema.ts';
import { Settings } from './settings.ts';
import { readSizes, type Sizes } from './sizes.ts';
import { Trash } from './trash.ts';

export interface Store {
  readonly database: Database;
  readonly runs: Runs;
  readonly runLists: RunLists;
  readonly scheduling: Scheduling;
  readonly datasets: Datasets;
  readonly metrics: Metrics;
  readonly evaluations: Evaluations;
  readonly log: Log;
  readonly checkpoints: Checkpoints;
  readonly imports: Imports;
  readonly origins: Origins;
  readonly settings: Settings;
  readonly trash: Trash;
  /** What the parts of the library take on the disk. */
  sizes(): Sizes;
  /** Runs `work` in one transaction; nests. It must not await. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export interface StoreOptions {
  /** Told of what an owner's log should have: slow statements, and the copy made before an upgrade. Sentences. */
  report?: ((message: string) => void) | undefined;
  /** The word for a method in a list. */
  methodLabel?: ((id: string) => string) | undefined;
  /** For tests of upgrades; the real ones otherwise. */
  migrations?: readonly Migration[];
}

/**
 * Opens or creates a library's database and brings it to this version's schema. Throws StudioError `not-allowed` for
 * a file of a newer version or of something else (it is not touched), or one that can't be opened.
 */
export function openStore(file: string, options: StoreOptions = {}): Store {
  const report = options.report ?? (() => undefined);
  const migrations = options.migrations ?? MIGRATIONS;
  refuseForeignFile(file, migrations.length);
  const database = new Database(file, {
    onSlow: ({ name, times, longestMs }) =>
      report(
        `The statement “${name}” took ${longestMs.toFixed(0)} ms${times > 1 ? ` (${times} slow ones within a minute)` : ''}.`,
      ),
  });
  try {
    const { from, to, copy } = migrate(database, migrations);
    if (copy !== null)
      report(`The library was upgraded from schema ${from} to ${to}. A copy from before is ${copy}.`);
    return createStore(database, options.methodLabel ?? ((id) => id));
  } catch (error) {
    database.close();
    throw error;
  }
}

function createStore(database: Database, methodLabel: (id: string) => string): Store {
  const runs = new Runs(database);
  const datasets = new Datasets(database);
  const metrics = new Metrics(database);
  const evaluations = new Evaluations(database, datasets);
  const log = new Log(database);
  const origins = new Origins(database);
  const checkpoints = new Checkpoints(database, datasets, evaluations, origins);
  const settings = new Settings(database);
  const ingest = new Ingest(database, { runs, metrics, evaluations, log, checkpoints });
  return {
    database,
    runs,
    runLists: new RunLists(database, runs, methodLabel),
    scheduling: new Scheduling(database, { runs, datasets, checkpoints, origins, settings, ingest }),
    datasets,
    metrics,
    evaluations,
    log,
    checkpoints,
    imports: new Imports(database, { runs, metrics, evaluations, log, checkpoints }),
    origins,
    settings,
    trash: new Trash(database, runs, origins),
    sizes: () => readSizes(database),
    transaction: (work) => database.transaction('several', work),
    close: () => database.close(),
  };
}
