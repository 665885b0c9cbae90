/**
 * What a trainer left on stderr when it vanished, line by line with how serious each is. TensorFlow writes all its
 * messages there, most of them no error, in two forms: "2026-01-31 12:00:00.000000: I tensorflow/…" and
 * "I0000 00:00:1700000000.000000   123 file.cc:1] …". What is in neither form is taken for the error that it may be.
 */
import { readFile } from 'node:fs/promises';
import type { LogLine } from '../../preload/contract.ts';

/** How much of stderr goes to the log of a run whose trainer vanished. */
const LAST_CHARACTERS = 4000;
const LAST_LINES = 20;

export interface StderrLine {
  level: LogLine['level'];
  text: string;
}

/** TensorFlow's letter, F being an error that ends the process. */
const TENSORFLOW = [
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: ([IWEF]) /,
  /^([IWEF])\d{4} \d\d:\d\d:\d+\.\d+ +\d+ \S+:\d+\] /,
];
const LETTERS: Readonly<Record<string, LogLine['level']>> = { I: 'info', W: 'warn', E: 'error', F: 'error' };

/** Of Abseil before its log is set up, of TensorFlow's message about the processor (its second line), and of Node. */
const NOTES: readonly { pattern: RegExp; level: LogLine['level'] }[] = [
  { pattern: /^WARNING: All log messages before absl::InitializeLog\(\)/, level: 'info' },
  { pattern: /^To enable the following instructions: /, level: 'info' },
  { pattern: /^(?:\(node:\d+\) )?\w*Warning: /, level: 'warn' },
  { pattern: /^\(Use `node --trace-/, level: 'info' },
];

/** The lines of a text, with their levels; a line that goes on with the one before it (its continuation) has its level. */
export function classifyStderr(text: string): StderrLine[] {
  const lines: StderrLine[] = [];
  let isNote = false;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const level: LogLine['level'] | null = levelOf(line);
    const continues: boolean = level === null && isNote && /^\s/.test(line);
    lines.push({ level: level ?? (continues ? lines.at(-1)!.level : 'error'), text: line });
    isNote = level !== null || continues;
  }
  return lines;
}

/** The end of what a process wrote to a file; empty when there is nothing. */
export async function readLastWords(file: string): Promise<StderrLine[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const tail = text.slice(-LAST_CHARACTERS);
  // The cut goes through a line, whose rest would be taken for an error.
  const whole = tail.length < text.length ? tail.slice(tail.indexOf('\n') + 1) : tail;
  return classifyStderr(whole).slice(-LAST_LINES);
}

function levelOf(line: string): LogLine['level'] | null {
  for (const form of TENSORFLOW) {
    const letter = form.exec(line)?.[1];
    if (letter !== undefined) return LETTERS[letter]!;
  }
  return NOTES.find(({ pattern }) => pattern.test(line))?.level ?? null;
}
