/**
 * Image files to RGB pixels, equal to Pillow's `Image.open(file).convert('RGB')`: embedded colour profiles and the
 * EXIF orientation are not applied, transparency is dropped, CMYK is mixed as Pillow mixes it. libvips decodes (through
 * the same kind of JPEG decoder as Pillow, fancy upsampling on); a broken file is an error, never grey pixels.
 */
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { endsTooEarly } from './imageEnd.ts';
import { imageHeader, type ImageHeader } from './imageHeader.ts';
import { PhotographError } from './photographError.ts';

export { PhotographError };

// Images are decoded one a thread; the threads are ours. Nothing is decoded twice, so a cache only takes memory.
sharp.concurrency(1);
sharp.cache(false);

/** Larger images are refused: nobody trains on them, and a small file can claim any size. */
const MAX_PIXELS = 200_000_000;

/** What is expected of a file, and what to do about one that is not so. */
const WHOLE = 'a whole image; replace the file, or add the dataset again';

export interface Pixels {
  /** [height, width, 3] uint8. */
  pixels: Uint8Array;
  width: number;
  height: number;
}

/** A part of an image, in its pixels. */
export interface Region {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Reads and decodes a file. Throws PhotographError. */
export async function readPhotograph(file: string): Promise<Pixels> {
  return decodePhotograph(await readImageFile(file), file);
}

/** Reads a file. Throws PhotographError (`missing`, `unreadable`) that says what the disk said. */
export async function readImageFile(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new PhotographError(
        'missing',
        file,
        'an image',
        'no file; put it back, or add the dataset again',
      );
    throw new PhotographError(
      'unreadable',
      file,
      'a readable file',
      `the error ${error.code ?? error.message}`,
    );
  });
}

/**
 * What a file is and how large. Throws PhotographError (`not-an-image`, `unsupported`, `truncated`) for what cannot be
 * decoded here to Pillow's pixels: a file that was cut short as a whole, whichever part of it is wanted. `file` is for
 * messages only.
 */
export function requireHeader(bytes: Uint8Array, file: string): ImageHeader {
  const header = imageHeader(bytes);
  if (header === null)
    throw new PhotographError('not-an-image', file, 'a JPEG, PNG or WebP image', describe(bytes));
  if (header.grey16)
    throw new PhotographError(
      'unsupported',
      file,
      '8 bits a channel',
      '16-bit greyscale; convert it to 8 bits',
    );
  const { width, height } = header;
  if (width < 1 || height < 1 || width * height > MAX_PIXELS)
    throw new PhotographError('unsupported', file, `1 to ${MAX_PIXELS} pixels`, `${width} x ${height}`);
  if (endsTooEarly(bytes, header.format))
    throw new PhotographError('truncated', file, WHOLE, 'one that ends too early');
  return header;
}

/** Decodes a whole image. Throws PhotographError. */
export async function decodePhotograph(bytes: Uint8Array, file: string): Promise<Pixels> {
  const header = requireHeader(bytes, file);
  return decodeRegion(bytes, header, { top: 0, left: 0, width: header.width, height: header.height }, file);
}

/** Decodes one part of an image; what lies below it in the file is not decoded. Throws PhotographError (`unreadable`). */
export async function decodeRegion(
  bytes: Uint8Array,
  header: ImageHeader,
  region: Region,
  file: string,
): Promise<Pixels> {
  const whole = region.width === header.width && region.height === header.height;
  const image = open(bytes, header);
  return toRgb(whole ? image : image.extract(region), header, file);
}

/**
 * Decodes one part of a JPEG that the decoder scales down by 2, 4 or 8; `region` is in scaled pixels, of which there
 * are ceil(length / shrink) a side.
 */
export async function decodeShrunk(
  bytes: Uint8Array,
  header: ImageHeader,
  shrink: 2 | 4 | 8,
  region: Region,
  file: string,
): Promise<Pixels> {
  const size = { width: Math.ceil(header.width / shrink), height: Math.ceil(header.height / shrink) };
  return toRgb(
    open(bytes, header)
      .resize({ ...size, fit: 'fill' })
      .extract(region),
    header,
    file,
  );
}

function open(bytes: Uint8Array, { cmyk }: ImageHeader): Sharp {
  const image = sharp(bytes, {
    ignoreIcc: true,
    failOn: 'truncated',
    sequentialRead: true,
    limitInputPixels: MAX_PIXELS,
  });
  return cmyk ? image.pipelineColourspace('cmyk').toColourspace('cmyk') : image;
}

async function toRgb(image: Sharp, { cmyk }: ImageHeader, file: string): Promise<Pixels> {
  const { data, info } = await image
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: Error) => {
      throw new PhotographError(
        'unreadable',
        file,
        WHOLE,
        `damaged data (the decoder's "${error.message.trim()}")`,
      );
    });
  const { width, height, channels } = info;
  const pixels = channels === 3 ? data : cmyk ? fromCmyk(data) : fromChannels(data, channels);
  return { pixels, width, height };
}

/** Grey is copied to all three, transparency left out. */
function fromChannels(data: Uint8Array, channels: number): Uint8Array {
  const count = data.length / channels;
  const pixels = new Uint8Array(count * 3);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let i = 0; i < count; i++) {
    pixels[3 * i] = data[i * channels]!;
    pixels[3 * i + 1] = data[i * channels + green]!;
    pixels[3 * i + 2] = data[i * channels + blue]!;
  }
  return pixels;
}

/** Pillow's cmyk2rgb: white less the ink, each taken off the light that black leaves. */
function fromCmyk(data: Uint8Array): Uint8Array {
  const count = data.length / 4;
  const pixels = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const light = 255 - data[4 * i + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[4 * i + c]! * light + 128;
      pixels[3 * i + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return pixels;
}

/** What a file that is no image looks like, for the sentence. */
function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (start.startsWith('GIF8')) return 'a GIF; convert it to PNG';
  if (start.startsWith('BM')) return 'a BMP; convert it to PNG';
  if (/^(II\*\0|MM\0\*)/.test(start)) return 'a TIFF; convert it to PNG';
  if (/^\s*<(!doctype|html|\?xml|svg)/i.test(start))
    return 'a text file (HTML or XML), as failed downloads leave';
  return 'another kind of file, or one that ends in its header';
}
