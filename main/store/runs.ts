/**
 * Runs and their seed groups: writing them, reading them one by one, and the summary that tables show. Which state may
 * follow which is the scheduler's table; here a state is a column. What a group shows (means, counts) is worked out from
 * all its runs whenever one of them changes, in the same transaction, so that it is never of another moment.
 */
import type {
  Config,
  GroupId,
  GroupSchemeId,
  ImportSource,
  MeanStd,
  ResultSummary,
  RunGroup,
  RunKind,
  RunProgress,
  RunState,
  RunSummary,
  Selection,
} from '../../preload/contract.ts';
import { meanStd } from '../analysis/statistics.ts';
import type { EvaluateJob } from '../trainer/protocol.ts';
import type { Database } from './database.ts';
import { StudioError } from './errors.ts';
import { beginningWith } from './like.ts';
import { GROUP_IDS, GROUP_SLOTS, SCHEME_IDS, readGroupColumns, type GroupColumns } from './scores.ts';

/** Series colours go round; see the design tokens. */
const SERIES_COUNT = 10;

/** A run as the owner's own code sees it. */
export interface RunRow {
  id: number;
  kind: RunKind;
  name: string;
  title: string;
  detail: string;
  /** Relative to the library, with forward slashes: `runs/12-reslt-s0`. */
  folder: string;
  state: RunState;
  stateMessage: string | null;
  groupId: number | null;
  seed: number;
  method: string;
  network: string;
  /** Null for a run that was imported without a dataset. */
  datasetId: number | null;
  preset: string | null;
  parentRunId: number | null;
  note: string;
  series: number;
  queueOrder: number | null;
  archived: boolean;
  createdAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  activeMs: number | null;
  /** The newest attempt; 0 before the first start. */
  attempt: number;
  engine: string | null;
  device: string | null;
  sizeBytes: number;
  phase: RunProgress['phase'];
  step: number | null;
  totalSteps: number | null;
  epoch: number | null;
  epochs: number | null;
  imagesPerSecond: number | null;
  waitShare: number | null;
  memoryBytes: number | null;
  logLines: number;
  logWarnings: number;
  logErrors: number;
  config: Config;
  resolved: Record<string, unknown> | null;
  environment: Record<string, string | number | null> | null;
  evaluate: EvaluateJob | null;
  /** Where it came from, for kind `import`. */
  imported: ImportSource | null;
  /** What its owner should know about the configuration, sentences. */
  warnings: string[];
}

export interface NewRun {
  /** From `takeNumber`, where its folder was there before it; else it gets the next one. */
  id?: number;
  kind: RunKind;
  name: string;
  title: string;
  detail: string;
  /** The end of its folder's name after the number: letters, digits and hyphens. */
  slug: string;
  groupId: number | null;
  seed: number;
  method: string;
  network: string;
  datasetId: number | null;
  preset: string | null;
  parentRunId: number | null;
  note: string;
  config: Config;
  /** The checkpoint to evaluate (absolute path) and the splits; null where there is no such job. */
  evaluate: EvaluateJob | null;
  imported?: ImportSource;
  warnings: string[];
  createdAtMs: number;
}

export interface NewGroup {
  name: string;
  title: string;
  detail: string;
  datasetId: number;
  method: string;
  createdAtMs: number;
}

/** Columns of a run that its owner may set. Absent ones stay. */
export interface RunChange {
  state?: RunState;
  stateMessage?: string | null;
  queueOrder?: number | null;
  startedAtMs?: number | null;
  endedAtMs?: number | null;
  activeMs?: number | null;
  engine?: string | null;
  device?: string | null;
  resolved?: Record<string, unknown> | null;
  environment?: Record<string, string | number | null> | null;
  warnings?: string[];
  /** A run that was imported without a dataset gets one. */
  datasetId?: number;
  config?: Config;
  evaluate?: EvaluateJob | null;
  phase?: RunProgress['phase'];
  sizeBytes?: number;
  name?: string;
  note?: string;
  archived?: boolean;
}

/** Fields of a change that are columns of `runs`, with their column. */
const RUN_COLUMNS = {
  state: 'state',
  stateMessage: 'state_message',
  queueOrder: 'queue_order',
  startedAtMs: 'started_at_ms',
  endedAtMs: 'ended_at_ms',
  activeMs: 'active_ms',
  engine: 'engine',
  device: 'device',
  phase: 'phase',
  sizeBytes: 'size_bytes',
  name: 'name',
  note: 'note',
  archived: 'archived',
  datasetId: 'dataset_id',
} as const satisfies Partial<Record<keyof RunChange, string>>;

