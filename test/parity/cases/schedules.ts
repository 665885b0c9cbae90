/** Learning rates of every epoch of the published programs. */
import { learningRateAt, type ScheduleOptions } from '../../../main/training/schedules.ts';
import type { GoldenFolder } from '../golden.ts';
import type { ParityCase } from '../parityCase.ts';

interface GoldenSchedule {
  name: string;
  epochs: number;
  base?: number;
  /** ResLT's cosine programs; null where there is no warm-up. */
  warmupEpochs?: number | null;
  /** RIDE's and LDAM-DRW's steps, or RIDE's annealing. */
  schedule?: { step1: number; step2: number; gamma: number; warmup_epoch: number } | { eta_min: number };
  lrMin?: number;
  lrMax?: number;
  firstPeriod?: number;
  periodFactor?: number;
  learningRates: number[];
}

/** Suggested by the golden file: relative. */
const TOLERANCE = 1e-9;

/** Our schedule of a golden one; null where the program has none like it. */
function optionsOf(golden: GoldenSchedule): ScheduleOptions | null {
  const { name, epochs, warmupEpochs, schedule } = golden;
  const common = {
    learningRate: golden.base ?? golden.lrMax!,
    epochs,
    warmupEpochs: 5,
    milestones: [0.8, 0.9],
    decayFactor: 0.1,
  };
  if (name === 'reslt_cifar10' || name === 'reslt_cifar100') return { ...common, schedule: 'cifar-step' };
  if (name === 'ldam_drw_cifar') return { ...common, schedule: 'warmup-step', decayFactor: 0.01 };
  if (golden.firstPeriod !== undefined)
    return {
      ...common,
      schedule: 'cosine-restarts',
      minLearningRate: golden.lrMin!,
      restartPeriod: golden.firstPeriod,
      restartFactor: golden.periodFactor!,
    };
  if (schedule && 'eta_min' in schedule)
    return { ...common, schedule: 'cosine-annealing', minLearningRate: schedule.eta_min };
  if (schedule)
    return {
      ...common,
      schedule: 'warmup-step',
      warmupEpochs: schedule.warmup_epoch,
      milestones: [schedule.step1, schedule.step2],
      decayFactor: schedule.gamma,
    };
  if (warmupEpochs === undefined) return null;
  return warmupEpochs === null
    ? { ...common, schedule: 'cosine', warmupEpochs: 0 }
    : { ...common, schedule: 'warmup-cosine', warmupEpochs };
}

export function scheduleCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<{ schedules: GoldenSchedule[] }>('schedules', 'learning_rates');
  return (file?.schedules ?? []).map((schedule): ParityCase => {
    const name = `schedules/${schedule.name}`;
    const options = optionsOf(schedule);
    if (!options) return { name, skipped: 'the program has no such schedule' };
    return {
      name,
      run: () =>
        schedule.learningRates.map((expected, epoch) => ({
          name: `epoch ${epoch}`,
          error: Math.abs(learningRateAt(options, epoch) / expected - 1),
          tolerance: TOLERANCE,
        })),
    };
  });
}
