/**
 * What a compute engine must be able to do for the networks: one kernel and its gradient per layer kind. Networks
 * are written once as a graph (networks/graph.ts) and executed over this interface (networks/execute.ts); the
 * implementations live in main/backends. Arithmetic is PyTorch's, not Keras': symmetric padding, batch norm with
 * epsilon 1e-5, momentum 0.1 and an unbiased running variance.
 *
 * Ownership: every call returns new tensors and disposes none of its arguments.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** Added to the variance before the square root. */
export const BATCH_NORM_EPSILON = 1e-5;
/** Weight of the newest batch in the running statistics. */
export const BATCH_NORM_MOMENTUM = 0.1;

/** Added to a length of zero before a division by it, as PyTorch's normalize does. */
export const SMALLEST_LENGTH = 1e-12;

/** A square convolution: the same stride and the same zero padding on all sides. */
export interface ConvGeometry {
  stride: number;
  padding: number;
}

/** Square windows, with the same padding on all sides. */
export interface PoolGeometry extends ConvGeometry {
  kernel: number;
}

/** The four vectors [channels] of a batch norm. */
export interface BatchNormVectors {
  scale: Tensor1D;
  offset: Tensor1D;
  mean: Tensor1D;
  variance: Tensor1D;
}

export interface BatchNormResult {
  output: Tensor4D;
  /** Running statistics after this batch. */
  mean: Tensor1D;
  variance: Tensor1D;
  /** What the gradient needs; the caller disposes it. */
  saved: Tensor1D[];
}

export interface BatchNormGradients {
  input: Tensor4D;
  scale: Tensor1D;
  offset: Tensor1D;
}

export interface LinearGradients {
  input: Tensor2D;
  weight: Tensor2D;
  bias: Tensor1D;
}

export interface CosineGradients {
  input: Tensor2D;
  weight: Tensor2D;
}

/**
 * Images and maps are [batch, height, width, channels], filters [height, width, in / groups, out]; a convolution has
 * as many groups as its filter's inputs go into the map's channels.
 */
export interface Ops {
  conv2d(input: Tensor4D, filter: Tensor4D, geometry: ConvGeometry): Tensor4D;
  conv2dInputGradient(
    gradient: Tensor4D,
    filter: Tensor4D,
    inputShape: Shape4D,
    geometry: ConvGeometry,
  ): Tensor4D;
  conv2dFilterGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    filterShape: Shape4D,
    geometry: ConvGeometry,
  ): Tensor4D;

  /** Normalises with the batch's own statistics and moves the running ones. */
  batchNormTraining(input: Tensor4D, vectors: BatchNormVectors): BatchNormResult;
  batchNormTrainingGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    scale: Tensor1D,
    saved: Tensor1D[],
  ): BatchNormGradients;
  /** Normalises with the running statistics. */
  batchNormInference(input: Tensor4D, vectors: BatchNormVectors): Tensor4D;
  /** The gradient of `batchNormInference`; the statistics are constants. */
  batchNormInferenceGradient(
    gradient: Tensor4D,
    input: Tensor4D,
    vectors: BatchNormVectors,
  ): BatchNormGradients;

  relu(input: Tensor4D): Tensor4D;
  /** `output` is what `relu` returned. */
  reluGradient(gradient: Tensor4D, output: Tensor4D): Tensor4D;
  add(a: Tensor4D, b: Tensor4D): Tensor4D;

  /** The parameter-free shortcut: every `stride`-th pixel from index 0, zero channels added half in front, half behind. */
  padShortcut(input: Tensor4D, channels: number, stride: number): Tensor4D;
  padShortcutGradient(gradient: Tensor4D, inputShape: Shape4D, stride: number): Tensor4D;

  /** The largest of each window; padding is never the largest. */
  maxPool(input: Tensor4D, geometry: PoolGeometry): Tensor4D;
  /** `output` is what `maxPool` returned. Among equals the first of the window, row by row, gets the gradient. */
  maxPoolGradient(gradient: Tensor4D, input: Tensor4D, output: Tensor4D, geometry: PoolGeometry): Tensor4D;

  /** [B, H, W, C] → [B, C] */
  globalAveragePool(input: Tensor4D): Tensor2D;
  globalAveragePoolGradient(gradient: Tensor2D, inputShape: Shape4D): Tensor4D;

  /** input [B, in], weight [out, in], bias [out] → [B, out] */
  linear(input: Tensor2D, weight: Tensor2D, bias: Tensor1D): Tensor2D;
  linearGradient(gradient: Tensor2D, input: Tensor2D, weight: Tensor2D): LinearGradients;
  /** input [B, in], weight [out, in] → [B, out], with each row of the weight divided by its length^tau. */
  tauLinear(input: Tensor2D, weight: Tensor2D, tau: number): Tensor2D;

  /** input [B, in], weight [in, out] → [B, out]: scale · cosine of the angle between example and column. */
  cosineLinear(input: Tensor2D, weight: Tensor2D, scale: number): Tensor2D;
  cosineLinearGradient(gradient: Tensor2D, input: Tensor2D, weight: Tensor2D, scale: number): CosineGradients;

  /** Each row divided by its length. */
  unitRows(input: Tensor2D): Tensor2D;
  /** The `count` largest values of each row, in descending order. */
  topValues(input: Tensor2D, count: number): Tensor2D;
}

export type Shape4D = [number, number, number, number];

/** The engines a run can ask for by name. */
export type EngineKind = 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm';

/** A loaded engine: its kernels, and what a run records about it. */
export interface Backend {
  kind: EngineKind;
  ops: Ops;
  /** Threads that one kernel may use; null where the engine decides (GPU). */
  threads: number | null;
  /** For people: "2 CPU threads", "NVIDIA H100". */
  device: string;
  /** Version of the library underneath, as it reports itself. */
  version: string;
}
