/**
 * The first run in one step: adds the bundled sample dataset when it is not there, and queues its preset. What it is
 * doing and why it failed are shown where it was asked for.
 */
import type { RunSummary } from '../../preload/contract.ts';
import { api, ApiFailure, toFailure } from '../lib/api.ts';
import { onNotice } from '../lib/notices.ts';

const SAMPLE_PRESET = 'sample-reslt';

/** Adds the sample dataset, unless it is there, and gives its id. */
export async function ensureSampleDataset(): Promise<number> {
  const known = (await api.listDatasets()).find((dataset) => dataset.kind === 'sample');
  if (known) return known.id;
  const task = await api.addSampleDataset();
  return await new Promise<number>((resolve, reject) => {
    const settle = (now: typeof task): void => {
      if (now.id !== task.id || now.state === 'running') return;
      stop();
      clearInterval(timer);
      if (now.state === 'done' && now.resultId !== null) resolve(now.resultId);
      else
        reject(
          new ApiFailure(now.error ?? { code: 'internal', message: 'The sample dataset was not added.' }),
        );
    };
    const stop = onNotice('task-changed', (notice) => settle(notice.task));
    // The notice may have been missed before the listener stood, or in a lost connection.
    const timer = setInterval(() => void api.getTask({ id: task.id }).then(settle, () => undefined), 500);
    settle(task);
  });
}

class SampleRun {
  state: 'idle' | 'adding' | 'queueing' = $state('idle');
  failure: ApiFailure | null = $state.raw(null);

  /** Queues the sample run; null when that failed (see `failure`). */
  async start(): Promise<RunSummary | null> {
    if (this.state !== 'idle') return null;
    this.failure = null;
    try {
      this.state = 'adding';
      const datasetId = await ensureSampleDataset();
      this.state = 'queueing';
      const preset = (await api.listPresets()).find(({ name }) => name === SAMPLE_PRESET);
      if (!preset) throw new Error(`The preset ${SAMPLE_PRESET} is missing from this version.`);
      const { runs } = await api.createRuns({
        preset: preset.name,
        parentRunId: null,
        config: preset.config,
        datasetId,
        seeds: [0],
        name: null,
        note: '',
        runNext: false,
      });
      return runs[0] ?? null;
    } catch (thrown) {
      this.failure = toFailure(thrown);
      return null;
    } finally {
      this.state = 'idle';
    }
  }
}

export const sampleRun = new SampleRun();
