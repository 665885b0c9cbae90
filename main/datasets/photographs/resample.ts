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

/** Memory that one resize after the other uses; a fresh one each time costs as much as the arithmetic. */
export class Scratch {
  #rows = new Uint8Array(0);
  #image = new Uint8Array(0);
  #sums = new Int32Array(0);

  rows(length: number): Uint8Array {
    if (this.#rows.length < length) this.#rows = new Uint8Array(length);
    return this.#rows;
  }

  /** Exactly so long. */
  image(length: number): Uint8Array {
    if (this.#image.length !== length) this.#image = new Uint8Array(length);
    return this.#image;
  }

  sums(length: number): Int32Array {
    if (this.#sums.length < length) this.#sums = new Int32Array(length);
    return this.#sums;
  }
}

/**
 * Resizes an RGB image: pixels [height, width, 3] uint8. Every row that the vertical weights reach must be there.
 * Returns [vertical.first.length, horizontal.first.length, 3], which lies in `scratch`.
 */
export function resample(
  pixels: Uint8Array,
  width: number,
  horizontal: AxisWeights,
  vertical: AxisWeights,
  scratch: Scratch = new Scratch(),
): Uint8Array {
  const rows = reach(vertical);
  const narrowed = alongRows(pixels, width, rows, horizontal, scratch);
  return alongColumns(narrowed, horizontal.first.length, rows, vertical, scratch);
}

/**
 * The same weights with the same number of taps for every position. Those that are added weigh nothing; they may lie
 * anywhere inside the `length` input positions, of which there must be as many as taps.
 */
function evenTaps({ taps, first, count, weights }: AxisWeights, even: number, length: number) {
  const moved = new Int32Array(first.length);
  const spread = new Int32Array(first.length * even);
  for (let i = 0; i < first.length; i++) {
    moved[i] = Math.min(first[i]!, length - even);
    const offset = i * even + first[i]! - moved[i]!;
    for (let k = 0; k < count[i]!; k++) spread[offset + k] = weights[i * taps + k]!;
  }
  return { first: moved, weights: spread };
}

function largestCount({ count }: AxisWeights): number {
  return count.reduce((a, b) => Math.max(a, b), 1);
}

/** Rows `start`…`end` of the image, resized along the rows. */
function alongRows(
  pixels: Uint8Array,
  width: number,
  { start, end }: { start: number; end: number },
  axis: AxisWeights,
  scratch: Scratch,
): Uint8Array {
  const lineLength = axis.first.length * 3;
  const out = scratch.rows((end - start) * lineLength);
  const taps = Math.max(3, largestCount(axis));
  // Unrolled for the numbers of taps that photographs of common sizes take: twice as fast as a loop over so few.
  const kernel = taps > width ? null : ({ 3: row3, 4: row4, 5: row5 }[taps] ?? null);
  const { first, weights } = kernel === null ? axis : evenTaps(axis, taps, width);
  for (let y = start; y < end; y++) {
    const [from, to] = [y * width * 3, (y - start) * lineLength];
    if (kernel === null) anyRow(pixels, from, axis, out, to);
    else kernel(pixels, from, first, weights, out, to);
  }
  return out;
}

/** The 8-bit value of a sum. Weights are not negative and add up to one but for rounding: only 255 can be passed. */
function byte(sum: number): number {
  return Math.min(255, sum >> FRACTION_BITS);
}

/** One row at `from` of the pixels, resized into `out` at `to`. */
function anyRow(
  pixels: Uint8Array,
  from: number,
  { taps, first, count, weights }: AxisWeights,
  out: Uint8Array,
  to: number,
): void {
  for (let x = 0; x < first.length; x++, to += 3) {
    let f = from + first[x]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    const last = x * taps + count[x]!;
    for (let k = x * taps; k < last; k++, f += 3) {
      const weight = weights[k]!;
      red = (red + Math.imul(weight, pixels[f]!)) | 0;
      green = (green + Math.imul(weight, pixels[f + 1]!)) | 0;
      blue = (blue + Math.imul(weight, pixels[f + 2]!)) | 0;
    }
    out[to] = byte(red);
    out[to + 1] = byte(green);
    out[to + 2] = byte(blue);
  }
}

/** `anyRow` for a fixed number of taps. */
type RowKernel = (
  pixels: Uint8Array,
  from: number,
  first: Int32Array,
  weights: Int32Array,
  out: Uint8Array,
  to: number,
) => void;

const row3: RowKernel = (pixels, from, first, weights, out, to) => {
  for (let x = 0, k = 0; x < first.length; x++, k += 3, to += 3) {
    const f = from + first[x]! * 3;
    const a = weights[k]!;
    const b = weights[k + 1]!;
    const c = weights[k + 2]!;
    out[to] = byte(
      HALF + Math.imul(a, pixels[f]!) + Math.imul(b, pixels[f + 3]!) + Math.imul(c, pixels[f + 6]!),
    );
    out[to + 1] = byte(
      HALF + Math.imul(a, pixels[f + 1]!) + Math.imul(b, pixels[f + 4]!) + Math.imul(c, pixels[f + 7]!),
    );
    out[to + 2] = byte(
      HALF + Math.imul(a, pixels[f + 2]!) + Math.imul(b, pixels[f + 5]!) + Math.imul(c, pixels[f + 8]!),
    );
  }
};

const row4: RowKernel = (pixels, from, first, weights, out, to) => {
  for (let x = 0, k = 0; x < first.length; x++, k += 4, to += 3) {
    const f = from + first[x]! * 3;
    const a = weights[k]!;
    const b = weights[k + 1]!;
    const c = weights[k + 2]!;
    const d = weights[k + 3]!;
    out[to] = byte(
      HALF +
        Math.imul(a, pixels[f]!) +
        Math.imul(b, pixels[f + 3]!) +
        Math.imul(c, pixels[f + 6]!) +
        Math.imul(d, pixels[f + 9]!),
    );
    out[to + 1] = byte(
      HALF +
        Math.imul(a, pixels[f + 1]!) +
        Math.imul(b, pixels[f + 4]!) +
        Math.imul(c, pixels[f + 7]!) +
        Math.imul(d, pixels[f + 10]!),
    );
    out[to + 2] = byte(
      HALF +
        Math.imul(a, pixels[f + 2]!) +
        Math.imul(b, pixels[f + 5]!) +
        Math.imul(c, pixels[f + 8]!) +
        Math.imul(d, pixels[f + 11]!),
    );
  }
};

const row5: RowKernel = (pixels, from, first, weights, out, to) => {
  for (let x = 0, k = 0; x < first.length; x++, k += 5, to += 3) {
    const f = from + first[x]! * 3;
    const a = weights[k]!;
    const b = weights[k + 1]!;
    const c = weights[k + 2]!;
    const d = weights[k + 3]!;
    const e = weights[k + 4]!;
    out[to] = byte(
      HALF +
        Math.imul(a, pixels[f]!) +
        Math.imul(b, pixels[f + 3]!) +
        Math.imul(c, pixels[f + 6]!) +
        Math.imul(d, pixels[f + 9]!) +
        Math.imul(e, pixels[f + 12]!),
    );
    out[to + 1] = byte(
      HALF +
        Math.imul(a, pixels[f + 1]!) +
        Math.imul(b, pixels[f + 4]!) +
        Math.imul(c, pixels[f + 7]!) +
        Math.imul(d, pixels[f + 10]!) +
        Math.imul(e, pixels[f + 13]!),
    );
    out[to + 2] = byte(
      HALF +
        Math.imul(a, pixels[f + 2]!) +
        Math.imul(b, pixels[f + 5]!) +
        Math.imul(c, pixels[f + 8]!) +
        Math.imul(d, pixels[f + 11]!) +
        Math.imul(e, pixels[f + 14]!),
    );
  }
};

/** The rows from `rows.start` on, an image of `width` columns, resized along the columns. */
function alongColumns(
  pixels: Uint8Array,
  width: number,
  rows: { start: number },
  { taps, first, count, weights }: AxisWeights,
  scratch: Scratch,
): Uint8Array {
  const lineLength = width * 3;
  const out = scratch.image(first.length * lineLength);
  const sums = scratch.sums(lineLength);
  for (let y = 0; y < first.length; y++) {
    const to = y * lineLength;
    const lines = count[y]!;
    const line = (k: number) => (first[y]! - rows.start + Math.min(k, lines - 1)) * lineLength;
    const weight = (k: number) => (k < lines ? weights[y * taps + k]! : 0);
    // Four lines at a time; most results need no more, and no sums in between.
    for (let k = 0; k < lines; k += 4) {
      const [a, b, c, d] = [weight(k), weight(k + 1), weight(k + 2), weight(k + 3)];
      const [p, q, r, s] = [line(k), line(k + 1), line(k + 2), line(k + 3)];
      const [isFirst, isLast] = [k === 0, k + 4 >= lines];
      if (isFirst && isLast) {
        for (let i = 0; i < lineLength; i++)
          out[to + i] = byte(
            HALF +
              Math.imul(a, pixels[p + i]!) +
              Math.imul(b, pixels[q + i]!) +
              Math.imul(c, pixels[r + i]!) +
              Math.imul(d, pixels[s + i]!),
          );
        continue;
      }
      for (let i = 0; i < lineLength; i++)
        sums[i] =
          ((isFirst ? HALF : sums[i]!) +
            Math.imul(a, pixels[p + i]!) +
            Math.imul(b, pixels[q + i]!) +
            Math.imul(c, pixels[r + i]!) +
            Math.imul(d, pixels[s + i]!)) |
          0;
      if (isLast) for (let i = 0; i < lineLength; i++) out[to + i] = byte(sums[i]!);
    }
  }
  return out;
}
