/**
 * The schema, as the list of steps that lead to it. Append only: a released step is never edited, a change is a new one.
 * Times are milliseconds, sizes bytes, accuracies fractions; a value that does not exist is NULL. Vectors (one number a
 * class) are blobs of little-endian float64 with NaN for "no value": SQLite itself would store NaN as NULL.
 */
import type { Migration } from './migrate.ts';

const GROUP_COLUMNS = (prefix: string): string =>
  // count_: scheme count-100-20; reslt_: scheme reslt-ranges.
  ['count_many', 'count_medium', 'count_few', 'reslt_many', 'reslt_medium', 'reslt_few']
    .map((column) => `${prefix}_${column} REAL`)
    .join(', ');

const version1: Migration = (database) => {
  database.exec(`
    -- Numbers given out, so that an id is known before its row is written and never used twice.
    CREATE TABLE counters (
      name TEXT PRIMARY KEY,
      value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE settings (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE preferences (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- What was deleted and can be brought back: rows elsewhere name it in trash_token, files lie in trash/<token>/.
    CREATE TABLE trash (
      token TEXT PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('runs', 'dataset', 'checkpoints')),
      title TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE datasets (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      kind TEXT NOT NULL,
      manifest TEXT NOT NULL,
      manifest_hash TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      created_at_ms INTEGER NOT NULL,
      verification TEXT NOT NULL DEFAULT 'never' CHECK (verification IN ('never', 'verified', 'failed')),
      verified_at_ms INTEGER,
      verification_message TEXT,
      trash_token TEXT REFERENCES trash (token)
    ) STRICT;
    CREATE UNIQUE INDEX datasets_by_name ON datasets (name COLLATE NOCASE) WHERE trash_token IS NULL;
    CREATE INDEX datasets_in_trash ON datasets (trash_token) WHERE trash_token IS NOT NULL;

    -- Runs that differ only in their seed. What is worked out from its runs is written with them, in one transaction.
    CREATE TABLE seed_groups (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      title TEXT NOT NULL,
      detail TEXT NOT NULL,
      series INTEGER NOT NULL,
      dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
      method TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      started_at_ms INTEGER,
      run_count INTEGER NOT NULL DEFAULT 0,
      completed_count INTEGER NOT NULL DEFAULT 0,
      state TEXT NOT NULL DEFAULT 'queued',
      lowest_seed INTEGER,
      active_ms INTEGER,
      size_bytes INTEGER NOT NULL DEFAULT 0,
      -- Means over *last* of completed runs, to sort by; statistics holds them with std and n.
      last_top1 REAL, last_top5 REAL, ${GROUP_COLUMNS('last')},
      best_top1 REAL,
      statistics TEXT NOT NULL
    ) STRICT;
    CREATE INDEX seed_groups_by_dataset ON seed_groups (dataset_id);

    -- One row a run, narrow: listing reads all of them. Documents and text to search lie in tables of their own.
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('train', 'evaluate')),
      name TEXT NOT NULL,
      title TEXT NOT NULL,
      detail TEXT NOT NULL,
      folder TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN
        ('queued', 'preparing', 'running', 'paused', 'completed', 'failed', 'stopped', 'crashed')),
      state_message TEXT,
      group_id INTEGER REFERENCES seed_groups (id) ON DELETE SET NULL,
      seed INTEGER NOT NULL,
      method TEXT NOT NULL,
      network TEXT NOT NULL,
      dataset_id INTEGER NOT NULL REFERENCES datasets (id),
      preset TEXT,
      parent_run_id INTEGER REFERENCES runs (id) ON DELETE SET NULL,
      note TEXT NOT NULL DEFAULT '',
      series INTEGER NOT NULL,
      queue_order REAL,
      archived INTEGER NOT NULL DEFAULT 0,
      trash_token TEXT REFERENCES trash (token),
      created_at_ms INTEGER NOT NULL,
      started_at_ms INTEGER,
      ended_at_ms INTEGER,
      active_ms INTEGER,
      attempt INTEGER NOT NULL DEFAULT 0,
      engine TEXT,
      device TEXT,
      size_bytes INTEGER NOT NULL DEFAULT 0,
      -- Progress
      phase TEXT,
      step INTEGER,
      total_steps INTEGER,
      epoch INTEGER,
      epochs INTEGER,
      images_per_second REAL,
      wait_share REAL,
      memory_bytes INTEGER,
      log_lines INTEGER NOT NULL DEFAULT 0,
      log_warnings INTEGER NOT NULL DEFAULT 0,
      log_errors INTEGER NOT NULL DEFAULT 0,
      -- The last evaluated epoch and the best one (by the selection split), both as the test split measured them.
      last_epoch INTEGER, last_top1 REAL, last_top5 REAL, ${GROUP_COLUMNS('last')},
      best_epoch INTEGER, best_top1 REAL, best_top5 REAL, ${GROUP_COLUMNS('best')},
      best_selection TEXT
    ) STRICT;
    -- trash_token too, though it is always NULL here: without it SQLite looks into the row to see that.
    CREATE INDEX runs_by_facet ON runs (archived, state, dataset_id, method, created_at_ms, group_id, trash_token)
      WHERE trash_token IS NULL;
    CREATE INDEX runs_by_group ON runs (group_id, id) WHERE group_id IS NOT NULL;
    CREATE INDEX runs_by_dataset ON runs (dataset_id);
    CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
    CREATE INDEX runs_waiting ON runs (queue_order, id, state, trash_token)
      WHERE state = 'queued' AND trash_token IS NULL;
    CREATE INDEX runs_by_state ON runs (state) WHERE trash_token IS NULL;
    CREATE INDEX runs_in_trash ON runs (trash_token) WHERE trash_token IS NOT NULL;
    -- Runs whose speed an estimate may be based on.
    CREATE INDEX runs_by_speed ON runs (method, network, dataset_id, ended_at_ms) WHERE state = 'completed';

    CREATE TABLE run_documents (
      run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
      config TEXT NOT NULL,
      resolved TEXT,
      environment TEXT,
      -- Evaluation jobs: which checkpoint, and which splits.
      evaluate TEXT,
      warnings TEXT NOT NULL DEFAULT '[]'
    ) STRICT;

    -- Lower case: name, title, detail, method, preset, note, and every setting as key=value; the dataset's name apart,
    -- since renaming it changes all its runs.
    CREATE TABLE run_search (
      run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
      text TEXT NOT NULL,
      dataset_name TEXT NOT NULL
    ) STRICT;

    -- Each start or resume of a run. journal_offset: bytes of whole journal records that are stored.
    CREATE TABLE attempts (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      attempt INTEGER NOT NULL,
      resumed_from_step INTEGER NOT NULL,
      started_at_ms INTEGER NOT NULL,
      ended_at_ms INTEGER,
      outcome TEXT,
      journal_offset INTEGER NOT NULL DEFAULT 0,
      pid INTEGER,
      process_start TEXT,
      socket_path TEXT,
      PRIMARY KEY (run_id, attempt)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE metric_names (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE metrics (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      metric_id INTEGER NOT NULL REFERENCES metric_names (id),
      step INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      time_ms INTEGER NOT NULL,
      value REAL NOT NULL,
      PRIMARY KEY (run_id, metric_id, step)
    ) STRICT, WITHOUT ROWID;

    -- How many points each series has, and the width in steps of its tier's buckets once it has one.
    CREATE TABLE metric_series (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      metric_id INTEGER NOT NULL REFERENCES metric_names (id),
      point_count INTEGER NOT NULL,
      tier_width INTEGER,
      PRIMARY KEY (run_id, metric_id)
    ) STRICT, WITHOUT ROWID;

    -- Lowest and highest point of each bucket of a long series. bucket = step / tier_width.
    CREATE TABLE metric_tiers (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      metric_id INTEGER NOT NULL REFERENCES metric_names (id),
      bucket INTEGER NOT NULL,
      low_step INTEGER NOT NULL, low_epoch INTEGER NOT NULL, low_time_ms INTEGER NOT NULL, low REAL NOT NULL,
      high_step INTEGER NOT NULL, high_epoch INTEGER NOT NULL, high_time_ms INTEGER NOT NULL, high REAL NOT NULL,
      PRIMARY KEY (run_id, metric_id, bucket)
    ) STRICT, WITHOUT ROWID;

    -- One row an evaluation. outputs names what was evaluated, "fused" first. scores: for each output seven numbers,
    -- top-1 and the groups in the order of the columns above, so that curves need not read the vectors.
    CREATE TABLE evaluations (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      split TEXT NOT NULL CHECK (split IN ('train', 'val', 'test')),
      epoch INTEGER NOT NULL,
      step INTEGER NOT NULL,
      time_ms INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      seconds REAL,
      loss REAL,
      top1 REAL NOT NULL,
      top5 REAL,
      outputs TEXT NOT NULL,
      scores BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX evaluations_by_run ON evaluations (run_id, split, epoch);

    -- For each output of the evaluation, in its order: accuracy of each class.
    CREATE TABLE evaluation_vectors (
      evaluation_id INTEGER PRIMARY KEY REFERENCES evaluations (id) ON DELETE CASCADE,
      per_class BLOB NOT NULL
    ) STRICT;

    -- level: 0 info, 1 warn, 2 error.
    CREATE TABLE log_lines (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      level INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (run_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX log_lines_marked ON log_lines (run_id, number) WHERE level > 0;

    CREATE TABLE checkpoints (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      step INTEGER NOT NULL,
      roles TEXT NOT NULL,
      file TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      logits TEXT,
      evaluated TEXT NOT NULL,
      pinned INTEGER NOT NULL DEFAULT 0,
      created_at_ms INTEGER NOT NULL,
      trash_token TEXT REFERENCES trash (token)
    ) STRICT;
    CREATE UNIQUE INDEX checkpoints_by_file ON checkpoints (run_id, file) WHERE trash_token IS NULL;
    CREATE INDEX checkpoints_by_run ON checkpoints (run_id, step);
    CREATE INDEX checkpoints_in_trash ON checkpoints (trash_token) WHERE trash_token IS NOT NULL;
  `);
};

