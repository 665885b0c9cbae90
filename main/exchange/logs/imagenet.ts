/**
 * Logs of PyTorch's ImageNet example and of what ResLT made of it for ImageNet-LT and iNaturalist, plain and on RIDE's
 * experts. Epochs count from 0, and every progress line tells how many steps an epoch has. The line " * " closes an
 * evaluation; it has no epoch, so it belongs to the last "Epoch:" line. ResLT's goes on with groups and mixes units:
 * Acc@k is percent, HAcc, MAcc and TAcc are fractions. With several experts its programs print no "Test:" lines; logs
 * with and without them are read.
 */
import { bestTop1, EpochRuns, SeriesCollector, stepsPrinted } from './epochs.ts';
import { parseMeters, waitShare, type Meter } from './meters.ts';
import { fixedFloat, percentToFraction, toNumber } from './numbers.ts';
import {
  NO_FACTS,
  type LogFormat,
  type LogLines,
  type ReferenceEvaluation,
  type ReferenceFacts,
  type ReferenceRun,
} from './types.ts';

interface Progress {
  batch: number;
  batches: number;
  time?: Meter;
  dataTime?: Meter;
  loss?: Meter;
  fusionLoss?: Meter;
  individualLoss?: Meter;
  top1?: Meter;
  top5?: Meter;
}

interface Epoch {
  /** -1: an evaluation that no training came before. */
  epoch: number;
  train: Progress[];
  validation: Progress[];
  result?: {
    top1: number | null;
    top5: number | null;
    /** ResLT's groups; without them it is the example's line. */
    head?: number | null;
    medium?: number | null;
    tail?: number | null;
  };
}

/** Of a line that closes an evaluation: top-1, top-5, and the three groups, null where there are none. */
type Values = [number | null, number | null, number | null, number | null, number | null];

const FIELD_NAMES: Record<string, keyof Progress> = {
  Time: 'time',
  Data: 'dataTime',
  Loss: 'loss',
  F_Loss: 'fusionLoss',
  I_Loss: 'individualLoss',
  'Acc@1': 'top1',
  'Acc@5': 'top5',
  'All_Acc@1': 'top1',
  'All_Acc@5': 'top5',
};

const TRAIN = /^Epoch: \[(\d+)\]\[ *(\d+)\/(\d+)\]\t(.*)$/;
const TEST = /^Test: \[ *(\d+)\/(\d+)\]\t(.*)$/;
const F3 = fixedFloat(3);
const RESULT = new RegExp(
  String.raw`^ ?\* +Acc@1 (${F3}) Acc@5 (${F3})(?: HAcc (${F3}) MAcc (${F3}) TAcc (${F3}))?\s*$`,
);

/**
 * Before ResLT's in the list of formats: many programs print the example's lines, and without one of ResLT's own no
 * method is told.
 */
export const imagenetExample: LogFormat = {
  program: 'imagenet-example',
  label: "PyTorch's ImageNet example",
  isOwn: (line) => isPlainTrain(line) || TEST.test(line) || hasGroups(line) === false,
  parse: (lines) => parse(lines, null),
};

export const resltLarge: LogFormat = {
  program: 'reslt-large',
  label: 'ResLT on photographs',
  isOwn: (line) => isTwoTermTrain(line) || TEST.test(line) || hasGroups(line) === true,
  parse: (lines) => parse(lines, 'reslt'),
};

export const resltRide: LogFormat = {
  program: 'reslt-ride',
  label: 'ResLT on RIDE experts',
  isOwn: (line) => isPlainTrain(line) || TEST.test(line) || hasGroups(line) === true,
  parse: (lines) => parse(lines, 'ride-reslt'),
};

function isPlainTrain(line: string): boolean {
  return TRAIN.test(line) && !isTwoTermTrain(line);
}

/** ResLT without experts prints both terms of its loss. */
function isTwoTermTrain(line: string): boolean {
  return TRAIN.test(line) && line.includes('\tF_Loss ');
}

/** Null for a line that closes no evaluation. */
function hasGroups(line: string): boolean | null {
  const match = RESULT.exec(line);
  return match && match[3] !== undefined;
}

