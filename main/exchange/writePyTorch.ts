/**
 * Writes a state dict in PyTorch's zip form, which `torch.load(file, weights_only=True)` reads: the entries data.pkl,
 * byteorder, data/0, data/1, …, version in one folder, stored uncompressed. Values begin at multiples of 64 bytes, as
 * PyTorch's own do, so that `mmap=True` works too.
 */
import { crc32 } from 'node:zlib';
import { writeFileDurably, type WrittenFile } from '../durableFile.ts';
import type { TensorMap } from '../training/types.ts';
import { PyTorchFileError } from './pytorchErrors.ts';

const FOLDER = 'archive';
const ALIGNMENT_BYTES = 64;
/** Larger archives need zip64; the largest network here has 0.6 GB. */
const MAX_ARCHIVE_BYTES = 0xffff_ffff;

interface Entry {
  name: string;
  bytes(): Uint8Array;
}

/**
 * Writes tensors in the order of the map, with its names and nothing else. Float32Array becomes float32, Int32Array
 * (counters) int64. Returns size and hash of the file. Throws PyTorchFileError for a shape that its data do not have.
 */
export async function writePyTorch(file: string, tensors: TensorMap): Promise<WrittenFile> {
  let total = 0;
  for (const [name, { shape, data }] of tensors) {
    const elements = shape.reduce((product, size) => product * size, 1);
    if (data.length !== elements)
      throw new PyTorchFileError(
        file,
        `tensor "${name}" of shape [${shape.join(', ')}] has ${elements} values, but ${data.length} were given.`,
      );
    total += data.byteLength * (data instanceof Int32Array ? 2 : 1) + 2 * ALIGNMENT_BYTES;
  }
  if (total > MAX_ARCHIVE_BYTES)
    throw new PyTorchFileError(
      file,
      `the weights take ${total} bytes; at most 4 GiB fit. Export safetensors.`,
    );

  const text = (value: string) => () => Buffer.from(value);
  const entries: Entry[] = [
    { name: 'data.pkl', bytes: () => pickleStateDict(tensors) },
    { name: 'byteorder', bytes: text('little') },
    ...[...tensors.values()].map(({ data }, key) => ({
      name: `data/${key}`,
      bytes: () => storageBytes(data),
    })),
    { name: 'version', bytes: text('3\n') },
  ];
  return writeFileDurably(file, zipArchive(entries));
}

function storageBytes(data: Float32Array | Int32Array): Uint8Array {
  const own = data instanceof Int32Array ? BigInt64Array.from(data, BigInt) : data;
  return new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
}

/** The pieces of a zip archive of stored entries. */
function* zipArchive(entries: Entry[]): Generator<Uint8Array> {
  const directory: Buffer[] = [];
  let position = 0;
  for (const entry of entries) {
    const bytes = entry.bytes();
    const name = Buffer.from(`${FOLDER}/${entry.name}`);
    // Fields that the local header and the directory share: versions, flags, method, time, checksum, sizes, lengths.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(0x0021, 8); // 1 January 1980: the same weights give the same file
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(bytes.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(name.length, 22);

    const padding = alignmentPadding(position + 30 + name.length);
    const local = Buffer.concat([signature(0x04034b50), shared, name, padding]);
    local.writeUInt16LE(padding.length, 28);
    yield local;
    yield bytes;

    const central = Buffer.alloc(46 + name.length);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    shared.copy(central, 6);
    central.writeUInt32LE(position, 42);
    name.copy(central, 46);
    directory.push(central);
    position += local.length + bytes.length;
  }
  const listing = Buffer.concat(directory);
  yield listing;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(position, 16);
  yield end;
}

/** An extra field, of id "FB" as PyTorch writes it, after which the values are aligned. */
function alignmentPadding(headerEnd: number): Buffer {
  const start = headerEnd + 4;
  const filling = (ALIGNMENT_BYTES - (start % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
  const field = Buffer.alloc(4 + filling, 'Z');
  field.write('FB', 0);
  field.writeUInt16LE(filling, 2);
  return field;
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** An OrderedDict of contiguous tensors, each over a storage of its own, in pickle protocol 2. */
function pickleStateDict(tensors: TensorMap): Buffer {
  const pieces: Buffer[] = [];
  const raw = (...bytes: number[]): void => void pieces.push(Buffer.from(bytes));
  const global = (module: string, name: string): void =>
    void pieces.push(Buffer.from(`c${module}\n${name}\n`));
  const string = (value: string): void => {
    const bytes = Buffer.from(value);
    pieces.push(Buffer.from('X'), uint32(bytes.length), bytes);
  };
  const integer = (value: number): void => {
    // LONG1 of 8 bytes holds any count; BININT only those below 2^31.
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    raw(0x8a, 8);
    pieces.push(bytes);
  };
  const tuple = (values: readonly number[]): void => {
    raw(0x28);
    values.forEach(integer);
    raw(0x74);
  };
  const emptyOrderedDictionary = (): void => {
    global('collections', 'OrderedDict');
    raw(0x29, 0x52);
  };

  raw(0x80, 2);
  emptyOrderedDictionary();
  raw(0x28);
  let key = 0;
  for (const [name, { shape, data }] of tensors) {
    string(name);
    global('torch._utils', '_rebuild_tensor_v2');
    raw(0x28, 0x28);
    string('storage');
    global('torch', data instanceof Int32Array ? 'LongStorage' : 'FloatStorage');
    string(String(key++));
    string('cpu');
    integer(data.length);
    raw(0x74, 0x51); // the persistent id
    integer(0);
    tuple(shape);
    tuple(contiguousStrides(shape));
    raw(0x89); // no gradient
    emptyOrderedDictionary(); // no hooks
    raw(0x74, 0x52);
  }
  raw(0x75, 0x2e);
  return Buffer.concat(pieces);
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = strides[axis + 1]! * Math.max(1, shape[axis + 1]!);
  return strides;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
