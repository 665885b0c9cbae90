/**
 * Evaluation metrics, calibration, McNemar's test and the paired bootstrap against golden/metrics. All of it is double
 * precision, so the tolerance is 1e-9 (relative) throughout; counts are exact.
 */
import { createHash } from 'node:crypto';

import { calibration } from '../../../main/analysis/calibration.ts';
import {
  classificationReport,
  correctness,
  scoreLogits,
  topK,
  type ClassificationReport,
} from '../../../main/analysis/classification.ts';
import { groupMeans, groupScheme, type GroupScheme } from '../../../main/analysis/groups.ts';
import { bootstrapDifferences, mcnemar, namedUniform } from '../../../main/analysis/paired.ts';
import { quantile } from '../../../main/analysis/statistics.ts';
import { keyedTensor, type GoldenFolder } from '../golden.ts';
import type { Check, ParityCase } from '../parityCase.ts';

/** Relative, as golden/README.md says. */
const TOLERANCE = 1e-9;

interface GroupNumbers {
  meanClassAccuracy: number | null;
}

interface ClassificationCase {
  name: string;
  numClasses: number;
  samples: number;
  logits: {
    key: string;
    shape: number[];
    scale: number;
    boostAtLabel: number;
    first8: number[];
    sha256Float32: string;
  };
  labels?: number[];
  trainingCounts: number[];
  top1Count: number;
  top5Count: number;
  perClassAccuracy: (number | null)[];
  classesWithoutSamples: number;
  macroRecall: number;
  gMean: number;
  shotGroups: Record<string, GroupNumbers & { classes: number; sampleAccuracy: number | null }>;
  nll: number;
  ece15: number;
  mce15: number;
  eceBins: [number, number | null, number | null][];
  brier: number;
  meanConfidence: number;
  indexGroups: Record<string, GroupNumbers & { from: number; to: number }>;
  confusion?: number[][];
  confusionSha256Int32?: string;
}

interface ClassificationFile {
  cases: ClassificationCase[];
  inaturalistIndexGroups: {
    classAccuracy: { key: string; shape: number[]; scale: number; offset: number };
    groups: Record<string, { from: number; to: number; mean: number }>;
  };
  argmaxTies: { logits: number[]; prediction: number }[];
}

interface PairedFile {
  samples: number;
  predictionsFirst: number[];
  predictionsSecond: number[];
  mcnemar: McNemarNumbers;
  mcnemarTable: McNemarNumbers[];
  bootstrap: {
    key: string;
    replicates: number;
    observedDifference: number;
    mean: number;
    standardDeviation: number;
    first5: number[];
    percentiles: Record<string, number>;
    shareAtOrBelowZero: number;
  };
}

interface McNemarNumbers {
  onlyFirstRight: number;
  onlySecondRight: number;
  exactP: number;
  midP: number;
  chi2Corrected: number;
}

export function metricCases(golden: GoldenFolder): ParityCase[] {
  const classification = golden.read<ClassificationFile>('metrics', 'classification');
  const paired = golden.read<PairedFile>('metrics', 'paired');
  const absent = 'is not in the golden folder';
  return [
    ...(classification === null
      ? [{ name: 'metrics/classification', skipped: `metrics/classification.json ${absent}` }]
      : [
          ...classification.cases.map((one) => ({
            name: `metrics/classification ${one.name}`,
            run: () => classificationChecks(one),
          })),
          { name: 'metrics/classification ties and ranges', run: () => smallChecks(classification) },
        ]),
    ...(paired === null
      ? [{ name: 'metrics/paired', skipped: `metrics/paired.json ${absent}` }]
      : [
          { name: 'metrics/paired McNemar', run: () => mcnemarChecks(paired) },
          { name: 'metrics/paired bootstrap', run: () => bootstrapChecks(paired) },
        ]),
  ];
}

function classificationChecks(one: ClassificationCase): Check[] {
  const classes = one.numClasses;
  const labels =
    one.labels === undefined
      ? Int32Array.from({ length: one.samples }, (_, i) => i % classes)
      : Int32Array.from(one.labels);
  const logits = keyedTensor(one.logits.key, one.logits.shape, one.logits.scale);
  labels.forEach((label, i) => {
    logits[i * classes + label] = Math.fround(
      logits[i * classes + label]! + Math.fround(one.logits.boostAtLabel),
    );
  });
  const standard = groupScheme('count-100-20', one.trainingCounts);
  const ranges: GroupScheme = {
    id: 'ranges',
    label: 'Fixed ranges',
    groups: Object.entries(one.indexGroups).map(([id, { from, to }]) => ({
      id,
      label: id,
      rule: `classes ${from}–${to - 1}`,
      classes: Array.from({ length: to - from }, (_, i) => from + i),
      images: 0,
    })),
  };
  const scores = scoreLogits(logits, labels, classes);
  const report = classificationReport(scores, labels, [standard, ranges]);
  const { ece, mce, bins } = calibration(scores.confidence, correctness(scores.predicted, labels));
  return [
    exact('logits', sha256(logits), one.logits.sha256Float32),
    near('top-1', report.top1! * one.samples, one.top1Count),
    near('top-5', topK(scores, 5)! * one.samples, one.top5Count),
    ...one.perClassAccuracy.map((value, k) => near(`class ${k}`, report.perClass[k]!, value)),
    near('classes without examples', countNulls(report.perClass), one.classesWithoutSamples),
    near('macro recall', report.macro.recall, one.macroRecall),
    near('G-mean', report.macro.geometricMean, one.gMean),
    ...Object.entries(one.shotGroups).flatMap(([id, group]) => [
      near(`${id} classes`, standard.groups.find((each) => each.id === id)!.classes.length, group.classes),
      near(`${id} mean`, report.groups[standard.id]![id]!, group.meanClassAccuracy),
      near(`${id} pooled`, report.groupExampleAccuracy[standard.id]![id]!, group.sampleAccuracy),
    ]),
    ...Object.entries(one.indexGroups).map(([id, group]) =>
      near(`range ${id}`, report.groups[ranges.id]![id]!, group.meanClassAccuracy),
    ),
    near('cross-entropy', report.loss, one.nll),
    near('ECE', ece, one.ece15),
    near('MCE', mce, one.mce15),
    ...one.eceBins.flatMap(([count, accuracy, confidence], k) => [
      near(`bin ${k} count`, bins[k]!.count, count),
      near(`bin ${k} accuracy`, bins[k]!.accuracy, accuracy),
      near(`bin ${k} confidence`, bins[k]!.confidence, confidence),
    ]),
    near('Brier', report.brier, one.brier),
    near('mean confidence', report.meanConfidence, one.meanConfidence),
    confusionCheck(report, one),
  ];
}

