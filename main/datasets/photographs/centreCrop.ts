/**
 * Where an image lies after Resize (shorter side to a length) and CenterCrop, as torchvision places it: what evaluation
 * sees of a photograph.
 */
import { roundHalfEven } from './rounding.ts';

export interface CentreCrop {
  /** Size of the whole resized image. */
  height: number;
  width: number;
  /** Offset of the crop in it. */
  top: number;
  left: number;
}

/** The shorter side that evaluation resizes to before the crop: 256 for 224. */
export function evaluationSide(imageSize: number): number {
  return Math.round((imageSize * 256) / 224);
}

/** Sizes and offsets for an image of `height` x `width`. Needs side >= crop. */
export function centreCrop(height: number, width: number, side: number, crop: number): CentreCrop {
  const shorter = Math.min(height, width);
  const long = (length: number) => Math.floor((side * length) / shorter);
  const resized = {
    height: height === shorter ? side : long(height),
    width: width === shorter ? side : long(width),
  };
  return {
    ...resized,
    top: roundHalfEven((resized.height - crop) / 2),
    left: roundHalfEven((resized.width - crop) / 2),
  };
}
