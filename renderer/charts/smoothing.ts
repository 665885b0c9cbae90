/**
 * Smoothing of a training curve: an exponential moving average without the pull towards zero that a plain one has at
 * its start (TensorBoard's and Adam's debiasing). A gap in the curve stays a gap.
 */

/**
 * Debiased exponential moving average. `weight` in [0, 1) is the share that the past keeps at each point: 0 returns
 * the values as they are, 0.9 averages over about ten points. null is passed on and leaves the average as it is.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let average = 0;
  let bias = 1;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    average = weight * average + (1 - weight) * value;
    bias *= weight;
    return average / (1 - bias);
  });
}
