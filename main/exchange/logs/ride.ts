/**
 * Logs of RIDE's program: the console, or info.log with "time - logger - level - message". Epochs count from 1, and the
 * summary of an epoch prints names, padding and values in full precision. Progress lines give a position and a total,
 * in batches or in images depending on the data loader, which the text does not tell. "val" is the test set.
 */
import { bestTop1, EpochRuns, SeriesCollector } from './epochs.ts';
import { fixedFloat, FLOAT, toNumber } from './numbers.ts';
import {
  NO_FACTS,
  type LogFormat,
  type LogLines,
  type ReferenceEvaluation,
  type ReferenceRun,
} from './types.ts';

/** Points a nominal epoch has where the total seems to count images. */
const NOMINAL_STEPS = 1000;

interface Progress {
  current: number;
  total: number;
  loss: number | null;
  maxLr: number | null;
  minLr: number | null;
}

interface Epoch {
  epoch: number;
  train: Progress[];
  summary: Record<string, number | null>;
}

type Saved = { kind: 'best' | 'checkpoint'; path: string };

interface RunFacts {
  saved: Saved[];
  monitorWarning: boolean;
  firstTimestamp: string | null;
}

const PREFIX = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - \S+ - [A-Z]+ - (.*)$/s;
const PROGRESS = new RegExp(
  String.raw`^Train Epoch: (\d+) \[(\d+)\/(\d+) \(\d+%\)\] Loss: (${fixedFloat(6)})(?: max group LR: (${fixedFloat(4)}) min group LR: (${fixedFloat(4)}))?`,
);
const SUMMARY = new RegExp(String.raw`^ {4}(\w+)\s*: (${FLOAT})$`);
const SAVED = /^Saving (current best|checkpoint): (\S+) \.\.\.$/;
const MONITOR = /^Warning: Metric '\w+' is not found\. Model performance monitoring is disabled\.$/;

export const ride: LogFormat = {
  program: 'ride',
  label: 'RIDE',
  isOwn(line) {
    const { message } = splitPrefix(line);
    return PROGRESS.test(message) || SAVED.test(message) || /^ {4}epoch\s+: \d+$/.test(message);
  },
  parse,
};

function splitPrefix(line: string): { time: string | null; message: string } {
  const match = PREFIX.exec(line);
  return match === null ? { time: null, message: line } : { time: match[1]!, message: match[2]! };
}

function parse({ lines, isLastLineWhole }: LogLines): { runs: ReferenceRun[]; skippedLines: number } {
  const epochs = new EpochRuns<Epoch>(1, (epoch) => ({ epoch, train: [], summary: {} }));
  const facts: RunFacts[] = [];
  const factsNow = (): RunFacts => {
    const place = Math.max(0, epochs.runs.length - 1);
    return (facts[place] ??= { saved: [], monitorWarning: false, firstTimestamp: null });
  };
  let skippedLines = 0;
  lines.forEach((line, index) => {
    const { time, message } = splitPrefix(line);
    let match: RegExpExecArray | null;
    if ((match = PROGRESS.exec(message))) {
      const number = Number(match[1]);
      const position = Number(match[2]);
      const last = epochs.current;
      const again =
        last?.epoch === number &&
        (Object.keys(last.summary).length > 0 || (last.train.at(-1)?.current ?? -1) >= position);
      epochs.at(number, { again }).train.push({
        current: position,
        total: Number(match[3]),
        loss: toNumber(match[4]),
        maxLr: toNumber(match[5]),
        minLr: toNumber(match[6]),
      });
    } else if ((match = SUMMARY.exec(message)) && (isLastLineWhole || index < lines.length - 1)) {
      const [, name, value] = match;
      if (name === 'epoch') {
        const number = Number(value);
        const last = epochs.current;
        epochs.at(number, { again: last?.epoch === number && Object.keys(last.summary).length > 0 });
      } else if (epochs.current !== null) epochs.current.summary[name!] = toNumber(value);
    } else if ((match = SAVED.exec(message)))
      factsNow().saved.push({ kind: match[1] === 'checkpoint' ? 'checkpoint' : 'best', path: match[2]! });
    else if (MONITOR.test(message)) factsNow().monitorWarning = true;
    else if (message.trim() !== '') skippedLines++;
    if (time !== null) factsNow().firstTimestamp ??= time;
  });
  return {
    runs: epochs.runs.map((run, index) =>
      toRun(run, facts[index] ?? { saved: [], monitorWarning: false, firstTimestamp: null }),
    ),
    skippedLines,
  };
}

function toRun(epochs: Epoch[], { saved, monitorWarning, firstTimestamp }: RunFacts): ReferenceRun {
  const total = epochs.find(({ train }) => train.length > 0)?.train[0]?.total ?? 1;
  const count = Math.min(Math.max(1, total), NOMINAL_STEPS);
  const collector = new SeriesCollector(count);
  const evaluations: ReferenceEvaluation[] = [];
  for (const { epoch: number, train, summary } of epochs) {
    const epoch = number - 1;
    for (const line of train) {
      const batch = Math.floor((line.current / Math.max(1, line.total)) * count);
      collector.addStep('train/loss', epoch, batch, line.loss);
      collector.addStep('train/lr', epoch, batch, line.maxLr);
    }
    collector.addEpoch('train/epoch-loss', epoch, summary['loss'] ?? null);
    collector.addEpoch('train/epoch-top1', epoch, summary['accuracy'] ?? null);
    const top1 = summary['val_accuracy'] ?? null;
    if (top1 !== null)
      evaluations.push({
        epoch: number,
        step: collector.endOf(epoch),
        split: 'test',
        loss: summary['val_loss'] ?? null,
        top1,
        top5: null,
        perClass: null,
        groups: null,
      });
  }
  const notes = [
    `The log does not tell whether its positions count batches or images; ${count} steps an epoch were assumed.`,
  ];
  if (evaluations.length === 0)
    notes.push('The log has no evaluation: this program has none for this dataset.');
  return {
    epochs: epochs.at(-1)?.epoch ?? 0,
    stepsPerEpoch: { count, exact: false },
    series: collector.series(),
    evaluations,
    facts: {
      ...NO_FACTS,
      method: 'ride',
      startedAt: firstTimestamp,
      bestTop1: bestTop1(evaluations),
      saved,
    },
    notes,
    printed: [{ epochs, saved, monitorWarning, firstTimestamp }],
  };
}
