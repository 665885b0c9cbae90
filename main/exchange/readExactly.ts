/** Reading a range of a file whole. */
import type { FileHandle } from 'node:fs/promises';
import { CheckpointFault, FETCH_AGAIN } from './pytorchErrors.ts';

/**
 * `length` bytes from `start`, in a buffer of their own, so that typed views of it are aligned. Throws CheckpointFault
 * before anything is allocated when the file, `fileBytes` long, does not have them.
 */
export async function readExactly(
  handle: FileHandle,
  start: number,
  length: number,
  fileBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const short = (): CheckpointFault =>
    new CheckpointFault(`it ends before byte ${start + length}, where data should be. ${FETCH_AGAIN}`);
  if (start < 0 || start + length > fileBytes) throw short();
  const bytes = new Uint8Array(new ArrayBuffer(length));
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) throw short();
    done += bytesRead;
  }
  return bytes;
}
