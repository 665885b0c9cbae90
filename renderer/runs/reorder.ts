/** Moving an entry of the queue. Pure. */

/** The list with one entry moved to another place. */
export function moved<T>(entries: readonly T[], from: number, to: number): T[] {
  const next = [...entries];
  const [entry] = next.splice(from, 1);
  if (entry !== undefined) next.splice(to, 0, entry);
  return next;
}

/** The run that stands behind the moved one afterwards; null when it goes last. */
export function beforeOf(entries: readonly { runId: number }[], from: number, to: number): number | null {
  return moved(entries, from, to)[to + 1]?.runId ?? null;
}
