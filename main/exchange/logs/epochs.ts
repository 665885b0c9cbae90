/**
 * Sorts what a log says into epochs and runs. The programs append to their log file, so one file can hold several runs:
 * an epoch number that goes back to the first one begins a new run, one that goes back to a later epoch is the same run
 * resumed, and what came after that epoch was lost with the interruption.
 */
import type { ReferenceEvaluation, ReferencePoint, ReferenceRun, ReferenceSeries } from './types.ts';

export class EpochRuns<Epoch extends { epoch: number }> {
  readonly runs: Epoch[][] = [];
  readonly #firstEpoch: number;
  readonly #create: (epoch: number) => Epoch;

  constructor(firstEpoch: number, create: (epoch: number) => Epoch) {
    this.#firstEpoch = firstEpoch;
    this.#create = create;
  }

  /** The epoch that the last line belonged to. */
  get current(): Epoch | null {
    return this.runs.at(-1)?.at(-1) ?? null;
  }

  /** The epoch of this number; `again` says that it begins anew although it was the current one. */
  at(epoch: number, { again = false }: { again?: boolean } = {}): Epoch {
    const { current } = this;
    if (current !== null && current.epoch === epoch && !again) return current;
    if (current === null || (epoch <= current.epoch && epoch <= this.#firstEpoch)) this.runs.push([]);
    const run = this.runs.at(-1)!;
    while (run.length > 0 && run.at(-1)!.epoch >= epoch) run.pop();
    const created = this.#create(epoch);
    run.push(created);
    return created;
  }

  /** Begins a new run with the next epoch. */
  startRun(): void {
    this.runs.push([]);
  }
}

/** Collects curves. Points without a value are left out, as a metric that was not logged. */
export class SeriesCollector {
  readonly #byMetric = new Map<string, ReferencePoint[]>();
  readonly #stepsPerEpoch: number;

  constructor(stepsPerEpoch: number) {
    this.#stepsPerEpoch = stepsPerEpoch;
  }

  /** A value of the step `batch` (from 0) of an epoch (from 0). */
  addStep(metric: string, epoch: number, batch: number, value: number | null): void {
    this.#add(metric, epoch * this.#stepsPerEpoch + batch + 1, value);
  }

  /** A value of a whole epoch (from 0). */
  addEpoch(metric: string, epoch: number, value: number | null): void {
    this.#add(metric, this.endOf(epoch), value);
  }

  /** Steps taken when the epoch (from 0) ends. */
  endOf(epoch: number): number {
    return (epoch + 1) * this.#stepsPerEpoch;
  }

  series(): ReferenceSeries[] {
    return [...this.#byMetric].map(([metric, points]) => ({ metric, points }));
  }

  #add(metric: string, step: number, value: number | null): void {
    if (value === null) return;
    let points = this.#byMetric.get(metric);
    if (points === undefined) this.#byMetric.set(metric, (points = []));
    const last = points.at(-1);
    const point = { step, epoch: step / this.#stepsPerEpoch, value };
    // A nominal number of steps can put two lines on one step; the later line stands.
    if (last !== undefined && last.step >= step) points.pop();
    points.push(point);
  }
}

/** Steps of an epoch as the progress lines tell, the last one's; 1 and not exact where there is none. */
export function stepsPrinted(
  epochs: readonly { train?: readonly { batches: number }[] }[],
): ReferenceRun['stepsPerEpoch'] {
  const batches = epochs.flatMap(({ train }) => train?.at(-1)?.batches ?? []).at(-1);
  return { count: Math.max(1, batches ?? 1), exact: batches !== undefined };
}

/** Null without evaluations. */
export function bestTop1(evaluations: readonly ReferenceEvaluation[]): number | null {
  return evaluations.length === 0 ? null : Math.max(...evaluations.map(({ top1 }) => top1));
}
