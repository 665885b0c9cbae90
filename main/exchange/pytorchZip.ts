/**
 * The zip form of a PyTorch checkpoint (since 1.6): one folder with `data.pkl`, `data/<key>` for each storage and
 * usually `byteorder`. Sizes and offsets come from the central directory, because most local headers hold zeros there.
 * Nothing is unpacked to disk, and an entry is only inflated once its size is known to be that of its storage.
 */
import type { FileHandle } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import * as yauzl from 'yauzl';
import { latin1, readPickle } from './pickle.ts';
import type { CheckpointBody, PyTorchLimits } from './pytorch.ts';
import { CheckpointFault, FETCH_AGAIN } from './pytorchErrors.ts';
import { checkpointHost } from './pytorchPickle.ts';
import { readExactly } from './readExactly.ts';

const STORED = 0;
const DEFLATED = 8;
/** Every checkpoint has one entry a storage and a handful of others. */
const MAX_ENTRIES = 200_000;

/** Reads the structure. Throws CheckpointFault, PickleError or yauzl's errors. */
export async function openZip(
  handle: FileHandle,
  fileBytes: number,
  limits: PyTorchLimits,
): Promise<CheckpointBody> {
  const zip = await yauzl.fromRandomAccessReaderPromise(new BoundedReader(handle, fileBytes), fileBytes, {
    autoClose: false,
  });
  const entries = await readEntries(zip);
  const folder = [...entries.keys()][0]?.split('/')[0] ?? '';
  for (const name of entries.keys())
    if (!name.startsWith(`${folder}/`))
      throw new CheckpointFault(
        `it is a zip archive with an entry outside of its one folder ("${name}" beside "${folder}/"), ` +
          'which PyTorch never writes. Do not use it; get the checkpoint from its authors.',
      );
  const pickle = entries.get(`${folder}/data.pkl`);
  if (pickle === undefined)
    throw new CheckpointFault(
      'it is a zip archive without "data.pkl", so not a checkpoint of PyTorch. Choose the .pth or .pth.tar file itself.',
    );

  const read = async (entry: yauzl.Entry, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (entry.uncompressedSize > maxBytes)
      throw new CheckpointFault(
        `its entry "${entry.fileName}" has ${entry.uncompressedSize} bytes; at most ${maxBytes} were expected.`,
      );
    const bytes = await readEntry(handle, zip, entry);
    checkSum(entry, bytes);
    return bytes;
  };

  const order = entries.get(`${folder}/byteorder`);
  if (order !== undefined) {
    const text = latin1(await read(order, 16)).trim();
    if (text !== 'little')
      throw new CheckpointFault(
        `its numbers are stored in "${text}" byte order; only "little" is read. Save it again on an ordinary (little-endian) machine.`,
      );
  }
  const host = checkpointHost('zip');
  const { value: root } = readPickle(await read(pickle, limits.pickleBytes), 0, host);

  const entryOf = (key: string): yauzl.Entry | undefined => entries.get(`${folder}/data/${key}`);
  for (const { key, bytes, count } of host.storages) {
    const entry = entryOf(key);
    if (entry === undefined)
      throw new CheckpointFault(
        `a tensor refers to storage "${key}", which the archive lacks. ${FETCH_AGAIN}`,
      );
    if (entry.uncompressedSize !== bytes)
      throw new CheckpointFault(
        `storage "${key}" is declared with ${count} elements (${bytes} bytes), but its entry has ` +
          `${entry.uncompressedSize} bytes. ${FETCH_AGAIN}`,
      );
  }

  // A stored entry is read in place. A deflated one is inflated whole; the last one is kept for views of one storage.
  let inflated: { key: string; bytes: Uint8Array<ArrayBuffer> } | null = null;
  return {
    format: 'zip',
    root,
    host,
    isCompressed: (key) => entryOf(key)!.compressionMethod !== STORED,
    async read(key, start, length) {
      const entry = entryOf(key)!;
      if (entry.compressionMethod === STORED) {
        const dataStart = await dataStartOf(zip, entry);
        const bytes = await readExactly(handle, dataStart + start, length, fileBytes);
        if (length === entry.uncompressedSize) checkSum(entry, bytes);
        return bytes;
      }
      if (inflated?.key !== key) inflated = { key, bytes: await read(entry, entry.uncompressedSize) };
      return inflated.bytes.slice(start, start + length);
    },
  };
}

/**
 * Reads for yauzl, and only inside the file: its own reader hands any position to the system, and one beyond 2^53,
 * which a damaged zip64 record gives, is thrown where nobody can catch it (yauzl 3.4.0).
 */
class BoundedReader extends yauzl.RandomAccessReader {
  readonly #handle: FileHandle;
  readonly #fileBytes: number;

  constructor(handle: FileHandle, fileBytes: number) {
    super();
    this.#handle = handle;
    this.#fileBytes = fileBytes;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    readExactly(this.#handle, position, length, this.#fileBytes).then(
      (bytes) => {
        buffer.set(bytes, offset);
        callback(null);
      },
      (error: unknown) => callback(error as Error),
    );
  }
}

async function readEntries(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  if (zip.entryCount > MAX_ENTRIES)
    throw new CheckpointFault(
      `it is a zip archive of ${zip.entryCount} entries; a checkpoint has at most ${MAX_ENTRIES}.`,
    );
  const entries = new Map<string, yauzl.Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName))
      throw new CheckpointFault(
        `it is a zip archive that holds "${entry.fileName}" twice, which PyTorch never writes. ${FETCH_AGAIN}`,
      );
    entries.set(entry.fileName, entry);
  }
  return entries;
}

/** The whole of an entry, unpacked. Its size must have been checked. */
async function readEntry(
  handle: FileHandle,
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
): Promise<Uint8Array<ArrayBuffer>> {
  const dataStart = await dataStartOf(zip, entry);
  const packed = await readExactly(handle, dataStart, entry.compressedSize, zip.fileSize);
  if (entry.compressionMethod === STORED) return packed;
  // A limit of its own keeps an entry that unpacks to more than it says from filling memory.
  const unpacked = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
  if (unpacked.length !== entry.uncompressedSize)
    throw new CheckpointFault(
      `its entry "${entry.fileName}" unpacks to ${unpacked.length} bytes instead of ${entry.uncompressedSize}. ${FETCH_AGAIN}`,
    );
  return Uint8Array.from(unpacked);
}

async function dataStartOf(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<number> {
  if (entry.isEncrypted())
    throw new CheckpointFault(
      `its entry "${entry.fileName}" is encrypted. Unpack the archive and save it again.`,
    );
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw new CheckpointFault(
      `its entry "${entry.fileName}" is compressed by method ${entry.compressionMethod}; read are stored and deflated ones. ` +
        'Save it again with torch.save.',
    );
  return (await zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart;
}

/** PyTorch leaves the checksum at 0 where torch.serialization.set_crc32_options(False) is set. */
function checkSum(entry: yauzl.Entry, bytes: Uint8Array): void {
  if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32)
    throw new CheckpointFault(
      `its entry "${entry.fileName}" is damaged (the CRC-32 differs). ${FETCH_AGAIN}`,
    );
}
