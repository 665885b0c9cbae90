/** The error of data that is not what its format says, with everything a person needs to find the fault. */

/** A file of a dataset is missing, short, corrupt or of another kind. `message` is the whole sentence. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
  readonly code = 'dataset-invalid';
  /** Path of the file (or `archive/member`). */
  readonly file: string;
  /** Byte offset of the fault in the (unpacked) file, where it has one. */
  readonly offset: number | null;
  readonly expected: string;
  readonly found: string;

  constructor(fault: { file: string; offset: number | null; expected: string; found: string }) {
    const place = fault.offset === null ? fault.file : `${fault.file}, byte ${fault.offset}`;
    super(`${place}: expected ${fault.expected}, found ${fault.found}.`);
    this.file = fault.file;
    this.offset = fault.offset;
    this.expected = fault.expected;
    this.found = fault.found;
  }
}
