/**
 * Tells a process from a later one that got the same pid, so that a run is never taken for alive, or signalled, because
 * of a stranger. Linux says when a process started in /proc; elsewhere the system's own tool is asked.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ProcessIdentity } from './protocol.ts';

const run = promisify(execFile);

/** How long the system's process list may take before its answer counts as none. */
const LIST_TIMEOUT_MS = 5000;

/** Start of a process that is there, where the system's tool would not tell. */
const UNKNOWN = 'unknown';

/** The identity of a living process; null when there is none with this pid (a zombie counts as none). */
export async function readProcessIdentity(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessIdentity | null> {
  const startedAt = platform === 'linux' ? await linuxStart(pid) : await portableStart(pid, platform);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether exactly this process still runs; in doubt it does, since a run must not be given up while it goes on. */
export async function isAlive(
  identity: ProcessIdentity,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const found = await readProcessIdentity(identity.pid, platform);
  if (found === null) return false;
  return [found.startedAt, UNKNOWN].includes(identity.startedAt) || found.startedAt === UNKNOWN;
}

/** Start time in clock ticks since boot, field 22 of /proc/<pid>/stat, behind the boot's id. */
async function linuxStart(pid: number): Promise<string | null> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null;
  return `${bootId()} ${startTicks}`;
}

let knownBootId: string | null = null;

function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return knownBootId;
}

/** What `ps` (macOS) or PowerShell (Windows) says of the start; null when the process is not there. */
async function portableStart(pid: number, platform: NodeJS.Platform): Promise<string | null> {
  const isThere = (): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ESRCH';
    }
  };
  if (!isThere()) return null;
  const [command, args]: [string, string[]] =
    platform === 'win32'
      ? ['powershell', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`]]
      : ['ps', ['-o', 'state=,lstart=', '-p', String(pid)]];
  const { stdout } = await run(command, args, { timeout: LIST_TIMEOUT_MS }).catch(() => ({ stdout: '' }));
  const text = stdout.trim();
  if (text.startsWith('Z')) return null;
  // `ps` puts the state first, which changes while a process lives.
  const startedAt = platform === 'win32' ? text : text.replace(/^\S+\s+/, '');
  return startedAt === '' ? (isThere() ? UNKNOWN : null) : startedAt;
}
