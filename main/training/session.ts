/**
 * A network in training: weights, momentum and one optimiser step. The loop around it decides when to step, log,
 * evaluate and save.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';

import type { RunConfig } from './config.ts';
import { lossWithGradients } from './methods/method.ts';
import type { Model } from './model.ts';
import { forwardTraining, type NetworkState } from './networks/execute.ts';
import type { Backend } from './ops.ts';
import { Sgd } from './sgd.ts';
import type { Batch, TensorMap } from './types.ts';
import { disposeState, fromTensorMap, makeTensor, readTensor, toTensorMap } from './weights.ts';

/** Names of the values of one step, in the order in which `TrainingSession.step` returns them. */
export function stepMetricNames(model: Model): string[] {
  return ['train/loss', ...model.terms.map(({ name }) => `train/loss/${name}`), 'train/top1'];
}

export class TrainingSession {
  readonly model: Model;
  readonly state: NetworkState;
  readonly #backend: Backend;
  readonly #sgd: Sgd;

  /**
   * Takes weights, and momentum buffers where a training goes on (an empty or missing map: none yet). Throws Error
   * when they do not fit the network.
   */
  constructor(options: {
    model: Model;
    backend: Backend;
    config: Pick<RunConfig, 'momentum' | 'nesterov' | 'weightDecay'>;
    weights: TensorMap;
    velocity?: TensorMap;
  }) {
    const { model, backend, config, weights, velocity } = options;
    this.model = model;
    this.#backend = backend;
    this.state = fromTensorMap(model.network, weights);
    const trainable = model.network.tensors.filter((spec) => spec.trainable);
    const parameters = new Map(trainable.map((spec) => [spec.name, this.state.tensors.get(spec.name)!]));
    const buffers =
      velocity && velocity.size > 0
        ? new Map(
            trainable.map((spec) => {
              const found = velocity.get(spec.name);
              if (!found) throw new Error(`The optimiser state has no buffer for "${spec.name}".`);
              return [spec.name, makeTensor(spec, found.data as Float32Array)] as [string, Tensor];
            }),
          )
        : null;
    this.#sgd = new Sgd(parameters, buffers, config);
    buffers?.forEach((each) => each.dispose());
  }

  /**
   * One optimiser step of an epoch (from 0). Returns the values named by `stepMetricNames`, of the weights before the step, as one vector
   * that the caller reads and disposes; nothing here waits for the engine.
   */
  step(batch: Batch, learningRate: number, epoch: number): Tensor1D {
    const { network, bound, terms: logged } = this.model;
    const images = tf.tensor4d(batch.images, [batch.size, ...network.inputShape]);
    const labels = tf.tensor1d(batch.labels, 'int32');
    const pass = forwardTraining(this.#backend.ops, network, this.state, images);
    const trained = Object.fromEntries(bound.trainedOutputs.map((name) => [name, pass.outputs[name]!]));
    const { total, terms, gradients } = lossWithGradients(
      (outputs) => bound.loss({ ...pass.outputs, ...outputs }, labels, { epoch }),
      trained,
    );
    const values = tf.tidy(() => {
      const hits = tf.equal(tf.argMax(bound.fuse(pass.outputs), 1), labels);
      const top1 = tf.mean(tf.cast(hits, 'float32')) as Scalar;
      return tf.stack([total, ...logged.map(({ name }) => terms[name]!), top1]) as Tensor1D;
    });
    const parameterGradients = pass.backward(gradients);
    this.#update(this.#sgd.step(parameterGradients, learningRate));
    for (const each of parameterGradients.values()) each.dispose();
    tf.dispose([images, labels, total, terms, gradients]);
    return values;
  }

  weights(): Promise<TensorMap> {
    return toTensorMap(this.model.network, this.state);
  }

  /** Momentum buffers by parameter name. */
  async velocity(): Promise<TensorMap> {
    const buffers = this.#sgd.velocity();
    const map: TensorMap = new Map();
    for (const spec of this.model.network.tensors)
      if (spec.trainable) map.set(spec.name, await readTensor(spec, buffers.get(spec.name)!));
    for (const each of buffers.values()) each.dispose();
    return map;
  }

  /** Frees all tensors; the model's method stays the caller's. */
  dispose(): void {
    disposeState(this.state);
    this.#sgd.dispose();
  }

  #update(parameters: Map<string, Tensor>): void {
    for (const [name, value] of parameters) {
      this.state.tensors.get(name)!.dispose();
      this.state.tensors.set(name, value);
    }
  }
}
