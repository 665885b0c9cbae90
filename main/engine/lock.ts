/**
 * One installation at a time per engines folder. The lock is a file made exclusively that names its holder; a holder
 * that died (its process with that start time is gone) or stopped touching the file is taken over. The lock only saves
 * double work: what it guards is written to a staging folder and renamed, so a lock lost to a sleeping machine breaks nothing.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The holder touches its file this often; unheard of for STALE_MS, it is taken for dead, also on another machine. */
const HEARTBEAT_MS = 5_000;
const STALE_MS = 60_000;
const POLL_MS = 500;
/** Judging and removing a stale lock takes well under this; a takeover older than it was itself broken off. */
const TAKEOVER_MS = 10_000;

export interface LockHolder {
  id: string;
  pid: number;
  /** Start of the process in clock ticks since boot (Linux), or null where it can't be known. */
  startTicks: string | null;
  host: string;
}

export interface LockView {
  holder: LockHolder | null;
  /** Since the file was touched last. */
  ageMs: number;
  /** Start ticks of whatever process has the holder's pid now on this machine; null when none has. */
  startTicksNow: string | null;
  host: string;
}

/** Whether a lock's holder is gone. Pure. An unreadable file is a holder that died while it wrote it. */
export function isStale({ holder, ageMs, startTicksNow, host }: LockView): boolean {
  if (ageMs > STALE_MS) return true;
  if (holder === null) return ageMs > HEARTBEAT_MS;
  return holder.host === host && holder.startTicks !== null && startTicksNow !== holder.startTicks;
}

/**
 * Runs `work` while holding the lock of `folder`. While another process holds it, `onWait` is called once with that
 * process, and the wait goes on until it ends or `signal` aborts.
 */
export async function withFolderLock<T>(
  folder: string,
  work: () => Promise<T>,
  onWait: (holder: LockHolder | null) => void,
  signal?: AbortSignal,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, '.lock');
  const self: LockHolder = {
    id: randomUUID(),
    pid: process.pid,
    startTicks: startTicksOf(process.pid),
    host: os.hostname(),
  };
  let told = false;
  while (!(await tryCreate(file, self))) {
    signal?.throwIfAborted();
    const view = await readLock(file);
    if (view === null) continue;
    if (isStale(view)) {
      await breakLock(file);
      continue;
    }
    if (!told) onWait(view.holder);
    told = true;
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    const held = await readLock(file);
    if (held?.holder?.id === self.id) await unlink(file);
  }
}

async function tryCreate(file: string, self: LockHolder): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(JSON.stringify(self));
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readLock(file: string): Promise<LockView | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const holder = parseHolder(text);
    return {
      holder,
      ageMs: Date.now() - mtimeMs,
      startTicksNow: holder === null ? null : startTicksOf(holder.pid),
      host: os.hostname(),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | null {
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return null;
  }
}

/** Removes a stale lock. Exclusive, or two processes could each remove the other's fresh lock. */
async function breakLock(file: string): Promise<void> {
  const takeover = `${file}.takeover`;
  try {
    await mkdir(takeover);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = await stat(takeover).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > TAKEOVER_MS) await rmdir(takeover).catch(() => undefined);
    await sleep(50);
    return;
  }
  try {
    const view = await readLock(file);
    if (view !== null && isStale(view)) await unlink(file);
  } finally {
    await rmdir(takeover).catch(() => undefined);
  }
}

/** Field 22 of /proc/<pid>/stat; null when the process is gone or the system has no /proc. */
function startTicksOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name in brackets and may hold spaces and brackets itself.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