/**
 * Runs that were imported: `kind` may say so, they may have no dataset, and `imported` says where they came from. SQLite
 * changes no CHECK of a table, so the table is written anew.
 */
const version2: Migration = (database) => {
  const { sql } = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'runs'").get() as {
    sql: string;
  };
  const changed = sql
    .replace('CREATE TABLE runs', 'CREATE TABLE runs_rewritten')
    .replace("kind IN ('train', 'evaluate')", "kind IN ('train', 'evaluate', 'import')")
    .replace('dataset_id INTEGER NOT NULL REFERENCES', 'dataset_id INTEGER REFERENCES');
  const indexes = database
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'runs' AND name <> 'runs_by_facet'",
    )
    .pluck()
    .all() as string[];
  database.exec(changed);
  database.exec(`
    INSERT INTO runs_rewritten SELECT * FROM runs;
    DROP TABLE runs;
    ALTER TABLE runs_rewritten RENAME TO runs;
    ALTER TABLE run_documents ADD COLUMN imported TEXT;
    CREATE INDEX runs_by_facet ON runs
      (archived, state, dataset_id, method, kind, created_at_ms, group_id, trash_token) WHERE trash_token IS NULL;
  `);
  for (const index of indexes) database.exec(index);
};

/** What runs were made from: the checkpoint whose weights they start with, and their teacher. */
const version3: Migration = (database) => {
  database.exec(`
    CREATE TABLE run_origins (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      role TEXT NOT NULL CHECK (role IN ('initFrom', 'teacher')),
      ref TEXT NOT NULL,
      -- NULL for a file outside the library, and once the checkpoint was deleted for good.
      checkpoint_id INTEGER REFERENCES checkpoints (id) ON DELETE SET NULL,
      path TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      step INTEGER NOT NULL,
      config TEXT,
      PRIMARY KEY (run_id, role)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_origins_by_checkpoint ON run_origins (checkpoint_id) WHERE checkpoint_id IS NOT NULL;
  `);
};

export const MIGRATIONS: readonly Migration[] = [version1, version2, version3];
