/**
 * The box of RandomResizedCrop as torchvision draws it: ten tries at an area and an aspect ratio, then the largest
 * centred box whose aspect ratio is allowed.
 */
import { roundHalfEven } from './rounding.ts';

export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** The random numbers of one try. */
export interface CropDraw {
  /** Share of the image's area. */
  fraction: number;
  /** Width over height. */
  aspect: number;
  /** Where the box lies in the room that it leaves, [0, 1). */
  top: number;
  left: number;
}

export const AREA_RANGE = [0.08, 1] as const;
export const ASPECT_RANGE = [3 / 4, 4 / 3] as const;
const TRIES = 10;

/** Draws a box in an image of `height` x `width`; `draw` is called once for each try. */
export function resizedCropBox(height: number, width: number, draw: () => CropDraw): Box {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { fraction, aspect, top, left } = draw();
    const area = fraction * height * width;
    const boxWidth = roundHalfEven(Math.sqrt(area * aspect));
    const boxHeight = roundHalfEven(Math.sqrt(area / aspect));
    if (boxWidth < 1 || boxHeight < 1 || boxWidth > width || boxHeight > height) continue;
    return {
      top: Math.floor(top * (height - boxHeight + 1)),
      left: Math.floor(left * (width - boxWidth + 1)),
      height: boxHeight,
      width: boxWidth,
    };
  }
  return centredBox(height, width);
}

/** A try's random numbers from a uniform generator, in torchvision's ranges. */
export function drawCrop(uniform: () => number): CropDraw {
  const [smallest, largest] = AREA_RANGE;
  const [tallest, widest] = ASPECT_RANGE.map(Math.log) as [number, number];
  return {
    fraction: smallest + (largest - smallest) * uniform(),
    aspect: Math.exp(tallest + (widest - tallest) * uniform()),
    top: uniform(),
    left: uniform(),
  };
}

function centredBox(height: number, width: number): Box {
  const [tallest, widest] = ASPECT_RANGE;
  const box = { height, width };
  if (width / height < tallest) box.height = roundHalfEven(width / tallest);
  else if (width / height > widest) box.width = roundHalfEven(height * widest);
  return {
    ...box,
    top: Math.floor((height - box.height) / 2),
    left: Math.floor((width - box.width) / 2),
  };
}
