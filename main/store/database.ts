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
}

export interface DatabaseOptions {
  /** Told of each statement or transaction slower than `SLOW_STATEMENT_MS`. */
  onSlow?: ((name: string, elapsedMs: number) => void) | undefined;
}

/** An open database file. `close()` must be called; after it every other call throws. */
export class Database {
  readonly file: string;
  readonly raw: SqliteDatabase.Database;
  readonly #onSlow: (name: string, elapsedMs: number) => void;
  readonly #prepared = new Map<string, { sql: string; statement: Statement<Values, unknown> }>();

  constructor(file: string, options: DatabaseOptions = {}) {
    this.file = file;
    this.#onSlow = options.onSlow ?? (() => undefined);
    try {
      this.raw = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
    } catch (cause) {
      throw openError(file, cause);
    }
    try {
      this.raw.pragma('journal_mode = WAL');
      this.raw.pragma('foreign_keys = ON');
      this.raw.pragma('synchronous = NORMAL');
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
      this.#prepared.set(key, { sql, statement: { all, get: unavailable, run: unavailable } });
    } else if (known.sql !== sql) {
      throw new Error(`Two statements are called ${name}.`);
    }
    const { all } = this.#prepared.get(key)!.statement;
    return all as (parameters: P) => R[];
  }

  /** Runs `work` in one transaction (a savepoint when one is open). It takes the write lock first and must not await. */
  transaction<T>(name: string, work: () => T): T {
    return this.#timed(name, () => this.raw.transaction(work).immediate());
  }

  /** Runs `work`, which only reads, on one state of the file. */
  snapshot<T>(name: string, work: () => T): T {
    return this.#timed(name, () => this.raw.transaction(work).deferred());
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
      if (elapsed > SLOW_STATEMENT_MS) this.#onSlow(name, elapsed);
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
