/**
 * Reads and writes safetensors files: an 8-byte little-endian header length, a JSON header with name, dtype, shape and
 * byte range of each tensor, then the raw values. The header of a file is not to be trusted: every length and range is
 * checked against the size of the file before anything is allocated.
 *
 * Format: huggingface.co/docs/safetensors. Values are little-endian, which all platforms this runs on are.
 */
import { open } from 'node:fs/promises';
import { writeFileDurably, type WrittenFile } from '../durableFile.ts';

export type SafetensorsDtype = 'F32' | 'F16' | 'F64' | 'I32' | 'I64' | 'U8' | 'BOOL';

/** One tensor in C order. F16 is held as float32 in memory and rounded to half precision on disk. */
export interface SafetensorsEntry {
  dtype: SafetensorsDtype;
  shape: number[];
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface SafetensorsHeader {
  metadata: Record<string, string>;
  /** In file order; byte offsets count from the start of the file. */
  entries: { name: string; dtype: SafetensorsDtype; shape: number[]; beginByte: number; endByte: number }[];
}

/** A file that is not what its format says, or cannot be written as asked. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
  readonly file: string;
  /** Byte offset of the fault, where it has one. */
  readonly offset: number | null;

  constructor(file: string, offset: number | null, message: string) {
    super(`${file}${offset === null ? '' : `, byte ${offset}`}: ${message}`);
    this.file = file;
    this.offset = offset;
  }
}

const BYTES: Record<SafetensorsDtype, number> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, U8: 1, BOOL: 1 };

/** The format's own limit, far above any real header (a network of 10,000 tensors takes about 1 MB). */
const MAX_HEADER_BYTES = 100_000_000;

type Float16ArrayConstructor = new (source: ArrayBuffer | Float32Array) => ArrayLike<number> & {
  buffer: ArrayBuffer;
};

/** Node 24 has Float16Array; the ES2023 type library does not know it yet. */
const Float16 = (globalThis as unknown as { Float16Array: Float16ArrayConstructor }).Float16Array;

/**
 * Writes the tensors under a temporary name in the same folder, syncs, and renames, so that `path` is either the old
 * file or the whole new one. A failed write (a full disk) leaves nothing behind.
 *
 * Tensors are laid out in the order of the map. Throws SafetensorsError when a shape and its data disagree.
 */
export async function writeSafetensors(
  path: string,
  tensors: Map<string, SafetensorsEntry>,
  metadata: Record<string, string> = {},
): Promise<WrittenFile> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, entry] of tensors) {
    const bytes = toBytes(path, name, entry);
    header[name] = { dtype: entry.dtype, shape: entry.shape, data_offsets: [end, end + bytes.length] };
    parts.push(bytes);
    end += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  // Padded with spaces to a multiple of 8, so that readers that map the file get aligned values.
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, 0x20);
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));

  return writeFileDurably(path, [length, padded, ...parts]);
}

/** Reads and checks the header only. Throws SafetensorsError for anything that does not fit the file. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size < 8) {
      throw new SafetensorsError(
        path,
        0,
        `expected at least the 8 bytes of the header length, found ${size}`,
      );
    }
    const first = Buffer.alloc(8);
    await file.read(first, 0, 8, 0);
    const headerBytes = first.readBigUInt64LE();
    if (headerBytes > BigInt(Math.min(size - 8, MAX_HEADER_BYTES))) {
      throw new SafetensorsError(
        path,
        0,
        `the header claims ${headerBytes} bytes, but the file has ${size - 8} after the length`,
      );
    }
    const text = Buffer.alloc(Number(headerBytes));
    await file.read(text, 0, text.length, 8);
    return parseHeader(path, text, size);
  } finally {
    await file.close();
  }
}

/**
 * Reads tensors, all or those named. Throws SafetensorsError for a broken file or a name that is not in it.
 */
export async function readSafetensors(
  path: string,
  names?: string[],
): Promise<{ metadata: Record<string, string>; tensors: Map<string, SafetensorsEntry> }> {
  const { metadata, entries } = await readSafetensorsHeader(path);
  const wanted = names === undefined ? entries : names.map((name) => findEntry(path, entries, name));
  const tensors = new Map<string, SafetensorsEntry>();
  const file = await open(path, 'r');
  try {
    for (const { name, dtype, shape, beginByte, endByte } of wanted) {
      // A buffer of its own starts at offset 0, so every typed view of it is aligned.
      const bytes = new Uint8Array(new ArrayBuffer(endByte - beginByte));
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, beginByte + done);
        if (bytesRead === 0) {
          throw new SafetensorsError(path, beginByte + done, `the file ends inside tensor "${name}"`);
        }
        done += bytesRead;
      }
      tensors.set(name, { dtype, shape, data: fromBytes(dtype, bytes.buffer) });
    }
  } finally {
    await file.close();
  }
  return { metadata, tensors };
}

