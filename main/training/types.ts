/**
 * The seams of the training code: what it is given (data, a host) and what it says (events). Training is pure
 * TypeScript over tfjs: everything that touches files, processes or sockets is behind these interfaces, so the
 * same loop runs in a test, in the trainer process and in a benchmark.
 */

/** Which part of a dataset. Numbers about `test` are always called test, also where it was used for selection. */
export type Split = 'train' | 'val' | 'test';

/** One batch, ready for the network: normalised, channels last. */
export interface Batch {
  /** [size, height, width, channels] float32, C order. Only valid until the next batch is asked for. */
  images: Float32Array;
  /** [size] class indices. */
  labels: Int32Array;
  size: number;
}

/** What a run can know of its data. Class indices are those of the dataset; `classCounts` are of the train split. */
export interface DataDescription {
  classNames: string[];
  classCounts: number[];
  height: number;
  width: number;
  channels: number;
  sizes: Record<Split, number>;
}

/** A stream of batches. `next` resolves to null at the end. The time spent waiting in `next` is the data wait. */
export interface BatchStream {
  next(): Promise<Batch | null>;
  close(): void;
}

/** How one epoch of training data is drawn. */
export interface TrainStreamOptions {
  batchSize: number;
  /** Drop the last, smaller batch, as the reference's CIFAR loader does. A split smaller than one batch is kept. */
  dropLast: boolean;
  /** Pixels of zero padding for the random crop; 0 switches it off. */
  cropPadding: number;
  flip: boolean;
  /** Largest angle of a random rotation, degrees either way; 0 (the default) switches it off. Packed images only. */
  rotation?: number;
  /**
   * `crop` (the default): a crop of the padded image, as for CIFAR. `resized-crop`: a random part of the image, scaled
   * to the image size, as for photographs.
   */
  augmentation?: 'crop' | 'resized-crop';
  /** Strength of brightness, contrast and saturation jitter, 0 (the default) to 1; with `resized-crop` only. */
  colorJitter?: number;
  /** `scaled` lets the decoder scale JPEGs down by 2, 4 or 8: faster, other pixels. Photographs only; default `exact`. */
  decode?: 'exact' | 'scaled';
  /** `class-balanced`: a class uniformly, then the next image of it; an epoch is as long as with `shuffle` (default). */
  sampler?: 'shuffle' | 'class-balanced';
  /** Batches to leave out at the start, without preparing them: a resumed epoch had them already. */
  skipBatches?: number;
  /** Source of the epoch's order and augmentation; the stream must draw everything from it, in a fixed order. */
  random: Random;
}

/** The data of one run. Normalisation (x/255 - mean) / std is part of it, fixed when it is opened. */
export interface TrainingData extends DataDescription {
  trainStream(options: TrainStreamOptions): BatchStream;
  /** The whole split in stored order, without augmentation, last partial batch kept. */
  evalStream(split: Split, batchSize: number): BatchStream;
  close(): Promise<void>;
}

/** The one seeded generator. Its state is small and JSON-safe, so that a checkpoint can hold it. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of randomness. */
  float(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** Fisher-Yates, in place. */
  shuffle(values: Int32Array | Uint32Array | number[]): void;
  /** An independent generator named by `label`; asking twice with one label gives the same stream. */
  fork(label: string): Random;
  state(): unknown;
}

/** What the process around the loop is asked to do between two steps. */
export type ControlRequest = 'stop' | 'pause' | 'checkpoint';

/** Result of one evaluation of one split. Accuracies are fractions 0…1; null where there is nothing to average. */
export interface EvaluationResult {
  split: Split;
  epoch: number;
  /** Optimiser steps taken so far. */
  step: number;
  /** Mean over examples of the standard cross-entropy of the fused logits, nats. */
  loss: number;
  top1: number;
  top5: number | null;
  /** Accuracy of each class (index = class), fused output; null for a class without examples. */
  perClass: (number | null)[];
  /** Each branch or expert alone, by the method's names ("h", "m", "t"; "expert-0"). */
  branches: Record<string, { top1: number; perClass: (number | null)[] }>;
  seconds: number;
}

/** Named tensors of plain numbers, in PyTorch's names and layouts, as they go to disk. */
export type TensorMap = Map<string, { shape: number[]; data: Float32Array | Int32Array }>;

/** Everything needed to go on: weights with batch-norm statistics, momentum buffers, generator, position. */
export interface TrainingState {
  weights: TensorMap;
  optimizer: TensorMap;
  /** JSON-safe: finished epochs, steps taken, generator states, best so far. */
  position: {
    epoch: number;
    step: number;
    random: unknown;
    best: BestSoFar | null;
    /** Where the epoch after `epoch` was interrupted; null between epochs. */
    partialEpoch: PartialEpoch | null;
  };
}

/** What an interrupted epoch has done so far. */
export interface PartialEpoch {
  /** Batches trained on; a resumed run draws them again and skips them. */
  batches: number;
  /** Sum over these batches of each epoch mean's metric. */
  sums: Record<string, number>;
}

export interface BestSoFar {
  epoch: number;
  top1: number;
  /** The split that selected it: val where there is one, else test. */
  split: Split;
  /** Test accuracy at that epoch. */
  testTop1: number;
}

/** Why a checkpoint is kept. */
export type CheckpointRole = 'last' | 'best' | 'every' | 'requested';

export interface CheckpointToSave {
  state: TrainingState;
  roles: CheckpointRole[];
  evaluations: EvaluationResult[];
  /** Per split, per output ("fused" and each branch): logits [examples, classes], row per example in stored order. */
  logits: { split: Split; outputs: Record<string, Float32Array>; examples: number; classes: number }[];
}

/** What the loop says, in order. The trainer process writes each as one journal record. */
export type TrainingEvent =
  | { type: 'log'; level: 'info' | 'warn' | 'error'; text: string }
  | { type: 'metrics'; step: number; epoch: number; values: Record<string, number> }
  | {
      type: 'progress';
      step: number;
      totalSteps: number;
      epoch: number;
      epochs: number;
      imagesPerSecond: number | null;
      waitShare: number | null;
    }
  | { type: 'evaluation'; result: EvaluationResult }
  | { type: 'phase'; phase: 'preparing' | 'training' | 'evaluating' | 'saving' };

/** The process around the loop. */
export interface TrainingHost {
  emit(event: TrainingEvent): void;
  /** Takes the newest request, or null. Called between steps. */
  takeRequest(): ControlRequest | null;
  /** Lets sockets and timers run; the loop awaits it after each step. */
  yieldToEvents(): Promise<void>;
  /** Writes the checkpoint durably (temporary name, fsync, rename) before it resolves. */
  saveCheckpoint(checkpoint: CheckpointToSave): Promise<void>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

export type TrainingOutcome =
  { state: 'completed' } | { state: 'stopped' | 'paused'; step: number; epoch: number };
