/**
 * Logs of LDAM-DRW's program: log_train.csv (progress lines, in spite of the name), log_test.csv (a block an
 * evaluation), or its console, which prints both. Epochs count from 0; blocks of the test log have none and are
 * numbered in order. The printed learning rate is a tenth of the one in use.
 */
import { EpochRuns, SeriesCollector, stepsPrinted } from './epochs.ts';
import { parseMeters, waitShare, type Meter } from './meters.ts';
import { fixedFloat, percentToFraction, toNumber } from './numbers.ts';
import {
  NO_FACTS,
  type LogFormat,
  type LogLines,
  type ReferenceEvaluation,
  type ReferenceRun,
} from './types.ts';
import { readWrapped } from './wrapped.ts';

/** The program multiplies by 0.1 when it prints. */
const LEARNING_RATE_FACTOR = 10;

interface Progress {
  batch: number;
  batches: number;
  printedLr: number | null;
  actualLr: number | null;
  time: Meter;
  dataTime: Meter;
  loss: Meter;
  top1: Meter;
  top5: Meter;
}

interface Epoch {
  epoch: number;
  train?: Progress[];
  test?: {
    top1: number | null;
    top5: number | null;
    loss: number | null;
    perClassAccuracy?: (number | null)[];
    best?: number | null;
  };
}

const F3 = fixedFloat(3);
const F5 = fixedFloat(5);
const TRAIN = new RegExp(String.raw`^Epoch: \[(\d+)\]\[(\d+)\/(\d+)\], lr: (${F5})\t(.*)$`);
const RESULTS = new RegExp(`^val Results: Prec@1 (${F3}) Prec@5 (${F3}) Loss (${F5})$`);
const CLASSES = /^val Class Accuracy: \[/;
const BEST = new RegExp(`^Best Prec@1: (${F3})$`);

export const ldam: LogFormat = {
  program: 'ldam',
  label: 'LDAM-DRW',
  isOwn: (line) => TRAIN.test(line) || RESULTS.test(line) || BEST.test(line),
  parse,
};

function parse({ lines }: LogLines): { runs: ReferenceRun[]; skippedLines: number } {
  const epochs = new EpochRuns<Epoch>(0, (epoch) => ({ epoch }));
  let skippedLines = 0;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    let match: RegExpExecArray | null;
    if ((match = TRAIN.exec(line))) {
      const progress = readProgress(match);
      if (progress === null) skippedLines++;
      else {
        const number = Number(match[1]);
        const last = epochs.current;
        const again =
          last?.epoch === number &&
          (last.train?.at(-1)?.batch ?? (last.test ? Infinity : -1)) >= progress.batch;
        const epoch = epochs.at(number, { again });
        (epoch.train ??= []).push(progress);
      }
    } else if ((match = RESULTS.exec(line))) {
      const { current } = epochs;
      const epoch =
        current !== null && current.test === undefined ? current : epochs.at((current?.epoch ?? -1) + 1);
      epoch.test = { top1: toNumber(match[1]), top5: toNumber(match[2]), loss: toNumber(match[3]) };
    } else if (CLASSES.test(line)) {
      const list = readList(lines, index);
      const test = epochs.current?.test;
      if (list === null) skippedLines++;
      else {
        index = list.lastLine;
        if (test !== undefined) test.perClassAccuracy = list.values;
      }
    } else if ((match = BEST.exec(line))) {
      setBest(epochs, toNumber(match[1]));
    } else if (line.trim() !== '') skippedLines++;
  }
  return { runs: epochs.runs.map(toRun), skippedLines };
}

/** The best so far never falls within a run: where it does, the file goes on with another run. */
function setBest(epochs: EpochRuns<Epoch>, best: number | null): void {
  const run = epochs.runs.at(-1);
  const epoch = run?.at(-1);
  if (run === undefined || epoch?.test === undefined) return;
  const before = run.at(-2)?.test?.best ?? null;
  if (before !== null && best !== null && best < before && epoch.train === undefined) {
    run.pop();
    epochs.startRun();
    epochs.runs.at(-1)!.push({ ...epoch, epoch: 0 });
  }
  epochs.current!.test!.best = best;
}

function readProgress([, , batch, batches, lr, fields]: RegExpExecArray): Progress | null {
  const meters = parseMeters(fields!.split('\t'));
  const [time, dataTime, loss, top1, top5] = ['Time', 'Data', 'Loss', 'Prec@1', 'Prec@5'].map((name) =>
    meters?.get(name),
  );
  if (!time || !dataTime || !loss || !top1 || !top5) return null;
  const printedLr = toNumber(lr);
  // Five decimals are printed; the product is rounded to as many, so that 0.002 gives 0.02.
  const actualLr = printedLr === null ? null : Math.round(printedLr * LEARNING_RATE_FACTOR * 1e5) / 1e5;
  return {
    batch: Number(batch),
    batches: Number(batches),
    printedLr,
    actualLr,
    time,
    dataTime,
    loss,
    top1,
    top5,
  };
}

/** The list that begins on a line, which may wrap. Null when its end is missing. */
function readList(lines: string[], start: number): { values: (number | null)[]; lastLine: number } | null {
  const list = readWrapped(lines, start, { continuation: /^[\s\d.,]/, end: ']' });
  const items = /\[([^\]]*)\]/.exec(list?.text ?? '')?.[1];
  return list === null || items === undefined
    ? null
    : { values: items.split(',').map(toNumber), lastLine: list.lastLine };
}

function toRun(epochs: Epoch[]): ReferenceRun {
  const stepsPerEpoch = stepsPrinted(epochs);
  const collector = new SeriesCollector(stepsPerEpoch.count);
  const evaluations: ReferenceEvaluation[] = [];
  for (const { epoch, train = [], test } of epochs) {
    for (const line of train) {
      const add = (metric: string, value: number | null): void =>
        collector.addStep(metric, epoch, line.batch, value);
      add('train/loss', line.loss.value);
      add('train/top1', percentToFraction(line.top1.value));
      add('train/top5', percentToFraction(line.top5.value));
      add('train/lr', line.actualLr);
      add('train/data-wait', waitShare(line.dataTime, line.time));
    }
    const last = train.at(-1);
    collector.addEpoch('train/epoch-loss', epoch, last?.loss.average ?? null);
    collector.addEpoch('train/epoch-top1', epoch, percentToFraction(last?.top1.average ?? null));
    if (test === undefined || test.top1 === null) continue;
    evaluations.push({
      epoch: epoch + 1,
      step: collector.endOf(epoch),
      split: 'test',
      loss: test.loss,
      top1: test.top1 / 100,
      top5: percentToFraction(test.top5),
      perClass: test.perClassAccuracy ?? null,
      groups: null,
    });
  }
  const lastTest = epochs.findLast(({ test }) => test !== undefined)?.test;
  const notes = stepsPerEpoch.exact
    ? ['Means of an epoch are the running averages of the last line that was printed of it.']
    : ['The log has evaluations only and does not number them; they were taken as one after each epoch.'];
  return {
    epochs: (epochs.at(-1)?.epoch ?? -1) + 1,
    stepsPerEpoch,
    series: collector.series(),
    evaluations,
    facts: {
      ...NO_FACTS,
      classes: lastTest?.perClassAccuracy?.length ?? null,
      bestTop1: percentToFraction(lastTest?.best ?? null),
    },
    notes,
    printed: epochs as unknown as Record<string, unknown>[],
  };
}
