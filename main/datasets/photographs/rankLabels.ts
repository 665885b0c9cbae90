/** The reference's re-labelling of ImageNet-LT and iNaturalist: classes are numbered by ascending training count. */

/**
 * Class indices by ascending training count, ties by class index: the reference leaves them to an unstable sort.
 *
 * classCounts [C] → [C]
 */
export function ascendingByCount(classCounts: readonly number[]): number[] {
  return [...classCounts.keys()].sort((a, b) => classCounts[a]! - classCounts[b]! || a - b);
}

/** The new label of each original label: 0 is the rarest class; equal counts keep their order. */
export function rankLabels(trainClassCounts: readonly number[]): number[] {
  const ranks = new Array<number>(trainClassCounts.length);
  ascendingByCount(trainClassCounts).forEach((label, rank) => {
    ranks[label] = rank;
  });
  return ranks;
}
