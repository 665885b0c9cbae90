/**
 * Reads a file that may be gzipped, with a bound on what it may unpack to, so that a small hostile file cannot fill the
 * memory. Compression is told by the first two bytes, not by the name.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DatasetError } from './errors.ts';

/** Deflate cannot expand by more than this (zlib.net/zlib_tech.html says 1032). */
const MAX_EXPANSION = 1040;

/** Whether the file starts like a gzip stream. Throws DatasetError when it is missing or is no file. */
export async function isGzip(path: string): Promise<{ gzip: boolean; sizeBytes: number }> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw missing(path, error);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) {
      throw new DatasetError({ file: path, offset: null, expected: 'a file', found: 'a folder' });
    }
    const first = Buffer.alloc(2);
    await file.read(first, 0, 2, 0);
    return { gzip: first[0] === 0x1f && first[1] === 0x8b, sizeBytes: stat.size };
  } finally {
    await file.close();
  }
}

/**
 * The bytes of a file, unpacked where it is gzipped. `sizeFromHeader` is given the first `headerBytes` bytes (fewer if
 * the file is shorter) and says how long the whole must be, or throws. Throws DatasetError for a shorter or longer
 * file and for a corrupt stream.
 */
export async function readSized(
  path: string,
  headerBytes: number,
  sizeFromHeader: (header: Buffer) => { sizeBytes: number; because: string },
): Promise<Buffer> {
  const { gzip, sizeBytes: storedBytes } = await isGzip(path);
  let head = Buffer.alloc(0);
  let expected: { sizeBytes: number; because: string } | null = null;
  let whole = Buffer.alloc(0);
  let filled = 0;

  const begin = () => {
    expected = sizeFromHeader(head);
    const most = gzip ? storedBytes * MAX_EXPANSION : storedBytes;
    if (expected.sizeBytes > most) {
      throw new DatasetError({
        file: path,
        offset: gzip ? null : storedBytes,
        expected: `${expected.sizeBytes} bytes (${expected.because})`,
        found: gzip ? `a gzip file of ${storedBytes} bytes, too small to hold them` : `the end of the file`,
      });
    }
    whole = Buffer.alloc(expected.sizeBytes);
    filled = head.copy(whole);
    if (head.length > expected.sizeBytes) throw trailing();
  };
  const trailing = () =>
    new DatasetError({
      file: path,
      offset: expected!.sizeBytes,
      expected: `the end of the file (${expected!.because})`,
      found: 'more bytes',
    });

  for await (const chunk of unpacked(path, gzip)) {
    if (expected === null) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= headerBytes) begin();
      continue;
    }
    if (filled + chunk.length > whole.length) throw trailing();
    filled += chunk.copy(whole, filled);
  }
  if (expected === null) begin();
  if (filled < whole.length) {
    throw new DatasetError({
      file: path,
      offset: filled,
      expected: `${whole.length} bytes (${expected!.because})`,
      found: 'the end of the file',
    });
  }
  return whole;
}

/** The unpacked bytes of a file as chunks; a corrupt or cut gzip stream is a DatasetError with its offset. */
export async function* unpacked(path: string, gzip: boolean): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  if (!gzip) {
    for await (const chunk of file) yield chunk as Buffer;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  file.on('error', (error) => gunzip.destroy(error));
  file.pipe(gunzip);
  try {
    for await (const chunk of gunzip as Readable) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !code.startsWith('Z_')) throw error;
    throw new DatasetError({
      file: path,
      offset: gunzip.bytesWritten,
      expected: 'a whole gzip stream',
      found: code === 'Z_BUF_ERROR' ? 'the end of the file' : `corrupt data (${message})`,
    });
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

/** The error for a path that cannot be opened. */
export function missing(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') return error;
  return new DatasetError({ file: path, offset: null, expected: 'a file', found: 'nothing at this path' });
}
