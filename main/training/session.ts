/**
 * A network in training: weights, momentum and one optimiser step. The loop around it decides when to step, log,
 * evaluate and save.
 *
 * A batch may be computed in parts, so that the memory of one part is enough. The loss stays that of the whole batch: a
 * part's gradient is that of the loss over all labels, with zeros for the logits of the other parts. That is exact, since
 * examples meet in a loss only through their labels (the joint denominator of ResLT, weighted means), and costs nothing
 * but the loss itself once a part; only batch norms see a part at a time.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import type { RunConfig } from './config.ts';
import { lossWithGradients, type LossTerms, type Outputs } from './methods/method.ts';
import { trainedTensors, type Model } from './model.ts';
import { forwardTraining, type NetworkState, type TrainingPassOptions } from './networks/execute.ts';
import type { TensorSpec } from './networks/graph.ts';
import type { Backend, Ops } from './ops.ts';
import { Sgd } from './sgd.ts';
import type { Teacher } from './teacher.ts';
import type { Batch, TensorMap } from './types.ts';
import { disposeState, fromTensorMap, makeTensor, readTensor, toTensorMap } from './weights.ts';

/** Names of the values of one step, in the order in which `TrainingSession.step` returns them. */
export function stepMetricNames(model: Model): string[] {
  return ['train/loss', ...model.terms.map(({ name }) => `train/loss/${name}`), 'train/top1'];
}

/** Some rows of a batch, computed at once. */
interface Part {
  from: number;
  size: number;
}

/** What one part adds to a step. */
interface PartResult {
  gradients: Map<string, Tensor>;
  outputs: Outputs;
  teacherLogits: Tensor2D | null;
}

export class TrainingSession {
  readonly model: Model;
  readonly state: NetworkState;
  readonly #backend: Backend;
  readonly #sgd: Sgd;
  readonly #trained: TensorSpec[];
  readonly #passOptions: TrainingPassOptions;
  readonly #accumulateSteps: number;
  readonly #partSize: number;
  readonly #teacher: Teacher | null;

