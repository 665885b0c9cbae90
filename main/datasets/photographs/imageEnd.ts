/**
 * Whether an image file ends before its image does, told from its bytes alone. A decoder notices only when it reads up to
 * the cut, so what it says depends on the part that is asked for; and its words can't be relied on: libvips keeps one
 * text of errors for all threads, so of two images that fail at once one has none.
 */
import type { ImageHeader } from './imageHeader.ts';

/**
 * True for a file that was cut short, or whose end was never written (zeros, as an interrupted download leaves). What
 * follows a proper end does not matter. Costs microseconds where nothing follows it, as in nearly every file.
 */
export function endsTooEarly(bytes: Uint8Array, format: ImageHeader['format']): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'jpeg':
      return file.readUInt16BE(file.length - 2) !== JPEG_END && !hasJpegEnd(file);
    case 'png':
      return file.lastIndexOf('IEND') < 0;
    case 'webp':
      return file.readUInt32LE(4) + 8 > file.length;
  }
}

const JPEG_END = 0xffd9;

/**
 * Walks all segments to the end of the first image. Looking for the marker would not do: embedded thumbnails have one,
 * and what phones write behind a photograph may hold any bytes.
 */
function hasJpegEnd(file: Buffer): boolean {
  for (let at = file.indexOf(0xff, 2); at >= 0 && at + 1 < file.length; at = file.indexOf(0xff, at)) {
    const marker = file[at + 1]!;
    if (marker === 0xd9) return true;
    if (marker === 0xff) at += 1;
    // A 0xff of compressed data (a zero follows it), and markers without a length.
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (at + 4 <= file.length) at += 2 + file.readUInt16BE(at + 2);
    else return false;
  }
  return false;
}