function parse(
  { lines }: LogLines,
  method: ReferenceFacts['method'],
): { runs: ReferenceRun[]; skippedLines: number } {
  const epochs = new EpochRuns<Epoch>(0, (epoch) => ({ epoch, train: [], validation: [] }));
  const current = (): Epoch => epochs.current ?? epochs.at(-1);
  let skippedLines = 0;
  for (const line of lines) {
    let match: RegExpExecArray | null;
    if ((match = TRAIN.exec(line))) {
      const progress = readProgress(match[2]!, match[3]!, match[4]!);
      if (progress === null) {
        skippedLines++;
        continue;
      }
      const number = Number(match[1]);
      const last = epochs.current;
      const isAgain =
        last?.epoch === number &&
        (last.result !== undefined || (last.train.at(-1)?.batch ?? -1) >= progress.batch);
      epochs.at(number, { again: isAgain }).train.push(progress);
    } else if ((match = TEST.exec(line))) {
      const progress = readProgress(match[1]!, match[2]!, match[3]!);
      if (progress === null) skippedLines++;
      else current().validation.push(progress);
    } else if ((match = RESULT.exec(line))) {
      const [top1, top5, head, medium, tail] = match.slice(1).map(toNumber) as Values;
      current().result = { top1, top5, ...(match[3] === undefined ? {} : { head, medium, tail }) };
    } else if (line.trim() !== '') skippedLines++;
  }
  return { runs: epochs.runs.map((run) => toRun(run, method)), skippedLines };
}

function readProgress(batch: string, batches: string, fields: string): Progress | null {
  const meters = parseMeters(fields.split('\t'));
  if (meters === null) return null;
  const progress: Progress = { batch: Number(batch), batches: Number(batches) };
  for (const [name, meter] of meters) {
    const known = FIELD_NAMES[name];
    if (known !== undefined) Object.assign(progress, { [known]: meter });
  }
  return progress;
}

function toRun(epochs: Epoch[], method: ReferenceFacts['method']): ReferenceRun {
  const stepsPerEpoch = stepsPrinted(epochs);
  const collector = new SeriesCollector(stepsPerEpoch.count);
  const evaluations: ReferenceEvaluation[] = [];
  for (const { epoch, train, validation, result } of epochs) {
    for (const line of train) {
      const add = (metric: string, value: number | null | undefined): void =>
        collector.addStep(metric, epoch, line.batch, value ?? null);
      add('train/loss', line.loss?.value);
      add('train/loss/fusion', line.fusionLoss?.value);
      add('train/loss/branch', line.individualLoss?.value);
      add('train/top1', percentToFraction(line.top1?.value ?? null));
      add('train/top5', percentToFraction(line.top5?.value ?? null));
      add('train/data-wait', waitShare(line.dataTime, line.time));
    }
    const last = train.at(-1);
    if (last !== undefined) {
      collector.addEpoch('train/epoch-loss', epoch, last.loss?.average ?? null);
      collector.addEpoch('train/epoch-loss/fusion', epoch, last.fusionLoss?.average ?? null);
      collector.addEpoch('train/epoch-loss/branch', epoch, last.individualLoss?.average ?? null);
      collector.addEpoch('train/epoch-top1', epoch, percentToFraction(last.top1?.average ?? null));
      collector.addEpoch('train/epoch-top5', epoch, percentToFraction(last.top5?.average ?? null));
    }
    if (result === undefined || result.top1 === null) continue;
    evaluations.push({
      epoch: epoch + 1,
      step: collector.endOf(epoch),
      split: 'test',
      loss: validation.at(-1)?.loss?.average ?? null,
      top1: result.top1 / 100,
      top5: percentToFraction(result.top5),
      perClass: null,
      groups: groupsOf(result),
    });
  }
  return {
    epochs: (epochs.at(-1)?.epoch ?? -1) + 1,
    stepsPerEpoch,
    series: collector.series(),
    evaluations,
    facts: {
      ...NO_FACTS,
      method,
      bestTop1: bestTop1(evaluations),
    },
    notes: [
      'Means of an epoch and losses of an evaluation are the running averages of the last line that was printed of it.',
    ],
    printed: epochs as unknown as Record<string, unknown>[],
  };
}

function groupsOf({ head, medium, tail }: NonNullable<Epoch['result']>): ReferenceEvaluation['groups'] {
  if (head === undefined || medium === undefined || tail === undefined) return null;
  return { scheme: 'reslt-ranges', many: head, medium, few: tail };
}
