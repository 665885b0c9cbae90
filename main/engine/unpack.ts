/**
 * Reads wheels, which are zip files: a chosen part of one is streamed to disk, a small file of one is read as text.
 * Names that would leave the target folder are refused, and each file's CRC is checked, because a wheel may come from
 * anywhere.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import * as yauzl from 'yauzl';
import { installFailed, messageOf } from './errors.ts';

/** SHA-256 of a file, lower-case hex. */
export async function hashFile(
  file: string,
  onBytes: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const total = (await stat(file)).size;
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Buffer);
    onBytes((done += (chunk as Buffer).length), total);
  }
  return hash.digest('hex');
}

/** The METADATA text of a wheel. Throws an EngineError naming the file and the reason when it is no whole wheel. */
export async function readMetadata(wheel: string): Promise<string> {
  return withZip(wheel, async (zip) => {
    for await (const entry of zip.eachEntry()) {
      if (!/^[^/]+\.dist-info\/METADATA$/.test(entry.fileName)) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    }
    throw new Error('it has no METADATA, so it is not a Python wheel');
  });
}

/** Bytes that the chosen files of a wheel take once unpacked. */
export async function unpackedSize(wheel: string, wanted: (name: string) => boolean): Promise<number> {
  return withZip(wheel, async (zip) => {
    let size = 0;
    for await (const entry of zip.eachEntry()) if (wanted(entry.fileName)) size += entry.uncompressedSize;
    return size;
  });
}

/**
 * Streams the chosen files of a wheel into `folder`, with their paths. `onBytes` is told the bytes written so far.
 * Programs stay executable: CUDA's own compiler is one.
 * Existing files are overwritten, so a broken-off unpacking can simply be repeated.
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  wanted: (name: string) => boolean,
  onBytes: (done: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const root = path.resolve(folder);
  let done = 0;
  await withZip(wheel, async (zip) => {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) continue;
      const target = path.resolve(root, entry.fileName);
      if (!target.startsWith(root + path.sep))
        throw new Error(`its entry "${entry.fileName}" points outside the folder it is unpacked into`);
      await mkdir(path.dirname(target), { recursive: true });
      let checksum = 0;
      const check = new Transform({
        transform(chunk: Buffer, _encoding, callback) {
          checksum = crc32(chunk, checksum);
          onBytes((done += chunk.length));
          callback(null, chunk);
        },
      });
      const source = await zip.openReadStreamPromise(entry);
      const mode = (entry.externalFileAttributes >>> 16) & 0o777;
      const sink = createWriteStream(target, { mode: mode === 0 ? 0o644 : mode | 0o600 });
      await pipeline(source, check, sink, ...(signal ? [{ signal }] : []));
      if (checksum !== entry.crc32)
        throw new Error(`its entry "${entry.fileName}" is damaged (the CRC-32 differs)`);
    }
  });
}

async function withZip<T>(wheel: string, use: (zip: yauzl.ZipFile) => Promise<T>): Promise<T> {
  let zip: yauzl.ZipFile | undefined;
  try {
    zip = await yauzl.openPromise(wheel, { lazyEntries: true, autoClose: false });
    return await use(zip);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw installFailed(`The wheel ${wheel} does not exist.`, error);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw installFailed(
        `The disk is full: unpacking ${path.basename(wheel)} into the engine folder stopped. Free space and install again.`,
        error,
      );
    if (code === 'ABORT_ERR' || code === 'EACCES' || code === 'EROFS') throw error;
    throw installFailed(await describeBrokenWheel(wheel, error), error);
  } finally {
    zip?.close();
  }
}

async function describeBrokenWheel(wheel: string, error: unknown): Promise<string> {
  const size = await stat(wheel).then(
    (found) => found.size,
    () => null,
  );
  const reason = /end of central directory|invalid comment length/i.test(messageOf(error))
    ? 'it ends before its list of files, as a download that was cut short does'
    : messageOf(error);
  return `${wheel} (${size === null ? 'unreadable' : `${size} bytes`}) is not a whole wheel: ${reason}. Download it again.`;
}
