/** Small trainings for tests: data of a few dozen images in memory, and a host that keeps what the loop says. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseRunConfig, type RunConfig } from '../../main/training/config.ts';
import { createRandom } from '../../main/training/random.ts';
import type {
  CheckpointToSave,
  ControlRequest,
  TrainingData,
  TrainingEvent,
  TrainingHost,
  TrainingState,
} from '../../main/training/types.ts';
import { memoryData, patternSplit } from './memoryData.ts';

export interface Recorder extends TrainingHost {
  events: TrainingEvent[];
  checkpoints: CheckpointToSave[];
}

/** Keeps what the loop says; `requests` are taken at the steps that they name. */
export function recorder(requests: Record<number, ControlRequest> = {}): Recorder {
  let steps = 0;
  return {
    events: [],
    checkpoints: [],
    emit(event) {
      this.events.push(event);
    },
    takeRequest: () => requests[++steps] ?? null,
    yieldToEvents: () => new Promise((resolve) => setImmediate(resolve)),
    saveCheckpoint(checkpoint) {
      this.checkpoints.push(structuredClone(checkpoint));
      return Promise.resolve();
    },
    now: () => performance.now(),
  };
}

export function configOf(settings: Record<string, unknown>): RunConfig {
  const { config, problems } = parseRunConfig({ dataset: 'test', warmupEpochs: 1, ...settings });
  assert.ok(config, problems?.map(({ message }) => message).join(' '));
  return config;
}

/** Images of 8 x 8 with a pattern of their class; ten test images a class. */
export function dataOf(
  classes: number,
  trainLabels: Int32Array,
  options: { val?: boolean } = {},
): TrainingData {
  const shape = { height: 8, width: 8, channels: 1, classes };
  const random = createRandom(11);
  const testLabels = Int32Array.from({ length: 10 * classes }, (_, index) => index % classes);
  return memoryData({
    ...shape,
    splits: {
      train: patternSplit(shape, trainLabels, random),
      test: patternSplit(shape, testLabels, random),
      ...(options.val && { val: patternSplit(shape, testLabels, random) }),
    },
  });
}

export const cycle = (examples: number, classes: number): Int32Array =>
  Int32Array.from({ length: examples }, (_, index) => index % classes);

/** Over names and values of weights and momentum. */
export function hashState({ weights, optimizer }: Pick<TrainingState, 'weights' | 'optimizer'>): string {
  const digest = createHash('sha256');
  for (const map of [weights, optimizer])
    for (const [name, { data }] of map) digest.update(name).update(new Uint8Array(data.buffer.slice(0)));
  return digest.digest('hex');
}

export function metricsOf(events: TrainingEvent[], name: string): { step: number; value: number }[] {
  return events.flatMap((event) =>
    event.type === 'metrics' && name in event.values
      ? [{ step: event.step, value: event.values[name]! }]
      : [],
  );
}
