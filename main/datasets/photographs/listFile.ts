/**
 * List files, the form in which ImageNet-LT, Places-LT and iNaturalist 2018 are given: one `relative/path label` per
 * line. Everything that is wrong with a list is found at once, with line numbers.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DatasetError } from '../errors.ts';
import type { SourceFile } from '../source.ts';
import { plainPath } from './root.ts';

/** The largest label: more classes than anything published, and a slip of the pen does not cost gigabytes. */
const MAX_LABEL = 999_999;
/** Problems that are kept; the count goes on. */
const MAX_PROBLEMS = 1000;
/** No list of images is larger; something else was picked. */
const MAX_BYTES = 1 << 30;

export interface ListProblem {
  /** From 1. */
  line: number;
  /** What is wrong with the line, as a clause: "the label -1 is not a class number from 0 to 999999". */
  message: string;
}

export interface ListFile {
  /** Relative to the root, with `/`. */
  paths: string[];
  labels: Int32Array;
  /** The highest label + 1. */
  classes: number;
  file: SourceFile;
  /** The first thousand, and how many there are in all. */
  problems: ListProblem[];
  problemCount: number;
}

/** Reads a list. Throws DatasetError when there is no such file, or it is no text. */
export async function readListFile(
  path: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ListFile> {
  const fault = (expected: string, found: string) =>
    new DatasetError({ file: path, offset: null, expected, found });
  const bytes = await readFile(path, signal ? { signal } : {}).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw fault('a list of images', 'no file');
    if (error.code === 'EISDIR') throw fault('a list of images, one "path label" per line', 'a folder');
    throw error;
  });
  if (bytes.length > MAX_BYTES) throw fault('a list of images', `a file of ${bytes.length} bytes`);
  if (bytes.includes(0)) throw fault('text, one "path label" per line', 'a file with zero bytes in it');
  const file = {
    name: basename(path),
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  return { ...parseListText(bytes.toString('utf8')), file };
}

/** The lines of a list. A byte-order mark, CRLF, blank lines, and blanks within names are no fault. */
export function parseListText(text: string): Omit<ListFile, 'file'> {
  const paths: string[] = [];
  const labels: number[] = [];
  const problems: ListProblem[] = [];
  const lineOf = new Map<string, number>();
  let problemCount = 0;
  let line = 0;
  let classes = 0;
  const fault = (message: string) => {
    problemCount++;
    if (problems.length < MAX_PROBLEMS) problems.push({ line, message });
  };
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const content = text.slice(start, end).trim();
    start = end + 1;
    line++;
    if (content === '') continue;
    // The label is the last word: names may have blanks in them.
    const split = lastBlank(content);
    if (split < 0) {
      fault(`"${shortened(content)}" has no label after the path`);
      continue;
    }
    const label = labelOf(content.slice(split + 1));
    const written = content.slice(0, split).trimEnd();
    const path = plainPath(written);
    if (label === null)
      fault(`"${shortened(content.slice(split + 1))}" is no class number from 0 to ${MAX_LABEL}`);
    else if (path === null)
      fault(`the path "${shortened(written)}" leaves the root folder; paths must be relative to it`);
    else if (lineOf.has(path)) fault(`"${shortened(path)}" was already in line ${lineOf.get(path)}`);
    else {
      lineOf.set(path, line);
      paths.push(path);
      labels.push(label);
      classes = Math.max(classes, label + 1);
    }
  }
  if (paths.length === 0 && problemCount === 0) fault('the list is empty');
  return { paths, labels: Int32Array.from(labels), classes, problems, problemCount };
}

/** Throws DatasetError, which names the file and the first lines, when a list has problems. */
export function requireSoundList(
  path: string,
  { problems, problemCount }: Pick<ListFile, 'problems' | 'problemCount'>,
): void {
  if (problemCount === 0) return;
  const shown = problems.slice(0, 3).map(({ line, message }) => `line ${line}: ${message}`);
  const more = problemCount > shown.length ? `; and ${problemCount - shown.length} more lines` : '';
  throw new DatasetError({
    file: path,
    offset: null,
    expected: 'one "relative/path label" per line',
    found: `${shown.join('; ')}${more}`,
  });
}

function lastBlank(text: string): number {
  for (let i = text.length - 1; i >= 0; i--) if (text[i] === ' ' || text[i] === '\t') return i;
  return -1;
}

function labelOf(text: string): number | null {
  if (!/^\d{1,7}$/.test(text)) return null;
  const label = Number(text);
  return label <= MAX_LABEL ? label : null;
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
