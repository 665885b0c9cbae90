/**
 * Keeps what did not change: a run is read anew twice a second, mostly with the same settings, classes and schemes, and
 * charts should be drawn anew only for what is new.
 */

/** A function that returns the value it returned before when the new one says the same as JSON. */
export function keepEqual<T>(): (next: T) => T {
  let kept: { value: T; text: string } | null = null;
  return (next) => {
    const text = JSON.stringify(next);
    if (kept === null || kept.text !== text) kept = { value: next, text };
    return kept.value;
  };
}

/** `next` with the parts of `old` that say the same; `old` itself when all of them do. */
export function shareParts<T extends object>(old: T | undefined, next: T): T {
  if (old === undefined) return next;
  const shared = { ...next };
  let isSame = Object.keys(old).length === Object.keys(next).length;
  for (const key of Object.keys(next) as (keyof T)[]) {
    const [before, after] = [old[key], next[key]];
    if (before === after) continue;
    if (
      typeof before === 'object' &&
      typeof after === 'object' &&
      JSON.stringify(before) === JSON.stringify(after)
    )
      shared[key] = before;
    else isSame = false;
  }
  return isSame ? old : shared;
}
