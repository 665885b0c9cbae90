/**
 * One photograph from the bytes of its file to what a network takes: decode, crop and scale, mirror, change colours,
 * normalise, in torchvision's order and arithmetic.
 */
import { drawJitter, jitter } from './colorJitter.ts';
import { decodeRegion, decodeShrunk, requireHeader } from './decode.ts';
import { exampleRandom } from './exampleRandom.ts';
import { resample } from './resample.ts';
import { drawCrop, resizedCropBox } from './resizedCrop.ts';
import { boxSampling, centreSampling, scaledBoxSampling } from './sampling.ts';

/** How the images of a stream are prepared. */
export type Preparation =
  | { kind: 'evaluation'; size: number }
  | { kind: 'training'; size: number; decode: 'exact' | 'scaled'; flip: boolean; colorJitter: number };

/**
 * Prepares one image into `out`, [size, size, 3] float32.
 *
 * bytes: the file's content; `file` is for messages. seed: words of the example (see exampleRandom), used in training.
 * table [3, 256]: what each pixel value becomes, see normalisationTable. Throws PhotographError.
 */
export async function preparePhotograph(
  bytes: Uint8Array,
  file: string,
  preparation: Preparation,
  seed: ArrayLike<number>,
  table: Float32Array,
  out: Float32Array,
): Promise<void> {
  const header = requireHeader(bytes, file);
  const { size } = preparation;
  if (preparation.kind === 'evaluation') {
    const { region, horizontal, vertical } = centreSampling(header.height, header.width, size);
    const { pixels, width } = await decodeRegion(bytes, header, region, file);
    normalise(resample(pixels, width, horizontal, vertical), size, false, table, out);
    return;
  }
  const uniform = exampleRandom(seed);
  const box = resizedCropBox(header.height, header.width, () => drawCrop(uniform));
  const mirrored = preparation.flip && uniform() < 0.5;
  const steps = preparation.colorJitter > 0 ? drawJitter(preparation.colorJitter, uniform) : [];
  const scaled = preparation.decode === 'scaled' && header.format === 'jpeg' && !header.cmyk;
  const { shrink, region, horizontal, vertical } = scaled
    ? scaledBoxSampling(header, box, size)
    : boxSampling(box, size);
  const { pixels, width } =
    shrink === 1
      ? await decodeRegion(bytes, header, region, file)
      : await decodeShrunk(bytes, header, shrink, region, file);
  // From here on nothing is awaited: the resized image lies in memory that the next one uses.
  const resized = resample(pixels, width, horizontal, vertical);
  jitter(resized, steps);
  normalise(resized, size, mirrored, table, out);
}

/** Colours do not depend on places, so mirroring can come last. */
function normalise(
  pixels: Uint8Array,
  size: number,
  mirrored: boolean,
  table: Float32Array,
  out: Float32Array,
): void {
  const lineLength = size * 3;
  for (let line = 0; line < size * lineLength; line += lineLength) {
    for (let i = 0; i < lineLength; i += 3) {
      const from = line + i;
      const to = mirrored ? line + lineLength - 3 - i : from;
      out[to] = table[pixels[from]!]!;
      out[to + 1] = table[256 + pixels[from + 1]!]!;
      out[to + 2] = table[512 + pixels[from + 2]!]!;
    }
  }
}