const DOCUMENT_COLUMNS = {
  resolved: 'resolved',
  environment: 'environment',
  warnings: 'warnings',
  config: 'config',
  evaluate: 'evaluate',
} as const satisfies Partial<Record<keyof RunChange, string>>;

const RUN_FIELDS = `
  r.id, r.kind, r.name, r.title, r.detail, r.folder, r.state, r.state_message AS stateMessage,
  r.group_id AS groupId, r.seed, r.method, r.network, r.dataset_id AS datasetId, r.preset,
  r.parent_run_id AS parentRunId, r.note, r.series, r.queue_order AS queueOrder, r.archived,
  r.created_at_ms AS createdAtMs, r.started_at_ms AS startedAtMs, r.ended_at_ms AS endedAtMs,
  r.active_ms AS activeMs, r.attempt, r.engine, r.device, r.size_bytes AS sizeBytes, r.phase, r.step,
  r.total_steps AS totalSteps, r.epoch, r.epochs, r.images_per_second AS imagesPerSecond,
  r.wait_share AS waitShare, r.memory_bytes AS memoryBytes, r.log_lines AS logLines,
  r.log_warnings AS logWarnings, r.log_errors AS logErrors`;

const DOCUMENT_FIELDS = 'c.config, c.resolved, c.environment, c.evaluate, c.imported, c.warnings';

type RawRun = Omit<RunRow, 'archived' | keyof Documents> & {
  archived: number;
};
type Documents = Pick<RunRow, 'config' | 'resolved' | 'environment' | 'evaluate' | 'imported' | 'warnings'>;
type RawDocuments = Record<'config' | 'warnings', string> &
  Record<'resolved' | 'environment' | 'evaluate' | 'imported', string | null>;
type RawSummary = RawRun &
  GroupColumns<'last'> &
  GroupColumns<'best'> & {
    datasetName: RunSummary['datasetName'];
    datasetKind: RunSummary['datasetKind'];
    last_epoch: number | null;
    last_top1: number | null;
    last_top5: number | null;
    best_epoch: number | null;
    best_top1: number | null;
    best_top5: number | null;
    best_selection: Selection | null;
  };

const SUMMARY_SQL = `
  SELECT ${RUN_FIELDS}, d.name AS datasetName, d.kind AS datasetKind,
    r.last_epoch, r.last_top1, r.last_top5, r.best_epoch, r.best_top1, r.best_top5, r.best_selection,
    ${GROUP_SLOTS.map(({ column }) => `r.last_${column}, r.best_${column}`).join(', ')}
  FROM json_each(@ids) j
  JOIN runs r ON r.id = j.value AND r.trash_token IS NULL
  LEFT JOIN datasets d ON d.id = r.dataset_id
  ORDER BY j.key`;

interface GroupRow {
  id: number;
  title: string;
  detail: string;
  series: number;
  runCount: number;
  completedCount: number;
  statistics: string;
}

type GroupStatistics = Pick<RunGroup, 'last' | 'best'>;

const NO_STATISTICS: GroupStatistics = groupStatistics([]);

/** What of a group's runs its row is worked out from. */
type GroupMember = GroupColumns<'last'> & {
  state: RunState;
  seed: number;
  started_at_ms: number | null;
  active_ms: number | null;
  size_bytes: number;
  last_top1: number | null;
  last_top5: number | null;
  best_top1: number | null;
  best_selection: Selection | null;
};

/** The state that a group shows: that of its run which most wants attention. */
export const STATE_ORDER: readonly RunState[] = [
  'running',
  'preparing',
  'queued',
  'paused',
  'crashed',
  'failed',
  'stopped',
  'completed',
];

