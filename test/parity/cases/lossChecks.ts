/** How the golden losses give their values and gradients, and the comparison with ours. */
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { decodeArray, type StoredArray } from '../golden.ts';
import { l2Norm, largestDifference, total, type Check } from '../parityCase.ts';

export interface GoldenValue {
  float64: number;
  tolerance: number;
}

/** A large gradient: norms and sums of its rows, and some of its entries. */
interface Digest {
  rowL2: number[];
  rowSum: number[];
  rowAtLabel: number[];
  columns: number[];
  valuesAtColumns: number[][];
}

export interface GoldenGradient {
  tolerance: number;
  float64?: StoredArray;
  digest?: Digest;
}

/** Compares a gradient by logits [batch, classes]. */
export async function gradientChecks(
  name: string,
  gradient: Tensor2D,
  labels: number[],
  golden: GoldenGradient,
): Promise<Check[]> {
  const values = await gradient.data();
  const { tolerance } = golden;
  if (golden.float64)
    return [
      { name: `gradient ${name}`, error: largestDifference(values, decodeArray(golden.float64)), tolerance },
    ];
  const digest = golden.digest!;
  const classes = gradient.shape[1];
  const rows = labels.map((_, row) => values.slice(row * classes, (row + 1) * classes));
  const whole = tolerance * Math.sqrt(classes);
  return [
    {
      name: `gradient ${name} row norms`,
      error: largestDifference(rows.map(l2Norm), digest.rowL2),
      tolerance: whole,
    },
    {
      name: `gradient ${name} row sums`,
      error: largestDifference(rows.map(total), digest.rowSum),
      tolerance: whole,
    },
    {
      name: `gradient ${name} at labels`,
      error: largestDifference(
        rows.map((row, index) => row[labels[index]!]!),
        digest.rowAtLabel,
      ),
      tolerance,
    },
    {
      name: `gradient ${name} at columns`,
      error: largestDifference(
        rows.flatMap((row) => digest.columns.map((column) => row[column]!)),
        digest.valuesAtColumns.flat(),
      ),
      tolerance,
    },
  ];
}
