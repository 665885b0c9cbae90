/** Mean and standard deviation of pixels, which normalisation uses. */

/** The values of the reference's CIFAR loaders, for both sets (the deviation is the well-known wrong one). */
const CIFAR = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/**
 * What the images of a set are normalised with: the reference's constants for CIFAR, else those of all training pixels
 * of the source.
 *
 * images [N, H, W, C] uint8; the result is per channel, of pixels scaled to 0…1, rounded to 4 decimals.
 */
export function normalisationOf(
  kind: string,
  images: Uint8Array,
  channels: number,
): { mean: number[]; std: number[] } {
  if (kind === 'cifar-10' || kind === 'cifar-100') return { mean: [...CIFAR.mean], std: [...CIFAR.std] };
  // From counts of the 256 values, so that the sums are exact.
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let i = 0; i < images.length; i += channels) {
    for (let c = 0; c < channels; c++) counts[c]![images[i + c]!]!++;
  }
  const pixels = images.length / channels;
  const mean: number[] = [];
  const std: number[] = [];
  for (const histogram of counts) {
    const average = histogram.reduce((sum, n, value) => sum + n * value, 0) / pixels;
    const variance = histogram.reduce((sum, n, value) => sum + n * (value - average) ** 2, 0) / pixels;
    mean.push(rounded(average / 255));
    // A channel without variation is only centred: dividing by its zero deviation has no meaning.
    std.push(rounded(Math.sqrt(variance) / 255) || 1);
  }
  return { mean, std };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
