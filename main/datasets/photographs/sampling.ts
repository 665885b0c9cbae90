/**
 * Which part of a photograph is decoded and how it becomes an image of the size that a network takes: in training a
 * random box scaled to it, in evaluation the centre of the scaled image. Only what the result needs is decoded.
 */
import { centreCrop, evaluationSide } from './centreCrop.ts';
import type { Region } from './decode.ts';
import { axisWeights, reach, shifted, type AxisResize, type AxisWeights } from './resample.ts';
import type { Box } from './resizedCrop.ts';

export interface Sampling {
  /** How far the decoder scales down before; `region` is then in scaled pixels. */
  shrink: 1 | 2 | 4 | 8;
  region: Region;
  /** Weights for the pixels of the region. */
  horizontal: AxisWeights;
  vertical: AxisWeights;
}

/** A box of the image, scaled to `size` x `size`. Pixels outside the box have no influence, as if it was cut out. */
export function boxSampling(box: Box, size: number): Sampling {
  return {
    shrink: 1,
    region: box,
    horizontal: axisWeights({ length: box.width, outLength: size }),
    vertical: axisWeights({ length: box.height, outLength: size }),
  };
}

/** What evaluation sees: the shorter side scaled to 256/224 of `size`, and the `size` x `size` centre of that. */
export function centreSampling(height: number, width: number, size: number): Sampling {
  const crop = centreCrop(height, width, evaluationSide(size), size);
  return within(
    1,
    { length: width, outLength: crop.width, outFrom: crop.left, outCount: size },
    { length: height, outLength: crop.height, outFrom: crop.top, outCount: size },
  );
}

/**
 * A box of a JPEG that the decoder scales down first, as far as the box stays at least `size` long on both sides: what
 * Pillow's `draft` and `resize(box=…)` do. Like `boxSampling` where it cannot be scaled.
 */
export function scaledBoxSampling(
  image: { height: number; width: number },
  box: Box,
  size: number,
): Sampling {
  const shrink = ([8, 4, 2] as const).find((one) => Math.min(box.width, box.height) >= one * size);
  if (shrink === undefined) return boxSampling(box, size);
  const along = (length: number, from: number, to: number): AxisResize => {
    const scaled = Math.ceil(length / shrink);
    const factor = scaled / length;
    return { length: scaled, from: from * factor, to: to * factor, outLength: size };
  };
  return within(
    shrink,
    along(image.width, box.left, box.left + box.width),
    along(image.height, box.top, box.top + box.height),
  );
}

/** The sampling of two axes of a whole image, of which only what the weights reach is decoded. */
function within(shrink: Sampling['shrink'], x: AxisResize, y: AxisResize): Sampling {
  const [horizontal, vertical] = [axisWeights(x), axisWeights(y)];
  const [columns, rows] = [reach(horizontal), reach(vertical)];
  return {
    shrink,
    region: {
      left: columns.start,
      top: rows.start,
      width: columns.end - columns.start,
      height: rows.end - rows.start,
    },
    horizontal: shifted(horizontal, columns.start),
    vertical: shifted(vertical, rows.start),
  };
}
