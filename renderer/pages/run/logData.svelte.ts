/**
 * The lines of one log that are near the window, read as they are needed and forgotten when they are far away. The
 * total comes ahead from notices; a line is asked for at once when it should be on screen, one request at a time, so
 * that a fast log is followed without a growing heap of requests.
 */
import type { LogLine } from '../../../preload/contract.ts';
import { api, toFailure, type ApiFailure } from '../../lib/api.ts';
import { missingRanges } from './logWindow.ts';

/** Lines kept beyond the window; far ones are dropped when there are more. */
const MOST_LINES = 6000;
/** Lines to have on each side of the window, and to ask for when one of them is missing. */
const MARGIN_LINES = 60;
const PREFETCH_LINES = 220;

export type LevelFilter = 'all' | 'warn' | 'error';

export class LogData {
  readonly runId: number;
  /** Replaced when lines came, so that the window is drawn anew. */
  version = $state(0);
  failure: ApiFailure | null = $state.raw(null);
  #lines = new Map<number, LogLine>();
  #wanted: number[] = [];
  #total = 0;
  #isFetching = false;

  constructor(runId: number) {
    this.runId = runId;
  }

  /** A line by its number, when it is there. Reading it in a template follows `version`. */
  line(number: number): LogLine | undefined {
    void this.version;
    return this.#lines.get(number);
  }

  /**
   * Says which lines are on screen (ascending numbers, from 1). `neighbours` gives the lines around them in the shown
   * order, so that a filtered log is read ahead as well.
   */
  want(visible: readonly number[], neighbours: (margin: number) => number[], total: number): void {
    this.#total = total;
    const has = (number: number) => this.#lines.has(number);
    const near = neighbours(MARGIN_LINES);
    if (visible.every(has) && near.every((number) => number > total || has(number))) {
      this.#wanted = [];
      return;
    }
    // At the end of a growing log only the new lines are missing, and they are few; elsewhere a page is read ahead.
    this.#wanted = neighbours(PREFETCH_LINES);
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      for (;;) {
        const ranges = missingRanges(this.#wanted, (number) => this.#lines.has(number), this.#total);
        if (ranges.length === 0) break;
        const pages = await Promise.all(ranges.map((range) => api.getLog({ runId: this.runId, ...range })));
        this.failure = null;
        let count = 0;
        for (const page of pages) {
          for (const line of page.lines) this.#lines.set(line.number, line);
          count += page.lines.length;
        }
        this.#forgetFar();
        this.version += 1;
        // A notice may be ahead of what can be read by a moment; the next one asks again.
        if (count === 0) break;
      }
    } catch (thrown) {
      this.failure = toFailure(thrown);
    } finally {
      this.#isFetching = false;
    }
  }

  #forgetFar(): void {
    if (this.#lines.size <= MOST_LINES) return;
    const wanted = new Set(this.#wanted);
    for (const number of this.#lines.keys()) {
      if (this.#lines.size <= MOST_LINES / 2) break;
      if (!wanted.has(number)) this.#lines.delete(number);
    }
  }

  /** All lines as text, for copying. */
  async readAll(total: number, onLine: (line: LogLine) => void): Promise<void> {
    const AT_ONCE = 5000;
    for (let offset = 0; offset < total;) {
      const page = await api.getLog({ runId: this.runId, offset, limit: AT_ONCE });
      if (page.lines.length === 0) break;
      page.lines.forEach(onLine);
      offset += page.lines.length;
    }
  }
}
