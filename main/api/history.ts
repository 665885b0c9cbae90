/** The contract's functions about what a run has left behind: curves, evaluations, log. */
import type { Api } from '../../preload/contract.ts';
import { SEARCH_SPAN_LINES } from '../store/log.ts';
import type { ApiContext } from './context.ts';

type HistoryApi = Pick<Api, 'getSeries' | 'getEvaluations' | 'getClassResult' | 'getLog' | 'searchLog'>;

const ALL_SPLITS = ['train', 'val', 'test'] as const;

/** Reads for many runs let others have their turn after so long. */
const SLICE_MS = 8;

/** What `read` gives for each run, in order, a slice of time at once. */
async function readAll<T>(runIds: readonly number[], read: (runId: number) => T[]): Promise<T[]> {
  const all: T[] = [];
  let sliceBeganMs = performance.now();
  for (const runId of runIds) {
    all.push(...read(runId));
    if (performance.now() - sliceBeganMs < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceBeganMs = performance.now();
  }
  return all;
}

export function historyApi({ store }: ApiContext): HistoryApi {
  return {
    async getSeries({ runIds, metrics, maxPoints, afterStep, untilStep }) {
      return readAll(runIds, (runId) =>
        metrics.flatMap((metric) => {
          const series = store.metrics.read(runId, metric, {
            maxPoints,
            afterStep,
            untilStep: untilStep ?? null,
          });
          return series === null ? [] : [series];
        }),
      );
    },

    async getEvaluations({ runIds, split, scheme }) {
      return readAll(runIds, (runId) =>
        (split === null ? ALL_SPLITS : [split])
          .map((one) => store.evaluations.series(runId, one, scheme))
          .filter(({ epochs }) => epochs.length > 0),
      );
    },

    async getClassResult({ runId, epoch }) {
      return store.evaluations.classResult(store.runs.get(runId), epoch);
    },

    async getLog({ runId, offset, limit }) {
      return store.log.read(runId, offset, limit);
    },

    async searchLog({ runId, ...search }) {
      const last = store.log.count(runId);
      const numbers: number[] = [];
      for (let from = 1; from <= last; from += SEARCH_SPAN_LINES) {
        numbers.push(
          ...store.log.search(runId, {
            ...search,
            fromNumber: from,
            untilNumber: from + SEARCH_SPAN_LINES - 1,
          }),
        );
        // Others have their turn between two spans.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { numbers };
    },
  };
}
