/**
 * ImageNet-LT: the scripts of the ResLT reference program (ResNet-10, ResNeXt-50, ResNeXt-101, RIDE-ResLT), RIDE's
 * configurations, and the baselines under ResLT's schedule.
 */
import type { RunConfig } from '../config.ts';
import { baselines, type BaselineName } from './baselines.ts';
import { IMAGENET_LT } from './benchmarks.ts';
import { RESIZED_CROP, RESLT_SGD, rideRecipes } from './photographs.ts';
import { presetsOf, printed, type Preset, type Published, type Recipe } from './preset.ts';

const AUGMENTATION: Partial<RunConfig> = { ...RESIZED_CROP, colorJitter: 0.4 };

const SCHEDULE: Partial<RunConfig> = {
  ...AUGMENTATION,
  ...RESLT_SGD,
  epochs: 180,
  batchSize: 256,
  learningRate: 0.1,
  schedule: 'warmup-cosine',
  warmupEpochs: 5,
  weightDecay: 5e-4,
};

/** The 825 and the 220 rarest of 1000 classes. */
const RESLT: Partial<RunConfig> = {
  beta: 0.99,
  mediumFrom: 175,
  tailFrom: 780,
  fusion: 'h+m+t',
  fusionTerm: 'capped',
};

const HALF_BATCH: Partial<RunConfig> = { batchSize: 128, learningRate: 0.05 };

const RESLT_RECIPES: readonly Recipe[] = [
  {
    method: 'reslt',
    network: 'resnet10',
    source: 'ResLT reference program, ImageNet-LT, R10.sh',
    settings: { ...SCHEDULE, ...RESLT, gamma: 0.3, fusionBlockBeforePooling: false },
  },
  {
    method: 'reslt',
    network: 'resnext50',
    source: 'ResLT reference program, ImageNet-LT, X50.sh',
    published: printed(
      'A re-run over 200 epochs, Deep Long-Tailed Learning: A Survey, Tables 4–6',
      53.2,
      [61.6, 51.4, 38.8],
    ),
    settings: { ...SCHEDULE, ...RESLT, gamma: 0.7, fusionBlockBeforePooling: true },
  },
  {
    method: 'reslt',
    network: 'resnext101',
    source: 'ResLT reference program, ImageNet-LT, X101.sh',
    settings: { ...SCHEDULE, ...HALF_BATCH, ...RESLT, gamma: 0.7, fusionBlockBeforePooling: true },
  },
  {
    method: 'ride-reslt',
    detail: '3 experts',
    network: 'resnext50',
    source: 'ResLT reference program, ImageNet-LT, X50_bt128_reslt_ride.sh',
    published: printed('ResLT README', 57.6),
    settings: { ...SCHEDULE, ...HALF_BATCH, ...RESLT, gamma: 0.7, experts: 3, reduceDimension: true },
  },
];

const MODEL_ZOO = 'RIDE, MODEL_ZOO.md';
const RIDE_RECIPES = [
  { network: 'resnet10', topChoices: 30 },
  {
    network: 'resnet50',
    topChoices: 50,
    published: { 'ride-distill': printed('RIDE paper, as quoted by DBM', 54.9) },
  },
  {
    network: 'resnext50',
    topChoices: 50,
    published: {
      ride: printed(MODEL_ZOO, 55.7, [67, 52.2, 36]),
      'ride-teacher': printed(MODEL_ZOO, 57.5, [68.9, 54.3, 36.5]),
      'ride-distill': printed('RIDE paper, as quoted by DBM', 56.4),
    },
  },
].flatMap((options) =>
  rideRecipes({
    ...options,
    batchSize: 256,
    learningRate: 0.1,
    reweightFactor: 0.02,
    augmentation: AUGMENTATION,
    source: `RIDE, imagenet_lt_${options.network}_ride`,
    stem: `imagenet-lt-${options.network}`,
  }),
);

const DECOUPLING = 'classifier-balancing README';
const SURVEY = 'Deep Long-Tailed Learning: A Survey, over 200 epochs';
const TDE = 'De-confound-TDE, Table 2';
const OPEN_LT = 'OpenLT, as reported';

/** The exponent of RIDE's script for plain classifiers on ImageNet-LT. */
const TAU: Partial<RunConfig> = { tau: 0.6968 };

const BASELINE_RESULTS: Record<string, Partial<Record<BaselineName, Published>>> = {
  resnet10: {
    ce: printed(OPEN_LT, 34.8),
    crt: printed(OPEN_LT, 41.8),
    'balanced-softmax': printed(OPEN_LT, 41.8),
  },
  resnext50: {
    ce: printed(DECOUPLING, 44.4, [65.9, 37.5, 7.7]),
    crt: printed(DECOUPLING, 49.6, [61.8, 46.2, 27.4]),
    'tau-norm': printed(DECOUPLING, 49.4, [59.1, 46.9, 30.7]),
    focal: printed(TDE, 43.7, [64.3, 37.1, 8.2]),
    'balanced-softmax': printed(SURVEY, 51.2, [62.4, 47.7, 32.1]),
    ldam: printed(SURVEY, 51.1, [60, 49.2, 31.9]),
  },
};

const BASELINE_RECIPES = Object.entries(BASELINE_RESULTS).flatMap(([network, published]) =>
  baselines({
    network,
    schedule: SCHEDULE,
    scheduleWords: "the ResLT reference program's ImageNet-LT schedule and augmentation",
    published,
    own: {
      'tau-norm': {
        settings: TAU,
        source:
          "Tau-normalisation with the ResLT reference program's ImageNet-LT schedule and RIDE's exponent for it",
      },
    },
  }),
);

export const IMAGENET_LT_PRESETS: readonly Preset[] = presetsOf(IMAGENET_LT, [
  ...RESLT_RECIPES,
  ...RIDE_RECIPES,
  ...BASELINE_RECIPES,
]);
