/**
 * Evaluation of one split: accuracy of the fused output and of each branch, with their logits, so that everything
 * else about this checkpoint can be computed later without the network. Counting is done here in double precision;
 * the engine only computes logits.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { NonFiniteLossError } from './errors.ts';
import { groupMeansOfExamples } from './exampleGroups.ts';
import type { BoundMethod, NamedOutput, Outputs, Term } from './methods/method.ts';
import { forwardInference, type NetworkState } from './networks/execute.ts';
import type { Network } from './networks/graph.ts';
import type { Backend } from './ops.ts';
import type { EvaluationResult, Split, TrainingData } from './types.ts';

/** The name of the predicting output among stored logits. */
export const FUSED = 'fused';

export interface EvaluateOptions {
  backend: Backend;
  network: Network;
  state: NetworkState;
  bound: BoundMethod;
  /** What is stored beside the prediction, and what is logged beside loss and accuracies. */
  outputs: NamedOutput[];
  evaluationTerms: Term[];
  data: TrainingData;
  split: Split;
  batchSize: number;
  /** Position of the weights, for the record: finished epochs and steps. */
  epoch: number;
  step: number;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Called after each batch; lets the process breathe. */
  yieldToEvents?(): Promise<void>;
}

/** Logits [examples, classes] of "fused" and of each branch, a row an example in stored order. */
export interface SplitLogits {
  split: Split;
  outputs: Record<string, Float32Array>;
  examples: number;
  classes: number;
}

/**
 * Runs a split through the network. `terms` holds the metrics of the method's evaluation terms, over all examples and
 * by group of classes. Throws NonFiniteLossError when a logit is not a number.
 */
export async function evaluate(options: EvaluateOptions): Promise<{
  result: EvaluationResult;
  logits: SplitLogits;
  terms: Record<string, number>;
}> {
  const { backend, network, state, bound, data, split, batchSize, epoch, step, now } = options;
  const startedAt = now();
  const examples = data.sizes[split];
  const { classes } = network;
  const branches = options.outputs.map(({ name }) => name);
  const names = [FUSED, ...branches];
  const outputs = Object.fromEntries(names.map((name) => [name, new Float32Array(examples * classes)]));
  const labels = new Int32Array(examples);
  const perExample = Object.fromEntries(
    options.evaluationTerms.map(({ name }) => [name, new Float32Array(examples)]),
  );

  const stream = data.evalStream(split, batchSize);
  try {
    let done = 0;
    for (let batch = await stream.next(); batch; batch = await stream.next()) {
      const images = tf.tensor4d(batch.images, [batch.size, data.height, data.width, data.channels]);
      const logits: Outputs = forwardInference(backend.ops, network, state, images);
      const fused = tf.tidy(() => bound.fuse(logits));
      const derived = tf.tidy(() => bound.derive?.(logits) ?? {});
      const batchLabels = tf.tensor1d(batch.labels.subarray(0, batch.size), 'int32');
      const extras = bound.evaluate ? tf.tidy(() => bound.evaluate!(logits, batchLabels)) : {};
      for (const [name, values] of Object.entries(perExample))
        values.set(await extras[name]!.data<'float32'>(), done);
      tf.dispose([images, batchLabels, extras]);
      const all: Record<string, Tensor2D> = { ...logits, ...derived, [FUSED]: fused };
      for (const name of names) outputs[name]!.set(await all[name]!.data<'float32'>(), done * classes);
      for (const each of Object.values(all)) each.dispose();
      labels.set(batch.labels.subarray(0, batch.size), done);
      done += batch.size;
      await options.yieldToEvents?.();
    }
    if (done !== examples)
      throw new Error(`The ${split} split gave ${done} examples, but ${examples} were announced.`);
  } finally {
    stream.close();
  }

  const fused = outputs[FUSED]!;
  const loss = meanCrossEntropy(fused, labels, classes);
  if (!Number.isFinite(loss)) throw new NonFiniteLossError(`${split}/loss`, step, loss);
  const { top1, perClass } = countCorrect(fused, labels, classes);
  const result: EvaluationResult = {
    split,
    epoch,
    step,
    loss,
    top1,
    // With five classes or fewer it would be 1 whatever the network does.
    top5: classes > 5 ? topK(fused, labels, classes, 5) : null,
    perClass,
    branches: Object.fromEntries(
      branches.map((name) => [name, countCorrect(outputs[name]!, labels, classes)]),
    ),
    seconds: (now() - startedAt) / 1000,
  };
  const terms = Object.assign(
    {},
    ...Object.entries(perExample).map(([name, values]) =>
      groupMeansOfExamples(name, values, labels, data.classCounts),
    ),
  ) as Record<string, number>;
  return { result, logits: { split, outputs, examples, classes }, terms };
}

/** What an evaluation logs, by the names of metrics: loss, accuracies, and the method's own terms. */
export function evaluationMetrics({
  result: { split, loss, top1, top5 },
  terms,
}: {
  result: EvaluationResult;
  terms: Record<string, number>;
}): Record<string, number> {
  return {
    [`${split}/loss`]: loss,
    [`${split}/top1`]: top1,
    ...(top5 !== null && { [`${split}/top5`]: top5 }),
    ...Object.fromEntries(Object.entries(terms).map(([name, value]) => [`${split}/${name}`, value])),
  };
}

/** Accuracy over all examples and of each class; among equal logits the lower class index is the prediction. */
export function countCorrect(
  logits: Float32Array,
  labels: Int32Array,
  classes: number,
): { top1: number; perClass: (number | null)[] } {
  const correct = new Int32Array(classes);
  const total = new Int32Array(classes);
  for (let example = 0; example < labels.length; example++) {
    const label = labels[example]!;
    total[label]!++;
    if (countAhead(logits, example * classes, label, classes) === 0) correct[label]!++;
  }
  return {
    top1: correct.reduce((sum, count) => sum + count, 0) / labels.length,
    perClass: Array.from(total, (count, index) => (count === 0 ? null : correct[index]! / count)),
  };
}

/** Share of examples whose label is among the `k` highest logits. */
function topK(logits: Float32Array, labels: Int32Array, classes: number, k: number): number {
  let hits = 0;
  labels.forEach((label, example) => {
    if (countAhead(logits, example * classes, label, classes) < k) hits++;
  });
  return hits / labels.length;
}

/** How many classes rank before the label. */
function countAhead(logits: Float32Array, offset: number, label: number, classes: number): number {
  const own = logits[offset + label]!;
  let ahead = 0;
  for (let index = 0; index < classes; index++) {
    const value = logits[offset + index]!;
    if (value > own || (value === own && index < label)) ahead++;
  }
  return ahead;
}

/** Mean over examples of the cross-entropy, nats. */
function meanCrossEntropy(logits: Float32Array, labels: Int32Array, classes: number): number {
  let sum = 0;
  for (let example = 0; example < labels.length; example++) {
    const row = logits.subarray(example * classes, (example + 1) * classes);
    let highest = -Infinity;
    for (const value of row) highest = Math.max(highest, value);
    let exponentials = 0;
    for (const value of row) exponentials += Math.exp(value - highest);
    sum += highest + Math.log(exponentials) - row[labels[example]!]!;
  }
  return sum / labels.length;
}
