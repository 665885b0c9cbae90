/**
 * A network as data: a list of layer nodes in the order of evaluation, and the parameters they name. One
 * description serves the training pass, the inference pass and the weight file, and an engine that compiles the
 * whole step can read it too. Shapes are checked while it is built. Parameters carry PyTorch's state-dict names,
 * shapes and order.
 */
import type { ConvGeometry } from '../ops.ts';

export type Layer =
  | { kind: 'input' }
  | ({ kind: 'conv'; weight: string } & ConvGeometry)
  | { kind: 'batchNorm'; name: string }
  | { kind: 'relu' }
  | { kind: 'add' }
  | { kind: 'padShortcut'; channels: number; stride: number }
  | { kind: 'globalAveragePool' }
  | { kind: 'linear'; name: string };

export interface NetworkNode {
  layer: Layer;
  /** Indices of earlier nodes. */
  inputs: number[];
  /** Without the batch axis: [height, width, channels] or [features]. */
  shape: number[];
}

export type TensorKind =
  | 'convWeight'
  | 'linearWeight'
  | 'linearBias'
  | 'batchNormScale'
  | 'batchNormOffset'
  | 'runningMean'
  | 'runningVariance'
  | 'batchCount';

/** One entry of the state dict. */
export interface TensorSpec {
  name: string;
  /** PyTorch's: convolutions [out, in / groups, height, width], linear [out, in]. */
  shape: number[];
  kind: TensorKind;
  /** Whether gradients reach it; the rest are statistics. */
  trainable: boolean;
}

/** Layers in the order of evaluation; the first is the input. */
export interface Graph {
  nodes: NetworkNode[];
  /** Output name → node that gives its logits [batch, classes]. */
  outputs: Record<string, number>;
}

export interface Network {
  name: string;
  /** [height, width, channels] */
  inputShape: [number, number, number];
  classes: number;
  /** What is differentiated. */
  training: Graph;
  /** What predicts; the same object where the two do not differ. */
  inference: Graph;
  /** The state dict, in PyTorch's order. */
  tensors: TensorSpec[];
}

/** Number of trainable scalars. */
export function countParameters(network: Network): number {
  return network.tensors
    .filter((spec) => spec.trainable)
    .reduce((sum, spec) => sum + spec.shape.reduce((product, size) => product * size, 1), 0);
}

/** The graph of what the outputs need, and the input. */
function reachable(nodes: NetworkNode[], outputs: Record<string, number>): Graph {
  const needed = new Set([0, ...Object.values(outputs)]);
  for (let index = nodes.length - 1; index > 0; index--)
    if (needed.has(index)) for (const input of nodes[index]!.inputs) needed.add(input);
  const kept = [...needed].sort((a, b) => a - b);
  const places = new Map(kept.map((index, place) => [index, place]));
  return {
    nodes: kept.map((index) => {
      const node = nodes[index]!;
      return { ...node, inputs: node.inputs.map((input) => places.get(input)!) };
    }),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, index]) => [name, places.get(index)!])),
  };
}

/** Collects nodes and tensors. Layer methods take and return node indices. */
export class NetworkBuilder {
  readonly #nodes: NetworkNode[] = [];
  readonly #tensors: TensorSpec[] = [];
  readonly #inputShape: [number, number, number];

  constructor(inputShape: [number, number, number]) {
    this.#inputShape = inputShape;
  }

  input(): number {
    return this.#add({ kind: 'input' }, [], [...this.#inputShape]);
  }

