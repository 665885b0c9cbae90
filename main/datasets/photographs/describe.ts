/**
 * Which photographs a dataset has: what was left out, the test split where one is carved, the long-tailed subset, the
 * validation split, and the numbering of classes. Pure and deterministic: the same names, labels and options give the
 * same choice on every machine.
 */
import { chooseTraining } from '../chooseTraining.ts';
import type { PhotographManifest, Split } from '../manifest.ts';
import {
  carveValidation,
  SUBSET_SEED,
  SubsetError,
  type SubsetOptions,
  type ValidationOptions,
} from '../subset.ts';
import type { NormalisationId } from './normalisation.ts';
import { rankLabels } from './rankLabels.ts';
import type { PhotographSource, PhotographSplit } from './source.ts';

/** What networks are given unless a run says otherwise, in pixels: every published recipe's. */
export const DEFAULT_IMAGE_SIZE = 224;

export interface PhotographChoices {
  subset: SubsetOptions;
  validation: ValidationOptions | null;
  rankLabels: boolean;
  normalisation: NormalisationId;
  /** Share of each class carved off as test split, where the source has none; else 0. */
  testFraction: number;
}

/** One split as it will be registered. `rows` are positions in the source's split. */
export interface ChosenSplit extends PhotographSplit {
  rows: Uint32Array;
}

export interface ChosenPhotographs {
  splits: Record<Split, ChosenSplit | null>;
  classNames: string[];
  /** Training images per class: of the chosen train split, and of the source's. */
  classCounts: number[];
  sourceClassCounts: number[];
  rankLabels: PhotographManifest['rankLabels'];
  testFraction: number | null;
  leftOut: number;
  subsetHash: string;
}

/**
 * Chooses. `isLeftOut` says of a path whether it is left out.
 *
 * Throws SubsetError when a split is asked for that the source has, or missing that it has not, and when a class would
 * have no training image.
 */
export function choosePhotographs(
  source: Pick<PhotographSource, 'classNames' | 'train' | 'val' | 'test'>,
  choices: PhotographChoices,
  isLeftOut: (path: string, split: Split, row: number) => boolean = () => false,
): ChosenPhotographs {
  refuseDoubleSplits(source, choices);
  const classes = source.classNames.length;
  const { labels } = source.train;
  let leftOut = 0;
  const kept = (split: Split, data: PhotographSplit): Uint32Array => {
    const rows = Uint32Array.from(data.paths.keys()).filter(
      (row) => !isLeftOut(data.paths[row]!, split, row),
    );
    leftOut += data.paths.length - rows.length;
    return rows;
  };

  // The test split comes first: it is the same for every subset of a source.
  const present = kept('train', source.train);
  const carved =
    source.test === null
      ? carveValidation(present, labels, classes, { fraction: choices.testFraction, seed: SUBSET_SEED })
      : null;
  const { train, val, ...chosen } = chooseTraining(labels, classes, carved?.train ?? present, choices);

  const ranks = choices.rankLabels ? rankLabels(chosen.classCounts) : null;
  const take = (data: PhotographSplit, rows: Uint32Array): ChosenSplit => ({
    paths: Array.from(rows, (row) => data.paths[row]!),
    labels: Int32Array.from(rows, (row) => ranks?.[data.labels[row]!] ?? data.labels[row]!),
    rows,
  });
  const given = (split: 'val' | 'test'): ChosenSplit | null => {
    const data = source[split];
    return data === null ? null : take(data, kept(split, data));
  };
  const splits = {
    train: take(source.train, train),
    val: val === null ? given('val') : take(source.train, val),
    test: carved === null ? given('test') : take(source.train, carved.val),
  };
  if (splits.test!.paths.length === 0)
    throw new SubsetError('No image is left for the test split: they were all missing or left out.');
  return {
    splits,
    classNames: renumbered(source.classNames, ranks),
    classCounts: renumbered(chosen.classCounts, ranks),
    sourceClassCounts: renumbered(chosen.sourceClassCounts, ranks),
    rankLabels: ranks,
    testFraction: carved === null ? null : choices.testFraction,
    leftOut,
    subsetHash: chosen.subsetHash,
  };
}

function refuseDoubleSplits(
  { test, val }: Pick<PhotographSource, 'test' | 'val'>,
  { testFraction, validation }: PhotographChoices,
): void {
  if (test === null && testFraction === 0)
    throw new SubsetError(
      'This source has no test split, so a share of each class must be carved off as one: give a test share, 0.2 for a fifth.',
    );
  if (test !== null && testFraction > 0)
    throw new SubsetError(
      'This source has a test split of its own, so none is carved: leave the test share out.',
    );
  if (val !== null && validation !== null)
    throw new SubsetError(
      'This source has a validation split of its own, so none is carved: leave the validation share out, or the source’s split.',
    );
}

/** values[k] of the source at its new place. */
function renumbered<T>(values: readonly T[], ranks: readonly number[] | null): T[] {
  if (ranks === null) return [...values];
  const placed = new Array<T>(values.length);
  ranks.forEach((rank, k) => {
    placed[rank] = values[k]!;
  });
  return placed;
}
