/**
 * An installation's progress as lines of text. On a terminal the current stage's line is rewritten in place; elsewhere
 * a stage is one line, and a long one says again how far it is every so often.
 */
import type { WriteStream } from 'node:tty';
import type { InstallProgress, OnInstallProgress } from './install.ts';

/** A terminal is rewritten at most this often, a file gets a line at most this often. */
const REWRITE_MS = 200;
const REPEAT_MS = 10_000;

/** What is written to; `isTTY` decides the manner. */
export type ProgressStream = Pick<WriteStream, 'write'> & { isTTY?: boolean };

export function createProgressText(stream: ProgressStream, now: () => number = Date.now): OnInstallProgress {
  const terminal = stream.isTTY === true;
  let message = '';
  let writtenAtMs = 0;
  return (progress) => {
    const isNew = progress.message !== message;
    if (!isNew && now() - writtenAtMs < (terminal ? REWRITE_MS : REPEAT_MS)) return;
    if (isNew && message !== '' && terminal) stream.write('\n');
    message = progress.message;
    writtenAtMs = now();
    const text = describeProgress(progress);
    stream.write(terminal ? `\r\u001b[K${text}` : `${text}\n`);
    if (terminal && progress.stage === 'done') stream.write('\n');
  };
}

/** "Downloading x: 120 of 274 MB, 44 %". */
export function describeProgress({ message, doneBytes, totalBytes }: InstallProgress): string {
  if (doneBytes === null || (doneBytes === 0 && totalBytes === null)) return `${message} …`;
  const done = Math.round(doneBytes / 1e6);
  if (totalBytes === null || totalBytes === 0) return `${message}: ${done} MB`;
  const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
  return `${message}: ${done} of ${Math.round(totalBytes / 1e6)} MB, ${percent} %`;
}
