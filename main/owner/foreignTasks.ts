/**
 * What is done with files of other programs, inside the process that reads them: finding out what a file is, making a
 * checkpoint of ours of it, and reading a log. Arguments and results are JSON; every error is a sentence about the file.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { PyTorchFileError } from '../exchange/pytorch.ts';
import {
  parseReferenceLog,
  ReferenceLogError,
  type ReferenceLog,
  type ReferenceRun,
} from '../exchange/referenceLog.ts';
import { SafetensorsError } from '../exchange/safetensors.ts';
import type { TaskContext, TaskTable } from './backgroundProtocol.ts';
import {
  describeCheckpoint,
  writeImported,
  type CheckpointReport,
  type ImportTarget,
} from './foreignCheckpoint.ts';

/** Which file it is, in a way that a copy under another name has too. */
export interface FileIdentity {
  sizeBytes: number;
  sha256: string;
}

export type FileReport = FileIdentity &
  ({ kind: 'checkpoint'; checkpoint: CheckpointReport } | { kind: 'log'; log: LogReport });

/** What a log holds, without its curves. */
export interface LogReport {
  program: ReferenceLog['program'];
  label: string;
  /** Trainings in the file; it was appended to when there is more than one. */
  runs: number;
  epochs: number;
  evaluations: number;
  series: string[];
  classes: number | null;
  hasClasses: boolean;
  hasGroups: boolean;
  method: string | null;
  bestTop1: number | null;
  lines: number;
  skippedLines: number;
  notes: string[];
}

/** Logs are text; more than this is something else, or was flooded. */
const MAX_LOG_BYTES = 64 * 2 ** 20;

/** A text has none of these; a binary file has some of them soon. */
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f]/;
const SNIFFED_BYTES = 4096;

export const foreignTasks = {
  /** Looks at a file and writes nothing. `kind` null: what it is follows from its first bytes. */
  async inspectFile(
    { file, kind }: { file: string; kind: 'checkpoint' | 'log' | null },
    { signal, onProgress }: TaskContext,
  ): Promise<FileReport> {
    return refusing(file, async () => {
      const isLog = kind === 'log' || (kind === null && (await looksLikeText(file)));
      if (isLog) {
        const { log, text, identity } = await readLogFile(file);
        return { ...identity, kind: 'log', log: reportOf(log, text) };
      }
      // First what it is: an unreadable file of many gigabytes is refused before it is hashed.
      const checkpoint = await describeCheckpoint(file);
      return { ...(await identify(file, signal, onProgress)), kind: 'checkpoint', checkpoint };
    });
  },

  /** Writes a checkpoint of ours from the file. Refuses a file that is not the one that was looked at. */
  async convertCheckpoint(
    { file, expected, target }: { file: string; expected: string | null; target: ImportTarget },
    { signal, onProgress }: TaskContext,
  ): Promise<FileIdentity & { written: { file: string; sizeBytes: number } }> {
    return refusing(file, async () => {
      const identity = await identify(file, signal, onProgress);
      refuseChanged(file, identity.sha256, expected);
      onProgress(null, 'Writing the checkpoint');
      return { ...identity, written: await writeImported(file, identity, target, signal) };
    });
  },

  /** The newest training of a log, with its curves and its text. */
  async readLog({
    file,
    expected,
  }: {
    file: string;
    expected: string | null;
  }): Promise<FileIdentity & { run: Omit<ReferenceRun, 'printed'>; report: LogReport; lines: string[] }> {
    return refusing(file, async () => {
      const { log, text, identity } = await readLogFile(file);
      refuseChanged(file, identity.sha256, expected);
      const { printed: _, ...run } = log.runs.at(-1)!;
      return { ...identity, run, report: reportOf(log, text), lines: linesOf(text) };
    });
  },
} satisfies TaskTable;

/** A file that is refused, as the owner words it; whatever else goes wrong stays what it is. */
class ForeignFileError extends Error {
  readonly code = 'file-invalid';
}

async function refusing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (
      error instanceof PyTorchFileError ||
      error instanceof SafetensorsError ||
      error instanceof ReferenceLogError
    )
      throw new ForeignFileError(error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ForeignFileError(`There is no file ${file}. Check the path.`);
    if (code === 'EISDIR') throw new ForeignFileError(`${file} is a folder. Choose the file in it.`);
    if (error instanceof RangeError && /allocation failed|Invalid typed array length/i.test(error.message))
      throw new ForeignFileError(
        `${file} asks for more memory than a file from elsewhere gets, so it was refused. If it is yours, save its weights alone.`,
      );
    throw error;
  }
}

function refuseChanged(file: string, sha256: string, expected: string | null): void {
  if (expected !== null && expected !== sha256)
    throw new ForeignFileError(`${file} has changed since it was looked at. Look at it again.`);
}

async function identify(
  file: string,
  signal: AbortSignal,
  onProgress: TaskContext['onProgress'],
): Promise<FileIdentity> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file, {
    signal,
    highWaterMark: 2 ** 20,
  }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    onProgress(null, 'Reading the file');
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function looksLikeText(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    const head = buffer.toString('latin1', 0, bytesRead);
    return (
      bytesRead > 0 && !head.startsWith('PK') && !BINARY.test(head) && !/^\s*<(!doctype|html)/i.test(head)
    );
  } finally {
    await handle.close();
  }
}

async function readLogFile(
  file: string,
): Promise<{ log: ReferenceLog; text: string; identity: FileIdentity }> {
  const handle = await open(file, 'r');
  const { size } = await handle.stat();
  await handle.close();
  if (size > MAX_LOG_BYTES)
    throw new ForeignFileError(
      `${file} has ${size} bytes; a training log of up to ${MAX_LOG_BYTES} is read. Cut out the training that you want.`,
    );
  const bytes = await readFile(file);
  const text = bytes.toString('utf8');
  const identity = { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  try {
    return { log: parseReferenceLog(text), text, identity };
  } catch (error) {
    if (error instanceof ReferenceLogError) throw new ForeignFileError(`${file}: ${error.message}`);
    throw error;
  }
}

function linesOf(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function reportOf({ program, label, runs, skippedLines }: ReferenceLog, text: string): LogReport {
  const run = runs.at(-1)!;
  return {
    program,
    label,
    runs: runs.length,
    epochs: run.epochs,
    evaluations: run.evaluations.length,
    series: run.series.map(({ metric }) => metric),
    classes: run.facts.classes,
    hasClasses: run.evaluations.some(({ perClass }) => perClass !== null),
    hasGroups: run.evaluations.some(({ groups }) => groups !== null),
    method: run.facts.method,
    bestTop1: run.facts.bestTop1,
    lines: linesOf(text).length,
    skippedLines,
    notes: run.notes,
  };
}
