/**
 * Where an owner's local socket lies: a private folder (mode 0700) with a short path, since a Unix socket's path has at
 * most 107 bytes and a library's may be longer; on Windows a named pipe. The name follows from the library's real path.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { StudioError } from '../store/errors.ts';

/** sockaddr_un holds 108 bytes with the closing zero on Linux, 104 on macOS. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/** An id of a library on this machine: the same for every way to name its folder. */
export function libraryId(libraryFolder: string): string {
  return createHash('sha256').update(realpathSync(libraryFolder)).digest('hex').slice(0, 16);
}

/** The socket for a library's owner. Makes the private folder; throws where one that is not ours stands in its place. */
export function ownerSocketPath(libraryFolder: string): string {
  const name = libraryId(libraryFolder);
  if (process.platform === 'win32') return `\\\\.\\pipe\\reslt-studio-${name}`;
  const folder = privateFolder();
  const socketPath = path.join(folder, `${name}.sock`);
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES)
    throw new StudioError(
      'not-allowed',
      `The path of the owner's socket, ${socketPath}, is longer than the ${MAX_SOCKET_PATH_BYTES} bytes that the system takes. ` +
        'Set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter path.',
    );
  return socketPath;
}

function privateFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const runtime = process.env.XDG_RUNTIME_DIR;
  // Under sudo and in containers it often names a folder that is not there or belongs to somebody else.
  if (runtime !== undefined && path.isAbsolute(runtime)) {
    try {
      return makePrivate(path.join(runtime, 'reslt-studio'), uid);
    } catch {
      return makePrivate(path.join(os.tmpdir(), `reslt-studio-${uid}`), uid);
    }
  }
  return makePrivate(path.join(os.tmpdir(), `reslt-studio-${uid}`), uid);
}

function makePrivate(folder: string, uid: number): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // In a folder that all may write to, another user could have made it first.
  const found = lstatSync(folder);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== uid))
    throw new StudioError(
      'not-allowed',
      `${folder} was expected to be a private folder of this user, and belongs to another. Remove it, or set TMPDIR.`,
    );
  chmodSync(folder, 0o700);
  return folder;
}
