/** The reference's re-labelling of ImageNet-LT and iNaturalist: classes are numbered by ascending training count. */

/** The new label of each original label: 0 is the rarest class; equal counts keep their order. */
export function rankLabels(trainClassCounts: readonly number[]): number[] {
  const byCount = Array.from(trainClassCounts.keys()).sort(
    (a, b) => trainClassCounts[a]! - trainClassCounts[b]! || a - b,
  );
  const ranks = new Array<number>(byCount.length);
  byCount.forEach((label, rank) => {
    ranks[label] = rank;
  });
  return ranks;
}
