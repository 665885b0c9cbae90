/**
 * Files that are either the old one or the whole new one, also after a power cut: written under a temporary name in the
 * same folder, synced, renamed, and the folder synced. Temporary names end in `.tmp`; whoever starts next may sweep them.
 */
import { createHash } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export const TEMPORARY_SUFFIX = '.tmp';

export interface WrittenFile {
  sizeBytes: number;
  sha256: string;
}

/** Writes a file durably, in pieces. A failed write (a full disk) leaves the old file and no new one. */
export async function writeFileDurably(
  file: string,
  content: string | Iterable<Uint8Array>,
): Promise<WrittenFile> {
  const temporary = `${file}.${process.pid}${TEMPORARY_SUFFIX}`;
  let written: WrittenFile;
  try {
    written = await writeSynced(temporary, typeof content === 'string' ? [Buffer.from(content)] : content, {
      flags: 'w',
    });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(path.dirname(file));
  return written;
}

/**
 * Writes a file and has it on disk before it resolves. Its name is not: that takes `syncFolder`. `flags` are those of
 * `fs.open`: `wx` refuses a file that is there.
 */
export async function writeSynced(
  file: string,
  pieces: Iterable<Uint8Array>,
  { flags, signal }: { flags: 'w' | 'wx'; signal?: AbortSignal | undefined },
): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const handle = await open(file, flags);
  try {
    for (const piece of pieces) {
      signal?.throwIfAborted();
      hash.update(piece);
      sizeBytes += piece.length;
      await handle.writeFile(piece);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** A new name survives a power cut only once its folder is on disk too. Windows cannot open folders. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes temporary files that a killed process left in a folder; a missing folder has none. Returns their names. */
export async function sweepTemporaryFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const left = names.filter((name) => name.endsWith(TEMPORARY_SUFFIX));
  for (const name of left) await rm(path.join(folder, name), { force: true });
  return left;
}
