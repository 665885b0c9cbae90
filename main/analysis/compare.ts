/**
 * Checkpoints side by side on the same examples: accuracies by group, each branch, paired differences with their
 * intervals and tests. Works on stored logits, so no checkpoint has to be run again.
 */
import { calibration, type CalibrationBin } from './calibration.ts';
import {
  addOutputs,
  classificationReport,
  correctness,
  perClassAccuracy,
  predict,
  scoreLogits,
  type ClassificationReport,
} from './classification.ts';
import { groupMeans, type GroupScheme } from './groups.ts';
import {
  bootstrapDifferences,
  drawCounts,
  holm,
  mcnemar,
  namedUniform,
  percentileInterval,
  type PairedCounts,
} from './paired.ts';

export const BOOTSTRAP_REPLICATES = 10_000;

/** The stored outputs of one checkpoint on one split. */
export interface CheckpointOutputs {
  /** [N, C] logits that predictions are made from. */
  fused: Float32Array;
  fusedLabel: string;
  /** Branches or experts in the method's order, [N, C] each. */
  branches: { id: string; label: string; logits: Float32Array }[];
  /** Whether they add up to the prediction, so that their partial sums (H + M) mean something. */
  residual: boolean;
}

export interface BranchAccuracy {
  id: string;
  label: string;
  top1: number;
  /** By scheme, then group. */
  groups: Record<string, Record<string, number | null>>;
  perClass: (number | null)[];
}

export interface AnalysedCheckpoint {
  report: ClassificationReport;
  /** Each branch alone, then the partial sums, then the fused output; only the last for a method without branches. */
  branches: BranchAccuracy[];
  calibration: {
    ece: number | null;
    mce: number | null;
    bins: CalibrationBin[];
    /** ECE over the examples of each group, by scheme. */
    groups: Record<string, Record<string, number | null>>;
  };
}

/** A difference A − B in accuracy on the same examples. Null where a group has no examples. */
export interface PairedDifference {
  difference: number | null;
  /** 95 % percentile interval of the paired bootstrap, stratified by class. */
  low: number | null;
  high: number | null;
  /** Exact McNemar over the examples of the group. */
  p: number | null;
  /** Corrected by Holm over all tests of the comparison under this scheme. */
  pHolm: number | null;
  onlyA: number;
  onlyB: number;
}

export interface CheckpointPair {
  /** Indices of the checkpoints; differences are a − b. */
  a: number;
  b: number;
  bothRight: number;
  onlyA: number;
  onlyB: number;
  bothWrong: number;
  /** Accuracy difference of each class. */
  perClass: (number | null)[];
  /** By scheme: over all examples, and by group (mean of the class accuracies). */
  schemes: Record<string, { all: PairedDifference; groups: Record<string, PairedDifference> }>;
}

export interface CheckpointComparison {
  examples: number;
  /** By scheme: test examples of each group. */
  examplesByGroup: Record<string, Record<string, number>>;
  items: AnalysedCheckpoint[];
  /** The first checkpoint against each other one. */
  pairs: CheckpointPair[];
  /** By scheme: the tests that the p values were corrected for. */
  tests: Record<string, number>;
}

/**
 * Analyses one checkpoint on one split.
 *
 * labels [N] in [0, classes). Throws RangeError if an output has another size.
 */
export function analyseCheckpoint(
  outputs: CheckpointOutputs,
  labels: Int32Array,
  classes: number,
  schemes: readonly GroupScheme[],
): AnalysedCheckpoint {
  return analyse(outputs, labels, classes, schemes).analysed;
}

/** The analysis, and [N] 1 where the fused output is right. */
function analyse(
  outputs: CheckpointOutputs,
  labels: Int32Array,
  classes: number,
  schemes: readonly GroupScheme[],
): { analysed: AnalysedCheckpoint; correct: Uint8Array } {
  const scores = scoreLogits(outputs.fused, labels, classes);
  const correct = correctness(scores.predicted, labels);
  const eceOf = (group: { classes: number[] }) => {
    const members = new Set(group.classes);
    return calibration(scores.confidence, correct, (i) => members.has(labels[i]!)).ece;
  };
  const accuracyOf = (id: string, label: string, right: Uint8Array): BranchAccuracy => {
    const perClass = perClassAccuracy(right, labels, classes);
    const groups = schemes.map((scheme) => [scheme.id, groupMeans(perClass, scheme)]);
    const hits = right.reduce((sum, one) => sum + one, 0);
    return {
      id,
      label,
      top1: hits / Math.max(1, labels.length),
      groups: Object.fromEntries(groups) as BranchAccuracy['groups'],
      perClass,
    };
  };
  const analysed = {
    report: classificationReport(scores, labels, schemes),
    branches: [
      ...partialOutputs(outputs).map(({ id, label, logits }) =>
        accuracyOf(id, label, correctness(predict(logits, classes), labels)),
      ),
      accuracyOf('fused', outputs.fusedLabel, correct),
    ],
    calibration: { ...calibration(scores.confidence, correct), groups: byGroup(schemes, eceOf) },
  };
  return { analysed, correct };
}

/**
 * Compares checkpoints on one split: the first with each of the others.
 *
 * All outputs are on the same examples in the same order. Throws RangeError for outputs of another size.
 */
