/**
 * CIFAR-10-LT and CIFAR-100-LT with a ResNet-32: the scripts of the ResLT reference program, the configurations of RIDE
 * and of LDAM-DRW, and the baselines under ResLT's schedule. RIDE's augmentation rotates and ResLT's does not; each
 * keeps its own, as published.
 */
import type { RunConfig } from '../config.ts';
import { baselines, type BaselineName } from './baselines.ts';
import { CIFAR100_LT, CIFAR10_LT, type Benchmark } from './benchmarks.ts';
import { presetsOf, printed, type Preset, type Published, type Recipe } from './preset.ts';

const NETWORK = 'resnet32';

/** What all published CIFAR programs have in common. */
const COMMON: Partial<RunConfig> = {
  epochs: 200,
  batchSize: 128,
  learningRate: 0.1,
  warmupEpochs: 5,
  // Epochs 160 and 180 of 200.
  milestones: [0.8, 0.9],
  momentum: 0.9,
  augmentation: 'crop',
  cropPadding: 4,
  flip: true,
};

const RESLT_SCHEDULE: Partial<RunConfig> = {
  ...COMMON,
  schedule: 'cifar-step',
  decayFactor: 0.1,
  nesterov: true,
  weightDecay: 5e-4,
  dropLast: true,
  rotation: 0,
};

const LDAM_DRW_SCHEDULE: Partial<RunConfig> = {
  ...COMMON,
  schedule: 'warmup-step',
  decayFactor: 0.01,
  nesterov: false,
  weightDecay: 2e-4,
  dropLast: false,
  rotation: 0,
};

const RIDE_SCHEDULE: Partial<RunConfig> = {
  ...LDAM_DRW_SCHEDULE,
  nesterov: true,
  weightDecay: 5e-4,
  rotation: 15,
};

const RIDE: Partial<RunConfig> = {
  experts: 3,
  reduceDimension: true,
  classifier: 'cosine',
  scale: 30,
  maxMargin: 0.5,
  diversityFactor: -0.45,
  reweightFactor: 0.05,
  reweightEpoch: 0.8,
};

const SADE_ADVICE =
  "RIDE's configuration for CIFAR-100-LT; for CIFAR-10-LT the authors of SADE advise full width (reduceDimension off) and a learning rate of 0.05";

const SCORE = 'SCoRe README';
const TDE = 'De-confound-TDE, Table 3';
const BAG_OF_TRICKS = 'BagOfTricks for long-tailed recognition';
const MODEL_ZOO = 'RIDE, MODEL_ZOO.md';

/** Where the accuracies of each baseline are printed, for both datasets. */
const PRINTED_IN = {
  ce: SCORE,
  focal: TDE,
  'class-balanced-focal': TDE,
  'ldam-drw': TDE,
  'balanced-softmax': BAG_OF_TRICKS,
  'logit-adjustment': SCORE,
  'tau-norm': BAG_OF_TRICKS,
  crt: BAG_OF_TRICKS,
} satisfies Partial<Record<BaselineName, string>>;
type PrintedBaseline = keyof typeof PRINTED_IN;

/** Top-1 accuracies at IF 100, 50 and 10 in percent; null where none was verified. */
type ByImbalance = readonly [number | null, number | null, number | null];

interface Cifar {
  benchmarks: readonly [Benchmark, Benchmark, Benchmark];
  /** ResLT's beta at IF 100, 50 and 10, and the ranks at which its scopes begin, whatever the imbalance. */
  betas: readonly [number, number, number];
  mediumFrom: number;
  tailFrom: number;
  published: Partial<Record<PrintedBaseline, ByImbalance>>;
  ride: { values: ByImbalance; source: string };
  rideSource: string;
}

const CIFAR10: Cifar = {
  benchmarks: CIFAR10_LT,
  betas: [0.998, 0.998, 0.96],
  mediumFrom: 2,
  tailFrom: 4,
  published: {
    ce: [70.4, 74.8, 86.4],
    focal: [70.4, 76.7, 86.7],
    'class-balanced-focal': [74.6, 79.3, 87.1],
    'ldam-drw': [77, 81, 88.2],
    'balanced-softmax': [77.54, 81.11, null],
    'tau-norm': [72.7, 79.78, null],
    crt: [74.99, 80.17, null],
  },
  ride: { values: [81.54, null, null], source: "A re-run, in GZWQ's list of long-tailed results" },
  rideSource: SADE_ADVICE,
};

