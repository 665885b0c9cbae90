/**
 * Arithmetic of the log's window: which rows are drawn at a scroll position, and which ranges of lines must be asked
 * for. Rows count from 0; lines carry their own numbers. Scrolling is by row even when long lines are wrapped, so no
 * height has to be measured and hundreds of thousands of lines cost nothing.
 */

export const ROW_HEIGHT_PX = 18;
/** Lines asked for at once, as the store pages them. */
export const PAGE_LINES = 500;
/** Rows drawn above and below what can be seen, so that a fast scroll finds them. */
export const OVERSCAN_ROWS = 12;
/** Browsers stop at about 33 million px; beyond this height the scroll bar maps to rows proportionally. */
const MAX_HEIGHT_PX = 15_000_000;

export interface LogWindow {
  /** First row drawn, and the row after the last. */
  first: number;
  end: number;
  /** Px from the top of the scrolled content to the first drawn row. */
  offsetPx: number;
  /** Height of the scrolled content. */
  heightPx: number;
}

export function logWindow(options: { rows: number; scrollTop: number; viewportPx: number }): LogWindow {
  const { rows, viewportPx } = options;
  const fullPx = rows * ROW_HEIGHT_PX;
  const heightPx = Math.min(fullPx, MAX_HEIGHT_PX);
  const scrollTop = Math.min(Math.max(0, options.scrollTop), Math.max(0, heightPx - viewportPx));
  const scale = heightPx < fullPx ? (fullPx - viewportPx) / (heightPx - viewportPx) : 1;
  const virtualTop = scrollTop * scale;
  const firstSeen = Math.floor(virtualTop / ROW_HEIGHT_PX);
  const first = Math.max(0, firstSeen - OVERSCAN_ROWS);
  const end = Math.min(rows, firstSeen + Math.ceil(viewportPx / ROW_HEIGHT_PX) + 1 + OVERSCAN_ROWS);
  return { first, end, offsetPx: scrollTop + first * ROW_HEIGHT_PX - virtualTop, heightPx };
}

/** The scroll position that brings a row to the middle. */
export function scrollTopOf(row: number, rows: number, viewportPx: number): number {
  const fullPx = rows * ROW_HEIGHT_PX;
  const heightPx = Math.min(fullPx, MAX_HEIGHT_PX);
  const virtualTop = Math.min(
    Math.max(0, (row + 0.5) * ROW_HEIGHT_PX - viewportPx / 2),
    Math.max(0, fullPx - viewportPx),
  );
  const scale = heightPx < fullPx ? (fullPx - viewportPx) / (heightPx - viewportPx) : 1;
  return virtualTop / scale;
}

export interface LineRange {
  /** Zero-based offset of the first line, as `getLog` takes it. */
  offset: number;
  limit: number;
}

/** Numbers this near to each other are asked for in one request. */
const JOIN_GAP_LINES = 64;

/**
 * Ranges that hold all wanted line numbers (ascending, from 1) that are not there yet, each at most a page long.
 */
export function missingRanges(
  wanted: readonly number[],
  has: (number: number) => boolean,
  total: number,
): LineRange[] {
  const ranges: LineRange[] = [];
  for (const number of wanted) {
    if (number < 1 || number > total || has(number)) continue;
    const last = ranges.at(-1);
    const isNear =
      last !== undefined &&
      number - (last.offset + last.limit) <= JOIN_GAP_LINES &&
      number - last.offset <= PAGE_LINES;
    if (isNear) last.limit = number - last.offset;
    else ranges.push({ offset: number - 1, limit: 1 });
  }
  return ranges;
}
