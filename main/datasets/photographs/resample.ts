/**
 * Bilinear resizing with anti-aliasing, number for number as Pillow does it for 8-bit images (and so torchvision): a
 * triangle filter widened by the scale, weights in 22-bit fixed point, first along rows, then along columns, each
 * rounded to 8 bits. Only the output that is asked for is computed. (Pillow 13 goes along the columns first for some tall
 * images, which changes values by one here and there; the golden numbers and earlier versions do not.)
 */
import { clearPlaces, kernels, place, put, view } from './pixelKernels.ts';

const FRACTION_BITS = 22;

/** What each output position along one axis is made of. */
export interface AxisWeights {
  /** Room for weights per output position. */
  taps: number;
  /** Per output position: the first input position, and how many follow on from it. */
  first: Int32Array;
  count: Int32Array;
  /** [positions, taps], 22 fractional bits. */
  weights: Int32Array;
}

/** One axis of a resize: input positions `from`…`to` of `length` become `outLength`; some of them are wanted. */
export interface AxisResize {
  /** Input pixels that there are; none outside is used. */
  length: number;
  /** The part of the input that fills the output, pixel edges, may be fractions. Default: all of it. */
  from?: number;
  to?: number;
  outLength: number;
  /** The wanted output positions: `outCount` from `outFrom` on. Default: all. */
  outFrom?: number;
  outCount?: number;
}

/** Weights of one axis (Pillow's precompute_coeffs and normalize_coeffs_8bpc). */
export function axisWeights({
  length,
  from = 0,
  to = length,
  outLength,
  outFrom = 0,
  outCount = outLength - outFrom,
}: AxisResize): AxisWeights {
  const scale = (to - from) / outLength;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outCount);
  const count = new Int32Array(outCount);
  const weights = new Int32Array(outCount * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < outCount; i++) {
    const centre = from + (outFrom + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(length, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let k = start; k < end; k++) {
      const weight = Math.max(0, 1 - Math.abs((k - centre + 0.5) / support));
      exact[k - start] = weight;
      sum += weight;
    }
    first[i] = start;
    count[i] = end - start;
    for (let k = 0; k < end - start; k++) {
      const share = sum === 0 ? exact[k]! : exact[k]! / sum;
      weights[i * taps + k] = Math.floor(share * 2 ** FRACTION_BITS + 0.5);
    }
  }
  return { taps, first, count, weights };
}

/** The input positions that some weights reach: [start, end). */
export function reach({ first, count }: AxisWeights): { start: number; end: number } {
  let start = Infinity;
  let end = 0;
  for (let i = 0; i < first.length; i++) {
    start = Math.min(start, first[i]!);
    end = Math.max(end, first[i]! + count[i]!);
  }
  return { start, end };
}

/** The same weights for an input of which the first `offset` positions are left out. */
export function shifted(weights: AxisWeights, offset: number): AxisWeights {
  return { ...weights, first: weights.first.map((position) => position - offset) };
}

/**
 * Resizes an RGB image: pixels [height, width, 3] uint8. Every row that the vertical weights reach must be there.
 * Returns [vertical.first.length, horizontal.first.length, 3], which lies in the kernels' memory: it is good until the
 * next call.
 */
export function resample(
  pixels: Uint8Array,
  width: number,
  horizontal: AxisWeights,
  vertical: AxisWeights,
): Uint8Array {
  const rows = reach(vertical);
  const outWidth = horizontal.first.length;
  const outHeight = vertical.first.length;
  const putWeights = ({ first, count, weights }: AxisWeights) =>
    [put(first), put(count), put(weights)] as const;
  clearPlaces();
  // Places first: what is put later may move the memory, but not the places in it.
  const from = put(pixels.subarray(rows.start * width * 3, rows.end * width * 3));
  const across = putWeights(horizontal);
  const down = putWeights(shifted(vertical, rows.start));
  const narrowed = place((rows.end - rows.start) * outWidth * 3);
  const out = place(outHeight * outWidth * 3);
  kernels.alongRows(from, width * 3, rows.end - rows.start, ...across, horizontal.taps, outWidth, narrowed);
  kernels.alongColumns(narrowed, outWidth * 3, ...down, vertical.taps, outHeight, out);
  return view(out, outHeight * outWidth * 3);
}
