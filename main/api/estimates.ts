/** How long runs will take on this machine and what they will write, from earlier runs of the library. */
import type { Config } from '../../preload/contract.ts';
import type { DatasetRow } from '../store/datasets.ts';
import type { Store } from '../store/index.ts';
import type { RunRow } from '../store/runs.ts';
import { measuredRuns, type MeasuredRun } from '../store/speeds.ts';
import { countAllSteps, countSteps } from '../training/model.ts';
import { presetConfig, type Preset } from '../training/presets/index.ts';
import { estimateTime, type RunTime, type Speed, type Work } from './runTime.ts';

/** Looks earlier runs up once for all the questions of one request. */
export class Estimates {
  readonly #store: Store;
  readonly #speeds = new Map<string, (Speed & Pick<MeasuredRun, 'sizeBytes'>)[]>();
  readonly #datasets = new Map<number, DatasetRow | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The time of a run of `totalSteps` on a dataset; null without an earlier run to go by. */
  time(config: Config, dataset: DatasetRow, totalSteps: number): RunTime | null {
    return estimateTime(workOf(config, dataset, totalSteps), this.#speedsOf(String(config['network'])));
  }

  /** The time of a whole preset on the data it is made for. */
  presetTime(preset: Preset): RunTime | null {
    const whole = presetConfig(preset);
    const config = whole as Config;
    const { images, imageSize } = preset.benchmark;
    return estimateTime(
      {
        config,
        datasetId: null,
        imageSize: sizeOf(config, imageSize),
        totalSteps: countAllSteps(whole, images.train),
        stepsPerEpoch: countSteps(whole, images.train),
        trainImages: images.train,
        evaluationImages: images.test,
      },
      this.#speedsOf(preset.network),
    );
  }

  /** What a run of this method and network leaves on the disk, from completed ones on the same dataset. */
  diskBytes(config: Config, dataset: DatasetRow): number | null {
    const sizes = this.#speedsOf(String(config['network']))
      .filter((one) => one.config['method'] === config['method'] && one.datasetId === dataset.id)
      .flatMap(({ sizeBytes }) => sizeBytes ?? []);
    return sizes.length === 0 ? null : Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  }

  /** How long a waiting run will take, or null. One that goes on from a checkpoint has only the rest before it. */
  waiting(run: RunRow): number | null {
    const { config, datasetId } = run;
    if (run.kind !== 'train' || datasetId === null) return null;
    const dataset = this.#dataset(datasetId);
    if (dataset === null) return null;
    const { epochs, batchSize, dropLast, maxSteps } = config;
    if (typeof epochs !== 'number' || typeof batchSize !== 'number') return null;
    const totalSteps = countAllSteps(
      {
        batchSize,
        dropLast: dropLast !== false,
        epochs,
        maxSteps: typeof maxSteps === 'number' ? maxSteps : null,
      },
      dataset.manifest.counts.train,
    );
    return this.time(config, dataset, Math.max(0, totalSteps - (run.step ?? 0)))?.ms ?? null;
  }

  /** When the queue will be empty if nothing is added: null when some run's time can't be told, now when it is empty. */
  emptyAt(nowMs: number): number | null {
    const { runs, scheduling, settings } = this.#store;
    const running = runs
      .summaries(scheduling.listRunsInStates(['preparing', 'running']))
      .map(({ progress }) => progress?.remainingMs ?? null);
    const waiting = scheduling.readQueue().map(({ runId }) => this.waiting(runs.get(runId)));
    const times = [...running, ...waiting];
    if (times.some((time) => time === null)) return null;
    // Each takes the slot that is free first.
    const slots = new Array<number>(settings.read().concurrency).fill(nowMs);
    for (const time of times as number[]) {
      const next = slots.indexOf(Math.min(...slots));
      slots[next] = slots[next]! + time;
    }
    return Math.max(...slots);
  }

  #speedsOf(network: string): (Speed & Pick<MeasuredRun, 'sizeBytes'>)[] {
    const known = this.#speeds.get(network);
    if (known !== undefined) return known;
    const speeds = measuredRuns(this.#store.database, network).flatMap((run) => {
      const dataset = run.datasetId === null ? null : this.#dataset(run.datasetId);
      if (dataset === null) return [];
      const { config, datasetId, engine, imagesPerSecond, evaluationMs, sizeBytes } = run;
      const { counts, height } = dataset.manifest;
      return [
        {
          config,
          datasetId,
          engine,
          imagesPerSecond,
          sizeBytes,
          imageSize: sizeOf(config, height),
          evaluationMsPerImage:
            evaluationMs === null || counts.test === 0 ? null : evaluationMs / counts.test,
        },
      ];
    });
    this.#speeds.set(network, speeds);
    return speeds;
  }

  #dataset(id: number): DatasetRow | null {
    const known = this.#datasets.get(id);
    if (known !== undefined) return known;
    const dataset = this.#store.datasets.read(id);
    this.#datasets.set(id, dataset);
    return dataset;
  }
}

function workOf(config: Config, { id, manifest }: DatasetRow, totalSteps: number): Work {
  const { counts, height } = manifest;
  const { batchSize, dropLast } = config;
  return {
    config,
    datasetId: id,
    imageSize: sizeOf(config, height),
    totalSteps,
    stepsPerEpoch: countSteps({ batchSize: Number(batchSize), dropLast: dropLast !== false }, counts.train),
    trainImages: counts.train,
    evaluationImages: counts.val + counts.test,
  };
}

/** Photographs have the size that the run asks for, other images their own. */
function sizeOf(config: Config, own: number): number {
  return typeof config['imageSize'] === 'number' ? config['imageSize'] : own;
}
