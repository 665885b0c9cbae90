/**
 * Bilinear resizing with anti-aliasing, number for number as Pillow does it for 8-bit images (and so torchvision): a
 * triangle filter widened by the scale, weights in 22-bit fixed point, first along rows, then along columns, each
 * rounded to 8 bits. Only the output that is asked for is computed.
 */

const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

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
 * Returns [vertical.first.length, horizontal.first.length, 3].
 */
export function resample(
  pixels: Uint8Array,
  width: number,
  horizontal: AxisWeights,
  vertical: AxisWeights,
): Uint8Array {
  const rows = reach(vertical);
  const narrowed = alongRows(pixels, width, rows.start, rows.end, horizontal);
  return alongColumns(narrowed, horizontal.first.length, shifted(vertical, rows.start));
}

/** Rows `start`…`end` of the image, resized along the rows. */
function alongRows(
  pixels: Uint8Array,
  width: number,
  start: number,
  end: number,
  { taps, first, count, weights }: AxisWeights,
): Uint8Array {
  const outWidth = first.length;
  const out = new Uint8Array((end - start) * outWidth * 3);
  let to = 0;
  for (let y = start; y < end; y++) {
    const line = y * width * 3;
    for (let x = 0; x < outWidth; x++) {
      let from = line + first[x]! * 3;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      const last = x * taps + count[x]!;
      for (let k = x * taps; k < last; k++) {
        const weight = weights[k]!;
        red = (red + Math.imul(weight, pixels[from]!)) | 0;
        green = (green + Math.imul(weight, pixels[from + 1]!)) | 0;
        blue = (blue + Math.imul(weight, pixels[from + 2]!)) | 0;
        from += 3;
      }
      // Weights are not negative and add up to one but for rounding, so only the upper end can be left.
      out[to] = Math.min(255, red >> FRACTION_BITS);
      out[to + 1] = Math.min(255, green >> FRACTION_BITS);
      out[to + 2] = Math.min(255, blue >> FRACTION_BITS);
      to += 3;
    }
  }
  return out;
}

/** An image of `width` columns, resized along the columns. */
function alongColumns(
  pixels: Uint8Array,
  width: number,
  { taps, first, count, weights }: AxisWeights,
): Uint8Array {
  const lineLength = width * 3;
  const out = new Uint8Array(first.length * lineLength);
  const sums = new Int32Array(lineLength);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const from = (first[y]! + k) * lineLength;
      for (let i = 0; i < lineLength; i++) sums[i] = (sums[i]! + Math.imul(weight, pixels[from + i]!)) | 0;
    }
    const to = y * lineLength;
    for (let i = 0; i < lineLength; i++) out[to + i] = Math.min(255, sums[i]! >> FRACTION_BITS);
  }
  return out;
}
