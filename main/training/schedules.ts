/**
 * Learning rates by epoch, as the published programs set them at the start of each epoch. Epochs count from 0 here.
 * The cosine schedules use 3.1415926 for pi, as the originals do.
 */
export type ScheduleName = 'cifar-step' | 'warmup-cosine' | 'cosine';

export interface ScheduleOptions {
  schedule: ScheduleName;
  learningRate: number;
  epochs: number;
  /** Epochs of linear warm-up; 0 for none. The plain cosine has none. */
  warmupEpochs: number;
  /** For cifar-step: below 1 a share of `epochs` (rounded), else an epoch. */
  milestones: number[];
  /** For cifar-step: factor at each milestone. */
  decayFactor: number;
}

const PUBLISHED_PI = 3.1415926;

/** Milestones as epochs from 0, in ascending order. */
export function resolveMilestones(milestones: readonly number[], epochs: number): number[] {
  return milestones.map((value) => (value < 1 ? Math.round(value * epochs) : value)).sort((a, b) => a - b);
}

/** The learning rate of an epoch (from 0). */
export function learningRateAt(options: ScheduleOptions, epoch: number): number {
  const { schedule, learningRate, epochs, warmupEpochs } = options;
  switch (schedule) {
    case 'cifar-step': {
      if (epoch < warmupEpochs) {
        const share = (epoch + 1) / warmupEpochs;
        return learningRate * ((1 - share) / 3 + share);
      }
      const passed = resolveMilestones(options.milestones, epochs).filter((each) => epoch >= each).length;
      return learningRate * options.decayFactor ** passed;
    }
    case 'warmup-cosine': {
      if (epoch < warmupEpochs) return (learningRate * (epoch + 1)) / warmupEpochs;
      const share = (epoch - warmupEpochs + 1) / (epochs - warmupEpochs + 1);
      return (learningRate / 2) * (1 + Math.cos(PUBLISHED_PI * share));
    }
    case 'cosine':
      return (learningRate / 2) * (1 + Math.cos((PUBLISHED_PI * epoch) / epochs));
  }
}
