/** Chooses the training images of a dataset, packed or of photographs: the long-tailed subset and the validation split. */
import {
  carveValidation,
  chooseRows,
  countClasses,
  subsetCounts,
  subsetHash,
  type SubsetOptions,
  type ValidationOptions,
} from './subset.ts';

export interface TrainingChoice {
  train: Uint32Array;
  /** Null when none was asked for. */
  val: Uint32Array | null;
  /** Images per class that there were to choose from, and that `train` has. */
  sourceClassCounts: number[];
  classCounts: number[];
  /** See subsetHash. */
  subsetHash: string;
}

/**
 * Chooses from `pool`, ascending rows of the source's train split, whose labels are `labels`.
 *
 * Throws SubsetError when a class would have no training image.
 */
export function chooseTraining(
  labels: Int32Array,
  classes: number,
  pool: Uint32Array,
  { subset, validation }: { subset: SubsetOptions; validation: ValidationOptions | null },
): TrainingChoice {
  const labelsOf = (rows: Uint32Array): Int32Array => Int32Array.from(rows, (row) => labels[row]!);
  const poolLabels = labelsOf(pool);
  const sourceClassCounts = countClasses(poolLabels, classes);
  subsetCounts(sourceClassCounts, subset);
  const chosen = chooseRows(poolLabels, classes, subset).map((row) => pool[row]!);
  const { train, val } =
    validation === null ? { train: chosen, val: null } : carveValidation(chosen, labels, classes, validation);
  return {
    train,
    val,
    sourceClassCounts,
    classCounts: countClasses(labelsOf(train), classes),
    subsetHash: subsetHash(labels, classes, chosen),
  };
}
