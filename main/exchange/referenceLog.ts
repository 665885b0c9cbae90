/**
 * Reads the logs of the reference programs (ResLT on CIFAR and on photographs, ResLT on RIDE, RIDE, LDAM-DRW) and of
 * PyTorch's ImageNet example, whose lines many programs print. Which program wrote a log is found from its lines. Pure:
 * text in, structure out; lines that belong to no format (warnings, progress bars, a model's description) are counted
 * and passed over, and a last line that was cut off is not read.
 */
import { imagenetExample, resltLarge, resltRide } from './logs/imagenet.ts';
import { ldam } from './logs/ldam.ts';
import { resltCifar } from './logs/resltCifar.ts';
import { ride } from './logs/ride.ts';
import type { LogFormat, LogLines, ReferenceProgram, ReferenceRun } from './logs/types.ts';

export type {
  ReferenceEvaluation,
  ReferenceFacts,
  ReferencePoint,
  ReferenceProgram,
  ReferenceRun,
  ReferenceSeries,
} from './logs/types.ts';

const FORMATS: readonly LogFormat[] = [resltCifar, imagenetExample, resltLarge, resltRide, ride, ldam];

/** A log of 180 epochs of ImageNet-LT has 0.3 MB. */
const MAX_CHARACTERS = 128 * 2 ** 20;
/** No line of these programs is longer; what is, is passed over unread. */
const MAX_LINE_CHARACTERS = 10_000;

export interface ReferenceLog {
  program: ReferenceProgram;
  /** The program in words. */
  label: string;
  /** The programs append to their file: oldest first, at least one. */
  runs: ReferenceRun[];
  /** Lines that say nothing to the format; empty ones are not counted. */
  skippedLines: number;
}

/** A text that is no log of these programs. */
export class ReferenceLogError extends Error {
  override readonly name = 'ReferenceLogError';
}

/** Throws ReferenceLogError with what was expected, what came and what to do. */
export function parseReferenceLog(text: string): ReferenceLog {
  if (text.length > MAX_CHARACTERS)
    throw new ReferenceLogError(
      `The log has ${text.length} characters; at most ${MAX_CHARACTERS} are read. Import the part that belongs to one run.`,
    );
  const lines = splitLines(text);
  const counted = FORMATS.map((format) => ({
    format,
    own: lines.lines.reduce((count, line) => count + (format.isOwn(line) ? 1 : 0), 0),
  }));
  const best = counted.reduce((a, b) => (b.own > a.own ? b : a));
  if (best.own === 0)
    throw new ReferenceLogError(
      `None of its ${lines.lines.length} lines is one that ${listLabels()} prints` +
        `${sample(lines.lines)}. Choose the program's own log: <mark>.log, train.log, info.log, log_train.csv, log_test.csv or its console output.`,
    );
  const { runs, skippedLines } = best.format.parse(lines);
  if (runs.length === 0)
    throw new ReferenceLogError(
      `It looks like a log of ${best.format.label}, but holds no whole epoch or evaluation${sample(lines.lines)}. Choose a log that was not cut short.`,
    );
  return { program: best.format.program, label: best.format.label, runs, skippedLines };
}

function splitLines(text: string): LogLines {
  const withoutMark = text.startsWith('\ufeff') ? text.slice(1) : text;
  // A carriage return alone is a progress bar that redraws its line.
  const lines = withoutMark.split(/\r\n|\n|\r/);
  const isLastLineWhole = lines.at(-1) === '';
  if (isLastLineWhole) lines.pop();
  return { lines: lines.map((line) => (line.length > MAX_LINE_CHARACTERS ? '?' : line)), isLastLineWhole };
}

function listLabels(): string {
  const labels = FORMATS.map(({ label }) => label);
  return `${labels.slice(0, -1).join(', ')} or ${labels.at(-1)!}`;
}

function sample(lines: string[]): string {
  const first = lines.find((line) => line.trim() !== '');
  return first === undefined ? ' (it is empty)' : ` (it begins with "${first.trim().slice(0, 60)}")`;
}
