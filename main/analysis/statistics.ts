/** Small statistics: seed groups, order statistics, rank correlation. */

export interface MeanStd {
  mean: number | null;
  /** Sample standard deviation (divisor n − 1); null for fewer than two values. */
  std: number | null;
  n: number;
}

/** Mean and standard deviation of what is there; nulls are not counted. */
export function meanStd(values: readonly (number | null)[]): MeanStd {
  const there = values.filter((value) => value !== null);
  const n = there.length;
  if (n === 0) return { mean: null, std: null, n };
  const mean = there.reduce((sum, value) => sum + value, 0) / n;
  const squares = there.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: n < 2 ? null : Math.sqrt(squares / (n - 1)), n };
}

/**
 * Quantile by linear interpolation between order statistics (position q·(n − 1)).
 *
 * ascending: sorted, at least one value; q in [0, 1].
 */
export function quantile(ascending: Float64Array | readonly number[], q: number): number {
  const position = q * (ascending.length - 1);
  const below = Math.floor(position);
  const value = ascending[below]!;
  return value + (position - below) * ((ascending[below + 1] ?? value) - value);
}

/**
 * Spearman's rank correlation, ties with their mean rank. Pairs with a null are left out; null with fewer than two
 * pairs or when one side is constant.
 */
export function spearman(a: readonly (number | null)[], b: readonly (number | null)[]): number | null {
  const pairs = a.flatMap((value, i) => {
    const other = b[i] ?? null;
    return value === null || other === null ? [] : [[value, other] as const];
  });
  const x = meanRanks(pairs.map(([value]) => value));
  const y = meanRanks(pairs.map(([, value]) => value));
  const center = (pairs.length + 1) / 2;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  x.forEach((rank, i) => {
    const [dx, dy] = [rank - center, y[i]! - center];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}

/** Ranks from 1; equal values share the mean of their ranks. */
function meanRanks(values: number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
  const ranks = new Array<number>(values.length);
  for (let first = 0; first < order.length;) {
    let last = first;
    while (last + 1 < order.length && values[order[last + 1]!] === values[order[first]!]) last++;
    for (let k = first; k <= last; k++) ranks[order[k]!] = (first + last) / 2 + 1;
    first = last + 1;
  }
  return ranks;
}
