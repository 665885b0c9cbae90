/**
 * Long-tailed subsets and the deterministic part of CIFAR's preprocessing against golden/datasets, golden/transforms
 * and part G. Counts, chosen items and 8-bit pixels are exact.
 */
import { createHash } from 'node:crypto';

import { fillBatch, normalisationTable } from '../../../main/datasets/augment.ts';
import { Mt19937 } from '../../../main/datasets/mt19937.ts';
import { chooseRows, longTailCounts, rowsByClass, subsetHash } from '../../../main/datasets/subset.ts';
import { decodeArray, toChannelsFirst, type GoldenFolder } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';
import { bytesOf, cropSource, NORMALISED_TOLERANCE, type TransformsFile } from './transformsFile.ts';

interface Profile {
  type: 'exp' | 'step';
  imbalanceFactor: number;
}

interface CountsFile {
  cases: (Profile & { trainingSet: number; numClasses: number; counts: number[]; total: number })[];
}

interface SubsetFile {
  generatorChecks: {
    seed: number;
    first6Uint32: number[];
    shuffleOf20: number[];
    thenShuffleOf7: number[];
  }[];
  cases: (Profile & {
    items: number;
    numClasses: number;
    labelRule: { multiplier: number; addend: number };
    seed: number;
    total: number;
    indices?: number[];
    firstFiveOfEachClass?: number[][];
    lastFive?: number[];
    indicesSha256: string;
  })[];
}

type CifarFile = Record<
  string,
  {
    counts: number[];
    total: number;
    first8_within_class_ordinals: Record<string, number[]>;
    sha256_of_all_selected_ordinals_u32le: string;
  }
>;

export function datasetCases(golden: GoldenFolder): ParityCase[] {
  const counts = golden.read<CountsFile>('datasets', 'class_counts');
  const subsets = golden.read<SubsetFile>('datasets', 'subset_indices');
  const cifar = golden.read<CifarFile>('part-g', 'cifar_lt_subset_golden');
  const transforms = golden.read<TransformsFile>('transforms', 'transforms');
  return [
    found('datasets/class_counts', counts, countChecks),
    found('datasets/subset_indices generator', subsets, generatorChecks),
    found('datasets/subset_indices choice', subsets, subsetChecks),
    found('part-g/cifar_lt_subset_golden', cifar, cifarChecks),
    found('transforms pad, crop, flip', transforms, cropChecks),
    found('transforms normalise', transforms, normaliseChecks),
  ];
}

function found<File>(name: string, file: File | null, run: (file: File) => Check[]): ParityCase {
  return file === null
    ? { name, skipped: `its file is not in the golden folder` }
    : { name, run: () => run(file) };
}

function countChecks({ cases }: CountsFile): Check[] {
  return cases.map(({ trainingSet, numClasses, counts, ...profile }) =>
    equal(
      `${profile.type} ${profile.imbalanceFactor} of ${trainingSet}`,
      longTailCounts(trainingSet, numClasses, profile),
      counts,
    ),
  );
}

function generatorChecks({ generatorChecks: cases }: SubsetFile): Check[] {
  return cases.flatMap(({ seed, first6Uint32, shuffleOf20, thenShuffleOf7 }) => {
    const words = new Mt19937(seed);
    const shuffling = new Mt19937(seed);
    const shuffled = (length: number) => {
      const values = Uint32Array.from({ length }, (_, i) => i);
      shuffling.shuffle(values);
      return [...values];
    };
    return [
      equal(
        `seed ${seed} words`,
        first6Uint32.map(() => words.uint32()),
        first6Uint32,
      ),
      equal(`seed ${seed} shuffle of 20`, shuffled(20), shuffleOf20),
      equal(`seed ${seed} then of 7`, shuffled(7), thenShuffleOf7),
    ];
  });
}

