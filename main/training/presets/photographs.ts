/**
 * What the large benchmarks share: RIDE's four configurations of a network (experts, teacher, distillation, routers),
 * which differ from benchmark to benchmark in a handful of numbers.
 */
import type { RunConfig } from '../config.ts';
import type { Published, Recipe } from './preset.ts';

/** The augmentation of all programs for photographs; ImageNet-LT's adds colour jitter. */
export const RESIZED_CROP: Partial<RunConfig> = { augmentation: 'resized-crop', flip: true, colorJitter: 0 };

/** Plain stochastic gradient descent as the ResLT reference program has it for large networks. */
export const RESLT_SGD: Partial<RunConfig> = { momentum: 0.9, nesterov: false, dropLast: true };

export interface RideOptions {
  network: string;
  batchSize: number;
  learningRate: number;
  reweightFactor: number;
  /** Highest logits that a router sees. */
  topChoices: number;
  augmentation: Partial<RunConfig>;
  /** "RIDE, imagenet_lt_resnet50_ride". */
  source: string;
  /** Name of the preset that teacher and routers belong to, without what follows "ride". */
  stem: string;
  published?: Partial<Record<'ride' | 'ride-teacher' | 'ride-distill' | 'ride-router', Published>>;
}

export function rideRecipes(options: RideOptions): Recipe[] {
  const { network, batchSize, learningRate, reweightFactor, topChoices, augmentation, source, stem } =
    options;
  const { published = {} } = options;
  const schedule: Partial<RunConfig> = {
    ...augmentation,
    epochs: 100,
    batchSize,
    learningRate,
    schedule: 'warmup-step',
    warmupEpochs: 5,
    // Epochs 60 and 80 of 100.
    milestones: [0.6, 0.8],
    decayFactor: 0.1,
    momentum: 0.9,
    nesterov: true,
    weightDecay: 2e-4,
    dropLast: false,
  };
  const experts: Partial<RunConfig> = {
    experts: 3,
    reduceDimension: true,
    classifier: 'cosine',
    scale: 30,
  };
  const ride: Partial<RunConfig> = {
    ...experts,
    maxMargin: 0.5,
    diversityFactor: -0.2,
    reweightFactor,
    reweightEpoch: 0.8,
  };
  return [
    {
      method: 'ride',
      detail: '3 experts',
      network,
      source,
      published: published['ride'] ?? null,
      settings: { ...schedule, ...ride },
    },
    {
      suffix: 'ride-teacher',
      detail: '6 experts, teacher',
      method: 'ride',
      network,
      source: `${source}, with the 6 experts of a teacher`,
      published: published['ride-teacher'] ?? null,
      settings: { ...schedule, ...ride, experts: 6 },
    },
    {
      method: 'ride-distill',
      detail: '3 experts',
      network,
      source: `${source}, with distillation; the teacher is a run of ${stem}-ride-teacher`,
      published: published['ride-distill'] ?? null,
      settings: { ...schedule, ...ride, distillTemperature: 1.5 },
    },
    {
      method: 'ride-router',
      detail: '3 experts, second stage',
      network,
      source: `RIDE, expert assignment; it starts from a run of ${stem}-ride`,
      published: published['ride-router'] ?? null,
      settings: {
        ...augmentation,
        epochs: 5,
        batchSize: 512,
        learningRate: 0.01,
        schedule: 'cosine-annealing',
        momentum: 0.9,
        nesterov: true,
        weightDecay: 5e-4,
        dropLast: false,
        sampler: 'class-balanced',
        ...experts,
        topChoices,
        positiveWeight: 100,
      },
    },
  ];
}
