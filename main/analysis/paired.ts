/**
 * Tests of two classifiers on the same examples. Only examples where exactly one of them is right say anything about
 * the difference: McNemar's test weighs their numbers, the bootstrap gives an interval for the difference itself.
 */
import { quantile } from './statistics.ts';

export interface McNemar {
  /** Exact two-sided binomial p, at most 1. */
  exactP: number;
  /** The exact p less the probability of the observed split, once. */
  midP: number;
  /** Chi-squared with continuity correction, one degree of freedom; 0 when nothing differs. */
  chi2Corrected: number;
}

/**
 * McNemar's test. onlyA and onlyB: examples that only the first, only the second classifies rightly.
 *
 * With m = min(onlyA, onlyB) and X ~ Binomial(onlyA + onlyB, 1/2): exactP = min(1, 2 P(X ≤ m)),
 * midP = 2 P(X ≤ m) − P(X = m).
 */
export function mcnemar(onlyA: number, onlyB: number): McNemar {
  const n = onlyA + onlyB;
  const m = Math.min(onlyA, onlyB);
  if (n === 0) return { exactP: 1, midP: 1, chi2Corrected: 0 };
  let logAtM = -n * Math.LN2;
  for (let i = 1; i <= m; i++) logAtM += Math.log((n - m + i) / i);
  const atM = Math.exp(logAtM);
  // Each term below m is the one above times k / (n − k + 1).
  let ratio = 1;
  let ratios = 1;
  for (let k = m; k > 0; k--) {
    ratio *= k / (n - k + 1);
    ratios += ratio;
  }
  return {
    exactP: Math.min(1, 2 * atM * ratios),
    midP: 2 * atM * ratios - atM,
    chi2Corrected: Math.max(0, Math.abs(onlyA - onlyB) - 1) ** 2 / n,
  };
}

/**
 * Holm's correction for several tests: the adjusted p values, in the given order. Nulls are no tests and stay null.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const tests = pValues.flatMap((p, index) => (p === null ? [] : [{ p, index }])).sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let largest = 0;
  tests.forEach(({ p, index }, i) => {
    largest = Math.max(largest, Math.min(1, p * (tests.length - i)));
    adjusted[index] = largest;
  });
  return adjusted;
}

/** A generator of uniform values in [0, 1) that is named by an ASCII text, so that a result can be had again. */
export function namedUniform(key: string): () => number {
  // FNV-1a seeds mulberry32, as in the project's reference data.
  let hash = 0x811c9dc5;
  for (const character of key) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  let state = hash | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Examples of one stratum (a class) by which of the two is right; `total` includes those where both or neither is. */
export interface PairedCounts {
  onlyA: number;
  onlyB: number;
  total: number;
}

export interface BootstrapInput {
  /** The strata, each resampled to its own size. */
  strata: readonly PairedCounts[];
  /** Statistics: for each, its weight per stratum [S]; the value is Σ weight · (A right − B right, summed). */
  statistics: readonly (readonly number[])[];
  replicates: number;
  /**
   * Makes the function that draws one resampling of a stratum and returns its Σ (A right − B right); see drawCounts.
   */
  sampler: (stratum: PairedCounts, index: number) => () => number;
}

/**
 * Paired bootstrap of differences, stratified: in every replicate, stratum by stratum, the examples are drawn anew with
 * replacement. Returns the values of each statistic, [statistics][replicates], in the order drawn.
 */
export function bootstrapDifferences({
  strata,
  statistics,
  replicates,
  sampler,
}: BootstrapInput): Float64Array[] {
  const values = statistics.map(() => new Float64Array(replicates));
  const draw = strata.map(sampler);
  for (let replicate = 0; replicate < replicates; replicate++) {
    for (let s = 0; s < draw.length; s++) {
      const sum = draw[s]!();
      for (let k = 0; k < values.length; k++) values[k]![replicate]! += statistics[k]![s]! * sum;
    }
  }
  return values;
}

/**
 * Resamples a stratum: how many of the resampled examples are of which kind, not which examples they are: the number that only A gets
 * right is binomial, and so is the number for B among the rest. The same distribution as example by example, two
 * draws for each stratum instead of `total` (10,000 replicates of 10,000 examples: 20 ms instead of 800).
 */
export function drawCounts({ onlyA, onlyB, total }: PairedCounts, uniform: () => number): () => number {
  const drawA = binomialTable(total, onlyA / total);
  const tablesB = new Map<number, Float64Array>();
  return () => {
    const a = drawFrom(drawA, uniform());
    let tableB = tablesB.get(a);
    if (tableB === undefined) {
      tableB = binomialTable(total - a, onlyA === total ? 0 : onlyB / (total - onlyA));
      tablesB.set(a, tableB);
    }
    return a - drawFrom(tableB, uniform());
  };
}

/** [n + 1] cumulative probabilities of Binomial(n, p). */
function binomialTable(n: number, p: number): Float64Array {
  const table = new Float64Array(n + 1);
  if (p <= 0) return table.fill(1);
  if (p >= 1) {
    table[n] = 1;
    return table;
  }
  let log = n * Math.log1p(-p);
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    sum += Math.exp(log);
    table[k] = sum;
    log += Math.log((((n - k) / (k + 1)) * p) / (1 - p));
  }
  return table;
}

/** The smallest k whose cumulative probability is above u; the last one where rounding left the sum below it. */
function drawFrom(table: Float64Array, u: number): number {
  let low = 0;
  let high = table.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The two ends of a percentile interval, coverage in (0, 1). The values are not changed. */
export function percentileInterval(values: Float64Array, coverage = 0.95): { low: number; high: number } {
  const ascending = values.slice().sort();
  return { low: quantile(ascending, (1 - coverage) / 2), high: quantile(ascending, (1 + coverage) / 2) };
}
