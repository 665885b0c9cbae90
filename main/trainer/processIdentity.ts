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

/** The identity of a living process; null when there is none with this pid (a zombie counts as none). */
export async function readProcessIdentity(pid: number): Promise<ProcessIdentity | null> {
  const startedAt = process.platform === 'linux' ? await linuxStart(pid) : await portableStart(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether exactly this process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await readProcessIdentity(identity.pid))?.startedAt === identity.startedAt;
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
async function portableStart(pid: number): Promise<string | null> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  const [command, args] =
    process.platform === 'win32'
      ? ['powershell', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`]]
      : ['ps', ['-o', 'lstart=', '-p', String(pid)]];
  try {
    const { stdout } = await run(command as string, args as string[], { timeout: LIST_TIMEOUT_MS });
    return stdout.trim() === '' ? null : stdout.trim();
  } catch {
    return null;
  }
}