const CIFAR100: Cifar = {
  benchmarks: CIFAR100_LT,
  betas: [0.995, 0.99, 0.72],
  mediumFrom: 35,
  tailFrom: 70,
  published: {
    ce: [38.3, 43.9, 55.7],
    focal: [38.4, 44.3, 55.8],
    'class-balanced-focal': [39.6, 45.2, 58],
    'ldam-drw': [42, 46.6, 58.7],
    'balanced-softmax': [42.99, 46.55, null],
    'logit-adjustment': [42.01, 47.03, 57.74],
    'tau-norm': [40.96, 45.69, null],
    crt: [40.26, 45.36, null],
  },
  ride: { values: [48, 51.7, 61.8], source: 'SADE, as quoted by GUIDE' },
  rideSource: 'RIDE, imbalance_cifar100_ride',
};

/** RIDE's further configurations exist for CIFAR-100-LT at IF 100 alone. */
const RIDE_STAGES: readonly Recipe[] = [
  {
    suffix: 'ride-teacher',
    detail: '6 experts, teacher',
    method: 'ride',
    network: NETWORK,
    source: 'RIDE, imbalance_cifar100_ride_teacher',
    published: printed(MODEL_ZOO, 50.2, [69.3, 52.1, 25.8]),
    settings: { ...RIDE_SCHEDULE, ...RIDE, experts: 6 },
  },
  {
    method: 'ride-distill',
    detail: '3 experts',
    network: NETWORK,
    source: 'RIDE, imbalance_cifar100_distill_ride; the teacher is a run of cifar100-lt-ride-teacher',
    published: printed(MODEL_ZOO, 49, [67.6, 50.9, 25.2]),
    settings: { ...RIDE_SCHEDULE, ...RIDE, warmupEpochs: 20, distillTemperature: 1.5 },
  },
  {
    method: 'ride-router',
    detail: '3 experts, second stage',
    network: NETWORK,
    source: 'RIDE, expert assignment for CIFAR-100-LT; it starts from a run of cifar100-lt-ride',
    published: printed(`${MODEL_ZOO}, without distillation, with expert assignment`, 48.6, [67, 49.9, 25.7]),
    settings: {
      ...COMMON,
      epochs: 5,
      batchSize: 512,
      learningRate: 0.01,
      schedule: 'cosine-annealing',
      nesterov: true,
      weightDecay: 5e-4,
      dropLast: false,
      rotation: 15,
      sampler: 'class-balanced',
      experts: 3,
      reduceDimension: true,
      classifier: 'cosine',
      scale: 30,
      topChoices: 30,
      positiveWeight: 100,
    },
  },
];

function recipes(cifar: Cifar, index: 0 | 1 | 2): Recipe[] {
  const { betas, mediumFrom, tailFrom, published, ride, rideSource } = cifar;
  const scopes = { beta: betas[index], mediumFrom, tailFrom };
  const shown = (source: string, values: ByImbalance): Published | null =>
    values[index] === null ? null : printed(source, values[index]);
  return [
    {
      method: 'reslt',
      network: NETWORK,
      source: 'ResLT reference program, CIFAR scripts',
      settings: { ...RESLT_SCHEDULE, ...scopes, fusion: 'h+m+t', fusionTerm: 'exact' },
    },
    {
      method: 'ride-reslt',
      detail: '3 experts',
      network: NETWORK,
      source: "Ours: RIDE's experts with ResLT's head and loss, under ResLT's CIFAR schedule",
      settings: {
        ...RESLT_SCHEDULE,
        ...scopes,
        fusion: 'h+m+t',
        fusionTerm: 'exact',
        experts: 3,
        reduceDimension: true,
      },
    },
    {
      method: 'ride',
      detail: '3 experts',
      network: NETWORK,
      source: rideSource,
      published: shown(ride.source, ride.values),
      settings: { ...RIDE_SCHEDULE, ...RIDE },
    },
    ...baselines({
      network: NETWORK,
      schedule: RESLT_SCHEDULE,
      scheduleWords: "the ResLT reference program's CIFAR schedule and augmentation",
      published: Object.fromEntries(
        (Object.entries(published) as [PrintedBaseline, ByImbalance][]).flatMap(([name, values]) => {
          const value = shown(PRINTED_IN[name], values);
          return value === null ? [] : [[name, value]];
        }),
      ),
      own: {
        'ldam-drw': {
          settings: LDAM_DRW_SCHEDULE,
          source: 'LDAM-DRW reference program (kaidic/LDAM-DRW), CIFAR',
        },
      },
    }),
  ];
}

export const CIFAR_PRESETS: readonly Preset[] = [CIFAR10, CIFAR100].flatMap((cifar) =>
  ([0, 1, 2] as const).flatMap((index) =>
    presetsOf(cifar.benchmarks[index], [
      ...recipes(cifar, index),
      ...(cifar.benchmarks[index] === CIFAR100_LT[0] ? RIDE_STAGES : []),
    ]),
  ),
);
