/**
 * Metrics of a classifier from its logits and the true labels, in double precision. Logits are [N, C] in C order,
 * labels [N] in [0, C). Where several classes have the same logit, the lower class number wins, as argmax does.
 */
import { groupMeans, meanOf, type GroupScheme } from './groups.ts';

/** What one pass over the logits yields for each example. */
export interface Scores {
  classes: number;
  /** [N] class with the largest logit. */
  predicted: Int32Array;
  /** [N] its softmax probability. */
  confidence: Float64Array;
  /** [N] 0 when the label has the largest logit, 1 for the second largest … */
  rank: Int32Array;
  /** [N] cross-entropy, nats. */
  loss: Float64Array;
  /** [N] squared error of the probabilities, summed over classes. */
  brier: Float64Array;
}

/**
 * Scores every example. Uses log-sum-exp, so large logits are fine. Throws RangeError if sizes disagree or a label is
 * out of range.
 */
export function scoreLogits(
  logits: Float32Array | Float64Array,
  labels: Int32Array,
  classes: number,
): Scores {
  const examples = labels.length;
  if (logits.length !== examples * classes) {
    throw new RangeError(
      `Expected logits for ${examples} examples and ${classes} classes (${examples * classes} values), but got ${logits.length}.`,
    );
  }
  const scores: Scores = {
    classes,
    predicted: new Int32Array(examples),
    confidence: new Float64Array(examples),
    rank: new Int32Array(examples),
    loss: new Float64Array(examples),
    brier: new Float64Array(examples),
  };
  for (let i = 0; i < examples; i++) {
    const first = i * classes;
    const label = labels[i]!;
    if (label < 0 || label >= classes) {
      throw new RangeError(`Label ${label} of example ${i} is not from 0 to ${classes - 1}.`);
    }
    const own = logits[first + label]!;
    let best = 0;
    let rank = 0;
    for (let k = 0; k < classes; k++) {
      const value = logits[first + k]!;
      if (value > logits[first + best]!) best = k;
      if (value > own || (value === own && k < label)) rank++;
    }
    const largest = logits[first + best]!;
    let sum = 0;
    let squares = 0;
    for (let k = 0; k < classes; k++) {
      const power = Math.exp(logits[first + k]! - largest);
      sum += power;
      squares += power * power;
    }
    const loss = Math.log(sum) - (own - largest);
    scores.predicted[i] = best;
    scores.confidence[i] = 1 / sum;
    scores.rank[i] = rank;
    scores.loss[i] = loss;
    scores.brier[i] = squares / (sum * sum) - (2 * Math.exp(own - largest)) / sum + 1;
  }
  return scores;
}

/**
 * The class with the largest logit of each example, [N]: all that accuracy needs, and much cheaper than scoreLogits.
 */
export function predict(logits: Float32Array, classes: number): Int32Array {
  const predicted = new Int32Array(logits.length / classes);
  for (let i = 0; i < predicted.length; i++) {
    const first = i * classes;
    let best = first;
    for (let k = first + 1; k < first + classes; k++) if (logits[k]! > logits[best]!) best = k;
    predicted[i] = best - first;
  }
  return predicted;
}

/** [N] 1 where the prediction is the label. */
export function correctness(predicted: Int32Array, labels: Int32Array): Uint8Array {
  const correct = new Uint8Array(labels.length);
  for (let i = 0; i < correct.length; i++) correct[i] = predicted[i] === labels[i] ? 1 : 0;
  return correct;
}

/** Share of examples whose label is among the k largest logits; null when there are no more than k classes. */
export function topK({ rank, classes }: Scores, k: number): number | null {
  if (classes <= k || rank.length === 0) return null;
  return rank.reduce((hits, r) => hits + (r < k ? 1 : 0), 0) / rank.length;
}

/**
 * Accuracy of each class, null for one without examples.
 *
 * correct [N] of 0 and 1 → [C]
 */
export function perClassAccuracy(
  correct: Uint8Array,
  labels: Int32Array,
  classes: number,
): (number | null)[] {
  const right = new Array<number>(classes).fill(0);
  const total = new Array<number>(classes).fill(0);
  labels.forEach((label, i) => {
    total[label]!++;
    right[label]! += correct[i]!;
  });
  return right.map((hits, k) => (total[k] === 0 ? null : hits / total[k]!));
}

