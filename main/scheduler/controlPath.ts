/** Where the trainer of a run listens. One place per run, whatever the attempt, so that a second trainer notices the first. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Unix socket paths are limited to 103 bytes on macOS, 107 on Linux. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * A Unix socket in a folder of this user in the temporary folder (the trainer makes it, mode 700), or a named pipe on
 * Windows. The library's folder is short-listed by a hash: its own path may be too long for a socket.
 */
export function controlSocketPath(libraryFolder: string, runId: number): string {
  const key = createHash('sha256').update(realpathSync(libraryFolder)).digest('hex').slice(0, 12);
  if (process.platform === 'win32') return `\\\\.\\pipe\\reslt-studio-${key}-run-${runId}`;
  const folder = `reslt-studio-${process.getuid?.() ?? 'user'}`;
  const name = `${key}-run-${runId}.sock`;
  const preferred = path.join(os.tmpdir(), folder, name);
  return Buffer.byteLength(preferred) <= MAX_SOCKET_PATH_BYTES ? preferred : path.join('/tmp', folder, name);
}
