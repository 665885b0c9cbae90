/** How long runs will take, from the speed of earlier runs of the same method, network and dataset. */
import type { Store } from '../store/index.ts';
import type { RunRow } from '../store/runs.ts';
import { countSteps } from '../training/model.ts';

export interface Estimate {
  /** Null without an earlier run to go by. */
  perRunMs: number | null;
  basedOnRuns: number;
  bytesPerRun: number | null;
}

export function estimate(
  store: Store,
  run: { method: string; network: string; datasetId: number; totalSteps: number },
): Estimate {
  const { runs, msPerStep, bytesPerRun } = store.runs.speeds(run);
  return {
    perRunMs: msPerStep === null ? null : Math.round(msPerStep * run.totalSteps),
    basedOnRuns: runs,
    bytesPerRun: bytesPerRun === null ? null : Math.round(bytesPerRun),
  };
}

/** How long a waiting run will take, or null. One that goes on from a checkpoint has only the rest before it. */
export function estimateWaiting(store: Store, run: RunRow): number | null {
  const { epochs, batchSize, dropLast, maxSteps } = run.config;
  const { datasetId } = run;
  if (
    run.kind !== 'train' ||
    datasetId === null ||
    typeof epochs !== 'number' ||
    typeof batchSize !== 'number'
  )
    return null;
  const { manifest } = store.datasets.get(datasetId);
  const whole = countSteps({ batchSize, dropLast: dropLast !== false }, manifest.counts.train) * epochs;
  const totalSteps = typeof maxSteps === 'number' ? Math.min(whole, maxSteps) : whole;
  return estimate(store, { ...run, datasetId, totalSteps: Math.max(0, totalSteps - (run.step ?? 0)) })
    .perRunMs;
}

/** When the queue will be empty if nothing is added: null when some run's time can't be told, now when it is empty. */
export function emptyAt(store: Store, nowMs: number): number | null {
  const running = store.runs
    .summaries(store.scheduling.listRunsInStates(['preparing', 'running']))
    .map(({ progress }) => progress?.remainingMs ?? null);
  const waiting = store.scheduling
    .readQueue()
    .map(({ runId }) => estimateWaiting(store, store.runs.get(runId)));
  const times = [...running, ...waiting];
  if (times.some((time) => time === null)) return null;
  // Each takes the slot that is free first.
  const slots = new Array<number>(store.settings.read().concurrency).fill(nowMs);
  for (const time of times as number[]) {
    const next = slots.indexOf(Math.min(...slots));
    slots[next] = slots[next]! + time;
  }
  return Math.max(...slots);
}
