/**
 * How far confidence can be trusted: expected and maximum calibration error over equal bins of the top probability
 * (Guo et al. 2017, arxiv.org/abs/1706.04599). Bin k of B holds confidences in (k/B, (k+1)/B].
 */

export const CALIBRATION_BINS = 15;

export interface CalibrationBin {
  count: number;
  /** Null for an empty bin. */
  accuracy: number | null;
  confidence: number | null;
}

export interface Calibration {
  /** Mean of |accuracy − confidence| over bins, weighted by their examples; null without examples. */
  ece: number | null;
  /** The largest |accuracy − confidence| of a bin that is not empty. */
  mce: number | null;
  bins: CalibrationBin[];
}

/**
 * confidence [N] in [0, 1], correct [N] of 0 and 1. `isIncluded` restricts it to some examples (those of a group).
 */
export function calibration(
  confidence: Float64Array,
  correct: Uint8Array,
  isIncluded: (example: number) => boolean = () => true,
  binCount: number = CALIBRATION_BINS,
): Calibration {
  const counts = new Array<number>(binCount).fill(0);
  const right = new Array<number>(binCount).fill(0);
  const confidenceSums = new Array<number>(binCount).fill(0);
  let total = 0;
  for (let i = 0; i < confidence.length; i++) {
    if (!isIncluded(i)) continue;
    const bin = binOf(confidence[i]!, binCount);
    counts[bin]!++;
    right[bin]! += correct[i]!;
    confidenceSums[bin]! += confidence[i]!;
    total++;
  }
  const bins = counts.map((count, k) => ({
    count,
    accuracy: count === 0 ? null : right[k]! / count,
    confidence: count === 0 ? null : confidenceSums[k]! / count,
  }));
  const gaps = counts.map((count, k) => (count === 0 ? 0 : Math.abs(right[k]! - confidenceSums[k]!) / count));
  return {
    ece: total === 0 ? null : gaps.reduce((sum, gap, k) => sum + (gap * counts[k]!) / total, 0),
    mce: total === 0 ? null : Math.max(...gaps),
    bins,
  };
}

/** The bin whose upper edge is the first at or above the value, by the edges k/B as doubles. */
function binOf(value: number, binCount: number): number {
  let bin = Math.min(binCount - 1, Math.max(0, Math.ceil(value * binCount) - 1));
  if (bin > 0 && value <= bin / binCount) bin--;
  else if (bin < binCount - 1 && value > (bin + 1) / binCount) bin++;
  return bin;
}
