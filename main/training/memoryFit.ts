/**
 * Whether a training fits into the memory that is there, and what to do where it does not: compute each batch in parts
 * (accumulateSteps), with fewer images at a time in evaluations, or with a smaller batch.
 */
import type { RunConfig } from './config.ts';
import { findMethod } from './methods/index.ts';
import { memoryNeeded } from './memory.ts';
import { trainedTensors } from './model.ts';
import type { Network } from './networks/graph.ts';

/** What the process of a trainer takes before it has a network: Node, TensorFlow and their code. */
const ENGINE_BYTES = 0.35e9;

export interface MemoryNeed {
  /** At the worst moment of training and evaluation, the engine included. */
  bytes: number;
  /** Parts in which each batch would have to be computed to take at most so many bytes; null when none is enough. */
  partsFor(bytes: number): number | null;
}

export function memoryNeed(config: RunConfig, network: Network): MemoryNeed {
  const method = findMethod(config.method);
  const trainable = new Set(trainedTensors({ network, method }).map(({ name }) => name));
  const needOf = (accumulateSteps: number, evalBatchSize: number): number => {
    const { trainingBytes, evaluationBytes } = memoryNeeded({
      network,
      trainable,
      config: { batchSize: config.batchSize, accumulateSteps, evalBatchSize },
    });
    return ENGINE_BYTES + Math.max(trainingBytes, evaluationBytes);
  };
  return {
    bytes: needOf(config.accumulateSteps, config.evalBatchSize),
    partsFor(bytes) {
      for (let parts = config.accumulateSteps; parts <= config.batchSize; parts *= 2) {
        // Evaluations that need more get as many images at a time as a part has.
        if (needOf(parts, Math.min(config.evalBatchSize, Math.ceil(config.batchSize / parts))) <= bytes)
          return parts;
      }
      return null;
    },
  };
}

/** What does not fit, as a sentence with what to do; null when it fits. `place` is "memory" or "GPU memory". */
export function memoryProblem(
  config: RunConfig,
  need: MemoryNeed,
  freeBytes: number,
  place: string,
): string | null {
  if (need.bytes <= freeBytes) return null;
  const parts = need.partsFor(freeBytes);
  const evaluations = parts === null ? 0 : Math.ceil(config.batchSize / parts);
  const advice =
    parts === null
      ? 'Use a smaller network or smaller images, or a machine with more memory.'
      : parts === config.accumulateSteps
        ? `Set evalBatchSize to ${evaluations}: it changes no number.`
        : `Set accumulateSteps to ${parts}${config.evalBatchSize > evaluations ? ` and evalBatchSize to ${evaluations}` : ''}: ` +
          `the batch stays ${config.batchSize} for the optimiser, and batch norms see ${evaluations} images at a time. Or use a smaller batchSize.`;
  return `This run needs about ${gigabytes(need.bytes)} of ${place}, and ${gigabytes(freeBytes)} are free. ${advice}`;
}

/** "2.4 GB". */
function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
