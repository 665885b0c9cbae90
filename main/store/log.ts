/** Log lines of runs, numbered from 1 over all attempts of a run. */
import type { LogLine, LogPage } from '../../preload/contract.ts';
import type { Database } from './database.ts';
import { containing } from './like.ts';

/** The level of a line as it is stored; higher is worse. */
const LEVELS: readonly LogLine['level'][] = ['info', 'warn', 'error'];

/** Lines that one step of a search looks through: some milliseconds, so that a search never holds the thread. */
export const SEARCH_SPAN_LINES = 20_000;

export class Log {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds a line under its number, inside the caller's transaction. */
  add(runId: number, line: LogLine): void {
    this.#database
      .statement<[number, number, number, number, number, string]>(
        'insert log line',
        'INSERT INTO log_lines (run_id, number, at_ms, level, attempt, text) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run([runId, line.number, line.atMs, LEVELS.indexOf(line.level), line.attempt, line.text]);
  }

  /** Lines `offset + 1` to `offset + limit`, and how many there are. */
  read(runId: number, offset: number, limit: number): LogPage {
    const rows = this.#database.rows<
      [number, number, number],
      [number: number, atMs: number, level: number, attempt: number, text: string]
    >(
      'read log lines',
      `SELECT number, at_ms, level, attempt, text FROM log_lines
       WHERE run_id = ? AND number > ? AND number <= ? ORDER BY number`,
    )([runId, offset, offset + limit]);
    return {
      lines: rows.map(([number, atMs, level, attempt, text]) => ({
        number,
        atMs,
        level: LEVELS[level] ?? 'info',
        attempt,
        text,
      })),
      total: this.count(runId),
    };
  }

  /** Lines of a run. */
  count(runId: number): number {
    const row = this.#database
      .statement<[number], { last: number | null }>(
        'count log lines',
        'SELECT max(number) AS last FROM log_lines WHERE run_id = ?',
      )
      .get([runId]);
    return row?.last ?? 0;
  }

  /**
   * Numbers of the lines in a span that contain the text (ASCII letters in either case) and are at least as bad as
   * `level`. fromNumber and untilNumber are inclusive; callers take spans of `SEARCH_SPAN_LINES`.
   */
  search(
    runId: number,
    {
      text,
      level,
      fromNumber,
      untilNumber,
    }: { text: string; level: 'all' | 'warn' | 'error'; fromNumber: number; untilNumber: number },
  ): number[] {
    const marked = level !== 'all';
    const rows = this.#database.rows<unknown[], [number]>(
      marked ? 'search marked log lines' : 'search log lines',
      `SELECT number FROM log_lines ${marked ? 'INDEXED BY log_lines_marked' : ''}
       WHERE run_id = ? AND number BETWEEN ? AND ? AND text LIKE ? ESCAPE '\\'
       ${marked ? 'AND level > 0 AND level >= ?' : ''} ORDER BY number`,
    )([runId, fromNumber, untilNumber, containing(text), ...(marked ? [LEVELS.indexOf(level)] : [])]);
    return rows.map(([number]) => number);
  }
}
