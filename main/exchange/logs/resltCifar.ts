/**
 * Logs of ResLT's CIFAR program, and ours, which are written in its format. Epochs count from 0. Per-class accuracies
 * are a printed PyTorch vector over several lines; a vector of more than 1,000 is printed with dots and then left out.
 * "Train loss" lines, one every 100 steps, carry no epoch: they belong to the next "Train epoch=".
 */
import { EpochRuns, SeriesCollector } from './epochs.ts';
import { fixedFloat, FLOAT, toNumber } from './numbers.ts';
import {
  NO_FACTS,
  type LogFormat,
  type LogLines,
  type ReferenceEvaluation,
  type ReferenceRun,
} from './types.ts';
import { readWrapped } from './wrapped.ts';

/** Steps between two "Train loss" lines of the reference. */
const STEPS_PER_LINE = 100;

interface StepLine {
  loss: number | null;
  lossIce: number | null;
  accuracy: number | null;
  lr: number | null;
  lossFce?: number | null;
  /** Terms of other methods, which our own logs print. */
  terms?: Record<string, number | null>;
}

interface TestResult {
  loss: number | null;
  accuracy: number | null;
  bestAccuracy: number | null;
  perClassAccuracy?: (number | null)[];
  head?: number | null;
  medium?: number | null;
  tail?: number | null;
}

interface Epoch {
  epoch: number;
  train: StepLine[];
  lr: number | null;
  trainEpoch?: { loss: number | null; accuracy: number | null };
  test?: TestResult;
  /** Our own logs only. */
  val?: { loss: number | null; accuracy: number | null };
  /** What a method's evaluation logs, by split. */
  evaluationTerms?: Record<string, Record<string, number | null>>;
}

const F5 = fixedFloat(5);
const STEP = new RegExp(
  `^Train loss (${F5})  loss_ice (${F5})(?: loss_fce (${F5}))? acc_n (${F5}) lr (${F5})$`,
);
const TRAIN_EPOCH = new RegExp(String.raw`^Train epoch=(\d+) loss=(${F5})  acc=(${F5})$`);
const TEST_EPOCH = new RegExp(String.raw`^Test epoch=(\d+) loss=(${F5})  acc=(${F5}) best_acc=(${F5})$`);
const VAL_EPOCH = new RegExp(String.raw`^Val epoch=(\d+) loss=(${F5})  acc=(${F5})$`);
const TERMS = new RegExp(String.raw`^(Train|Val|Test) terms((?: \S+ ${F5})+)$`);
const VECTOR_START = /^Test tensor\(\[/;
const SCALAR = String.raw`tensor\((${FLOAT})(?:, [^)]*)?\)`;
const GROUPS = new RegExp(`^Test head acc:${SCALAR} medium acc ${SCALAR} tail acc ${SCALAR}$`);

export const resltCifar: LogFormat = {
  program: 'reslt-cifar',
  label: 'ResLT on CIFAR',
  isOwn: (line) => STEP.test(line) || TRAIN_EPOCH.test(line) || TEST_EPOCH.test(line),
  parse,
};

function parse({ lines }: LogLines): { runs: ReferenceRun[]; skippedLines: number } {
  const epochs = new EpochRuns<Epoch>(0, (epoch) => ({ epoch, train: [], lr: null }));
  let pending: StepLine[] = [];
  let skippedLines = 0;
  let device: 'cuda' | null = null;

  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    let match: RegExpExecArray | null;
    if ((match = STEP.exec(line))) {
      const [, loss, lossIce, lossFce, accuracy, lr] = match.map(toNumber);
      pending.push({
        loss: loss!,
        lossIce: lossIce!,
        accuracy: accuracy!,
        lr: lr!,
        ...(match[3] !== undefined && { lossFce: lossFce! }),
      });
    } else if ((match = TRAIN_EPOCH.exec(line))) {
      const epoch = epochs.at(Number(match[1]), { again: true });
      // Lines of an epoch that was broken off and begun again stand before those of the whole one.
      const usual = epochs.runs.at(-1)!.at(-2)?.train.length ?? pending.length;
      epoch.train = pending.slice(-Math.max(1, usual));
      epoch.lr = epoch.train.at(-1)?.lr ?? null;
      epoch.trainEpoch = { loss: toNumber(match[2]), accuracy: toNumber(match[3]) };
      pending = [];
    } else if ((match = TEST_EPOCH.exec(line))) {
      const [, , loss, accuracy, bestAccuracy] = match.map(toNumber);
      epochs.at(Number(match[1])).test = { loss: loss!, accuracy: accuracy!, bestAccuracy: bestAccuracy! };
    } else if ((match = VAL_EPOCH.exec(line))) {
      epochs.at(Number(match[1])).val = { loss: toNumber(match[2]), accuracy: toNumber(match[3]) };
    } else if ((match = TERMS.exec(line))) {
      const split = match[1]!.toLowerCase();
      const terms = readTerms(match[2]!);
      const step = pending.at(-1);
      if (split === 'train' && step !== undefined) step.terms = terms;
      else if (split !== 'train' && epochs.current !== null)
        (epochs.current.evaluationTerms ??= {})[split] = terms;
    } else if (VECTOR_START.test(line)) {
      const vector = readVector(lines, index);
      const test = epochs.current?.test;
      if (vector === null) skippedLines++;
      else {
        index = vector.lastLine;
        if (vector.isCuda) device = 'cuda';
        if (test !== undefined && vector.values !== null) test.perClassAccuracy = vector.values;
      }
    } else if ((match = GROUPS.exec(line))) {
      const test = epochs.current?.test;
      const [, head, medium, tail] = match.map(toNumber);
      if (test !== undefined) Object.assign(test, { head, medium, tail });
    } else if (line.trim() !== '') skippedLines++;
  }
  if (pending.length > 0) {
    const { current } = epochs;
    const unfinished = epochs.at(current === null ? 0 : current.epoch + 1);
    unfinished.train = pending;
    unfinished.lr = pending.at(-1)!.lr;
  }
  return { runs: epochs.runs.map((run) => toRun(run, device)), skippedLines };
}

/** The printed vector that begins on a line. Null when its end is missing; `values` is null when PyTorch left some out. */
function readVector(
  lines: string[],
  start: number,
): { values: (number | null)[] | null; isCuda: boolean; lastLine: number } | null {
  const vector = readWrapped(lines, start, { continuation: /^\s/, end: ')' });
  const whole = /^Test tensor\(\[(.*)\](, [^\]]*)?\)$/.exec(vector?.text ?? '');
  if (vector === null || whole === null) return null;
  const items = whole[1]!.split(',').map((item) => item.trim());
  const values = items.includes('...') ? null : items.map(toNumber);
  return { values, isCuda: (whole[2] ?? '').includes('cuda'), lastLine: vector.lastLine };
}

