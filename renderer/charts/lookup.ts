/** Finds points of a curve by x. Curves are sorted by x, as the store gives them. */

/** Index of the x nearest to `target`, the earlier of two equally near; −1 for an empty list. */
export function nearestIndex(xs: readonly number[], target: number): number {
  if (xs.length === 0) return -1;
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return low > 0 && target - xs[low - 1]! <= xs[low]! - target ? low - 1 : low;
}

/** Index of the last value that exists (not null), or −1. */
export function lastIndexWithValue(values: readonly (number | null)[]): number {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return i;
  return -1;
}

/** Lowest and highest of the values that exist with x inside [from, to]; null when there is none. */
export function extent(
  xs: readonly number[],
  values: readonly (number | null)[],
  from: number,
  to: number,
): { min: number; max: number } | null {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < xs.length; i++) {
    const value = values[i];
    if (value === null || value === undefined || xs[i]! < from || xs[i]! > to) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? { min, max } : null;
}