function subsetChecks({ cases }: SubsetFile): Check[] {
  return cases.flatMap(({ items, numClasses, labelRule, seed, total, ...one }) => {
    const { multiplier, addend } = labelRule;
    const labels = Int32Array.from({ length: items }, (_, i) => (i * multiplier + addend) % numClasses);
    const rows = chooseRows(labels, numClasses, one, seed);
    const name = `${one.type} ${one.imbalanceFactor} of ${items}, seed ${seed}`;
    const checks = [
      equal(`${name} total`, [rows.length], [total]),
      equal(`${name} hash`, [sha256(rows)], [one.indicesSha256]),
    ];
    if (one.indices !== undefined) checks.push(equal(name, [...rows], one.indices));
    if (one.lastFive !== undefined) checks.push(equal(`${name} last`, [...rows.slice(-5)], one.lastFive));
    if (one.firstFiveOfEachClass !== undefined) {
      const first = one.firstFiveOfEachClass.map((_, k) =>
        [...rows.filter((row) => labels[row] === k)].slice(0, 5),
      );
      checks.push(equal(`${name} first`, first.flat(), one.firstFiveOfEachClass.flat()));
    }
    return checks;
  });
}

/** The choice does not depend on the data: any 50,000 labels with as many of each class give the same positions. */
function cifarChecks(file: CifarFile): Check[] {
  return Object.entries(file).flatMap(([name, expected]) => {
    const [, classText, factorText] = /^cifar(\d+)_if([\d.]+)$/.exec(name)!;
    const classes = Number(classText);
    const labels = Int32Array.from({ length: 50_000 }, (_, i) => (i * 7 + 3) % classes);
    const rows = chooseRows(labels, classes, { type: 'exp', imbalanceFactor: Number(factorText) });
    const ordinalOf = new Map(
      rowsByClass(labels, classes).flatMap((list) =>
        [...list].map((row, ordinal) => [row, ordinal] as const),
      ),
    );
    return [
      equal(`${name} total`, [rows.length], [expected.total]),
      equal(
        `${name} hash`,
        [subsetHash(labels, classes, rows)],
        [expected.sha256_of_all_selected_ordinals_u32le],
      ),
      ...Object.entries(expected.first8_within_class_ordinals).map(([k, first]) => {
        const kept = [...rows.filter((row) => labels[row] === Number(k))];
        return equal(
          `${name} class ${k}`,
          [kept.length, ...kept.slice(0, 8).map((row) => ordinalOf.get(row)!)],
          [expected.counts[Number(k)]!, ...first],
        );
      }),
    ];
  });
}

function cropChecks(file: TransformsFile): Check[] {
  const { padding, cases } = file.padCropFlip;
  const { pixels: source } = cropSource(file);
  const cifar = file.statistics['cifar']!;
  return cases.flatMap(({ top, left, flip, result, normalised }) => {
    const name = `${top}, ${left}${flip ? ', flipped' : ''}`;
    const transform = (table: Float32Array) => runTransform(source, table, padding, top, left, flip);
    const pixels = transform(Float32Array.from({ length: 3 * 256 }, (_, i) => i % 256));
    return [
      equal(`${name} pixels`, [...pixels], [...bytesOf(result)]),
      {
        name: `${name} normalised`,
        error: largestDifference(
          toChannelsFirst(transform(normalisationTable(cifar.mean, cifar.std)), [1, 32, 32, 3]),
          decodeArray(normalised),
        ),
        tolerance: NORMALISED_TOLERANCE,
      },
    ];
  });
}

function normaliseChecks(file: TransformsFile): Check[] {
  const { pixels: source } = cropSource(file);
  return file.normalise.map(({ statistics, normalised }) => {
    const { mean, std } = file.statistics[statistics]!;
    const values = runTransform(source, normalisationTable(mean, std), 0, 0, 0, false);
    return {
      name: statistics,
      error: largestDifference(toChannelsFirst(values, [1, 32, 32, 3]), decodeArray(normalised)),
      tolerance: NORMALISED_TOLERANCE,
    };
  });
}

function runTransform(
  images: Uint8Array,
  table: Float32Array,
  padding: number,
  top: number,
  left: number,
  flip: boolean,
): Float32Array {
  const out = new Float32Array(images.length);
  const plan = new Int32Array([0, top, left, flip ? 1 : 0, 0]);
  const shape = { height: 32, width: 32, channels: 3 };
  fillBatch({ images, shape, table, padding, rotated: false, plan, size: 1, out });
  return out;
}

function equal<Value>(name: string, actual: Value[], expected: Value[]): Check {
  const same = actual.length === expected.length && actual.every((value, i) => value === expected[i]);
  return { name, error: same ? 0 : 1, tolerance: 0 };
}

function sha256(values: Uint32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}
