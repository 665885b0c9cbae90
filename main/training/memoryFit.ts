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

export type Device = 'gpu' | 'cpu';

export interface MemoryNeed {
  /** Of the device's memory at the worst moment of training and evaluation, the engine included. */
  bytes: number;
  /** Of the machine's memory beside a GPU's; 0 where the machine itself computes. */
  hostBytes: number;
  /** Of these: logits of every output on all images of an evaluation, which are kept until they are saved. */
  logitsBytes: number;
  /** Parts in which each batch would have to be computed to take at most so many bytes; null when none is enough. */
  partsFor(bytes: number): number | null;
}

/** `evaluatedImages`: of the validation and the test split together. */
export function memoryNeed(
  config: RunConfig,
  network: Network,
  { evaluatedImages, device }: { evaluatedImages: number; device: Device },
): MemoryNeed {
  const method = findMethod(config.method);
  const outputs = 1 + method.outputs(config).length;
  const logitsBytes = Float32Array.BYTES_PER_ELEMENT * outputs * evaluatedImages * network.classes;
  const onDevice = device === 'cpu' ? logitsBytes : 0;
  const trainable = new Set(trainedTensors({ network, method }).map(({ name }) => name));
  const needOf = (accumulateSteps: number, evalBatchSize: number): number => {
    const { trainingBytes, evaluationBytes } = memoryNeeded({
      network,
      trainable,
      config: { batchSize: config.batchSize, accumulateSteps, evalBatchSize },
    });
    return ENGINE_BYTES + Math.max(trainingBytes, evaluationBytes + onDevice);
  };
  return {
    bytes: needOf(config.accumulateSteps, config.evalBatchSize),
    hostBytes: device === 'gpu' ? ENGINE_BYTES + logitsBytes : 0,
    logitsBytes,
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

/** What is free or there in all: of the device, and of the machine where the device is a GPU. Null: not known. */
export interface Memory {
  device: number | null;
  host: number | null;
}

/** What does not fit, as a sentence with what to do; null when it fits. */
export function memoryProblem(
  config: RunConfig,
  need: MemoryNeed,
  memory: Memory,
  device: Device,
): string | null {
  if (memory.device !== null && need.bytes > memory.device) {
    const place = device === 'gpu' ? 'GPU memory' : 'memory';
    return `${lack(need.bytes, place, memory.device)} ${advice(config, need, memory.device, device)}`;
  }
  if (memory.host !== null && need.hostBytes > memory.host)
    return `${lack(need.hostBytes, 'memory', memory.host)} ${logitsAdvice(need)}`;
  return null;
}

function lack(bytes: number, place: string, freeBytes: number): string {
  return `This run needs about ${gigabytes(bytes)} of ${place}, and ${gigabytes(freeBytes)} are free.`;
}

function advice(config: RunConfig, need: MemoryNeed, freeBytes: number, device: Device): string {
  const parts = need.partsFor(freeBytes);
  if (parts === null)
    return device === 'cpu' && 2 * need.logitsBytes > need.bytes
      ? logitsAdvice(need)
      : 'Use a smaller network or smaller images, or a machine with more memory.';
  const evaluations = Math.ceil(config.batchSize / parts);
  if (parts === config.accumulateSteps) return `Set evalBatchSize to ${evaluations}: it changes no number.`;
  const alsoEvaluations = config.evalBatchSize > evaluations ? ` and evalBatchSize to ${evaluations}` : '';
  return (
    `Set accumulateSteps to ${parts}${alsoEvaluations}: the batch stays ${config.batchSize} for the optimiser, ` +
    `and batch norms see ${evaluations} images at a time. Or use a smaller batchSize.`
  );
}

function logitsAdvice({ logitsBytes }: MemoryNeed): string {
  return (
    `${gigabytes(logitsBytes)} are the logits of its evaluations: use fewer experts or a smaller test split, ` +
    'or a machine with more memory.'
  );
}

/** "2.4 GB". */
function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
