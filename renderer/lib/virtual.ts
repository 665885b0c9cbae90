/** Which rows of a long list with one row height are on screen. Pure; VirtualList.svelte and the runs table use it. */

export interface VisibleRows {
  /** First rendered row, and one past the last. */
  start: number;
  end: number;
}

/** Rows to render: those in view and `overscan` more on either side, so that fast scrolling shows no gap. */
export function visibleRows(view: {
  scrollTop: number;
  height: number;
  rowHeight: number;
  count: number;
  overscan: number;
}): VisibleRows {
  const first = Math.floor(view.scrollTop / view.rowHeight);
  const last = Math.ceil((view.scrollTop + view.height) / view.rowHeight);
  const end = Math.min(view.count, Math.max(0, last + view.overscan));
  return { start: Math.max(0, Math.min(first - view.overscan, end)), end };
}

/**
 * Where to scroll so that a row is in view; null when it already is. `headHeight` is what a sticky head hides at the
 * top of the view.
 */
export function scrollToShow(view: {
  row: number;
  scrollTop: number;
  height: number;
  rowHeight: number;
  headHeight?: number;
}): number | null {
  const top = view.row * view.rowHeight;
  const room = view.height - (view.headHeight ?? 0);
  if (top < view.scrollTop) return top;
  if (top + view.rowHeight > view.scrollTop + room) return top + view.rowHeight - room;
  return null;
}
