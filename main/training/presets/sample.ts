/** Small presets for the bundled sample, for a first run and a first look at each kind of method. */
import type { RunConfig } from '../config.ts';
import { SAMPLE } from './benchmarks.ts';
import { presetsOf, type Preset, type Recipe } from './preset.ts';

/** Name of the dataset that is registered from the bundled sample. */
export const SAMPLE_DATASET = 'sample';

/**
 * For the sample's few thousand 28x28 images: long enough to separate the classes, and with start-up and an
 * evaluation after every epoch well under three minutes on two cores for a single classifier.
 */
const SETTINGS: Partial<RunConfig> = {
  dataset: SAMPLE_DATASET,
  epochs: 8,
  batchSize: 64,
  warmupEpochs: 1,
  cropPadding: 2,
  logEverySteps: 5,
};

const NETWORK = 'resnet32';

const RECIPES: readonly Pick<Recipe, 'suffix' | 'title' | 'detail' | 'method' | 'settings'>[] = [
  { method: 'reslt', settings: {} },
  { method: 'ce', settings: {} },
  {
    suffix: 'ldam-drw',
    title: 'LDAM-DRW',
    method: 'ldam',
    settings: { deferReweighting: true, reweightEpoch: 0.8 },
  },
  { method: 'balanced-softmax', settings: {} },
  { method: 'ride', detail: '3 experts', settings: { experts: 3, reweightEpoch: 0.8 } },
  { method: 'ride-reslt', detail: '3 experts', settings: { experts: 3 } },
];

export const SAMPLE_PRESETS: readonly Preset[] = presetsOf(
  SAMPLE,
  RECIPES.map(({ settings, ...recipe }) => ({
    ...recipe,
    network: NETWORK,
    source: 'ResLT Studio, for a first run',
    settings: { ...SETTINGS, ...settings },
  })),
);
