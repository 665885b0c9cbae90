/**
 * What a training method is: which head it puts on the network, its own settings, its loss, what it logs and how it
 * predicts. A method is one file that exports one `Method`; methods/index.ts lists them, and everything else (forms,
 * checks, curves, checkpoints) follows from the declaration. Losses are written with tfjs ops on logits only, so tfjs
 * differentiates them; the network below has its own backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import type { Field, FieldValue } from '../fields.ts';
import type { Head } from '../networks/head.ts';

/** Logits [batch, classes] of each output of the network, by its name; a router's are [batch, 1]. */
export type Outputs = Record<string, Tensor2D>;

/** A run's values of its method's settings; they have passed config.ts. */
export type MethodSettings = Readonly<Record<string, unknown>>;

/** One number that a method logs. */
export interface Term {
  /** Part of the metric's name: `train/loss/<name>`, or `<split>/<name>` of an evaluation. */
  name: string;
  label: string;
  unit: 'nats' | 'fraction' | 'count';
  /** Terms of one group are drawn in one panel of that title. */
  group: string;
}

/** An output that is worth showing on its own, beside the prediction. */
export interface NamedOutput {
  name: string;
  label: string;
}

/** What a loss may know of the run. */
export interface MethodContext {
  /** Training examples of each class. */
  classCounts: number[];
  epochs: number;
  settings: MethodSettings;
}

/** Where a batch stands in the run. */
export interface LossContext {
  /** The epoch under way, from 0. */
  epoch: number;
  /** The teacher's predicting logits [batch, classes] of the same images, where the method needs a teacher. */
  teacherLogits?: Tensor2D;
}

/** The parts of one loss. `total` (nats) is differentiated, the rest is logged under the names of `Method.terms`. */
export interface LossTerms {
  total: Scalar;
  terms: Record<string, Scalar>;
}

/** A method bound to one run. */
export interface BoundMethod {
  /** The outputs by which the loss is differentiated. */
  trainedOutputs: string[];
  /**
   * Takes all outputs; labels [batch] int32. Examples may meet each other only through labels, as in a common
   * denominator: a batch is also computed in parts, the logits of the other parts being zeros. Runs inside a tidy; the
   * caller disposes.
   */
  loss(outputs: Outputs, labels: Tensor1D, context: LossContext): LossTerms;
  /** The logits that predict. Runs inside a tidy; the caller disposes. */
  fuse(outputs: Outputs): Tensor2D;
  /** Logits [batch, classes] of those of `Method.outputs` that are no output of the network. As `fuse` otherwise. */
  derive?(outputs: Outputs): Outputs;
  /**
   * One number an example [batch] for each of `Method.evaluationTerms`; evaluations log their mean over all examples
   * and over those of each group of classes. Runs inside a tidy; the caller disposes.
   */
  evaluate?(outputs: Outputs, labels: Tensor1D): Record<string, Tensor1D>;
  /** What was resolved from the data, to record with the run (for example the class lists of scopes). */
  resolved: Record<string, unknown>;
  dispose(): void;
}

/** Something about a configuration that the ranges of its fields do not say. */
export interface SettingProblem {
  key: string;
  message: string;
}

export interface Method {
  name: string;
  label: string;
  /** A shorter word for a run's title, where there is one. */
  title?: string;
  /** What it puts on the network. */
  head(settings: MethodSettings): Head;
  /** Outputs that are evaluated and stored beside the prediction, in order; empty where that is the only one. */
  outputs(settings: MethodSettings): NamedOutput[];
  /** How the prediction is made of the outputs, for people: "H+M+T". */
  fusedLabel(settings: MethodSettings): string;
  /** The logged parts of the loss beside the total. */
  terms(settings: MethodSettings): Term[];
  /** What an evaluation logs beside loss and accuracies. */
  evaluationTerms?(settings: MethodSettings): Term[];
  /** The method's own settings. A setting that several methods have is one object, listed by each. */
  fields: readonly Field[];
  /** Values that shared settings take where a configuration does not name them. */
  defaults?: Readonly<Record<string, FieldValue>>;
  /** Checkpoints without which it cannot start. */
  needs?: { initFrom?: boolean; teacher?: boolean };
  /** For a second stage, which tensors are trained; the others keep their values, batch norms their statistics. */
  trains?(tensorName: string): boolean;
  /** For a second stage, which tensors start afresh although the run starts from a checkpoint; it may lack them. */
  restarts?(tensorName: string): boolean;
  /** Settings that contradict each other, after each passed its own range. */
  check?(settings: MethodSettings): { problems?: SettingProblem[]; warnings?: SettingProblem[] };
  /** Throws RangeError for settings that do not fit the number of classes. */
  bind(context: MethodContext): BoundMethod;
}

export interface LossWithGradients extends LossTerms {
  /** Gradient of the total by the logits of each output. */
  gradients: Outputs;
}

/** Evaluates a loss and its gradients by all of `outputs`. The caller disposes everything in the result. */
export function lossWithGradients(
  loss: (outputs: Outputs) => LossTerms,
  outputs: Outputs,
): LossWithGradients {
  const names = Object.keys(outputs);
  let terms: Record<string, Scalar> = {};
  const evaluate = tf.valueAndGrads((...logits) => {
    const result = loss(Object.fromEntries(names.map((name, index) => [name, logits[index] as Tensor2D])));
    terms = result.terms;
    for (const term of Object.values(terms)) tf.keep(term);
    return result.total;
  });
  const { value, grads } = evaluate(names.map((name) => outputs[name]!));
  return {
    total: value as Scalar,
    terms,
    gradients: Object.fromEntries(names.map((name, index) => [name, grads[index] as Tensor2D])),
  };
}
