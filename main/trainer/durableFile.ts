/**
 * Files that are either the old one or the whole new one, also after a power cut: written under a temporary name in the
 * same folder, synced, renamed, and the folder synced. Temporary names end in `.tmp`; whoever starts next may sweep them.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export const TEMPORARY_SUFFIX = '.tmp';

/** Writes text durably. A failed write (a full disk) leaves the old file and no new one. */
export async function writeFileDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}${TEMPORARY_SUFFIX}`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/** A new name survives a power cut only once its folder is on disk too. Windows cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
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
