/**
 * iNaturalist 2018 with a ResNet-50: both scripts of the ResLT reference program, RIDE's configurations, and the
 * baselines under ResLT's schedule. ResLT leaves its tail branch out here.
 */
import type { RunConfig } from '../config.ts';
import { baselines } from './baselines.ts';
import { INATURALIST } from './benchmarks.ts';
import { RESIZED_CROP, RESLT_SGD, rideRecipes } from './photographs.ts';
import { presetsOf, printed, type Preset, type Recipe } from './preset.ts';

const NETWORK = 'resnet50';

const SCHEDULE: Partial<RunConfig> = {
  ...RESIZED_CROP,
  ...RESLT_SGD,
  epochs: 200,
  batchSize: 256,
  learningRate: 0.1,
  schedule: 'cosine',
  warmupEpochs: 0,
  weightDecay: 1e-4,
};

/** The 6600 rarest of 8142 classes. */
const RESLT: Partial<RunConfig> = {
  beta: 0.85,
  mediumFrom: 1542,
  fusion: 'h+m',
  fusionTerm: 'exact',
};

const RESLT_RECIPES: readonly Recipe[] = [
  {
    method: 'reslt',
    network: NETWORK,
    source: 'ResLT reference program, iNaturalist 2018, R50.sh',
    published: printed(
      'A re-run with weight decay 5e-4, Deep Long-Tailed Learning: A Survey, Tables 4–6',
      69.4,
      [67.5, 69.2, 70.1],
    ),
    // The evaluation script takes 0; training evaluates with 0.3.
    settings: { ...SCHEDULE, ...RESLT, gamma: 0.3, fusionBlockBeforePooling: true },
  },
  {
    method: 'ride-reslt',
    detail: '3 experts',
    network: NETWORK,
    source: 'ResLT reference program, iNaturalist 2018, R50_ride_reslt.sh',
    published: printed('ResLT README', 72.9),
    settings: {
      ...SCHEDULE,
      schedule: 'warmup-cosine',
      warmupEpochs: 5,
      ...RESLT,
      gamma: 0.3,
      experts: 3,
      reduceDimension: false,
    },
  },
];

const MODEL_ZOO = 'RIDE, MODEL_ZOO.md';

const RIDE_RECIPES = rideRecipes({
  network: NETWORK,
  batchSize: 512,
  learningRate: 0.2,
  reweightFactor: 0.015,
  topChoices: 50,
  augmentation: RESIZED_CROP,
  source: 'RIDE, iNaturalist_resnet50_ride',
  stem: `${INATURALIST.id}-${NETWORK}`,
  published: {
    ride: printed(MODEL_ZOO, 71.2, [70.2, 71.2, 71.6]),
    'ride-teacher': printed(MODEL_ZOO, 72.9, [71.1, 72.9, 73.3]),
  },
});

const BASELINE_RECIPES = baselines({
  network: NETWORK,
  schedule: SCHEDULE,
  scheduleWords: "the ResLT reference program's iNaturalist schedule and augmentation",
  published: {
    ce: printed(MODEL_ZOO, 61.7, [72.2, 63, 57.2]),
  },
  own: {
    'tau-norm': {
      // The exponent of RIDE's script for plain classifiers on iNaturalist.
      settings: { tau: 0.3146 },
      source:
        "Tau-normalisation with the ResLT reference program's iNaturalist schedule and RIDE's exponent for it",
    },
  },
});

export const INATURALIST_PRESETS: readonly Preset[] = presetsOf(INATURALIST, [
  ...RESLT_RECIPES,
  ...RIDE_RECIPES,
  ...BASELINE_RECIPES,
]);
