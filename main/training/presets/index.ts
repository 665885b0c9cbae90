/** Every preset, by benchmark. Adding one is a line in its benchmark's file. */
import { CIFAR_PRESETS } from './cifar.ts';
import { IMAGENET_LT_PRESETS } from './imagenetLt.ts';
import { INATURALIST_PRESETS } from './inaturalist.ts';
import { PLACES_LT_PRESETS } from './placesLt.ts';
import type { Preset } from './preset.ts';
import { SAMPLE_PRESETS } from './sample.ts';

export { openSettings, presetConfig, type Preset, type Published } from './preset.ts';
export { SAMPLE_DATASET } from './sample.ts';

export const PRESETS: readonly Preset[] = [
  ...SAMPLE_PRESETS,
  ...CIFAR_PRESETS,
  ...IMAGENET_LT_PRESETS,
  ...INATURALIST_PRESETS,
  ...PLACES_LT_PRESETS,
];

/** Null when there is none of this name. */
export function findPreset(name: string): Preset | null {
  return PRESETS.find((preset) => preset.name === name) ?? null;
}
