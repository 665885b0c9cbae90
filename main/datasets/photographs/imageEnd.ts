/**
 * Whether an image file ends before its image does, told from its bytes alone. The decoder's own words can't be relied
 * on: libvips keeps one text of errors for all threads, so of two images that fail at once one has none.
 */
import type { ImageHeader } from './imageHeader.ts';

/** True for a file that was cut short, or whose end was never written (zeros, as an interrupted download leaves). */
export function endsTooEarly(bytes: Uint8Array, format: ImageHeader['format']): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'jpeg': {
      // In compressed data 0xff is always followed by a zero, so these are markers. A thumbnail's lie before the image's.
      const scan = file.lastIndexOf(JPEG_SCAN);
      return scan < 0 || file.lastIndexOf(JPEG_END) < scan;
    }
    case 'png':
      return file.lastIndexOf('IEND') < 0;
    case 'webp':
      return file.readUInt32LE(4) + 8 > file.length;
  }
}

const JPEG_SCAN = Buffer.of(0xff, 0xda);
const JPEG_END = Buffer.of(0xff, 0xd9);
