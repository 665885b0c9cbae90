/**
 * The plain baselines of a benchmark: one network, one classifier, the schedule and augmentation that ResLT has there,
 * so that only the method differs. Second stages begin from a checkpoint of the cross-entropy preset.
 */
import type { RunConfig } from '../config.ts';
import type { Published, Recipe } from './preset.ts';

/** Names that baselines end on. */
export type BaselineName =
  | 'ce'
  | 'focal'
  | 'class-balanced'
  | 'class-balanced-focal'
  | 'ldam'
  | 'ldam-drw'
  | 'balanced-softmax'
  | 'logit-adjustment'
  | 'logit-adjustment-post-hoc'
  | 'tau-norm'
  | 'crt';

interface Baseline {
  name: BaselineName;
  method: string;
  title?: string;
  detail?: string;
  /** Beside the schedule. */
  settings: Partial<RunConfig>;
  /** Instead of "under ResLT's schedule". */
  source?: string;
}

/** From where in training a class weighs by its effective number: with the first drop of CIFAR's learning rate. */
const DEFERRED: Partial<RunConfig> = { reweightEpoch: 0.8 };

/**
 * The second stage of cRT: short, a cosine from the full rate. Its published length is for ImageNet-LT; that it is kept
 * for the others is ours.
 */
const SECOND_STAGE: Partial<RunConfig> = {
  epochs: 10,
  schedule: 'cosine-annealing',
  warmupEpochs: 0,
  sampler: 'class-balanced',
};

const BASELINES: readonly Baseline[] = [
  { name: 'ce', method: 'ce', settings: {} },
  { name: 'focal', method: 'focal', settings: {} },
  { name: 'class-balanced', method: 'class-balanced', settings: { baseLoss: 'cross-entropy' } },
  {
    name: 'class-balanced-focal',
    method: 'class-balanced',
    detail: 'focal',
    settings: { baseLoss: 'focal' },
  },
  { name: 'ldam', method: 'ldam', settings: { deferReweighting: false } },
  {
    name: 'ldam-drw',
    method: 'ldam',
    title: 'LDAM-DRW',
    settings: { deferReweighting: true, ...DEFERRED },
  },
  { name: 'balanced-softmax', method: 'balanced-softmax', settings: {} },
  { name: 'logit-adjustment', method: 'logit-adjustment', settings: { adjust: 'train' } },
  {
    name: 'logit-adjustment-post-hoc',
    method: 'logit-adjustment',
    detail: 'post-hoc',
    settings: { adjust: 'post-hoc' },
  },
  { name: 'tau-norm', method: 'tau-norm', settings: {} },
  {
    name: 'crt',
    method: 'crt',
    detail: 'second stage',
    settings: SECOND_STAGE,
    source: 'Classifier re-training after a cross-entropy run; the length of this stage is ours',
  },
];

export interface BaselineOptions {
  network: string;
  /** Schedule and augmentation. */
  schedule: Partial<RunConfig>;
  /** "the ResLT reference program's schedule and augmentation". */
  scheduleWords: string;
  published: Partial<Record<BaselineName, Published>>;
  /** Settings, words and source of one that has a recipe of its own here. */
  own?: Partial<Record<BaselineName, { settings: Partial<RunConfig>; source: string }>>;
}

export function baselines({
  network,
  schedule,
  scheduleWords,
  published,
  own = {},
}: BaselineOptions): Recipe[] {
  return BASELINES.map(({ name, method, title, detail, settings, source }) => ({
    suffix: name,
    ...(title !== undefined && { title }),
    ...(detail !== undefined && { detail }),
    method,
    network,
    source: own[name]?.source ?? source ?? `The method with ${scheduleWords}`,
    published: published[name] ?? null,
    settings: { ...schedule, ...settings, ...own[name]?.settings },
  }));
}