  /** A square convolution without bias. Throws RangeError if the groups do not divide the channels. */
  conv(
    input: number,
    name: string,
    options: { channels: number; kernel: number; groups?: number } & ConvGeometry,
  ): number {
    const [height, width, channels] = this.#map(input);
    const groups = options.groups ?? 1;
    if (channels % groups !== 0 || options.channels % groups !== 0)
      throw new RangeError(
        `${name}: ${groups} groups must divide ${channels} input and ${options.channels} output channels`,
      );
    const { stride, padding, kernel } = options;
    if (padding >= kernel)
      throw new RangeError(`${name}: a padding of ${padding} needs a kernel larger than ${kernel}`);
    const weight = `${name}.weight`;
    this.#declare(weight, [options.channels, channels / groups, kernel, kernel], 'convWeight', true);
    const size = (length: number): number => Math.floor((length + 2 * padding - kernel) / stride) + 1;
    return this.#add(
      { kind: 'conv', weight, stride, padding },
      [input],
      [size(height), size(width), options.channels],
    );
  }

  batchNorm(input: number, name: string): number {
    const shape = this.#map(input);
    const channels = [shape[2]];
    this.#declare(`${name}.weight`, channels, 'batchNormScale', true);
    this.#declare(`${name}.bias`, channels, 'batchNormOffset', true);
    this.#declare(`${name}.running_mean`, channels, 'runningMean', false);
    this.#declare(`${name}.running_var`, channels, 'runningVariance', false);
    this.#declare(`${name}.num_batches_tracked`, [], 'batchCount', false);
    return this.#add({ kind: 'batchNorm', name }, [input], shape);
  }

  relu(input: number): number {
    return this.#add({ kind: 'relu' }, [input], this.#map(input));
  }

  add(a: number, b: number): number {
    const [left, right] = [this.#map(a), this.#map(b)];
    if (left.join() !== right.join())
      throw new RangeError(`cannot add maps of shapes [${left.join(', ')}] and [${right.join(', ')}]`);
    return this.#add({ kind: 'add' }, [a, b], left);
  }

  /** Identity where nothing changes; otherwise see `Ops.padShortcut`. */
  padShortcut(input: number, channels: number, stride: number): number {
    const [height, width, before] = this.#map(input);
    if (stride === 1 && channels === before) return input;
    if ((channels - before) % 2 !== 0 || channels < before)
      throw new RangeError(`a padding shortcut cannot go from ${before} to ${channels} channels`);
    return this.#add(
      { kind: 'padShortcut', channels, stride },
      [input],
      [Math.ceil(height / stride), Math.ceil(width / stride), channels],
    );
  }

  globalAveragePool(input: number): number {
    return this.#add({ kind: 'globalAveragePool' }, [input], [this.#map(input)[2]]);
  }

  /** Registers a linear layer's tensors now, so that they stand before those of later layers in the state dict. */
  declareLinear(name: string, inputs: number, outputs: number): void {
    this.#declare(`${name}.weight`, [outputs, inputs], 'linearWeight', true);
    this.#declare(`${name}.bias`, [outputs], 'linearBias', true);
  }

  /** Applies a declared linear layer; several nodes may share one. */
  linear(input: number, name: string): number {
    const weight = this.#tensors.find((spec) => spec.name === `${name}.weight`);
    const features = this.#node(input).shape;
    if (!weight || features.length !== 1 || weight.shape[1] !== features[0])
      throw new RangeError(
        `${name}: expected features of a declared linear layer, got shape [${features.join(', ')}]`,
      );
    return this.#add({ kind: 'linear', name }, [input], [weight.shape[0]!]);
  }

  /** The network with these outputs, and with others at inference where that differs. */
  build(
    name: string,
    outputs: Record<string, number>,
    classes: number,
    inferenceOutputs: Record<string, number> = outputs,
  ): Network {
    const training = reachable(this.#nodes, outputs);
    return {
      name,
      inputShape: this.#inputShape,
      classes,
      training,
      inference: inferenceOutputs === outputs ? training : reachable(this.#nodes, inferenceOutputs),
      tensors: this.#tensors,
    };
  }

  #add(layer: Layer, inputs: number[], shape: number[]): number {
    if (shape.some((size) => size < 1))
      throw new RangeError(
        `a ${layer.kind} layer would give an empty map [${shape.join(', ')}]: the images are too small`,
      );
    return this.#nodes.push({ layer, inputs, shape }) - 1;
  }

  #declare(name: string, shape: number[], kind: TensorKind, trainable: boolean): void {
    this.#tensors.push({ name, shape, kind, trainable });
  }

  #node(index: number): NetworkNode {
    const node = this.#nodes[index];
    if (!node) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  #map(index: number): [number, number, number] {
    const { shape, layer } = this.#node(index);
    if (shape.length !== 3) throw new RangeError(`a ${layer.kind} layer gives no map`);
    return shape as [number, number, number];
  }
}
