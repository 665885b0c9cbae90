/**
 * Brightness, contrast and saturation as Pillow's ImageEnhance changes them: a blend with black, with the mean grey, or
 * with the grey image, every operation rounded to float32, the result cut to 0…255 and truncated. Pixels are changed
 * in place; [N, 3] uint8.
 */
import { clearPlaces, kernels, placeOf, put, view } from './pixelKernels.ts';

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

/** Changes an image; fastest where `resample` made it, in the kernels' memory. */
export function jitter(pixels: Uint8Array, steps: readonly JitterStep[]): void {
  const own = placeOf(pixels);
  if (own === null) clearPlaces();
  const at = own ?? put(pixels);
  const count = pixels.length / 3;
  for (const { op, factor } of steps) {
    if (op === 'brightness') kernels.blendWithLevel(at, pixels.length, 0, factor);
    else if (op === 'saturation') kernels.blendWithGrey(at, count, factor);
    else {
      // The mean of the image as it enters the step.
      const level = Math.floor(kernels.greySum(at, count) / count + 0.5);
      kernels.blendWithLevel(at, pixels.length, level, factor);
    }
  }
  if (own === null) pixels.set(view(at, pixels.length));
}
