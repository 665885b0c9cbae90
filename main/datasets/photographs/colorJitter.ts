/**
 * Brightness, contrast and saturation as Pillow's ImageEnhance changes them: a blend with black, with the mean grey, or
 * with the grey image, every operation rounded to float32, the result cut to 0…255 and truncated. Pixels are changed
 * in place; [N, 3] uint8.
 */

export type JitterStep = { op: 'brightness' | 'contrast' | 'saturation'; factor: number };

/** Draws the steps as torchvision's ColorJitter does: a factor in 1 ± strength for each (never below 0), in random order. */
export function drawJitter(strength: number, uniform: () => number): JitterStep[] {
  const steps: JitterStep[] = (['brightness', 'contrast', 'saturation'] as const).map((op) => {
    const lowest = Math.max(0, 1 - strength);
    return { op, factor: Math.fround(lowest + (1 + strength - lowest) * uniform()) };
  });
  for (let last = steps.length - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1));
    [steps[last], steps[other]] = [steps[other]!, steps[last]!];
  }
  return steps;
}

export function jitter(pixels: Uint8Array, steps: readonly JitterStep[]): void {
  for (const { op, factor } of steps) {
    if (op === 'brightness') blendWithLevel(pixels, 0, factor);
    else if (op === 'contrast') blendWithLevel(pixels, meanGrey(pixels), factor);
    else blendWithGrey(pixels, factor);
  }
}

/** Luminance as Pillow's convert('L'). */
export function grey(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

function meanGrey(pixels: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += grey(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
  return Math.floor(sum / (pixels.length / 3) + 0.5);
}

/** Every value is blended with the same one, so 256 results are all there are. */
function blendWithLevel(pixels: Uint8Array, level: number, factor: number): void {
  const table = new Uint8Array(256);
  const scale = Math.fround(factor);
  for (let value = 0; value < 256; value++) {
    const blended = Math.fround(level + Math.fround(scale * (value - level)));
    table[value] = Math.min(255, Math.max(0, blended));
  }
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[pixels[i]!]!;
}

function blendWithGrey(pixels: Uint8Array, factor: number): void {
  // The result for each grey level and value: cheaper than blending as many pixels as an image has.
  const scale = Math.fround(factor);
  const products = Float32Array.from({ length: 511 }, (_, i) => scale * (i - 255));
  const table = new Uint8Array(65536);
  for (let level = 0; level < 256; level++) {
    for (let value = 0; value < 256; value++) {
      const blended = Math.fround(level + products[value - level + 255]!) | 0;
      table[(level << 8) | value] = blended < 0 ? 0 : Math.min(255, blended);
    }
  }
  for (let i = 0; i < pixels.length; i += 3) {
    const red = pixels[i]!;
    const green = pixels[i + 1]!;
    const blue = pixels[i + 2]!;
    const row = grey(red, green, blue) << 8;
    pixels[i] = table[row | red]!;
    pixels[i + 1] = table[row | green]!;
    pixels[i + 2] = table[row | blue]!;
  }
}
