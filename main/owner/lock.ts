/**
 * The library's lock: one process owns a library for as long as it lives. The system releases it when
 * the process dies, however it dies. Who holds it is written beside it in `owner.json`, for messages and for the way to its socket; that file alone means nothing.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { StudioError } from '../store/errors.ts';
import { holdExclusively } from '../store/exclusive.ts';

const LOCK_FILE = 'owner.lock.db';
const OWNER_FILE = 'owner.json';

/** What the owner of a library says of itself. */
export interface OwnerRecord {
  pid: number;
  host: string;
  /** `desktop`, `headless`. */
  shell: string;
  version: string;
  startedAtMs: number;
  /** Where it answers; null while it is still opening the library. */
  socketPath: string | null;
  /** In headless mode: where the page is, without the token. */
  url: string | null;
}

export interface LibraryLock {
  /** Tells others how to reach this owner. */
  describe(change: Partial<Pick<OwnerRecord, 'socketPath' | 'url'>>): void;
  /** Lets the library go. */
  release(): void;
}

/**
 * Takes the lock. Throws StudioError `library-busy`, which names the owner, when another process holds it. The folder
 * must exist.
 */
export function lockLibrary(libraryFolder: string, owner: { shell: string; version: string }): LibraryLock {
  const unlock = holdExclusively(path.join(libraryFolder, LOCK_FILE));
  if (unlock === null) throw busyError(libraryFolder);
  let record: OwnerRecord = {
    pid: process.pid,
    host: os.hostname(),
    shell: owner.shell,
    version: owner.version,
    startedAtMs: Date.now(),
    socketPath: null,
    url: null,
  };
  const file = path.join(libraryFolder, OWNER_FILE);
  const write = (): void => {
    // Renamed into place, so that a reader never sees half of it. The folder of the socket is private, the file need not be.
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
      renameSync(temporary, file);
    } catch {
      // On a full disk others can't be told where this owner is. It must open all the same: here is where room is made.
      rmSync(temporary, { force: true });
    }
  };
  write();
  return {
    describe(change) {
      record = { ...record, ...change };
      write();
    },
    release() {
      rmSync(file, { force: true });
      unlock();
    },
  };
}

/** What the owner of a library last said of itself, or null. It may be dead: only the lock tells. */
export function readOwner(libraryFolder: string): OwnerRecord | null {
  try {
    return JSON.parse(readFileSync(path.join(libraryFolder, OWNER_FILE), 'utf8')) as OwnerRecord;
  } catch {
    return null;
  }
}

function busyError(libraryFolder: string): StudioError {
  const owner = readOwner(libraryFolder);
  const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host} (${owner.shell})`;
  const where = owner?.url == null ? '' : ` It is at ${owner.url}.`;
  return new StudioError(
    'library-busy',
    `The library ${libraryFolder} is already open in ${who}.${where} Use that one, or end it first.`,
    owner,
  );
}