export class Runs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The number of a run whose folder is written before its row, for `create`. */
  takeNumber(): number {
    return this.#database.transaction('take a run number', () => nextNumber(this.#database, 'run'));
  }

  /** Writes a run in state `queued` without a place in the queue, and returns its number. */
  create(run: NewRun): number {
    const db = this.#database;
    return db.transaction('create a run', () => {
      const id = run.id ?? nextNumber(db, 'run');
      db.statement<Record<string, unknown>>(
        'insert run',
        `INSERT INTO runs (id, kind, name, title, detail, folder, state, group_id, seed, method, network,
           dataset_id, preset, parent_run_id, note, series, created_at_ms)
         VALUES (@id, @kind, @name, @title, @detail, @folder, 'queued', @groupId, @seed, @method, @network,
           @datasetId, @preset, @parentRunId, @note, @series, @createdAtMs)`,
      ).run({
        ...run,
        id,
        folder: runFolder(id, run.slug),
        series: ((id - 1) % SERIES_COUNT) + 1,
      });
      db.statement<[number, string, string | null, string | null, string]>(
        'insert run documents',
        'INSERT INTO run_documents (run_id, config, evaluate, imported, warnings) VALUES (?, ?, ?, ?, ?)',
      ).run([
        id,
        JSON.stringify(run.config),
        run.evaluate === null ? null : JSON.stringify(run.evaluate),
        run.imported === undefined ? null : JSON.stringify(run.imported),
        JSON.stringify(run.warnings),
      ]);
      this.#indexText(id);
      if (run.groupId !== null) this.refreshGroup(run.groupId);
      return id;
    });
  }

  /** Writes an empty seed group and returns its number; its runs name it as they are created. */
  createGroup(group: NewGroup): number {
    const db = this.#database;
    return db.transaction('create a seed group', () => {
      const id = nextNumber(db, 'seed group');
      // A group has the colour of its first run, which is the next one to be written.
      const series = (readNumber(db, 'run') % SERIES_COUNT) + 1;
      db.statement<Record<string, unknown>>(
        'insert seed group',
        `INSERT INTO seed_groups (id, name, title, detail, series, dataset_id, method, created_at_ms, statistics)
         VALUES (@id, @name, @title, @detail, @series, @datasetId, @method, @createdAtMs, @statistics)`,
      ).run({ ...group, id, series, statistics: JSON.stringify(NO_STATISTICS) });
      return id;
    });
  }

  /** The run, or null where there is none or it lies in the trash. */
  read(id: number): RunRow | null {
    const raw = this.#database
      .statement<[number], RawRun & RawDocuments>(
        'read run',
        `SELECT ${RUN_FIELDS}, ${DOCUMENT_FIELDS}
         FROM runs r JOIN run_documents c ON c.run_id = r.id WHERE r.id = ? AND r.trash_token IS NULL`,
      )
      .get([id]);
    return raw === undefined ? null : toRun(raw);
  }

  /** The run; throws `not-found` with a sentence. */
  get(id: number): RunRow {
    const run = this.read(id);
    if (run === null) throw noSuchRun(id);
    return run;
  }

  /** Runs in one of these states, oldest first. */
  inStates(states: readonly RunState[]): RunRow[] {
    return this.#database
      .statement<[string], RawRun & RawDocuments>(
        'read runs in states',
        `SELECT ${RUN_FIELDS}, ${DOCUMENT_FIELDS}
         FROM runs r JOIN run_documents c ON c.run_id = r.id
         WHERE r.state IN (SELECT value FROM json_each(?)) AND r.trash_token IS NULL
         ORDER BY r.id`,
      )
      .all([JSON.stringify(states)])
      .map(toRun);
  }

  /** Summaries in the order asked for; numbers without a run are left out. `notResponding` is the scheduler's to say. */
  summaries(ids: readonly number[]): RunSummary[] {
    if (ids.length === 0) return [];
    const rows = this.#database
      .statement<{ ids: string }, RawSummary>('read run summaries', SUMMARY_SQL)
      .all({ ids: JSON.stringify(ids) });
    const places = rows.some((row) => row.state === 'queued')
      ? this.#queuePlaces()
      : new Map<number, number>();
    return rows.map((row) => toSummary(row, places.get(row.id) ?? null));
  }

  /** One summary; throws `not-found`. */
  summary(id: number): RunSummary {
    const [summary] = this.summaries([id]);
    if (summary === undefined) throw noSuchRun(id);
    return summary;
  }

  /** Seed groups by number, as rows of the table. */
  groups(ids: readonly number[]): Map<number, RunGroup> {
    const rows = this.#database
      .statement<[string], GroupRow>(
        'read seed groups',
        `SELECT g.id, g.title, g.detail, g.series, g.run_count AS runCount, g.completed_count AS completedCount,
           g.statistics
         FROM json_each(?) j JOIN seed_groups g ON g.id = j.value`,
      )
      .all([JSON.stringify(ids)]);
    return new Map(
      rows.map(({ statistics, ...row }) => [
        row.id,
        { ...row, ...(JSON.parse(statistics) as GroupStatistics) },
      ]),
    );
  }

  /** The runs of a group, by seed. */
  ofGroup(groupId: number): { id: number; seed: number; state: RunState }[] {
    return this.#database
      .statement<[number], { id: number; seed: number; state: RunState }>(
        'read runs of group',
        `SELECT id, seed, state FROM runs WHERE group_id = ? AND trash_token IS NULL ORDER BY seed, id`,
      )
      .all([groupId]);
  }

  /** Sets columns of a run and refreshes its group. Throws `not-found` for a run that is not there. */
  change(id: number, change: RunChange): void {
    const db = this.#database;
    db.transaction('change a run', () => {
      this.#set(id, 'runs', 'id', RUN_COLUMNS, change);
      this.#set(id, 'run_documents', 'run_id', DOCUMENT_COLUMNS, change);
      if ([change.name, change.note, change.datasetId, change.config].some((one) => one !== undefined))
        this.#indexText(id);
      this.refreshGroupOf(id);
    });
  }

  /** Works out the size of a run's folder from its journals and checkpoints. */
  measure(id: number): void {
    this.#database
      .statement<{ id: number }>(
        'measure run',
        `UPDATE runs SET size_bytes =
           coalesce((SELECT sum(journal_offset) FROM attempts WHERE run_id = @id), 0) +
           coalesce((SELECT sum(size_bytes) FROM checkpoints WHERE run_id = @id AND trash_token IS NULL), 0)
         WHERE id = @id`,
      )
      .run({ id });
  }

  /** Works out the group of a run anew, where it has one. */
  refreshGroupOf(runId: number): void {
    const row = this.#database
      .statement<[number], { groupId: number | null }>(
        'read group of run',
        'SELECT group_id AS groupId FROM runs WHERE id = ?',
      )
      .get([runId]);
    if (row === undefined) throw noSuchRun(runId);
    if (row.groupId !== null) this.refreshGroup(row.groupId);
  }

  /** Works out a group's row from all its runs that are not in the trash. */
  refreshGroup(groupId: number): void {
    const db = this.#database;
    const members = db
      .statement<[number], GroupMember>(
        'read members of group',
        `SELECT state, seed, started_at_ms, active_ms, size_bytes, last_top1, last_top5, best_top1, best_selection,
           ${GROUP_SLOTS.map(({ column }) => `last_${column}`).join(', ')}
         FROM runs WHERE group_id = ? AND trash_token IS NULL`,
      )
      .all([groupId]);
    const completed = members.filter((member) => member.state === 'completed');
    const statistics = groupStatistics(completed);
    const means = Object.fromEntries(
      GROUP_SLOTS.map(({ scheme, group, column }) => [
        `last_${column}`,
        statistics.last.groups[scheme][group].mean,
      ]),
    );
    db.statement<Record<string, unknown>>(
      'write seed group',
      `UPDATE seed_groups SET run_count = @runCount, completed_count = @completedCount, state = @state,
         started_at_ms = @startedAtMs, lowest_seed = @lowestSeed, active_ms = @activeMs, size_bytes = @sizeBytes,
         last_top1 = @lastTop1, last_top5 = @lastTop5, best_top1 = @bestTop1, statistics = @statistics,
         ${GROUP_SLOTS.map(({ column }) => `last_${column} = @last_${column}`).join(', ')}
       WHERE id = @groupId`,
    ).run({
      ...means,
      groupId,
      runCount: members.length,
      completedCount: completed.length,
      state: STATE_ORDER.find((state) => members.some((member) => member.state === state)) ?? 'completed',
      startedAtMs: greatest(members.map((member) => member.started_at_ms)),
      lowestSeed: members.length === 0 ? null : Math.min(...members.map((member) => member.seed)),
      activeMs: sum(members.map((member) => member.active_ms)),
      sizeBytes: sum(members.map((member) => member.size_bytes)) ?? 0,
      lastTop1: statistics.last.top1.mean,
      lastTop5: statistics.last.top5.mean,
      bestTop1: statistics.best.top1.mean,
      statistics: JSON.stringify(statistics),
    });
  }

  /** Runs whose name begins with a text, ASCII letters in either case, the newest first. */
  named(text: string): { id: number; name: string }[] {
    return this.#database
      .statement<[string], { id: number; name: string }>(
        'find runs by name',
        `SELECT id, name FROM runs WHERE name LIKE ? ESCAPE '\\' AND trash_token IS NULL ORDER BY id DESC`,
      )
      .all([beginningWith(text)]);
  }

  /** The runs that were made from a file with this content, the newest first. */
  importedFrom(sha256: string): { id: number; name: string }[] {
    return this.#database
      .statement<[string], { id: number; name: string }>(
        'find imported runs',
        `SELECT r.id, r.name FROM runs r JOIN run_documents c ON c.run_id = r.id
         WHERE r.kind = 'import' AND r.trash_token IS NULL AND c.imported ->> 'sha256' = ? ORDER BY r.id DESC`,
      )
      .all([sha256]);
  }

  /** Runs that use a dataset, the newest first; also archived ones, not those in the trash. */
  ofDataset(datasetId: number): { id: number; name: string }[] {
    return this.#database
      .statement<[number], { id: number; name: string }>(
        'read runs of dataset',
        'SELECT id, name FROM runs WHERE dataset_id = ? AND trash_token IS NULL ORDER BY id DESC',
      )
      .all([datasetId]);
  }

  #queuePlaces(): Map<number, number> {
    const rows = this.#database
      .statement<[], { id: number }>(
        'read queue places',
        `SELECT id FROM runs INDEXED BY runs_waiting
         WHERE state = 'queued' AND trash_token IS NULL ORDER BY queue_order, id`,
      )
      .all([]);
    return new Map(rows.map(({ id }, index) => [id, index + 1]));
  }

  #set(
    id: number,
    table: 'runs' | 'run_documents',
    key: string,
    columns: Record<string, string>,
    change: RunChange,
  ): void {
    const set = Object.entries(change).filter(([field]) => Object.hasOwn(columns, field));
    if (set.length === 0) return;
    const result = this.#database
      .statement<unknown[]>(
        `set ${table} ${set.map(([field]) => field).join(' ')}`,
        `UPDATE ${table} SET ${set.map(([field]) => `${columns[field]} = ?`).join(', ')} WHERE ${key} = ?`,
      )
      .run([...set.map(([, value]) => toColumn(value)), id]);
    if (result.changes === 0) throw noSuchRun(id);
  }

  /** Writes the text that a search looks through. */
  #indexText(id: number): void {
    const run = this.get(id);
    const settings = Object.entries(run.config).map(([key, value]) => `${key}=${settingText(value)}`);
    const origin = run.imported === null ? [] : ['imported', run.imported.fileName];
    const text = [
      run.name,
      run.title,
      run.detail,
      run.method,
      run.preset ?? '',
      run.note,
      ...origin,
      ...settings,
    ]
      .join('\n')
      .toLowerCase();
    const dataset = this.#database
      .statement<[number | null], { name: string }>(
        'read dataset name',
        'SELECT name FROM datasets WHERE id = ?',
      )
      .get([run.datasetId]);
    this.#database
      .statement<[number, string, string]>(
        'write run search text',
        `INSERT INTO run_search (run_id, text, dataset_name) VALUES (?, ?, ?)
         ON CONFLICT (run_id) DO UPDATE SET text = excluded.text, dataset_name = excluded.dataset_name`,
      )
      .run([id, text, dataset?.name.toLowerCase() ?? '']);
  }
}

