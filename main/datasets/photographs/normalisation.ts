/** Mean and deviation that photographs are normalised with: those of the set that the recipes use (spec section 1.2). */
import type { NORMALISATIONS } from '../manifest.ts';

export type NormalisationId = (typeof NORMALISATIONS)[number];

/** Per channel, of pixels scaled to 0…1. */
export const NORMALISATION_VALUES: Readonly<Record<NormalisationId, { mean: number[]; std: number[] }>> = {
  // Also those of ImageNet-LT and, there being no loader of their own, of Places-LT.
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inaturalist: { mean: [0.466, 0.471, 0.38], std: [0.195, 0.194, 0.192] },
};
