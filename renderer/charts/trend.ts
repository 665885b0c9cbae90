/**
 * The straight line of accuracy over log₁₀(training images), with the 95 % confidence band of its mean, that the class
 * scatter shows. A reading aid, not a test: the band assumes independent errors of equal variance.
 */

export interface TrendPoint {
  count: number;
  value: number;
  low: number;
  high: number;
}

/** Number of points the band is drawn with; straight lines between them are good enough for the curve of the band. */
const TREND_POINTS = 33;

/**
 * Least squares of values (fractions) over log₁₀(counts). Returns points from the largest to the smallest count,
 * clipped to [0, 1]; empty with fewer than three classes or with one count only.
 */
export function classTrend(counts: readonly number[], values: readonly (number | null)[]): TrendPoint[] {
  const points: [number, number][] = [];
  counts.forEach((count, index) => {
    const value = values[index];
    if (count > 0 && value !== null && value !== undefined) points.push([Math.log10(count), value]);
  });
  const n = points.length;
  if (n < 3) return [];
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const sxx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (sxx === 0) return [];
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / sxx;
  const residual = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const sigma = Math.sqrt(residual / (n - 2));
  const t = studentQuantile975(n - 2);
  const xs = points.map(([x]) => x);
  const from = Math.max(...xs);
  const to = Math.min(...xs);
  return Array.from({ length: TREND_POINTS }, (_, i) => {
    const x = from + ((to - from) * i) / (TREND_POINTS - 1);
    const value = meanY + slope * (x - meanX);
    const half = t * sigma * Math.sqrt(1 / n + (x - meanX) ** 2 / sxx);
    return { count: 10 ** x, value: clip(value), low: clip(value - half), high: clip(value + half) };
  });
}

const clip = (value: number): number => Math.min(1, Math.max(0, value));

/**
 * 97.5 % quantile of Student's t: exact for 1 and 2 degrees of freedom, else the Cornish–Fisher series
 * (Abramowitz & Stegun 26.7.5), within 0.3 % from 3 on.
 */
export function studentQuantile975(degrees: number): number {
  if (degrees <= 1) return 12.7062;
  if (degrees === 2) return 4.30265;
  const z = 1.959964;
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3 + g4 / degrees ** 4;
}