/** Counts of predictions: [C, C] in C order, rows are true classes, columns predictions. */
export function confusionMatrix(predicted: Int32Array, labels: Int32Array, classes: number): Int32Array {
  const matrix = new Int32Array(classes * classes);
  labels.forEach((label, i) => {
    matrix[label * classes + predicted[i]!]!++;
  });
  return matrix;
}

/** Averages over classes, from a confusion matrix. Classes without examples are left out. */
export interface MacroMetrics {
  /** Mean recall: balanced accuracy. */
  recall: number | null;
  /** Mean precision; a class that was never predicted counts as 0. */
  precision: number | null;
  f1: number | null;
  /** Geometric mean of the recalls, 0 if one is 0. */
  geometricMean: number | null;
}

export function macroMetrics(matrix: Int32Array, classes: number): MacroMetrics {
  const rows = new Array<number>(classes).fill(0);
  const columns = new Array<number>(classes).fill(0);
  matrix.forEach((count, i) => {
    rows[Math.floor(i / classes)]! += count;
    columns[i % classes]! += count;
  });
  const present = [...rows.keys()].filter((k) => rows[k]! > 0);
  const right = (k: number) => matrix[k * classes + k]!;
  const recalls = present.map((k) => right(k) / rows[k]!);
  const precisions = present.map((k) => (columns[k] === 0 ? 0 : right(k) / columns[k]!));
  return {
    recall: meanOf(recalls),
    precision: meanOf(precisions),
    f1: meanOf(present.map((k) => (2 * right(k)) / (rows[k]! + columns[k]!))),
    geometricMean:
      present.length === 0
        ? null
        : recalls.includes(0)
          ? 0
          : Math.exp(recalls.reduce((sum, recall) => sum + Math.log(recall), 0) / present.length),
  };
}

/** The usual numbers of one output on one split. Null where there is nothing to average. */
export interface ClassificationReport {
  examples: number;
  top1: number | null;
  /** Null with five classes or fewer. */
  top5: number | null;
  /** Mean cross-entropy, nats. */
  loss: number | null;
  brier: number | null;
  meanConfidence: number | null;
  perClass: (number | null)[];
  macro: MacroMetrics;
  /** By scheme and group: mean over classes, and over the pooled examples of the group. */
  groups: Record<string, Record<string, number | null>>;
  groupExampleAccuracy: Record<string, Record<string, number | null>>;
  confusion: Int32Array;
}

/** Works out the report of one output. */
export function classificationReport(
  scores: Scores,
  labels: Int32Array,
  schemes: readonly GroupScheme[],
): ClassificationReport {
  const { classes } = scores;
  const correct = correctness(scores.predicted, labels);
  const perClass = perClassAccuracy(correct, labels, classes);
  const confusion = confusionMatrix(scores.predicted, labels, classes);
  const bySchemes = (numbers: (scheme: GroupScheme) => Record<string, number | null>) =>
    Object.fromEntries(schemes.map((scheme) => [scheme.id, numbers(scheme)]));
  return {
    examples: labels.length,
    top1: mean(correct),
    top5: topK(scores, 5),
    loss: mean(scores.loss),
    brier: mean(scores.brier),
    meanConfidence: mean(scores.confidence),
    perClass,
    macro: macroMetrics(confusion, classes),
    groups: bySchemes((scheme) => groupMeans(perClass, scheme)),
    groupExampleAccuracy: bySchemes((scheme) => pooledAccuracy(confusion, classes, scheme)),
    confusion,
  };
}

/** Accuracy over all examples of each group's classes; null for a group without examples. */
function pooledAccuracy(
  confusion: Int32Array,
  classes: number,
  scheme: GroupScheme,
): Record<string, number | null> {
  const pooled = scheme.groups.map((group) => {
    let right = 0;
    let total = 0;
    for (const k of group.classes) {
      right += confusion[k * classes + k]!;
      for (let j = 0; j < classes; j++) total += confusion[k * classes + j]!;
    }
    return [group.id, total === 0 ? null : right / total];
  });
  return Object.fromEntries(pooled) as Record<string, number | null>;
}

function mean(values: Float64Array | Uint8Array): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/**
 * Adds outputs value by value: the partial sums of residual branches (H + M, H + M + T).
 *
 * outputs: at least one, all of the same length; the sum is rounded to float32 as the logits are.
 */
export function addOutputs(outputs: readonly Float32Array[]): Float32Array {
  const [first, ...rest] = outputs;
  if (first === undefined) throw new RangeError('There is nothing to add.');
  return first.map((value, i) => rest.reduce((sum, output) => sum + output[i]!, value));
}
