/**
 * What a training method is: which head it puts on the network, its own settings, its loss and how it predicts. A
 * method is one file that exports one `Method`; methods/index.ts lists them. Losses are written with tfjs ops on
 * logits only, so tfjs differentiates them; the network below has its own backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import type { Field } from '../fields.ts';
import type { Head } from '../networks/head.ts';

/** Logits [batch, classes] of each output of the network, by its name. */
export type Outputs = Record<string, Tensor2D>;

/** What a loss may know of the run. */
export interface MethodContext {
  /** Training examples of each class. */
  classCounts: number[];
  /** The run's values of the method's settings. */
  settings: Record<string, unknown>;
}

/** The parts of one loss, in nats. `total` is differentiated, the rest is logged under the method's term names. */
export interface LossTerms {
  total: Scalar;
  terms: Record<string, Scalar>;
}

/** A method bound to one run. */
export interface BoundMethod {
  /** The outputs that the loss depends on. */
  trainedOutputs: string[];
  /** labels [batch] int32. Runs inside a tidy; the caller disposes. */
  loss(outputs: Outputs, labels: Tensor1D): LossTerms;
  /** The logits that predict. Runs inside a tidy; the caller disposes. */
  fuse(outputs: Outputs): Tensor2D;
  /** What was resolved from the data, to record with the run (for example the class lists of scopes). */
  resolved: Record<string, unknown>;
  dispose(): void;
}

export interface Method {
  name: string;
  label: string;
  /** What it puts on the network, from the run's values of its settings. */
  head(settings: Record<string, unknown>): Head;
  /** Outputs worth showing on their own, in order; empty where the fused output is the only one. */
  branches: string[];
  /** Names of the logged parts of the loss beside the total, in the order of the log line. */
  termNames: string[];
  /** The method's own settings; their keys must not clash with those of config.ts. */
  fields: Field[];
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
