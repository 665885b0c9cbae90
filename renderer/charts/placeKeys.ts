/** Keys that move a chart's mark over its places (classes, bins), which are numbered from 0. */

/**
 * Moves by arrows, Home and End, and takes the mark away with Escape. `place` is null while nothing is marked. A key that
 * did something goes no further.
 */
export function moveByKey(
  event: KeyboardEvent,
  { place, last, move }: { place: number | null; last: number; move: (place: number | null) => void },
): void {
  const here = place ?? -1;
  const moves: Record<string, number> = {
    ArrowLeft: Math.max(0, here - 1),
    ArrowRight: Math.min(last, here + 1),
    Home: 0,
    End: last,
  };
  const target = moves[event.key];
  if (target !== undefined) move(target);
  else if (event.key === 'Escape' && place !== null) move(null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
