/** Learning rates of every epoch of the published programs. */
import { learningRateAt, type ScheduleOptions } from '../../../main/training/schedules.ts';
import type { GoldenFolder } from '../golden.ts';
import type { ParityCase } from '../parityCase.ts';

interface GoldenSchedule {
  name: string;
  epochs: number;
  base: number;
  warmupEpochs?: number | null;
  learningRates: number[];
}

/** Suggested by the golden file: relative. */
const TOLERANCE = 1e-9;

/** Our schedule of a golden one; null where the program has none like it. */
function optionsOf({ name, epochs, base, warmupEpochs }: GoldenSchedule): ScheduleOptions | null {
  const common = { learningRate: base, epochs, milestones: [0.8, 0.9], decayFactor: 0.1 };
  if (name === 'reslt_cifar10' || name === 'reslt_cifar100')
    return { ...common, schedule: 'cifar-step', warmupEpochs: 5 };
  // Of the files' schedules, only these two families give `warmupEpochs`, as null for the plain cosine.
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
