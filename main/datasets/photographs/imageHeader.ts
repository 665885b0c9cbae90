/**
 * The first bytes of an image file: what it is, how large, and what the decoder has to know of it. Only JPEG, PNG and
 * WebP are read; other formats decode differently from library to library.
 */

export interface ImageHeader {
  format: 'jpeg' | 'png' | 'webp';
  width: number;
  height: number;
  /** A JPEG with four channels, CMYK or YCCK. */
  cmyk: boolean;
  /** A PNG with one channel of 16 bits. */
  grey16: boolean;
}

/** Reads a header; null when the bytes are of none of the three formats, or end before their size is told. */
export function imageHeader(bytes: Uint8Array): ImageHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return jpeg(view);
  if (bytes.length >= 26 && view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a)
    return png(view);
  if (bytes.length >= 30 && text(bytes, 0) === 'RIFF' && text(bytes, 8) === 'WEBP') return webp(bytes, view);
  return null;
}

/** Walks the segments up to the frame header. */
function jpeg(view: DataView): ImageHeader | null {
  let at = 2;
  while (at + 4 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // Fill bytes and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker === 0xd9 || marker === 0xda) return null;
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (at + 10 > view.byteLength) return null;
      return {
        format: 'jpeg',
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        cmyk: view.getUint8(at + 9) === 4,
        grey16: false,
      };
    } else at += 2 + view.getUint16(at + 2);
  }
  return null;
}

function png(view: DataView): ImageHeader {
  return {
    format: 'png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    cmyk: false,
    grey16: view.getUint8(24) === 16 && view.getUint8(25) === 0,
  };
}

function webp(bytes: Uint8Array, view: DataView): ImageHeader | null {
  const size = (width: number, height: number): ImageHeader => ({
    format: 'webp',
    width,
    height,
    cmyk: false,
    grey16: false,
  });
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (text(bytes, 12)) {
    case 'VP8X':
      return size(uint24(24) + 1, uint24(27) + 1);
    case 'VP8 ':
      return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    default:
      return null;
  }
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
