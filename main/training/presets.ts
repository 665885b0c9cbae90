/**
 * Ready-made configurations: the published CIFAR settings of ResLT with cross-entropy on the same schedule beside
 * each, and two small ones for the bundled sample. `published` holds an accuracy only where it was read in a source
 * that can be named; numbers from memory are left out.
 */
import { parseRunConfig, type RunConfig } from './config.ts';

export interface Preset {
  /** `<benchmark>[-ifN]-<method>`; without -ifN the imbalance is 100. */
  name: string;
  /** For people. */
  label: string;
  method: string;
  network: string;
  /** The benchmark: 'cifar10-lt', 'cifar100-lt' or 'sample'. */
  dataset: string;
  /** Number of classes that a dataset needs. */
  classes: number;
  /** Smallest class count over the largest, in (0, 1]. */
  imbalanceFactor: number;
  /** Where the settings come from. */
  source: string;
  /** Top-1 accuracy 0…1 printed in a named source; null where none was verified. */
  published: { top1: number; source: string } | null;
  /** What differs from the defaults. The dataset is named by the user, except for the sample's. */
  settings: Partial<RunConfig>;
}

/** Name of the dataset that is registered from the bundled sample. */
export const SAMPLE_DATASET = 'sample';

const SAMPLE_IMBALANCE_FACTOR = 0.005;
/**
 * For the sample's few thousand 28x28 images: long enough to separate the classes, and with start-up and an
 * evaluation after every epoch well under three minutes on two cores.
 */
const SAMPLE_SETTINGS: Partial<RunConfig> = {
  dataset: SAMPLE_DATASET,
  epochs: 8,
  batchSize: 64,
  warmupEpochs: 1,
  cropPadding: 2,
  logEverySteps: 5,
};

const CIFAR_SOURCE = 'ResLT reference program, CIFAR scripts';
const BASELINE_SOURCE = "Cross-entropy with the ResLT reference program's schedule and augmentation";
const LEADERBOARD = 'SCoRe README, table of CIFAR-LT results';

interface CifarSetting {
  imbalanceFactor: number;
  suffix: string;
  beta: number;
  crossEntropyTop1: number;
}

const CIFAR: {
  dataset: string;
  label: string;
  classes: number;
  mediumFrom: number;
  tailFrom: number;
  settings: CifarSetting[];
}[] = [
  {
    dataset: 'cifar10-lt',
    label: 'CIFAR-10-LT',
    classes: 10,
    mediumFrom: 2,
    tailFrom: 4,
    settings: [
      { imbalanceFactor: 0.01, suffix: '', beta: 0.998, crossEntropyTop1: 0.704 },
      { imbalanceFactor: 0.02, suffix: '-if50', beta: 0.998, crossEntropyTop1: 0.748 },
      { imbalanceFactor: 0.1, suffix: '-if10', beta: 0.96, crossEntropyTop1: 0.864 },
    ],
  },
  {
    dataset: 'cifar100-lt',
    label: 'CIFAR-100-LT',
    classes: 100,
    mediumFrom: 35,
    tailFrom: 70,
    settings: [
      { imbalanceFactor: 0.01, suffix: '', beta: 0.995, crossEntropyTop1: 0.383 },
      { imbalanceFactor: 0.02, suffix: '-if50', beta: 0.99, crossEntropyTop1: 0.439 },
      { imbalanceFactor: 0.1, suffix: '-if10', beta: 0.72, crossEntropyTop1: 0.557 },
    ],
  },
];

function cifarPresets(): Preset[] {
  return CIFAR.flatMap(({ dataset, label, classes, mediumFrom, tailFrom, settings }) =>
    settings.flatMap(({ imbalanceFactor, suffix, beta, crossEntropyTop1 }) => {
      const common = { network: 'resnet32', dataset, classes, imbalanceFactor };
      const title = `${label}, IF ${Math.round(1 / imbalanceFactor)}`;
      return [
        {
          ...common,
          name: `${dataset}${suffix}-reslt`,
          label: `ResLT on ${title}`,
          method: 'reslt',
          source: CIFAR_SOURCE,
          published: null,
          settings: { method: 'reslt', beta, mediumFrom, tailFrom },
        },
        {
          ...common,
          name: `${dataset}${suffix}-ce`,
          label: `Cross-entropy on ${title}`,
          method: 'ce',
          source: BASELINE_SOURCE,
          published: { top1: crossEntropyTop1, source: LEADERBOARD },
          settings: { method: 'ce' },
        },
      ];
    }),
  );
}

function samplePreset(method: 'reslt' | 'ce', label: string): Preset {
  return {
    name: `sample-${method}`,
    label: `${label} on the bundled sample`,
    method,
    network: 'resnet32',
    dataset: 'sample',
    classes: 10,
    imbalanceFactor: SAMPLE_IMBALANCE_FACTOR,
    source: 'ResLT Studio, for a first run',
    published: null,
    settings: { ...SAMPLE_SETTINGS, method },
  };
}

export const PRESETS: readonly Preset[] = [
  samplePreset('reslt', 'ResLT'),
  samplePreset('ce', 'Cross-entropy'),
  ...cifarPresets(),
];

/** Null when there is none of this name. */
export function findPreset(name: string): Preset | null {
  return PRESETS.find((preset) => preset.name === name) ?? null;
}

/** The full configuration of a preset, with defaults filled in. `dataset` is empty where the user must name one. */
export function presetConfig(preset: Preset): RunConfig {
  const parsed = parseRunConfig(preset.settings);
  if (!parsed.config)
    throw new Error(
      `The preset ${preset.name} is invalid: ${parsed.problems.map((each) => each.message).join(' ')}`,
    );
  return parsed.config;
}
