/**
 * Runs a network over `Ops`: a training pass that can be differentiated, and an inference pass. The backward pass
 * is written here, one case a layer, instead of using tfjs' gradient tape: it frees each activation as soon as its
 * gradient is done (the tape holds all of them to the end) and costs no bookkeeping per op. Exactly the tensors
 * that a gradient needs survive the forward pass (gradientNeeds.ts).
 */
import { addN, concat2d, div, pad2d, reshape, slice2d, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

import type { BatchNormVectors, Ops, Shape4D } from '../ops.ts';
import { gradientNeeds } from './gradientNeeds.ts';
import type { Graph, Network, NetworkNode } from './graph.ts';
import { lastUses } from './liveness.ts';

/** The tensors of a network inside the engine, by state-dict name: filters [height, width, in, out], the rest as in PyTorch. */
export interface NetworkState {
  tensors: Map<string, Tensor>;
  /** Batches seen in training; PyTorch's num_batches_tracked of every batch norm. */
  batchesTracked: number;
}

/** A finished forward pass. Call `backward` once, or `dispose`. */
export interface TrainingPass {
  /** Logits [batch, classes] of each output; freed by `backward` and `dispose`. */
  outputs: Record<string, Tensor2D>;
  /**
   * Takes the gradient of the loss by each output and returns that by each trained tensor. An output without an
   * entry takes no part in the loss; tensors that only it depends on get zeros. The caller disposes both.
   */
  backward(gradients: Partial<Record<string, Tensor2D>>): Map<string, Tensor>;
  dispose(): void;
}

/**
 * How batch norms behave: 'batch' uses the batch's statistics and moves the running ones (training), 'running'
 * uses and keeps the running ones.
 */
export type BatchNormMode = 'batch' | 'running';

export interface TrainingPassOptions {
  /** Default 'batch'. */
  batchNorm?: BatchNormMode;
  /**
   * Tensors that are trained, of those that can be; absent: all of them. Nothing is kept or computed for layers that
   * lie below all of these.
   */
  trainable?: ReadonlySet<string>;
  /** Also return the gradient by the images, under the name INPUT_GRADIENT. */
  inputGradient?: boolean;
}

export const INPUT_GRADIENT = 'input';

/**
 * One forward pass that keeps what the backward pass needs. With batch statistics the running ones in `state` are
 * replaced. `images` [batch, height, width, channels] stays the caller's and must live until `backward`.
 */
export function forwardTraining(
  ops: Ops,
  network: Network,
  state: NetworkState,
  images: Tensor4D,
  { batchNorm: mode = 'batch', trainable, inputGradient = false }: TrainingPassOptions = {},
): TrainingPass {
  const graph = network.training;
  const { nodes } = graph;
  const values: (Tensor | null)[] = new Array<Tensor | null>(nodes.length).fill(null);
  const saved = new Map<number, Tensor1D[]>();
  const trained = new Set(
    network.tensors
      .filter((spec) => spec.trainable && (trainable?.has(spec.name) ?? true))
      .map((spec) => spec.name),
  );
  const { needed, kept } = gradientNeeds(graph, trained, inputGradient);
  const plan = lastUses(graph);

  nodes.forEach((node, index) => {
    if (node.layer.kind === 'batchNorm' && mode === 'batch') {
      const { name } = node.layer;
      const result = ops.batchNormTraining(values[node.inputs[0]!] as Tensor4D, vectors(state, name));
      values[index] = result.output;
      if (needed[index]) saved.set(index, result.saved);
      else result.saved.forEach((each) => each.dispose());
      replace(state, `${name}.running_mean`, result.mean);
      replace(state, `${name}.running_var`, result.variance);
    } else values[index] = runLayer(ops, node, state, values, images);
    for (const used of plan[index]!) if (!kept.has(used)) free(values, used);
  });
  if (mode === 'batch') state.batchesTracked++;

  const outputs = Object.fromEntries(
    Object.entries(graph.outputs).map(([name, index]) => [name, values[index] as Tensor2D]),
  );
  const dispose = (): void => {
    values[0] = null; // the images are the caller's
    values.forEach((_, index) => free(values, index));
    for (const tensors of saved.values()) tensors.forEach((tensor) => tensor.dispose());
    saved.clear();
  };

  const backward = (outputGradients: Partial<Record<string, Tensor2D>>): Map<string, Tensor> => {
    const byNode: (Tensor | null)[] = new Array<Tensor | null>(nodes.length).fill(null);
    const byTensor = new Map<string, Tensor>();
    const passOn = (index: number, gradient: Tensor): void => {
      if (needed[index]) byNode[index] = accumulate(ops, byNode[index] ?? null, gradient);
      else gradient.dispose();
    };
    const collect = (name: string, gradient: Tensor): void => {
      if (trained.has(name)) byTensor.set(name, accumulate(ops, byTensor.get(name) ?? null, gradient));
      else gradient.dispose();
    };
    for (const [name, index] of Object.entries(graph.outputs)) {
      const gradient = outputGradients[name];
      if (gradient) passOn(index, gradient.clone());
    }
    for (let index = nodes.length - 1; index > 0; index--) {
      const node = nodes[index]!;
      const gradient = byNode[index];
      if (gradient) {
        backwardLayer({
          ops,
          graph,
          node,
          state,
          gradient,
          output: values[index] ?? null,
          input: values[node.inputs[0]!] ?? null,
          saved: saved.get(index) ?? null,
          batch: images.shape[0],
          needsInput: needed[node.inputs[0]!]!,
          isTrained: (name) => trained.has(name),
          passOn,
          collect,
        });
        gradient.dispose();
        byNode[index] = null;
      }
      free(values, index);
    }
    for (const name of trained) if (!byTensor.has(name)) byTensor.set(name, zerosLike(tensor(state, name)));
    if (byNode[0]) byTensor.set(INPUT_GRADIENT, byNode[0]);
    dispose();
    return byTensor;
  };
  return { outputs, backward, dispose };
}

/** Logits of each output with running statistics; activations are freed as soon as they are used. The caller disposes the result. */
export function forwardInference(
  ops: Ops,
  network: Network,
  state: NetworkState,
  images: Tensor4D,
): Record<string, Tensor2D> {
  const graph = network.inference;
  const values: (Tensor | null)[] = new Array<Tensor | null>(graph.nodes.length).fill(null);
  const plan = lastUses(graph);
  graph.nodes.forEach((node, index) => {
    values[index] = runLayer(ops, node, state, values, images);
    for (const used of plan[index]!) if (used !== 0) free(values, used);
  });
  return Object.fromEntries(
    Object.entries(graph.outputs).map(([name, index]) => [name, values[index] as Tensor2D]),
  );
}

function runLayer(
  ops: Ops,
  node: NetworkNode,
  state: NetworkState,
  values: (Tensor | null)[],
  images: Tensor4D,
): Tensor {
  const { layer } = node;
  const input = values[node.inputs[0]!] as Tensor4D;
  const features = input as Tensor as Tensor2D;
  const all = (): Tensor2D[] => node.inputs.map((index) => values[index] as Tensor2D);
  const weight = (name: string): Tensor2D => tensor(state, `${name}.weight`) as Tensor2D;
  switch (layer.kind) {
    case 'input':
      return images;
    case 'conv':
      return ops.conv2d(input, tensor(state, layer.weight) as Tensor4D, layer);
    case 'batchNorm':
      return ops.batchNormInference(input, vectors(state, layer.name));
    case 'relu':
      return ops.relu(input);
    case 'add':
      return ops.add(input, values[node.inputs[1]!] as Tensor4D);
    case 'padShortcut':
      return ops.padShortcut(input, layer.channels, layer.stride);
    case 'maxPool':
      return ops.maxPool(input, layer);
    case 'globalAveragePool':
      return ops.globalAveragePool(input);
    case 'asMap':
      return reshape(features, [features.shape[0], 1, 1, features.shape[1]]);
    case 'slice':
      return slice2d(features, [0, layer.from], [-1, layer.size]);
    case 'linear':
      return ops.linear(features, weight(layer.name), tensor(state, `${layer.name}.bias`) as Tensor1D);
    case 'tauLinear':
      return ops.tauLinear(features, weight(layer.name), layer.tau);
    case 'cosine':
      return ops.cosineLinear(features, weight(layer.name), layer.scale);
    case 'unitRows':
      return ops.unitRows(features);
    case 'mean':
      return tidy(() => div(addN(all()), node.inputs.length));
    case 'topValues':
      return ops.topValues(features, layer.count);
    case 'concat':
      return concat2d(all(), 1);
  }
}

interface BackwardContext {
  ops: Ops;
  graph: Graph;
  node: NetworkNode;
  state: NetworkState;
  gradient: Tensor;
  output: Tensor | null;
  input: Tensor | null;
  saved: Tensor1D[] | null;
  batch: number;
  /** Whether the gradient by the first input is worth computing. */
  needsInput: boolean;
  isTrained(name: string): boolean;
  passOn(index: number, gradient: Tensor): void;
  collect(name: string, gradient: Tensor): void;
}

function backwardLayer(context: BackwardContext): void {
  const { ops, graph, node, state, batch, passOn, collect } = context;
  const { layer } = node;
  const from = node.inputs[0]!;
  const gradient = context.gradient as Tensor4D;
  const byFeatures = context.gradient as Tensor2D;
  const input = context.input as Tensor4D;
  const inputShape = [batch, ...graph.nodes[from]!.shape] as Shape4D;
  switch (layer.kind) {
    case 'input':
      return;
    case 'conv': {
      const filter = tensor(state, layer.weight) as Tensor4D;
      if (context.isTrained(layer.weight))
        collect(layer.weight, ops.conv2dFilterGradient(gradient, input, filter.shape, layer));
      if (context.needsInput) passOn(from, ops.conv2dInputGradient(gradient, filter, inputShape, layer));
      return;
    }
    case 'batchNorm': {
      const parameters = vectors(state, layer.name);
      const result = context.saved
        ? ops.batchNormTrainingGradient(gradient, input, parameters.scale, context.saved)
        : ops.batchNormInferenceGradient(gradient, input, parameters);
      context.saved?.forEach((each) => each.dispose());
      context.saved?.splice(0);
      collect(`${layer.name}.weight`, result.scale);
      collect(`${layer.name}.bias`, result.offset);
      passOn(from, result.input);
      return;
    }
    case 'relu':
      passOn(from, ops.reluGradient(gradient, context.output as Tensor4D));
      return;
    case 'add':
      for (const index of node.inputs) passOn(index, gradient.clone());
      return;
    case 'padShortcut':
      passOn(from, ops.padShortcutGradient(gradient, inputShape, layer.stride));
      return;
    case 'maxPool':
      passOn(from, ops.maxPoolGradient(gradient, input, context.output as Tensor4D, layer));
      return;
    case 'globalAveragePool':
      passOn(from, ops.globalAveragePoolGradient(byFeatures, inputShape));
      return;
    case 'asMap':
      passOn(from, reshape(gradient, inputShape));
      return;
    case 'slice': {
      const behind = inputShape[1] - layer.from - layer.size;
      passOn(
        from,
        pad2d(byFeatures, [
          [0, 0],
          [layer.from, behind],
        ]),
      );
      return;
    }
    case 'concat': {
      let start = 0;
      for (const index of node.inputs) {
        const size = graph.nodes[index]!.shape[0]!;
        passOn(index, slice2d(byFeatures, [0, start], [-1, size]));
        start += size;
      }
      return;
    }
    case 'linear': {
      const weight = tensor(state, `${layer.name}.weight`) as Tensor2D;
      const result = ops.linearGradient(byFeatures, context.input as Tensor2D, weight);
      collect(`${layer.name}.weight`, result.weight);
      collect(`${layer.name}.bias`, result.bias);
      passOn(from, result.input);
      return;
    }
    case 'cosine': {
      const weight = tensor(state, `${layer.name}.weight`) as Tensor2D;
      const result = ops.cosineLinearGradient(byFeatures, context.input as Tensor2D, weight, layer.scale);
      collect(`${layer.name}.weight`, result.weight);
      passOn(from, result.input);
      return;
    }
    case 'tauLinear':
      throw new Error('a classifier with normalised rows has no gradient: it is for inference');
    case 'unitRows':
    case 'mean':
    case 'topValues':
      return;
  }
}

function accumulate(ops: Ops, sum: Tensor | null, gradient: Tensor): Tensor {
  if (!sum) return gradient;
  const total = ops.add(sum as Tensor4D, gradient as Tensor4D);
  sum.dispose();
  gradient.dispose();
  return total;
}

function free(values: (Tensor | null)[], index: number): void {
  values[index]?.dispose();
  values[index] = null;
}

function tensor(state: NetworkState, name: string): Tensor {
  const found = state.tensors.get(name);
  if (!found) throw new Error(`the network has no tensor "${name}"`);
  return found;
}

function vectors(state: NetworkState, name: string): BatchNormVectors {
  return {
    scale: tensor(state, `${name}.weight`) as Tensor1D,
    offset: tensor(state, `${name}.bias`) as Tensor1D,
    mean: tensor(state, `${name}.running_mean`) as Tensor1D,
    variance: tensor(state, `${name}.running_var`) as Tensor1D,
  };
}

function replace(state: NetworkState, name: string, value: Tensor): void {
  tensor(state, name).dispose();
  state.tensors.set(name, value);
}
