/**
 * Class weights by the effective number of examples (Cui et al., Class-Balanced Loss, arxiv.org/abs/1901.05555), and
 * when a training begins to use them: deferred re-weighting (DRW) of LDAM-DRW and RIDE.
 */
import { defineField } from '../fields.ts';
import { resolveEpoch } from '../schedules.ts';
import type { MethodSettings, SettingProblem } from './method.ts';

/**
 * (1 − β) / (1 − βⁿ) for each class, scaled so that they add up to the number of classes. A class without training
 * examples is never a label: it weighs 0 and is not counted.
 */
export function effectiveNumberWeights(classCounts: readonly number[], beta: number): number[] {
  const raw = classCounts.map((count) => (count === 0 ? 0 : (1 - beta) / (1 - beta ** count)));
  const present = classCounts.filter((count) => count > 0).length;
  const scale = present / raw.reduce((sum, weight) => sum + weight, 0);
  return raw.map((weight) => weight * scale);
}

export const BETA_EFFECTIVE_FIELD = defineField('number', {
  key: 'betaEffective',
  onlyWith: { key: 'deferReweighting', values: [true] },
  label: 'Beta of the effective number',
  group: 'method',
  min: 0,
  max: 0.999999,
  default: 0.9999,
  help: 'Class weights are (1 − beta) / (1 − beta^n) for n training images; the nearer to 1, the more rare classes weigh.',
});

export const DEFERRED_FIELDS = [
  defineField('boolean', {
    key: 'deferReweighting',
    label: 'Deferred re-weighting',
    group: 'method',
    default: true,
    help: 'Weigh classes by their effective number late in training; otherwise never.',
  }),
  defineField('number', {
    key: 'reweightEpoch',
    onlyWith: { key: 'deferReweighting', values: [true] },
    label: 'Re-weight after',
    group: 'method',
    unit: 'epochs',
    min: 0,
    max: 100_000,
    default: 0.8,
    help: 'Finished epochs after which classes are weighted: below 1 a share of the epochs, rounded; 0 is from the start.',
  }),
];

/** Re-weighting that would never begin. */
export function reweightingWarnings(settings: MethodSettings): SettingProblem[] {
  const { deferReweighting, reweightEpoch, epochs } = settings as unknown as {
    deferReweighting: boolean;
    reweightEpoch: number;
    epochs: number;
  };
  if (!deferReweighting || resolveEpoch(reweightEpoch, epochs) < epochs) return [];
  return [
    {
      key: 'reweightEpoch',
      message: `Re-weighting after epoch ${resolveEpoch(reweightEpoch, epochs)} never begins: the run ends after ${epochs} epochs.`,
    },
  ];
}

/** Whether an epoch (from 0) is re-weighted. The reference counts from 1 and asks epoch > reweightEpoch: the same. */
export function createReweighting(
  settings: MethodSettings,
  epochs: number,
): { isActive(epoch: number): boolean; resolved: { reweightEpoch: number | null } } {
  const { deferReweighting, reweightEpoch } = settings as {
    deferReweighting: boolean;
    reweightEpoch: number;
  };
  const start = deferReweighting ? resolveEpoch(reweightEpoch, epochs) : null;
  return {
    isActive: (epoch) => start !== null && epoch >= start,
    resolved: { reweightEpoch: start },
  };
}