function findEntry(path: string, entries: SafetensorsHeader['entries'], name: string) {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const known = entries.map((candidate) => candidate.name);
    throw new SafetensorsError(
      path,
      null,
      `there is no tensor "${name}"; it holds ${known.slice(0, 8).join(', ') || 'none'}${known.length > 8 ? ', …' : ''}`,
    );
  }
  return entry;
}

function parseHeader(path: string, text: Buffer, fileBytes: number): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new SafetensorsError(path, 8, `the header is not JSON (${(error as Error).message})`);
  }
  if (!isRecord(header)) throw new SafetensorsError(path, 8, 'expected the header to be a JSON object');
  const dataStart = 8 + text.length;
  const metadata: Record<string, string> = {};
  const entries: SafetensorsHeader['entries'] = [];
  let totalBytes = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isRecord(value))
        throw new SafetensorsError(path, 8, 'expected "__metadata__" to be a JSON object');
      for (const [key, item] of Object.entries(value)) metadata[key] = String(item);
      continue;
    }
    if (!isRecord(value)) throw new SafetensorsError(path, 8, `expected an object for tensor "${name}"`);
    const { dtype, shape, data_offsets: offsets } = value;
    if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
      throw new SafetensorsError(
        path,
        8,
        `tensor "${name}" has dtype ${JSON.stringify(dtype)}; read here are ${Object.keys(BYTES).join(', ')}`,
      );
    }
    if (!isCounts(shape))
      throw new SafetensorsError(path, 8, `the shape of tensor "${name}" is not a list of sizes`);
    if (!isCounts(offsets) || offsets.length !== 2) {
      throw new SafetensorsError(path, 8, `"data_offsets" of tensor "${name}" is not a pair of byte offsets`);
    }
    const [begin, end] = offsets as [number, number];
    const expected = shape.reduce((product, size) => product * size, BYTES[dtype as SafetensorsDtype]);
    if (end - begin !== expected) {
      throw new SafetensorsError(
        path,
        8,
        `tensor "${name}" of shape [${shape}] needs ${expected} bytes, its offsets span ${end - begin}`,
      );
    }
    if (dataStart + end > fileBytes) {
      throw new SafetensorsError(
        path,
        dataStart + begin,
        `tensor "${name}" ends at byte ${dataStart + end}, but the file has only ${fileBytes}`,
      );
    }
    // The format lets no two tensors share bytes; a small file that did could ask for any amount of memory.
    totalBytes += expected;
    if (totalBytes > fileBytes - dataStart) {
      throw new SafetensorsError(path, dataStart + begin, `tensor "${name}" overlaps with another one`);
    }
    entries.push({
      name,
      dtype: dtype as SafetensorsDtype,
      shape,
      beginByte: dataStart + begin,
      endByte: dataStart + end,
    });
  }
  return { metadata, entries };
}

function toBytes(path: string, name: string, { dtype, shape, data }: SafetensorsEntry): Uint8Array {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (data.length !== elements) {
    throw new SafetensorsError(
      path,
      null,
      `tensor "${name}" of shape [${shape}] has ${elements} values, ${data.length} were given`,
    );
  }
  const stored = dtype === 'F16' && data instanceof Float32Array ? new Float16(data).buffer : null;
  if (stored !== null) return new Uint8Array(stored);
  if (dtype === 'F16' || data.BYTES_PER_ELEMENT !== BYTES[dtype]) {
    throw new SafetensorsError(
      path,
      null,
      `tensor "${name}" is ${dtype}, but a ${data.constructor.name} was given`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function fromBytes(dtype: SafetensorsDtype, buffer: ArrayBuffer): SafetensorsEntry['data'] {
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return new Float64Array(buffer);
    case 'F16':
      return Float32Array.from(new Float16(buffer));
    case 'I32':
      return new Int32Array(buffer);
    case 'I64':
      return new BigInt64Array(buffer);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(buffer);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
