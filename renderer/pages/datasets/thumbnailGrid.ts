/**
 * Geometry of the thumbnail browser: a grid of equal squares of which only the rows in view exist as elements, so that
 * 50,000 images scroll like 50. Lengths are CSS pixels.
 */
import { visibleRows } from '../../lib/virtual.ts';

export interface GridShape {
  columns: number;
  rows: number;
  /** Height of all rows, gaps included. */
  height: number;
  /** Distance from one row to the next. */
  pitch: number;
}

export const THUMBNAIL_SIZES = { S: 32, M: 48, L: 96 } as const;
/** Photographs show too little in a cell that is right for images of 32 pixels. */
export const PHOTOGRAPH_SIZES = { S: 64, M: 96, L: 160 } as const;
export type ThumbnailSize = keyof typeof THUMBNAIL_SIZES;
export const THUMBNAIL_GAP = 4;
/** Rows kept above and below the window: a flick of the wheel finds them drawn. */
const OVERSCAN_ROWS = 3;

export function gridShape({ width, size, total }: { width: number; size: number; total: number }): GridShape {
  const pitch = size + THUMBNAIL_GAP;
  const columns = Math.max(1, Math.floor((width + THUMBNAIL_GAP) / pitch));
  const rows = Math.ceil(total / columns);
  return { columns, rows, height: Math.max(0, rows * pitch - THUMBNAIL_GAP), pitch };
}

/** Places `[from, to)` whose rows are in the window or near it. */
export function visiblePlaces(
  shape: GridShape,
  { scrollTop, height, total }: { scrollTop: number; height: number; total: number },
): { from: number; to: number } {
  const rows = visibleRows({
    scrollTop,
    height,
    rowHeight: shape.pitch,
    count: shape.rows,
    overscan: OVERSCAN_ROWS,
  });
  return { from: rows.start * shape.columns, to: Math.min(total, rows.end * shape.columns) };
}

/** Where a key leads from a place; null when the key does not move. */
export function movedPlace(
  key: string,
  place: number,
  { columns, total, pageRows }: { columns: number; total: number; pageRows: number },
): number | null {
  const last = total - 1;
  const by = (steps: number): number => Math.min(last, Math.max(0, place + steps));
  // A vertical move never changes the column: at the edge it stays where it is.
  const vertical = (rows: number): number => {
    const target = place + rows * columns;
    if (target < 0) return place % columns;
    if (target <= last) return target;
    const inLastRow = Math.floor(last / columns) * columns + (place % columns);
    return inLastRow <= last ? inLastRow : last;
  };
  switch (key) {
    case 'ArrowLeft':
      return by(-1);
    case 'ArrowRight':
      return by(1);
    case 'ArrowUp':
      return place < columns ? place : vertical(-1);
    case 'ArrowDown':
      return vertical(1);
    case 'PageUp':
      return vertical(-pageRows);
    case 'PageDown':
      return vertical(pageRows);
    case 'Home':
      return 0;
    case 'End':
      return Math.max(0, last);
    default:
      return null;
  }
}

/** Scroll position that brings a place into view with the least movement. */
export function scrollToPlace(
  shape: GridShape,
  place: number,
  { scrollTop, height, size }: { scrollTop: number; height: number; size: number },
): number {
  const top = Math.floor(place / shape.columns) * shape.pitch;
  if (top < scrollTop) return top;
  return top + size > scrollTop + height ? top + size - height : scrollTop;
}

/** The rows of a class are asked for in blocks; the blocks that cover places `[from, to)`. */
export const BLOCK = 480;
export function blocksOf({ from, to }: { from: number; to: number }): number[] {
  const blocks: number[] = [];
  for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block += 1) blocks.push(block);
  return blocks;
}

/**
 * Thumbnails come as sheets, many images in one picture: one request for 48 images instead of 48. Sheets never cross
 * a block. The place's sheet and where the image lies in it.
 */
export const SHEET_COLUMNS = 8;
export const SHEET_IMAGES = 48;
export interface SheetCell {
  /** Places `[from, to)` that the sheet holds. */
  from: number;
  to: number;
  column: number;
  line: number;
  lines: number;
}
export function sheetCell(place: number, total: number): SheetCell {
  const from = Math.floor(place / SHEET_IMAGES) * SHEET_IMAGES;
  const to = Math.min(total, from + SHEET_IMAGES);
  return {
    from,
    to,
    column: (place - from) % SHEET_COLUMNS,
    line: Math.floor((place - from) / SHEET_COLUMNS),
    lines: Math.ceil((to - from) / SHEET_COLUMNS),
  };
}