  /**
   * Takes weights, and momentum buffers where a training goes on (an empty or missing map: none yet). Throws Error
   * when they do not fit the network. The teacher stays the caller's.
   */
  constructor(options: {
    model: Model;
    backend: Backend;
    config: Pick<RunConfig, 'momentum' | 'nesterov' | 'weightDecay' | 'batchSize' | 'accumulateSteps'>;
    weights: TensorMap;
    velocity?: TensorMap;
    teacher?: Teacher | null;
  }) {
    const { model, backend, config, weights, velocity, teacher = null } = options;
    this.model = model;
    this.#backend = backend;
    this.#teacher = teacher;
    this.#accumulateSteps = config.accumulateSteps;
    this.#partSize = Math.ceil(config.batchSize / config.accumulateSteps);
    this.#trained = trainedTensors(model);
    // What is frozen is frozen whole: its batch norms neither use the batch's statistics nor move their own.
    this.#passOptions = model.method.trains
      ? { batchNorm: 'running', trainable: new Set(this.#trained.map(({ name }) => name)) }
      : {};
    this.state = fromTensorMap(model.network, weights);
    const parameters = new Map(this.#trained.map((spec) => [spec.name, this.state.tensors.get(spec.name)!]));
    const buffers =
      velocity && velocity.size > 0
        ? new Map(
            this.#trained.map((spec) => {
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
    const labels = tf.tensor1d(batch.labels, 'int32');
    const parts = this.#split(batch.size);
    const { values, gradients } =
      parts.length === 1 ? this.#whole(batch, labels, epoch) : this.#inParts(batch, labels, epoch, parts);
    this.#update(this.#sgd.step(gradients, learningRate));
    for (const each of gradients.values()) each.dispose();
    labels.dispose();
    return values;
  }

  weights(): Promise<TensorMap> {
    return toTensorMap(this.model.network, this.state);
  }

  /** Momentum buffers by the names of the trained parameters. */
  async velocity(): Promise<TensorMap> {
    const buffers = this.#sgd.velocity();
    const map: TensorMap = new Map();
    for (const spec of this.#trained) map.set(spec.name, await readTensor(spec, buffers.get(spec.name)!));
    for (const each of buffers.values()) each.dispose();
    return map;
  }

  /** Frees all tensors; the model's method and the teacher stay the caller's. */
  dispose(): void {
    disposeState(this.state);
    this.#sgd.dispose();
  }

  #split(size: number): Part[] {
    if (this.#accumulateSteps === 1) return [{ from: 0, size }];
    const parts: Part[] = [];
    for (let from = 0; from < size; from += this.#partSize)
      parts.push({ from, size: Math.min(this.#partSize, size - from) });
    return parts;
  }

  #whole(
    batch: Batch,
    labels: Tensor1D,
    epoch: number,
  ): { values: Tensor1D; gradients: Map<string, Tensor> } {
    let values: Tensor1D | null = null;
    const { gradients, outputs, teacherLogits } = this.#compute(
      batch,
      { from: 0, size: batch.size },
      (all, trained, teacher) => {
        const { total, terms, gradients } = lossWithGradients(
          (differentiated) =>
            this.model.bound.loss({ ...all, ...differentiated }, labels, contextOf(epoch, teacher)),
          trained,
        );
        values = this.#values({ total, terms }, all, labels);
        tf.dispose([total, terms]);
        return gradients;
      },
    );
    tf.dispose([outputs, teacherLogits ?? []]);
    return { values: values!, gradients };
  }

  #inParts(
    batch: Batch,
    labels: Tensor1D,
    epoch: number,
    parts: Part[],
  ): { values: Tensor1D; gradients: Map<string, Tensor> } {
    const { bound } = this.model;
    const results: PartResult[] = [];
    let sum: Map<string, Tensor> | null = null;
    for (const part of parts) {
      const widen = (logits: Tensor2D): Tensor2D =>
        tf.pad2d(logits, [
          [part.from, batch.size - part.from - part.size],
          [0, 0],
        ]);
      const result = this.#compute(batch, part, (all, trained, teacher) => {
        const wide = {
          all: mapOutputs(all, widen),
          trained: mapOutputs(trained, widen),
          teacher: teacher && widen(teacher),
        };
        const { total, terms, gradients } = lossWithGradients(
          (differentiated) =>
            bound.loss({ ...wide.all, ...differentiated }, labels, contextOf(epoch, wide.teacher)),
          wide.trained,
        );
        const own = mapOutputs(gradients, (each) => tf.slice2d(each, [part.from, 0], [part.size, -1]));
        tf.dispose([total, terms, gradients, wide.all, wide.trained, wide.teacher ?? []]);
        return own;
      });
      results.push(result);
      sum = sum === null ? result.gradients : addGradients(this.#backend.ops, sum, result.gradients);
    }
    const values = tf.tidy(() => {
      const all = Object.fromEntries(
        Object.keys(results[0]!.outputs).map((name) => [
          name,
          tf.concat2d(
            results.map(({ outputs }) => outputs[name]!),
            0,
          ),
        ]),
      );
      const taught = results.flatMap(({ teacherLogits }) => teacherLogits ?? []);
      const teacher = taught.length > 0 ? tf.concat2d(taught, 0) : null;
      return this.#values(bound.loss(all, labels, contextOf(epoch, teacher)), all, labels);
    });
    for (const { outputs, teacherLogits } of results) tf.dispose([outputs, teacherLogits ?? []]);
    return { values, gradients: sum! };
  }

  /**
   * Forward and backward pass of a part. `differentiate` gets all outputs, those that are trained, and the teacher's
   * logits, and returns the gradient of the loss by each trained output; it disposes what it makes.
   */
  #compute(
    batch: Batch,
    { from, size }: Part,
    differentiate: (all: Outputs, trained: Outputs, teacher: Tensor2D | null) => Outputs,
  ): PartResult {
    const { network, bound } = this.model;
    const imageLength = batch.images.length / batch.size;
    const values = batch.images.subarray(from * imageLength, (from + size) * imageLength);
    const images = tf.tensor4d(values, [size, ...network.inputShape]);
    const teacherLogits = this.#teacher?.logits(images) ?? null;
    const pass = forwardTraining(this.#backend.ops, network, this.state, images, this.#passOptions);
    const trained = Object.fromEntries(bound.trainedOutputs.map((name) => [name, pass.outputs[name]!]));
    const outputGradients = differentiate(pass.outputs, trained, teacherLogits);
    // The backward pass frees the outputs; copies of them share their memory.
    const outputs = mapOutputs(pass.outputs, (each) => each.clone());
    const gradients = pass.backward(outputGradients);
    tf.dispose([images, outputGradients]);
    return { gradients, outputs, teacherLogits };
  }

  /** What a step says: see `stepMetricNames`. */
  #values({ total, terms }: LossTerms, outputs: Outputs, labels: Tensor1D): Tensor1D {
    return tf.tidy(() => {
      const hits = tf.equal(tf.argMax(this.model.bound.fuse(outputs), 1), labels);
      const top1 = tf.mean(tf.cast(hits, 'float32')) as Scalar;
      return tf.stack([total, ...this.model.terms.map(({ name }) => terms[name]!), top1]) as Tensor1D;
    });
  }

  #update(parameters: Map<string, Tensor>): void {
    for (const [name, value] of parameters) {
      this.state.tensors.get(name)!.dispose();
      this.state.tensors.set(name, value);
    }
  }
}

function contextOf(
  epoch: number,
  teacherLogits: Tensor2D | null,
): { epoch: number; teacherLogits?: Tensor2D } {
  return teacherLogits === null ? { epoch } : { epoch, teacherLogits };
}

function mapOutputs(outputs: Outputs, change: (logits: Tensor2D) => Tensor2D): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([name, logits]) => [name, change(logits)]));
}

/** The sum by name; disposes both. */
function addGradients(ops: Ops, a: Map<string, Tensor>, b: Map<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...a].map(([name, first]) => {
      const second = b.get(name)!;
      const sum: Tensor = ops.add(first as Tensor4D, second as Tensor4D);
      first.dispose();
      second.dispose();
      return [name, sum];
    }),
  );
}