/** " base 2.31000 diversity 0.02000" */
function readTerms(text: string): Record<string, number | null> {
  const words = text.trim().split(' ');
  const terms: Record<string, number | null> = Object.create(null) as Record<string, number | null>;
  for (let index = 0; index < words.length; index += 2) terms[words[index]!] = toNumber(words[index + 1]);
  return terms;
}

function toRun(epochs: Epoch[], device: 'cuda' | null): ReferenceRun {
  const linesPerEpoch = Math.max(1, ...epochs.map(({ train }) => train.length));
  const count = linesPerEpoch * STEPS_PER_LINE;
  const collector = new SeriesCollector(count);
  const evaluations: ReferenceEvaluation[] = [];
  for (const { epoch, train, trainEpoch, test, val, evaluationTerms = {} } of epochs) {
    train.forEach((line, index) => {
      const add = (metric: string, value: number | null): void =>
        collector.addStep(metric, epoch, index * STEPS_PER_LINE, value);
      add('train/loss', line.loss);
      // A method of one term prints it as its own individual term.
      add('train/loss/branch', line.lossIce === line.loss ? null : line.lossIce);
      add('train/loss/fusion', line.lossFce ?? null);
      add('train/top1', line.accuracy);
      add('train/lr', line.lr);
      for (const [name, value] of Object.entries(line.terms ?? {})) add(`train/loss/${name}`, value);
    });
    collector.addEpoch('train/epoch-loss', epoch, trainEpoch?.loss ?? null);
    collector.addEpoch('train/epoch-top1', epoch, trainEpoch?.accuracy ?? null);
    for (const [split, terms] of Object.entries(evaluationTerms))
      for (const [name, value] of Object.entries(terms)) collector.addEpoch(`${split}/${name}`, epoch, value);
    if (val !== undefined && val.accuracy !== null)
      evaluations.push({
        epoch: epoch + 1,
        step: collector.endOf(epoch),
        split: 'val',
        loss: val.loss,
        top1: val.accuracy,
        top5: null,
        perClass: null,
        groups: null,
      });
    if (test === undefined || test.accuracy === null) continue;
    const { head = null, medium = null, tail = null } = test;
    evaluations.push({
      epoch: epoch + 1,
      step: collector.endOf(epoch),
      split: 'test',
      loss: test.loss,
      top1: test.accuracy,
      top5: null,
      perClass: test.perClassAccuracy ?? null,
      groups: test.head === undefined ? null : { scheme: 'reslt-ranges', many: head, medium, few: tail },
    });
  }
  const steps = epochs.flatMap(({ train }) => train);
  const tests = epochs.flatMap(({ test }) => test ?? []);
  return {
    epochs: (epochs.at(-1)?.epoch ?? -1) + 1,
    stepsPerEpoch: { count, exact: false },
    series: collector.series(),
    evaluations,
    facts: {
      ...NO_FACTS,
      method: steps.some(({ loss, lossIce }) => loss !== lossIce) ? 'reslt' : null,
      classes:
        tests.findLast(({ perClassAccuracy }) => perClassAccuracy !== undefined)?.perClassAccuracy?.length ??
        null,
      device,
      beta: findBeta(steps),
      bestTop1: tests.at(-1)?.bestAccuracy ?? null,
    },
    notes: [
      `The log prints a line every ${STEPS_PER_LINE} steps and not how many steps an epoch has; ${count} were assumed.`,
    ],
    printed: epochs as unknown as Record<string, unknown>[],
  };
}

/** loss = beta · individual + (1 − beta) · fusion, where the terms differ enough for five printed decimals to tell. */
function findBeta(steps: StepLine[]): number | null {
  const estimates = steps.flatMap(({ loss, lossIce, lossFce = null }) =>
    loss === null || lossIce === null || lossFce === null || Math.abs(lossIce - lossFce) < 0.1
      ? []
      : [(loss - lossFce) / (lossIce - lossFce)],
  );
  if (estimates.length === 0) return null;
  const middle = estimates.sort((a, b) => a - b)[Math.floor(estimates.length / 2)]!;
  return Math.round(middle * 1000) / 1000;
}
