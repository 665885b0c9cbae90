/**
 * Follows a journal: reads whole records from an offset on, a bounded piece at a time, so that a reader that was away
 * is late but never large. The piece after the last newline is a record that is still being written, and is not read.
 */
import { open, type FileHandle } from 'node:fs/promises';
import type { JournalRecord } from '../trainer/protocol.ts';

/** Bytes read at once: some hundred log lines, so that storing them keeps the owner's thread for a few ms only. */
const READ_BYTES = 64 * 1024;
/** Longest record: per-class results of 10,000 classes and six branches take about 1 MB. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface JournalBatch {
  records: JournalRecord[];
  fromOffset: number;
  /** Where the next batch begins. */
  toOffset: number;
}

export class JournalReader {
  readonly #file: string;
  #handle: FileHandle | null = null;
  #buffer = Buffer.allocUnsafe(READ_BYTES);

  constructor(file: string) {
    this.#file = file;
  }

  /** The next whole records from `offset` on; null when there are none, also while the journal does not exist. */
  async read(offset: number): Promise<JournalBatch | null> {
    const handle = await this.#open();
    if (handle === null) return null;
    for (;;) {
      const { bytesRead } = await handle.read(this.#buffer, 0, this.#buffer.length, offset);
      const end = this.#buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
      if (end > 0) return this.#parse(offset, end);
      if (bytesRead < this.#buffer.length) return null;
      if (this.#buffer.length >= MAX_RECORD_BYTES) {
        throw new Error(`${this.#file}, byte ${offset}: a record is longer than ${MAX_RECORD_BYTES} bytes.`);
      }
      this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 4);
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #open(): Promise<FileHandle | null> {
    try {
      this.#handle ??= await open(this.#file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return this.#handle;
  }

  #parse(offset: number, end: number): JournalBatch {
    const records: JournalRecord[] = [];
    let begin = 0;
    while (begin < end) {
      const newline = this.#buffer.indexOf(NEWLINE, begin);
      records.push(parseRecord(this.#buffer.toString('utf8', begin, newline), offset + begin));
      begin = newline + 1;
    }
    if (this.#buffer.length > READ_BYTES) this.#buffer = Buffer.allocUnsafe(READ_BYTES);
    return { records, fromOffset: offset, toOffset: offset + end };
  }
}

/** One line of a journal. A line that is none (a damaged disk) becomes an error in the run's log: the rest still counts. */
export function parseRecord(line: string, offset: number): JournalRecord {
  try {
    const record = JSON.parse(line) as Partial<JournalRecord> | null;
    if (typeof record?.type === 'string' && typeof record.atMs === 'number') return record as JournalRecord;
  } catch {
    // Falls through to the sentence below.
  }
  return {
    type: 'log',
    atMs: Date.now(),
    level: 'error',
    text: `The record at byte ${offset} of the journal can't be read and was left out: ${line.slice(0, 200)}`,
  };
}
