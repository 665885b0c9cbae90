/** How unequal the class counts of a training split are. */

export interface FrequencyStatistics {
  images: number;
  largest: number;
  smallest: number;
  /** smallest ÷ largest, in (0, 1]. */
  imbalanceFactor: number;
  /** largest ÷ smallest, shown as "IF 100". */
  imbalanceRatio: number;
  /** Gini coefficient of the counts, 0 for equal ones. */
  gini: number;
  /** exp of the entropy of the class distribution: equal classes that would be as diverse. */
  effectiveClasses: number;
  /** Share of the images that the most frequent fifth of the classes holds (rounded, at least one class). */
  topFifthShare: number;
  /** Cumulative shares from the rarest class up, from (0, 0) to (1, 1): the Lorenz curve. */
  lorenz: { classes: number; images: number }[];
}

/** classCounts: at least one class, every count 1 or more; throws RangeError otherwise. */
export function frequencyStatistics(classCounts: readonly number[]): FrequencyStatistics {
  const classes = classCounts.length;
  const ascending = [...classCounts].sort((a, b) => a - b);
  const smallest = ascending[0];
  const largest = ascending.at(-1);
  if (smallest === undefined || largest === undefined || smallest < 1) {
    throw new RangeError('Frequency statistics need at least one image in every class.');
  }
  const images = ascending.reduce((sum, count) => sum + count, 0);
  // G = Σ (2i − n − 1) x_i / (n Σ x), with x ascending and i from 1.
  const weighted = ascending.reduce((sum, count, i) => sum + (2 * (i + 1) - classes - 1) * count, 0);
  const entropy = -ascending.reduce((sum, count) => sum + (count / images) * Math.log(count / images), 0);
  const fifth = Math.max(1, Math.round(classes / 5));
  const lorenz = [{ classes: 0, images: 0 }];
  let cumulative = 0;
  ascending.forEach((count, i) => {
    cumulative += count;
    lorenz.push({ classes: (i + 1) / classes, images: cumulative / images });
  });
  return {
    images,
    largest,
    smallest,
    imbalanceFactor: smallest / largest,
    imbalanceRatio: largest / smallest,
    gini: weighted / (classes * images),
    effectiveClasses: Math.exp(entropy),
    topFifthShare: ascending.slice(classes - fifth).reduce((sum, count) => sum + count, 0) / images,
    lorenz,
  };
}
