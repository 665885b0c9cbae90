/**
 * Brings a library's database to this version's schema. `PRAGMA user_version` counts the migrations that a file has had.
 * Each runs in one transaction with its version bump, so a file is always in a known version; before the first one of an
 * existing file a copy is written beside it, and a file of a newer version is refused without being touched.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from './database.ts';
import { StudioError } from './errors.ts';

/** The file format, sqlite.org/fileformat2.html section 1.3. */
const SQLITE_MAGIC = 'SQLite format 3\0';
const SQLITE_HEADER_BYTES = 100;
const USER_VERSION_OFFSET = 60;

/** One step from `index` to `index + 1`. It runs with foreign keys off, so that it may rebuild tables. */
export type Migration = (database: SqliteDatabase.Database) => void;

/**
 * Refuses a file that a newer version has written, or that is no SQLite database, and leaves it byte for byte as it is.
 * A missing or empty file passes.
 */
export function refuseForeignFile(file: string, newestVersion: number): void {
  const version = readSchemaVersion(file);
  if (version > newestVersion)
    throw new StudioError(
      'not-allowed',
      `${file} was written by a newer ResLT Studio (schema ${version}; this one knows up to ${newestVersion}). ` +
        'Nothing was changed. Update ResLT Studio, or choose another library folder.',
      { fileVersion: version, newestVersion },
    );
}

function readSchemaVersion(file: string): number {
  if (!existsSync(file)) return 0;
  const header = Buffer.alloc(SQLITE_HEADER_BYTES);
  const handle = openSync(file, 'r');
  try {
    const read = readSync(handle, header, 0, header.length, 0);
    if (read === 0) return 0;
    if (read < header.length || header.toString('latin1', 0, SQLITE_MAGIC.length) !== SQLITE_MAGIC)
      throw new StudioError(
        'not-allowed',
        `${file} was expected to be a library's SQLite database, and is some other file. ` +
          'Nothing was changed. Choose another library folder, or move that file away.',
      );
  } finally {
    closeSync(handle);
  }
  // A process that died may have left the newest version in the write-ahead log; only SQLite can read that. Without one
  // the header tells, and opening (which would create files beside it) is not needed.
  if (!existsSync(`${file}-wal`)) return header.readUInt32BE(USER_VERSION_OFFSET);
  const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true });
  try {
    return database.pragma('user_version', { simple: true }) as number;
  } finally {
    database.close();
  }
}

/**
 * Applies the migrations that the file lacks. Returns the versions before and after and where the copy lies (null when
 * the file was new or current). Throws when a migration fails; the file then still has the version before it.
 */
export function migrate(
  database: Database,
  migrations: readonly Migration[],
): { from: number; to: number; copy: string | null } {
  const { raw, file } = database;
  const from = raw.pragma('user_version', { simple: true }) as number;
  const to = migrations.length;
  if (from >= to) return { from, to: from, copy: null };

  let copy: string | null = null;
  if (from > 0) {
    copy = freeName(`${file}.before-schema-${to}`);
    raw.prepare('VACUUM INTO ?').run(copy);
  }
  // `PRAGMA foreign_keys` does nothing inside a transaction, so it goes around them all.
  raw.pragma('foreign_keys = OFF');
  try {
    for (let version = from; version < to; version++) {
      raw
        .transaction(() => {
          migrations[version]!(raw);
          const broken = raw.pragma('foreign_key_check') as unknown[];
          if (broken.length > 0)
            throw new Error(`Schema ${version + 1} would leave ${broken.length} rows that refer to nothing.`);
          raw.pragma(`user_version = ${version + 1}`);
        })
        .immediate();
    }
  } finally {
    raw.pragma('foreign_keys = ON');
  }
  return { from, to, copy };
}

function freeName(wanted: string): string {
  if (!existsSync(wanted)) return wanted;
  for (let n = 2; ; n++) if (!existsSync(`${wanted}-${n}`)) return `${wanted}-${n}`;
}
