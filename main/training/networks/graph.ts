/**
 * A network as data: a list of layer nodes in the order of evaluation, and the parameters they name. One
 * description serves the training pass, the inference pass and the weight file, and an engine that compiles the
 * whole step can read it too. Shapes are checked while it is built. Parameters carry PyTorch's state-dict names,
 * shapes and order.
 */
import type { ConvGeometry, PoolGeometry } from '../ops.ts';

export type Layer =
  | { kind: 'input' }
  | ({ kind: 'conv'; weight: string } & ConvGeometry)
  | { kind: 'batchNorm'; name: string }
  | { kind: 'relu' }
  | { kind: 'add' }
  | { kind: 'padShortcut'; channels: number; stride: number }
  | ({ kind: 'maxPool' } & PoolGeometry)
  | { kind: 'globalAveragePool' }
  /** Features as a map of one pixel. */
  | { kind: 'asMap' }
  /** Some of the features: `size` from index `from` on. */
  | { kind: 'slice'; from: number; size: number }
  | { kind: 'linear'; name: string }
  /** By the cosine between features and columns; see `Ops.cosineLinear`. */
  | { kind: 'cosine'; name: string; scale: number }
  /** A linear layer whose rows are divided by norm^tau, without bias. Has no gradient: it is for inference. */
  | { kind: 'tauLinear'; name: string; tau: number }
  // What a router reads. No gradient goes through them: the experts below stay as they are while it trains.
  | { kind: 'unitRows' }
  | { kind: 'mean' }
  | { kind: 'topValues'; count: number }
  /** Features behind features. */
  | { kind: 'concat' };

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
  | 'cosineWeight'
  | 'batchNormScale'
  | 'batchNormOffset'
  | 'runningMean'
  | 'runningVariance'
  | 'batchCount';

/** How fresh values are drawn. */
export type Initial =
  | { kind: 'constant'; value: number }
  | { kind: 'normal'; deviation: number }
  /** In ±bound. */
  | { kind: 'uniform'; bound: number }
  /** Columns of length 1, from uniform numbers. */
  | { kind: 'unitColumns' };

/** One entry of the state dict. */
export interface TensorSpec {
  name: string;
  /** PyTorch's: convolutions [out, in / groups, height, width], linear [out, in], cosine classifiers [in, out]. */
  shape: number[];
  kind: TensorKind;
  /** Whether gradients reach it; the rest are statistics. */
  trainable: boolean;
  initial: Initial;
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

/** Number of trainable scalars, of all tensors or of those with certain names. */
export function countParameters(network: Network, counts: (name: string) => boolean = () => true): number {
  return network.tensors
    .filter((spec) => spec.trainable && counts(spec.name))
    .reduce((sum, spec) => sum + spec.shape.reduce((product, size) => product * size, 1), 0);
}

const STATISTICS: ReadonlySet<TensorKind> = new Set(['runningMean', 'runningVariance', 'batchCount']);

/** How many windows fit along a side. */
function windows(length: number, { kernel, stride, padding }: PoolGeometry): number {
  return Math.floor((length + 2 * padding - kernel) / stride) + 1;
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

export interface BuilderOptions {
  /** Convolutions are drawn normal with variance 2 / fan; fan is the inputs of one output pixel, or the outputs of one input pixel. */
  fan?: 'in' | 'out';
}

/**
 * Collects nodes and tensors. Layer methods take and return node indices. Layers of one name share their tensors,
 * which stand in the state dict where the name was used first.
 */
export class NetworkBuilder {
  readonly #nodes: NetworkNode[] = [];
  readonly #tensors = new Map<string, TensorSpec>();
  readonly #inputShape: [number, number, number];
  readonly #fan: 'in' | 'out';

  constructor(inputShape: [number, number, number], { fan = 'in' }: BuilderOptions = {}) {
    this.#inputShape = inputShape;
    this.#fan = fan;
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
    const fan = kernel * kernel * (this.#fan === 'in' ? channels / groups : options.channels);
    this.#declare(weight, [options.channels, channels / groups, kernel, kernel], 'convWeight', {
      kind: 'normal',
      deviation: Math.sqrt(2 / fan),
    });
    const size = (length: number): number => windows(length, options);
    return this.#add(
      { kind: 'conv', weight, stride, padding },
      [input],
      [size(height), size(width), options.channels],
    );
  }

  batchNorm(input: number, name: string): number {
    const shape = this.#map(input);
    const channels = [shape[2]];
    const [zero, one] = [0, 1].map((value) => ({ kind: 'constant', value }) as const) as [Initial, Initial];
    this.#declare(`${name}.weight`, channels, 'batchNormScale', one);
    this.#declare(`${name}.bias`, channels, 'batchNormOffset', zero);
    this.#declare(`${name}.running_mean`, channels, 'runningMean', zero);
    this.#declare(`${name}.running_var`, channels, 'runningVariance', one);
    this.#declare(`${name}.num_batches_tracked`, [], 'batchCount', zero);
    return this.#add({ kind: 'batchNorm', name }, [input], shape);
  }

