/**
 * How much memory a training takes, before it starts: the tensors that are alive at the worst moment of a step and of
 * an evaluation, found by walking the graphs as the passes do (networks/execute.ts). Kernels' own workspaces and
 * what the allocator has in reserve come on top, by a measured rule.
 */
import { gradientNeeds } from './networks/gradientNeeds.ts';
import type { Graph, Network } from './networks/graph.ts';
import { lastUses } from './networks/liveness.ts';

const BYTES_PER_NUMBER = 4;

/**
 * On TensorFlow's CPU kernels five networks took 1.2 to 1.5 times the tensors alive. This rule is within 10 % of the
 * large ones (0.9 to 2.9 GiB), and a quarter above ResNet-32's 370 MiB.
 */
const OVERHEAD_FACTOR = 1.35;
const OVERHEAD_BYTES = 32 * 2 ** 20;

/**
 * Vectors of all trained parameters that are alive at once while the optimiser takes a step (sgd.ts): weights and
 * gradients one by one, weights and momentum joined, and four of the update.
 */
const OPTIMISER_COPIES = 8;

export interface MemoryOptions {
  network: Network;
  config: { batchSize: number; accumulateSteps: number; evalBatchSize: number };
  /** Names of the tensors that are trained; absent: all. */
  trainable?: ReadonlySet<string>;
}

export interface MemoryNeeded {
  /** Bytes at the worst moment of a training step. */
  trainingBytes: number;
  /** Bytes at the worst moment of an evaluation, the training state included. */
  evaluationBytes: number;
}

/** Engine memory of a training, estimated. The process around it takes some 300 MiB more. */
export function memoryNeeded({ network, config, trainable }: MemoryOptions): MemoryNeeded {
  const trained = network.tensors.filter((spec) => spec.trainable && (trainable?.has(spec.name) ?? true));
  const all = BYTES_PER_NUMBER * sum(network.tensors.map((spec) => sizeOf(spec.shape)));
  const trainedBytes = BYTES_PER_NUMBER * sum(trained.map((spec) => sizeOf(spec.shape)));
  // The weights themselves, and the optimiser's flat copies of weights and momentum.
  const state = all + 2 * trainedBytes;
  const part = Math.ceil(config.batchSize / config.accumulateSteps);
  const names = new Set(trained.map((spec) => spec.name));
  const pass = part * trainingBytesPerImage(network.training, names);
  // Gradients grow while activations shrink; parts of a batch add to a sum.
  const gradients = trainedBytes * (config.accumulateSteps > 1 ? 2 : 1);
  const step = all - trainedBytes + OPTIMISER_COPIES * trainedBytes;
  const evaluation = state + config.evalBatchSize * inferenceBytesPerImage(network.inference);
  return {
    trainingBytes: withOverhead(Math.max(state + gradients + pass, step)),
    evaluationBytes: withOverhead(evaluation),
  };
}

function withOverhead(bytes: number): number {
  return Math.round(OVERHEAD_FACTOR * bytes + OVERHEAD_BYTES);
}

/** Bytes of one image's values at the worst moment of a training pass. */
export function trainingBytesPerImage(graph: Graph, trained: ReadonlySet<string>): number {
  const { nodes } = graph;
  const sizes = bytesOf(graph);
  const { needed, kept } = gradientNeeds(graph, trained, false);
  const plan = lastUses(graph);
  const live = new LiveBytes();
  nodes.forEach((_, index) => {
    live.add(sizes[index]!);
    for (const used of plan[index]!) if (!kept.has(used)) live.remove(sizes[used]!);
  });
  const gradients = nodes.map(() => false);
  const passOn = (index: number): void => {
    if (!needed[index]) return;
    // A second gradient and the sum stand beside the first for a moment.
    live.add(sizes[index]!);
    if (gradients[index]) {
      live.add(sizes[index]!);
      live.remove(2 * sizes[index]!);
    }
    gradients[index] = true;
  };
  for (const index of Object.values(graph.outputs)) passOn(index);
  for (let index = nodes.length - 1; index > 0; index--) {
    if (gradients[index]) {
      for (const input of nodes[index]!.inputs) passOn(input);
      live.remove(sizes[index]!);
    }
    if (kept.has(index)) live.remove(sizes[index]!);
  }
  return live.peak;
}

/** Bytes of one image's values at the worst moment of an inference pass. */
export function inferenceBytesPerImage(graph: Graph): number {
  const sizes = bytesOf(graph);
  const plan = lastUses(graph);
  const live = new LiveBytes();
  graph.nodes.forEach((_, index) => {
    live.add(sizes[index]!);
    for (const used of plan[index]!) if (used !== 0) live.remove(sizes[used]!);
  });
  return live.peak;
}

function bytesOf(graph: Graph): number[] {
  return graph.nodes.map(({ shape }) => BYTES_PER_NUMBER * sizeOf(shape));
}

class LiveBytes {
  peak = 0;
  #now = 0;

  add(bytes: number): void {
    this.#now += bytes;
    this.peak = Math.max(this.peak, this.#now);
  }

  remove(bytes: number): void {
    this.#now -= bytes;
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
