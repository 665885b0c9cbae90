/**
 * The one SQLite connection: opened with the settings that the store relies on, every statement prepared once and timed.
 * better-sqlite3 is synchronous and in the desktop app runs on the window's thread, so a statement that takes longer
 * than 20 ms is reported by its name.
 */
import SqliteDatabase from 'better-sqlite3';
import { StudioError } from './errors.ts';

/** A frame is 16 ms; a statement beyond this is felt, and is a defect to look at. */
export const SLOW_STATEMENT_MS = 20;

/** How long another process's lock on the file is waited for. Only backups and a dying owner ever hold one. */
const BUSY_TIMEOUT_MS = 2000;

type Values = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A prepared statement. Parameters are positional (a list) or named (`@name`, an object). */
export interface Statement<P extends Values, R> {
  get(parameters: P): R | undefined;
  all(parameters: P): R[];
  run(parameters: P): { changes: number; lastInsertRowid: number };
  /** Runs it once for each, timed as one; returns how many rows were changed in all. */
  runEach(parameters: readonly P[]): number;
}

/** A statement or transaction that took longer than `SLOW_STATEMENT_MS`, since it was last told of. */
export interface SlowStatement {
  name: string;
  times: number;
  longestMs: number;
}

export interface DatabaseOptions {
  /** Told of slow statements, of each at most once a minute. */
  onSlow?: ((slow: SlowStatement) => void) | undefined;
}

/** On a machine that is busy with training everything is slow at times; a line for each would bury the log. */
const SLOW_REPORT_INTERVAL_MS = 60_000;

class SlowStatements {
  readonly #report: (slow: SlowStatement) => void;
  readonly #known = new Map<string, SlowStatement & { reportedAtMs: number }>();

  constructor(report: (slow: SlowStatement) => void) {
    this.#report = report;
  }

  add(name: string, elapsedMs: number): void {
    const known = this.#known.get(name) ?? { name, times: 0, longestMs: 0, reportedAtMs: -Infinity };
    known.times++;
    known.longestMs = Math.max(known.longestMs, elapsedMs);
    const nowMs = performance.now();
    if (nowMs - known.reportedAtMs > SLOW_REPORT_INTERVAL_MS) {
      this.#report({ name, times: known.times, longestMs: known.longestMs });
      Object.assign(known, { times: 0, longestMs: 0, reportedAtMs: nowMs });
    }
    this.#known.set(name, known);
  }
}

/** An open database file. `close()` must be called; after it every other call throws. */
export class Database {
  readonly file: string;
  readonly raw: SqliteDatabase.Database;
  /** One for all: making one anew takes longer than a small transaction does. */
  readonly #transaction: SqliteDatabase.Transaction<(work: () => unknown) => unknown>;
  readonly #slow: SlowStatements;
  readonly #prepared = new Map<string, { sql: string; statement: Statement<Values, unknown> }>();

  constructor(file: string, options: DatabaseOptions = {}) {
    this.file = file;
    this.#slow = new SlowStatements(options.onSlow ?? (() => undefined));
    try {
      this.raw = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
    } catch (cause) {
      throw openError(file, cause);
    }
    try {
      this.raw.pragma('journal_mode = WAL');
      this.raw.pragma('foreign_keys = ON');
      this.raw.pragma('synchronous = NORMAL');
      this.#transaction = this.raw.transaction((work: () => unknown) => work());
    } catch (cause) {
      this.raw.close();
      throw openError(file, cause);
    }
  }

  /**
   * The statement of this name, prepared at its first use. `name` is what a slow one is reported by; two texts under one
   * name are a defect and throw.
   */
  statement<P extends Values = [], R = never>(name: string, sql: string): Statement<P, R> {
    const known = this.#prepared.get(name);
    if (known !== undefined) {
      if (known.sql !== sql) throw new Error(`Two statements are called ${name}.`);
      return known.statement as Statement<P, R>;
    }
    const prepared = this.raw.prepare<unknown[], unknown>(sql);
    const timed = <T>(call: () => T): T => this.#timed(name, call);
    const statement: Statement<Values, unknown> = {
      get: (parameters) => timed(() => prepared.get(parameters)),
      all: (parameters) => timed(() => prepared.all(parameters)),
      run: (parameters) =>
        timed(() => {
          const result = prepared.run(parameters);
          return { changes: result.changes, lastInsertRowid: Number(result.lastInsertRowid) };
        }),
      runEach: (list) =>
        timed(() => {
          let changes = 0;
          for (const parameters of list) changes += prepared.run(parameters).changes;
          return changes;
        }),
    };
    this.#prepared.set(name, { sql, statement });
    return statement as Statement<P, R>;
  }

  /** Rows as plain arrays of columns, for long series: half the time of objects. */
  rows<P extends Values, R extends unknown[]>(name: string, sql: string): (parameters: P) => R[] {
    const key = `${name} (rows)`;
    const known = this.#prepared.get(key);
    if (known === undefined) {
      const prepared = this.raw.prepare<unknown[], unknown>(sql).raw(true);
      const all = (parameters: Values): unknown[] => this.#timed(name, () => prepared.all(parameters));
      this.#prepared.set(key, {
        sql,
        statement: { all, get: unavailable, run: unavailable, runEach: unavailable },
      });
    } else if (known.sql !== sql) {
      throw new Error(`Two statements are called ${name}.`);
    }
    const { all } = this.#prepared.get(key)!.statement;
    return all as (parameters: P) => R[];
  }

  /** Runs `work` in one transaction (a savepoint when one is open). It takes the write lock first and must not await. */
  transaction<T>(name: string, work: () => T): T {
    return this.#timed(name, () => this.#transaction.immediate(work) as T);
  }

  /** Runs `work`, which only reads, on one state of the file. */
  snapshot<T>(name: string, work: () => T): T {
    return this.#timed(name, () => this.#transaction.deferred(work) as T);
  }

  /** Every statement prepared so far, by name: the plan test walks them. */
  preparedStatements(): { name: string; sql: string }[] {
    return [...this.#prepared].map(([name, { sql }]) => ({ name, sql }));
  }

  close(): void {
    this.raw.close();
  }

  #timed<T>(name: string, call: () => T): T {
    const started = performance.now();
    try {
      return call();
    } finally {
      const elapsed = performance.now() - started;
      if (elapsed > SLOW_STATEMENT_MS) this.#slow.add(name, elapsed);
    }
  }
}

function unavailable(): never {
  throw new Error('This statement was prepared for rows only.');
}

function openError(file: string, cause: unknown): unknown {
  const code = (cause as { code?: unknown }).code;
  if (code === 'SQLITE_NOTADB')
    return new StudioError(
      'not-allowed',
      `${file} was expected to be a library's SQLite database, and is some other file. Choose another library folder, or move that file away.`,
      null,
      { cause },
    );
  if (code === 'SQLITE_CANTOPEN')
    return new StudioError(
      'not-allowed',
      `${file} could not be opened or created. Check that the folder exists and can be written to.`,
      null,
      { cause },
    );
  return cause;
}
