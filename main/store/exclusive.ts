/**
 * A lock that the system releases when its holder dies, however it dies: an exclusive SQLite transaction on a file of its
 * own, since Node has no flock. Nothing is ever written in it, so a death leaves nothing to roll back.
 */
import SqliteDatabase from 'better-sqlite3';

/** Holds the lock until the returned function is called. Null when another process holds it. */
export function holdExclusively(file: string): (() => void) | null {
  const database = new SqliteDatabase(file, { timeout: 0 });
  try {
    // A rollback journal, not a write-ahead log: only then an exclusive transaction keeps every other connection out. In
    // memory, so that taking the lock needs no room on a full disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  return () => database.close();
}
