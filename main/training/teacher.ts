/**
 * The teacher of a distilling run: a trained network that looks at the same images, without gradient, and whose weights
 * never change. RIDE's program never takes its teacher out of training mode, so its batch norms normalise with the batch;
 * with `running` they use the statistics that the teacher was trained to, as when it predicts.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import type { RunConfig } from './config.ts';
import { createModel, type Model } from './model.ts';
import {
  forwardInference,
  forwardTraining,
  type BatchNormMode,
  type NetworkState,
} from './networks/execute.ts';
import type { Backend } from './ops.ts';
import type { DataDescription, TensorMap } from './types.ts';
import { disposeState, fromTensorMap } from './weights.ts';

/** The setting of a distilling run that says how its teacher's batch norms behave. */
export function teacherBatchNormOf(config: RunConfig): BatchNormMode {
  return config['teacherBatchNorm'] === 'running' ? 'running' : 'batch';
}

/** A trained network: what it was trained with, and its weights. */
export interface TeacherSource {
  config: RunConfig;
  weights: TensorMap;
}

export class Teacher {
  readonly model: Model;
  readonly #backend: Backend;
  readonly #state: NetworkState;
  readonly #batchNorm: BatchNormMode;

  /** Throws Error when the weights do not fit the network that the configuration makes with this data. */
  constructor(
    { config, weights }: TeacherSource,
    data: DataDescription,
    backend: Backend,
    batchNorm: BatchNormMode,
  ) {
    this.model = createModel(config, data);
    this.#backend = backend;
    this.#batchNorm = batchNorm;
    this.#state = fromTensorMap(this.model.network, weights);
  }

  /** The logits [batch, classes] with which the teacher predicts. The caller disposes them. */
  logits(images: Tensor4D): Tensor2D {
    const { network, bound } = this.model;
    const { ops } = this.#backend;
    if (this.#batchNorm === 'running') {
      const outputs = forwardInference(ops, network, this.#state, images);
      const logits = tf.tidy(() => bound.fuse(outputs));
      tf.dispose(outputs);
      return logits;
    }
    // Its running statistics drift with the batches, as the reference's do; nothing reads them in this mode.
    const pass = forwardTraining(ops, network, this.#state, images, { trainable: new Set() });
    const logits = tf.tidy(() => bound.fuse(pass.outputs));
    pass.dispose();
    return logits;
  }

  dispose(): void {
    disposeState(this.#state);
    this.model.bound.dispose();
  }
}
