/** What went wrong, in words for people: a full disk is worth its own, since it is theirs to mend. */
import { statfs } from 'node:fs/promises';

/** The error and its causes, outermost first. */
function* causes(error: unknown): Generator<unknown> {
  for (let current = error, depth = 0; current !== undefined && depth < 8; depth++) {
    yield current;
    current = current instanceof Error ? current.cause : undefined;
  }
}

/** What went wrong as a sentence. `folder` is where it was to be written. Never throws. */
export async function describeFailure(error: unknown, folder: string): Promise<string> {
  for (const cause of causes(error)) {
    const code = (cause as NodeJS.ErrnoException | null)?.code;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') continue;
    const free = await statfs(folder).then(
      ({ bavail, bsize }) => `${((bavail * bsize) / 2 ** 20).toFixed(1)} MiB free`,
      () => 'no room left',
    );
    return `The disk of ${folder} is full (${free}). Free some space, then resume the run.`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