export function compareCheckpoints(
  checkpoints: readonly CheckpointOutputs[],
  labels: Int32Array,
  classes: number,
  schemes: readonly GroupScheme[],
): CheckpointComparison {
  const all = checkpoints.map((outputs) => analyse(outputs, labels, classes, schemes));
  const totals = new Array<number>(classes).fill(0);
  for (const label of labels) totals[label]!++;
  const pairs = all.slice(1).map(({ correct: rightB }, i) => {
    const rightA = all[0]!.correct;
    return comparePair({ a: 0, b: i + 1, rightA, rightB, labels, totals, schemes });
  });
  const tests: Record<string, number> = {};
  for (const { id } of schemes) tests[id] = correctForTests(pairs.map((pair) => pair.schemes[id]!));
  return {
    examples: labels.length,
    examplesByGroup: byGroup(schemes, (group) => group.classes.reduce((sum, k) => sum + totals[k]!, 0)),
    items: all.map(({ analysed }) => analysed),
    pairs,
    tests,
  };
}

/** Branches alone, then the partial sums (H + M) that are not yet the fused output. */
function partialOutputs({
  fusedLabel,
  branches,
  residual,
}: CheckpointOutputs): CheckpointOutputs['branches'] {
  if (!residual) return branches;
  const sums = branches.slice(1, -1).map((_, i) => {
    const parts = branches.slice(0, i + 2);
    return {
      id: parts.map((part) => part.id).join('+'),
      label: parts.map((part) => part.label).join('+'),
      logits: addOutputs(parts.map((part) => part.logits)),
    };
  });
  return [...branches, ...sums.filter((sum) => sum.label !== fusedLabel)];
}

interface Pair {
  a: number;
  b: number;
  rightA: Uint8Array;
  rightB: Uint8Array;
  labels: Int32Array;
  /** Examples of each class. */
  totals: number[];
  schemes: readonly GroupScheme[];
}

function comparePair({ a, b, rightA, rightB, labels, totals, schemes }: Pair): CheckpointPair {
  const strata: PairedCounts[] = totals.map((total) => ({ onlyA: 0, onlyB: 0, total }));
  let bothRight = 0;
  labels.forEach((label, i) => {
    if (rightA[i] === rightB[i]) bothRight += rightA[i]!;
    else if (rightA[i] === 1) strata[label]!.onlyA++;
    else strata[label]!.onlyB++;
  });
  const all = [...totals.keys()];
  const count = (key: 'onlyA' | 'onlyB', classes: number[]) =>
    classes.reduce((sum, k) => sum + strata[k]![key], 0);

  // One bootstrap serves every statistic: over all examples, then each group of each scheme.
  const present = (classes: number[]) => classes.filter((k) => totals[k]! > 0);
  const groups = schemes.flatMap((scheme) => scheme.groups.map((group) => group.classes));
  const weights = [
    totals.map(() => 1 / labels.length),
    ...groups.map((classes) => {
      const there = new Set(present(classes));
      return totals.map((total, k) => (there.has(k) ? 1 / (there.size * total) : 0));
    }),
  ];
  const uniform = namedUniform('paired-bootstrap');
  const draws = bootstrapDifferences({
    strata,
    statistics: weights,
    replicates: BOOTSTRAP_REPLICATES,
    sampler: (stratum) => drawCounts(stratum, uniform),
  });
  const differenceOf = (statistic: number, classes: number[]): PairedDifference => {
    const onlyA = count('onlyA', classes);
    const onlyB = count('onlyB', classes);
    if (present(classes).length === 0) {
      return { difference: null, low: null, high: null, p: null, pHolm: null, onlyA, onlyB };
    }
    const difference = strata.reduce(
      (sum, stratum, k) => sum + weights[statistic]![k]! * (stratum.onlyA - stratum.onlyB),
      0,
    );
    const { low, high } = percentileInterval(draws[statistic]!);
    return { difference, low, high, p: mcnemar(onlyA, onlyB).exactP, pHolm: null, onlyA, onlyB };
  };

  let statistic = 1;
  const bySchemes = schemes.map((scheme) => {
    const ofGroups = scheme.groups.map((group) => [group.id, differenceOf(statistic++, group.classes)]);
    return [scheme.id, { all: differenceOf(0, all), groups: Object.fromEntries(ofGroups) }];
  });
  const onlyA = count('onlyA', all);
  const onlyB = count('onlyB', all);
  return {
    a,
    b,
    bothRight,
    onlyA,
    onlyB,
    bothWrong: labels.length - bothRight - onlyA - onlyB,
    perClass: strata.map(({ onlyA, onlyB, total }) => (total === 0 ? null : (onlyA - onlyB) / total)),
    schemes: Object.fromEntries(bySchemes) as CheckpointPair['schemes'],
  };
}

/** Fills in the p values corrected over all pairs and groups of one scheme; returns the number of tests. */
function correctForTests(
  comparisons: { all: PairedDifference; groups: Record<string, PairedDifference> }[],
): number {
  const differences = comparisons.flatMap(({ all, groups }) => [all, ...Object.values(groups)]);
  const corrected = holm(differences.map(({ p }) => p));
  differences.forEach((difference, i) => {
    difference.pHolm = corrected[i]!;
  });
  return corrected.filter((p) => p !== null).length;
}

function byGroup<Value>(
  schemes: readonly GroupScheme[],
  valueOf: (group: { classes: number[] }) => Value,
): Record<string, Record<string, Value>> {
  const values = schemes.map((scheme) => [
    scheme.id,
    Object.fromEntries(scheme.groups.map((group) => [group.id, valueOf(group)])),
  ]);
  return Object.fromEntries(values) as Record<string, Record<string, Value>>;
}
