/**
 * Learning rates by epoch, as the published programs set them at the start of each epoch. Epochs count from 0 here.
 * ResLT's cosine schedules use 3.1415926 for pi, as the originals do; RIDE's annealing uses the exact one.
 */
export const SCHEDULES = [
  'cifar-step',
  'warmup-step',
  'warmup-cosine',
  'cosine',
  'cosine-annealing',
  'cosine-restarts',
] as const;

export type ScheduleName = (typeof SCHEDULES)[number];

/** The schedules that lower the rate at milestones, and those that begin with a warm-up. */
export const STEP_SCHEDULES: readonly string[] = ['cifar-step', 'warmup-step'];
export const WARMUP_SCHEDULES: readonly string[] = ['cifar-step', 'warmup-step', 'warmup-cosine'];

export interface ScheduleOptions {
  schedule: ScheduleName;
  learningRate: number;
  epochs: number;
  /** Epochs of linear warm-up, in the schedules that have one; 0 for none. */
  warmupEpochs: number;
  /** For the step schedules: below 1 a share of `epochs` (rounded), else an epoch. */
  milestones: number[];
  /** Factor on the rate at each milestone. */
  decayFactor: number;
  /** Where cosine-annealing and cosine-restarts end; 0 where it is not given. */
  minLearningRate?: number;
  /** cosine-restarts: epochs until the first restart (10), and the factor on that number at each restart (2). */
  restartPeriod?: number;
  restartFactor?: number;
}

/** ResLT's programs write pi with these digits. */
const PUBLISHED_PI = 3.1415926;

/** An epoch that is given as itself, or below 1 as a share of all epochs, rounded. */
export function resolveEpoch(value: number, epochs: number): number {
  return value < 1 ? Math.round(value * epochs) : value;
}

/** Milestones as epochs from 0, in ascending order. */
export function resolveMilestones(milestones: readonly number[], epochs: number): number[] {
  return milestones.map((value) => resolveEpoch(value, epochs)).sort((a, b) => a - b);
}

/** The epochs (from 0) at which a run's schedule lowers the rate; none where it has no steps. */
export function milestonesOf({
  schedule,
  milestones,
  epochs,
}: Pick<ScheduleOptions, 'schedule' | 'milestones' | 'epochs'>): number[] {
  return STEP_SCHEDULES.includes(schedule) ? resolveMilestones(milestones, epochs) : [];
}

/** The learning rate of an epoch (from 0). */
export function learningRateAt(options: ScheduleOptions, epoch: number): number {
  const { schedule, learningRate, epochs, warmupEpochs, minLearningRate = 0 } = options;
  switch (schedule) {
    case 'cifar-step': {
      if (epoch < warmupEpochs) {
        const share = (epoch + 1) / warmupEpochs;
        return learningRate * ((1 - share) / 3 + share);
      }
      return learningRate * decayAt(options, epoch);
    }
    case 'warmup-step': {
      const warmup = epoch < warmupEpochs ? (epoch + 1) / warmupEpochs : 1;
      return learningRate * decayAt(options, epoch) * warmup;
    }
    case 'warmup-cosine': {
      if (epoch < warmupEpochs) return (learningRate * (epoch + 1)) / warmupEpochs;
      const share = (epoch - warmupEpochs + 1) / (epochs - warmupEpochs + 1);
      return (learningRate / 2) * (1 + Math.cos(PUBLISHED_PI * share));
    }
    case 'cosine':
      return (learningRate / 2) * (1 + Math.cos((PUBLISHED_PI * epoch) / epochs));
    case 'cosine-annealing':
      return (
        minLearningRate + ((learningRate - minLearningRate) / 2) * (1 + Math.cos((Math.PI * epoch) / epochs))
      );
    case 'cosine-restarts': {
      const share = shareOfPeriod(options, epoch);
      return minLearningRate + ((learningRate - minLearningRate) / 2) * (1 + Math.cos(PUBLISHED_PI * share));
    }
  }
}

function decayAt({ milestones, epochs, decayFactor }: ScheduleOptions, epoch: number): number {
  return decayFactor ** resolveMilestones(milestones, epochs).filter((each) => epoch >= each).length;
}

/** How far into its period an epoch lies, in [0, 1). */
function shareOfPeriod({ restartPeriod = 10, restartFactor = 2 }: ScheduleOptions, epoch: number): number {
  let [start, period] = [0, restartPeriod];
  while (epoch >= start + period) {
    start += period;
    period *= restartFactor;
  }
  return (epoch - start) / period;
}
