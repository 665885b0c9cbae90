/**
 * The parts that a configuration names, put together for one dataset: network, method, and what was resolved from
 * the data. Used by training and by the evaluation of a stored checkpoint alike.
 */
import type { RunConfig } from './config.ts';
import { findMethod } from './methods/index.ts';
import type { BoundMethod, Method, NamedOutput, Term } from './methods/method.ts';
import { countParameters, type Network, type TensorSpec } from './networks/graph.ts';
import { findNetwork } from './networks/index.ts';
import type { Backend } from './ops.ts';
import { milestonesOf } from './schedules.ts';
import type { DataDescription } from './types.ts';

export interface Model {
  network: Network;
  method: Method;
  bound: BoundMethod;
  /** What the method shows beside its prediction and logs, with the run's settings. */
  outputs: NamedOutput[];
  terms: Term[];
  evaluationTerms: Term[];
}

/** Builds network and method. The caller disposes `bound`. Throws RangeError when the settings do not fit the data. */
export function createModel(config: RunConfig, data: DataDescription): Model {
  const method = findMethod(config.method);
  const network = buildNetwork(config, data);
  const bound = method.bind({ classCounts: data.classCounts, epochs: config.epochs, settings: config });
  return {
    network,
    method,
    bound,
    outputs: method.outputs(config),
    terms: method.terms(config),
    evaluationTerms: method.evaluationTerms?.(config) ?? [],
  };
}

/** The network of a configuration. Throws RangeError for what it cannot be: a size, or a head. */
export function buildNetwork(
  config: RunConfig,
  {
    height,
    width,
    channels,
    classNames,
  }: Pick<DataDescription, 'height' | 'width' | 'channels' | 'classNames'>,
): Network {
  return findNetwork(config.network).build({
    height,
    width,
    channels,
    classes: classNames.length,
    head: findMethod(config.method).head(config),
  });
}

/** The tensors that a run trains: all parameters, or those that a second stage is about. */
export function trainedTensors({ network, method }: Pick<Model, 'network' | 'method'>): TensorSpec[] {
  return network.tensors.filter(({ name, trainable }) => trainable && (method.trains?.(name) ?? true));
}

/** What a run decided at its start beyond its configuration; JSON-safe, to be stored with the run. */
export interface ResolvedRun {
  engine: string;
  engineVersion: string;
  device: string;
  threads: number | null;
  parameters: number;
  /** Of these, how many are trained; fewer in a second stage. */
  trainedParameters: number;
  stepsPerEpoch: number;
  totalSteps: number;
  /** Epochs from 0 at which a step schedule lowers the rate. */
  milestones: number[];
  /** What the method resolved from the data, and what it logs. */
  method: Record<string, unknown> & { terms: Term[]; evaluationTerms: Term[] };
}

/** Needs no tensors of its own. */
export function resolveRun(
  config: RunConfig,
  data: DataDescription,
  backend: Backend,
  model: Model,
): ResolvedRun {
  return {
    engine: backend.kind,
    engineVersion: backend.version,
    device: backend.device,
    threads: backend.threads,
    parameters: countParameters(model.network),
    trainedParameters: countParameters(model.network, (name) => model.method.trains?.(name) ?? true),
    stepsPerEpoch: countSteps(config, data.sizes.train),
    totalSteps: countAllSteps(config, data.sizes.train),
    milestones: milestonesOf(config),
    method: { ...model.bound.resolved, terms: model.terms, evaluationTerms: model.evaluationTerms },
  };
}

/** Optimiser steps of one epoch. A split smaller than one batch is one step. */
export function countSteps(config: Pick<RunConfig, 'batchSize' | 'dropLast'>, examples: number): number {
  const batches = examples / config.batchSize;
  return Math.max(1, config.dropLast ? Math.floor(batches) : Math.ceil(batches));
}

/** Optimiser steps of a whole run. */
export function countAllSteps(
  config: Pick<RunConfig, 'batchSize' | 'dropLast' | 'epochs' | 'maxSteps'>,
  examples: number,
): number {
  return Math.min(countSteps(config, examples) * config.epochs, config.maxSteps ?? Infinity);
}