  /** Of a map or of features. */
  relu(input: number): number {
    return this.#add({ kind: 'relu' }, [input], this.#node(input).shape);
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

  /** Channels of a map. */
  channelsOf(input: number): number {
    return this.#map(input)[2];
  }

  /** The largest of each window; padding is never the largest. */
  maxPool(input: number, geometry: PoolGeometry): number {
    const [height, width, channels] = this.#map(input);
    const size = (length: number): number => windows(length, geometry);
    return this.#add({ kind: 'maxPool', ...geometry }, [input], [size(height), size(width), channels]);
  }

  /** A map's mean over its pixels: features. */
  globalAveragePool(input: number): number {
    return this.#add({ kind: 'globalAveragePool' }, [input], [this.#map(input)[2]]);
  }

  asMap(input: number): number {
    return this.#add({ kind: 'asMap' }, [input], [1, 1, this.#features(input)]);
  }

  /** Cuts features into so many parts of the same size. Throws RangeError if they do not divide. */
  split(input: number, parts: number): number[] {
    const size = this.#features(input) / parts;
    if (!Number.isInteger(size)) throw new RangeError(`features do not divide into ${parts} parts`);
    return Array.from({ length: parts }, (_, part) =>
      this.#add({ kind: 'slice', from: part * size, size }, [input], [size]),
    );
  }

  /**
   * Registers a linear layer's tensors now, where they stand before those of layers that are applied earlier. Drawn
   * as PyTorch does, uniform in ±1 / sqrt(inputs), or its weight normal with variance 2 / inputs.
   */
  declareLinear(name: string, inputs: number, outputs: number, draw: 'uniform' | 'normal' = 'uniform'): void {
    const uniform: Initial = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) };
    const normal: Initial = { kind: 'normal', deviation: Math.sqrt(2 / inputs) };
    this.#declare(`${name}.weight`, [outputs, inputs], 'linearWeight', draw === 'normal' ? normal : uniform);
    this.#declare(`${name}.bias`, [outputs], 'linearBias', uniform);
  }

  /** Applies a declared linear layer. */
  linear(input: number, name: string): number {
    return this.#add({ kind: 'linear', name }, [input], [this.#outputsOf(name, input)]);
  }

  /** Applies a declared linear layer with its rows divided by norm^tau and without its bias. */
  tauLinear(input: number, name: string, tau: number): number {
    return this.#add({ kind: 'tauLinear', name, tau }, [input], [this.#outputsOf(name, input)]);
  }

  cosine(input: number, name: string, { outputs, scale }: { outputs: number; scale: number }): number {
    this.#declare(`${name}.weight`, [this.#features(input), outputs], 'cosineWeight', {
      kind: 'unitColumns',
    });
    return this.#add({ kind: 'cosine', name, scale }, [input], [outputs]);
  }

  /** Each example's features divided by their length. */
  unitRows(input: number): number {
    return this.#add({ kind: 'unitRows' }, [input], [this.#features(input)]);
  }

  mean(inputs: number[]): number {
    return this.#add({ kind: 'mean' }, inputs, [this.#features(inputs[0]!)]);
  }

  /** The largest values of each example, in descending order. Throws RangeError when there are fewer. */
  topValues(input: number, count: number): number {
    const features = this.#features(input);
    if (count > features)
      throw new RangeError(
        `cannot take the ${count} largest of ${features} logits: choose ${features} or fewer`,
      );
    return this.#add({ kind: 'topValues', count }, [input], [count]);
  }

  concat(inputs: number[]): number {
    const features = inputs.reduce((sum, input) => sum + this.#features(input), 0);
    return this.#add({ kind: 'concat' }, inputs, [features]);
  }

  /** The network with these outputs, and with others at inference where that differs. */
  build(
    name: string,
    outputs: Record<string, number>,
    classes: number,
    inferenceOutputs: Record<string, number> = outputs,
  ): Network {
    const training = reachable(this.#nodes, outputs);
    const isSame = Object.entries(outputs).every(([output, node]) => inferenceOutputs[output] === node);
    return {
      name,
      inputShape: this.#inputShape,
      classes,
      training,
      inference: isSame ? training : reachable(this.#nodes, inferenceOutputs),
      tensors: [...this.#tensors.values()],
    };
  }

  #add(layer: Layer, inputs: number[], shape: number[]): number {
    if (shape.some((size) => size < 1))
      throw new RangeError(
        `a ${layer.kind} layer would give an empty map [${shape.join(', ')}]: the images are too small`,
      );
    return this.#nodes.push({ layer, inputs, shape }) - 1;
  }

  #declare(name: string, shape: number[], kind: TensorKind, initial: Initial): void {
    const known = this.#tensors.get(name);
    if (known && known.shape.join() !== shape.join())
      throw new RangeError(`${name} has shape [${known.shape.join(', ')}], not [${shape.join(', ')}]`);
    const trainable = !STATISTICS.has(kind);
    if (!known) this.#tensors.set(name, { name, shape, kind, trainable, initial });
  }

  /** Outputs of a declared linear layer that fits these features. */
  #outputsOf(name: string, input: number): number {
    const weight = this.#tensors.get(`${name}.weight`);
    const { shape } = this.#node(input);
    if (!weight || shape.length !== 1 || weight.shape[1] !== shape[0])
      throw new RangeError(
        `${name}: expected features of a declared linear layer, got shape [${shape.join(', ')}]`,
      );
    return weight.shape[0]!;
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

  #features(index: number): number {
    const { shape, layer } = this.#node(index);
    if (shape.length !== 1) throw new RangeError(`a ${layer.kind} layer gives no features`);
    return shape[0]!;
  }
}
