// The arithmetic of photographs on 8-bit RGB pixels, in AssemblyScript with SIMD: four times as fast as JavaScript.
// resample.ts and colorJitter.ts say what it computes; test/parity compares it with golden numbers, byte for byte.
//
// pixelKernels.ts holds what this compiles to, and test/unit/pixelKernels.test.ts compares the two. After a change:
//   cp pixelKernels.as kernels.ts
//   asc kernels.ts -O3 --noAssert --runtime stub --enable simd --importMemory -o kernels.wasm
//   base64 -w 0 kernels.wasm

/** Half of a unit in 22-bit fixed point, which rounds. */
const HALF: i32 = 1 << 21;

/**
 * Resizes lines along the rows: `rows` lines of `lineBytes` from `pixels` become lines of `outWidth` pixels at `out`.
 * Reads one byte and writes one byte past the end. first, count: int32 a position; weights: int32, `taps` a position.
 */
export function alongRows(
  pixels: usize, lineBytes: i32, rows: i32,
  first: usize, count: usize, weights: usize, taps: i32, outWidth: i32, out: usize,
): void {
  const half = i32x4.splat(HALF);
  for (let y = 0; y < rows; y++) {
    const line = pixels + <usize>(y * lineBytes);
    let weight = weights;
    for (let x = 0; x < outWidth; x++) {
      let at = line + <usize>(load<i32>(first + (<usize>x << 2)) * 3);
      const n = load<i32>(count + (<usize>x << 2));
      let sum = half;
      for (let k = 0; k < n; k++) {
        // Red, green, blue, and a byte that is not used.
        const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
        sum = i32x4.add(sum, i32x4.mul(pixel, v128.load32_splat(weight + (<usize>k << 2))));
        at += 3;
      }
      const value = i32x4.shr_u(sum, 22);
      const short = i16x8.narrow_i32x4_s(value, value);
      // The fourth byte is overwritten by the next pixel.
      store<i32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_u(short, short), 0));
      out += 3;
      weight += <usize>(taps << 2);
    }
  }
}

/**
 * Resizes along the columns: lines of `lineBytes` from `pixels` become `outHeight` lines at `out`. Lines are done in
 * pieces of 16 bytes: up to 15 bytes past the end are read and written.
 */
export function alongColumns(
  pixels: usize, lineBytes: i32,
  first: usize, count: usize, weights: usize, taps: i32, outHeight: i32, out: usize,
): void {
  const half = i32x4.splat(HALF);
  for (let y = 0; y < outHeight; y++) {
    const n = load<i32>(count + (<usize>y << 2));
    const top = pixels + <usize>(load<i32>(first + (<usize>y << 2)) * lineBytes);
    const weight = weights + <usize>((y * taps) << 2);
    const line = out + <usize>(y * lineBytes);
    for (let i = 0; i < lineBytes; i += 16) {
      let a = half;
      let b = half;
      let c = half;
      let d = half;
      let at = top + <usize>i;
      for (let k = 0; k < n; k++) {
        const bytes = v128.load(at);
        const factor = v128.load32_splat(weight + (<usize>k << 2));
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), factor));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), factor));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), factor));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), factor));
        at += <usize>lineBytes;
      }
      const low = i16x8.narrow_i32x4_s(i32x4.shr_u(a, 22), i32x4.shr_u(b, 22));
      const high = i16x8.narrow_i32x4_s(i32x4.shr_u(c, 22), i32x4.shr_u(d, 22));
      v128.store(line + <usize>i, i8x16.narrow_i16x8_u(low, high));
    }
  }
}

/** Luminance of the pixel at an address, as Pillow's convert('L'). */
function grey(at: usize): i32 {
  return (
    (<i32>load<u8>(at) * 19595 + <i32>load<u8>(at, 1) * 38470 + <i32>load<u8>(at, 2) * 7471 + 0x8000) >> 16
  );
}

/** Sum of the luminances of `count` pixels, of which there must be fewer than eight million. */
export function greySum(pixels: usize, count: i32): i32 {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += grey(pixels + <usize>(i * 3));
  return sum;
}

/** level + factor * (value - level) in float32 steps, truncated; cut to 8 bits by whoever narrows it. */
function blended(value: v128, level: v128, factor: v128): v128 {
  const difference = f32x4.convert_i32x4_s(i32x4.sub(value, level));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(level), f32x4.mul(factor, difference)));
}

/** Blends `length` bytes with one level, in place, 16 at a time: up to 15 bytes past the end change too. */
export function blendWithLevel(bytes: usize, length: i32, level: i32, factor: f32): void {
  const levels = i32x4.splat(level);
  const factors = f32x4.splat(factor);
  for (let at = bytes; at < bytes + <usize>length; at += 16) {
    const values = v128.load(at);
    const low = i16x8.extend_low_i8x16_u(values);
    const high = i16x8.extend_high_i8x16_u(values);
    v128.store(
      at,
      i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(
          blended(i32x4.extend_low_i16x8_u(low), levels, factors),
          blended(i32x4.extend_high_i16x8_u(low), levels, factors),
        ),
        i16x8.narrow_i32x4_s(
          blended(i32x4.extend_low_i16x8_u(high), levels, factors),
          blended(i32x4.extend_high_i16x8_u(high), levels, factors),
        ),
      ),
    );
  }
}

/** Blends `count` pixels with their luminance, in place. Reads one byte past the end. */
export function blendWithGrey(pixels: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let i = 0; i < count; i++) {
    const at = pixels + <usize>(i * 3);
    const values = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
    const result = blended(values, i32x4.splat(grey(at)), factors);
    const short = i16x8.narrow_i32x4_s(result, result);
    const bytes = i32x4.extract_lane(i8x16.narrow_i16x8_u(short, short), 0);
    store<u16>(at, <u16>bytes);
    store<u8>(at, <u8>(bytes >> 16), 2);
  }
}
