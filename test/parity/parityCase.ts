/** One comparison with golden numbers, and the measures of error that the cases share. */
import type { Backend } from '../../main/training/ops.ts';

export interface Check {
  name: string;
  error: number;
  tolerance: number;
  /** What a reader of the result must know. */
  note?: string;
}

/** Error over tolerance; NaN counts as infinitely wrong, and a tolerance of 0 demands equality. */
export function excess({ error, tolerance }: Check): number {
  if (Number.isNaN(error)) return Infinity;
  if (tolerance > 0) return error / tolerance;
  return error === 0 ? 0 : Infinity;
}

export type ParityCase =
  | { name: string; skipped: string }
  | {
      name: string;
      /** Why this engine cannot run it, or null. */
      needs?(backend: Backend): string | null;
      run(backend: Backend): Promise<Check[]> | Check[];
    };

/** Largest absolute difference. Throws Error when the lengths differ. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length)
    throw new Error(`got ${actual.length} numbers, expected ${expected.length}`);
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    if (!(difference <= largest)) largest = difference; // also takes NaN
  }
  return largest;
}

export function l2Norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! ** 2;
  return Math.sqrt(sum);
}

export function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum;
}

/**
 * The rule for a long vector of which norm, first entries and sometimes the sum are given: each within t · norm, the
 * sum within t · norm · sqrt(size). Returned as relative errors against t.
 */
export function vectorChecks(
  name: string,
  actual: ArrayLike<number>,
  expected: { l2: number; first: number[]; sum?: number },
  tolerance: number,
): Check[] {
  const scale = expected.l2;
  const first = Array.from({ length: expected.first.length }, (_, index) => actual[index]!);
  const checks = [
    { name: `${name} l2`, error: Math.abs(l2Norm(actual) - expected.l2) / scale, tolerance },
    { name: `${name} first`, error: largestDifference(first, expected.first) / scale, tolerance },
  ];
  if (expected.sum !== undefined)
    checks.push({
      name: `${name} sum`,
      error: Math.abs(total(actual) - expected.sum) / scale / Math.sqrt(actual.length),
      tolerance,
    });
  return checks;
}