function confusionCheck({ confusion }: ClassificationReport, one: ClassificationCase): Check {
  return one.confusion === undefined
    ? exact('confusion', sha256(confusion), one.confusionSha256Int32)
    : exact('confusion', JSON.stringify([...confusion]), JSON.stringify(one.confusion.flat()));
}

function smallChecks({ argmaxTies, inaturalistIndexGroups }: ClassificationFile): Check[] {
  const { classAccuracy, groups } = inaturalistIndexGroups;
  const perClass = keyedTensor(
    classAccuracy.key,
    classAccuracy.shape,
    classAccuracy.scale,
    classAccuracy.offset,
  );
  return [
    ...argmaxTies.map(({ logits, prediction }) =>
      near(
        `tie ${logits.join(' ')}`,
        scoreLogits(Float32Array.from(logits), new Int32Array(1), logits.length).predicted[0]!,
        prediction,
      ),
    ),
    ...Object.entries(groups).map(([id, { from, to, mean }]) => {
      const scheme: GroupScheme = {
        id: 'ranges',
        label: 'Fixed ranges',
        groups: [
          {
            id,
            label: id,
            rule: '',
            classes: Array.from({ length: to - from }, (_, i) => from + i),
            images: 0,
          },
        ],
      };
      return near(`iNaturalist ${id}`, groupMeans([...perClass], scheme)[id]!, mean);
    }),
  ];
}

function mcnemarChecks(file: PairedFile): Check[] {
  const { onlyA, onlyB } = differencesOf(file);
  const { onlyFirstRight, onlySecondRight } = file.mcnemar;
  return [
    near('only first right', onlyA, onlyFirstRight),
    near('only second right', onlyB, onlySecondRight),
    ...[file.mcnemar, ...file.mcnemarTable].flatMap((row) => {
      const result = mcnemar(row.onlyFirstRight, row.onlySecondRight);
      const name = `${row.onlyFirstRight}:${row.onlySecondRight}`;
      return (['exactP', 'midP', 'chi2Corrected'] as const).map((key) =>
        near(`${name} ${key}`, result[key], row[key]),
      );
    }),
  ];
}

/** The golden replicates are drawn example by example, in percentage points, from one stratum. */
function bootstrapChecks(file: PairedFile): Check[] {
  const { differences, onlyA, onlyB } = differencesOf(file);
  const total = differences.length;
  const { key, replicates, percentiles, ...expected } = file.bootstrap;
  const uniform = namedUniform(key);
  const [values] = bootstrapDifferences({
    strata: [{ onlyA, onlyB, total }],
    statistics: [[100 / total]],
    replicates,
    sampler: () => () => {
      let sum = 0;
      for (let i = 0; i < total; i++) sum += differences[Math.floor(uniform() * total)]!;
      return sum;
    },
  });
  const mean = values!.reduce((sum, value) => sum + value, 0) / replicates;
  const squares = values!.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const ascending = values!.slice().sort();
  return [
    near('observed', (100 * (onlyA - onlyB)) / total, expected.observedDifference),
    near('mean', mean, expected.mean),
    near('standard deviation', Math.sqrt(squares / (replicates - 1)), expected.standardDeviation),
    ...expected.first5.map((value, i) => near(`replicate ${i}`, values![i]!, value)),
    ...Object.entries(percentiles).map(([percent, value]) =>
      near(`percentile ${percent}`, quantile(ascending, Number(percent) / 100), value),
    ),
    near(
      'share at or below zero',
      values!.filter((value) => value <= 0).length / replicates,
      expected.shareAtOrBelowZero,
    ),
  ];
}

function differencesOf({ predictionsFirst, predictionsSecond, samples }: PairedFile) {
  const differences = Int8Array.from({ length: samples }, (_, i) => {
    const label = i % 10;
    return Number(predictionsFirst[i] === label) - Number(predictionsSecond[i] === label);
  });
  return {
    differences,
    onlyA: differences.filter((value) => value === 1).length,
    onlyB: differences.filter((value) => value === -1).length,
  };
}

function near(name: string, actual: number | null, expected: number | null): Check {
  if (actual === null || expected === null) return exact(name, actual, expected);
  return { name, error: Math.abs(actual - expected) / (Math.abs(expected) || 1), tolerance: TOLERANCE };
}

function exact(name: string, actual: unknown, expected: unknown): Check {
  return { name, error: actual === expected ? 0 : 1, tolerance: 0 };
}

function countNulls(values: (number | null)[]): number {
  return values.filter((value) => value === null).length;
}

function sha256(values: Float32Array | Int32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}