/** The folder of a run, relative to the library. */
export function runFolder(id: number, slug: string): string {
  return `runs/${id}-${slug}`;
}

/** The next number of a kind; never given twice, also not after a deletion. */
export function nextNumber(database: Database, counter: 'run' | 'seed group' | 'dataset'): number {
  return database
    .statement<[string], { value: number }>(
      'next number',
      `INSERT INTO counters (name, value) VALUES (?, 1)
       ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
    )
    .get([counter])!.value;
}

function readNumber(database: Database, counter: 'run'): number {
  const row = database
    .statement<[string], { value: number }>('read number', 'SELECT value FROM counters WHERE name = ?')
    .get([counter]);
  return row?.value ?? 0;
}

function noSuchRun(id: number): StudioError {
  return new StudioError('not-found', `There is no run ${id}. It may have been deleted.`);
}

function toRun({
  config,
  resolved,
  environment,
  evaluate,
  imported,
  warnings,
  ...raw
}: RawRun & RawDocuments): RunRow {
  return {
    ...raw,
    archived: raw.archived === 1,
    config: JSON.parse(config) as Config,
    resolved: parseOrNull(resolved) as RunRow['resolved'],
    environment: parseOrNull(environment) as RunRow['environment'],
    evaluate: parseOrNull(evaluate) as RunRow['evaluate'],
    imported: parseOrNull(imported) as RunRow['imported'],
    warnings: JSON.parse(warnings) as string[],
  };
}

function toSummary(row: RawSummary, queuePosition: number | null): RunSummary {
  return {
    id: row.id,
    name: row.name,
    title: row.title,
    detail: row.detail,
    state: row.state,
    stateMessage: row.stateMessage,
    notResponding: false,
    kind: row.kind,
    groupId: row.groupId,
    seed: row.seed,
    method: row.method,
    network: row.network,
    datasetId: row.datasetId,
    datasetName: row.datasetName,
    datasetKind: row.datasetKind,
    preset: row.preset,
    parentRunId: row.parentRunId,
    note: row.note,
    series: row.series,
    progress: toProgress(row),
    queuePosition,
    engine: row.engine,
    device: row.device,
    last: toResult(row, 'last', 'last'),
    best: toResult(row, 'best', row.best_selection ?? 'best-test'),
    createdAtMs: row.createdAtMs,
    startedAtMs: row.startedAtMs,
    endedAtMs: row.endedAtMs,
    activeMs: row.activeMs,
    archived: row.archived === 1,
    sizeBytes: row.sizeBytes,
  };
}

function toProgress(row: RawRun): RunProgress | null {
  const { step, totalSteps, epoch, epochs, activeMs } = row;
  if (step === null || totalSteps === null || epoch === null || epochs === null) return null;
  const runs = row.state === 'running' || row.state === 'preparing';
  return {
    step,
    totalSteps,
    epoch,
    epochs,
    share: totalSteps === 0 ? 0 : step / totalSteps,
    // Evaluations and saving are in activeMs, so this is the whole time left, not only that of the steps.
    remainingMs:
      runs && activeMs !== null && step > 0 ? Math.round((activeMs / step) * (totalSteps - step)) : null,
    imagesPerSecond: row.imagesPerSecond,
    waitShare: row.waitShare,
    memoryBytes: row.memoryBytes,
    phase: runs ? row.phase : null,
  };
}

function toResult(row: RawSummary, prefix: 'last' | 'best', selection: Selection): ResultSummary | null {
  const epoch = row[`${prefix}_epoch`];
  const top1 = row[`${prefix}_top1`];
  if (epoch === null || top1 === null) return null;
  return {
    epoch,
    split: 'test',
    selection,
    top1,
    top5: row[`${prefix}_top5`],
    groups: readGroupColumns(row as GroupColumns<'last'> & GroupColumns<'best'>, prefix as 'last'),
  };
}

/** Mean, sample standard deviation and n over the completed runs of a group. */
function groupStatistics(completed: readonly GroupMember[]): GroupStatistics {
  const over = (values: (number | null)[]): MeanStd => meanStd(values.filter((value) => value !== null));
  const groups = Object.fromEntries(
    SCHEME_IDS.map((scheme) => [
      scheme,
      Object.fromEntries(
        GROUP_IDS.map((group) => [
          group,
          over(completed.map((member) => readGroupColumns(member, 'last')[scheme][group])),
        ]),
      ),
    ]),
  ) as Record<GroupSchemeId, Record<GroupId, MeanStd>>;
  const selections = new Set(completed.map((member) => member.best_selection).filter((one) => one !== null));
  const selection = selections.size === 1 ? ([...selections][0] ?? null) : null;
  return {
    last: {
      top1: over(completed.map((member) => member.last_top1)),
      top5: over(completed.map((member) => member.last_top5)),
      groups,
    },
    best: {
      top1: over(completed.map((member) => member.best_top1)),
      split: selection === null ? null : 'test',
      selection,
    },
  };
}

/** A setting as people type it: lists with commas, none as `null`. */
function settingText(value: Config[string]): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

function toColumn(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return value;
}

function parseOrNull(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function greatest(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function sum(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
