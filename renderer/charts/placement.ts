/**
 * Places the labels at the ends of lines so that none covers another: each as near to its line as the others allow.
 */

/**
 * New centres, in the order given, at least `gap` apart and inside [low, high] where all fit; the sum of squared
 * moves is the least possible (pool-adjacent-violators). When they do not fit, the gap shrinks to what there is.
 */
export function spreadLabels(centres: readonly number[], gap: number, low: number, high: number): number[] {
  if (centres.length === 0) return [];
  const room = high - low;
  const space = centres.length > 1 ? Math.min(gap, room / (centres.length - 1)) : 0;
  const order = centres.map((_, index) => index).sort((a, b) => centres[a]! - centres[b]! || a - b);
  // With k × space taken off, "at least space apart" becomes "not decreasing": an isotonic regression.
  interface Pool {
    sum: number;
    count: number;
  }
  const pools: Pool[] = [];
  order.forEach((index, k) => {
    pools.push({ sum: centres[index]! - k * space, count: 1 });
    while (pools.length > 1) {
      const last = pools[pools.length - 1]!;
      const before = pools[pools.length - 2]!;
      if (before.sum / before.count <= last.sum / last.count) break;
      pools.pop();
      before.sum += last.sum;
      before.count += last.count;
    }
  });
  const placed = new Array<number>(centres.length);
  const highest = high - (centres.length - 1) * space;
  let k = 0;
  for (const pool of pools) {
    const centre = Math.min(Math.max(pool.sum / pool.count, low), Math.max(low, highest));
    for (let i = 0; i < pool.count; i++, k++) placed[order[k]!] = centre + k * space;
  }
  return placed;
}
