/** The file golden/transforms: what it holds, and images out of it. */
import type { JitterStep } from '../../../main/datasets/photographs/colorJitter.ts';
import type { StoredArray } from '../golden.ts';

/** Of normalised values; the files are float32 and the formula's steps may be rounded differently. */
export const NORMALISED_TOLERANCE = 1e-6;

interface Bytes {
  dtype: 'uint8';
  shape: number[];
  base64: string;
}

export interface TransformsFile {
  statistics: Record<string, { mean: number[]; std: number[] }>;
  image: Bytes;
  padCropFlip: {
    source: { top: number; left: number; size: number };
    padding: number;
    cases: { top: number; left: number; flip: boolean; result: Bytes; normalised: StoredArray }[];
  };
  normalise: { statistics: string; normalised: StoredArray }[];
  rotate: { cases: { degrees: number; result: Bytes }[] };
  resizeCenterCrop: {
    cases: {
      name: string;
      source: string | Bytes;
      shorterSide: number;
      resizedHeight: number;
      resizedWidth: number;
      resized: Bytes;
      centerCrop: number;
      cropTop: number;
      cropLeft: number;
      cropped: Bytes;
      normalisedImagenet?: StoredArray;
      normalisedInaturalist?: StoredArray;
    }[];
  };
  randomResizedCrop: {
    cases: {
      source: string;
      draws: [number, number, number, number][];
      box: [number, number, number, number];
      fallback: boolean;
      outputSize: number;
      result: Bytes;
    }[];
  };
  colorJitter: { cases: { steps: JitterStep[]; result: Bytes }[] };
  grayscale: { result: Bytes };
}

/** RGB, 8 bits a channel. */
export interface Image {
  pixels: Uint8Array;
  height: number;
  width: number;
}

/** The square that crops, flips and rotations are shown on. */
export function cropSource({ image, padCropFlip }: TransformsFile): Image {
  const { top, left, size } = padCropFlip.source;
  return cut(imageOf(image), top, left, size, size);
}

export function imageOf(stored: Bytes): Image {
  const [height, width] = stored.shape as [number, number, number];
  return { pixels: bytesOf(stored), height, width };
}

export function cut(image: Image, top: number, left: number, height: number, width: number): Image {
  const pixels = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    pixels.set(image.pixels.subarray(start, start + width * 3), y * width * 3);
  }
  return { pixels, height, width };
}

export function bytesOf({ base64 }: Bytes): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
