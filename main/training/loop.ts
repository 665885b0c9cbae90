/**
 * The training loop: epochs of steps, evaluations, checkpoints, log lines in the reference's format, and the requests
 * of the process around it. It touches no file and no clock of its own; see TrainingHost.
 *
 * A run can be interrupted between any two steps and goes on bit for bit: each epoch draws its order and augmentation
 * from a stream named after the epoch, so a resumed run draws the epoch again without the batches it has had.
 */
import type { Tensor1D } from '@tensorflow/tfjs-core';

import { groupMeans, groupScheme } from '../analysis/groups.ts';
import type { RunConfig } from './config.ts';
import { NonFiniteLossError } from './errors.ts';
import { evaluate, evaluationMetrics, type SplitLogits } from './evaluate.ts';
import { formatStep, formatTest, formatTrainEpoch, formatVal } from './logFormat.ts';
import { createModel, resolveRun } from './model.ts';
import type { Backend } from './ops.ts';
import { createRandom, restoreRandom } from './random.ts';
import { startingWeights } from './startingWeights.ts';
import { learningRateAt } from './schedules.ts';
import { stepMetricNames, TrainingSession } from './session.ts';
import { Teacher, teacherBatchNormOf, type TeacherSource } from './teacher.ts';
import type {
  BestSoFar,
  Batch,
  CheckpointRole,
  EvaluationResult,
  Split,
  TensorMap,
  TrainingData,
  TrainingHost,
  TrainingOutcome,
  TrainingState,
} from './types.ts';
import { initialWeights } from './weights.ts';

/** Progress is reported no more often than this. */
const PROGRESS_INTERVAL_MS = 250;

export interface TrainOptions {
  config: RunConfig;
  data: TrainingData;
  backend: Backend;
  host: TrainingHost;
  /** Goes on from here. */
  resume?: TrainingState;
  /** Starts from a checkpoint's weights instead of random ones (see startingWeights.ts); ignored when resuming. */
  initFrom?: TensorMap;
  /** What a distilling method learns from; the run's setting `teacherBatchNorm` says how its batch norms behave. */
  teacher?: TeacherSource;
}

/**
 * Trains to the end, or until asked to stop or pause. Throws NonFiniteLossError as soon as a loss is not finite, and
 * what the data, the engine or the host throw. Disposes all its tensors; data and backend stay the caller's.
 */
export async function train(options: TrainOptions): Promise<TrainingOutcome> {
  const run = new Run(options);
  try {
    return await run.train();
  } finally {
    run.dispose();
  }
}

class Run {
  readonly #config: RunConfig;
  readonly #data: TrainingData;
  readonly #backend: Backend;
  readonly #host: TrainingHost;
  readonly #model;
  readonly #session: TrainingSession;
  readonly #teacher: Teacher | null;
  readonly #random;
  readonly #resolved;
  readonly #metricNames: string[];
  readonly #selection: Split;
  readonly #meter: Meter;
  /** Finished epochs and optimiser steps. */
  #epoch = 0;
  #step = 0;
  #best: BestSoFar | null = null;
  /** The epoch under way. */
  #batches = 0;
  #sums: number[] = [];

  constructor({ config, data, backend, host, resume, initFrom, teacher }: TrainOptions) {
    this.#config = config;
    this.#data = data;
    this.#backend = backend;
    this.#host = host;
    this.#random = resume ? restoreRandom(resume.position.random) : createRandom(config.seed);
    this.#model = createModel(config, data);
    this.#resolved = resolveRun(config, data, backend, this.#model);
    this.#metricNames = stepMetricNames(this.#model);
    this.#selection = data.sizes.val > 0 ? 'val' : 'test';
    this.#meter = new Meter(host);
    const weights = resume?.weights ?? this.#beginningWeights(initFrom);
    this.#teacher =
      teacher === undefined ? null : new Teacher(teacher, data, backend, teacherBatchNormOf(config));
    this.#session = new TrainingSession({
      model: this.#model,
      backend,
      config,
      weights,
      teacher: this.#teacher,
      ...(resume && { velocity: resume.optimizer }),
    });
    this.#sums = this.#metricNames.map(() => 0);
    if (resume) this.#restore(resume.position);
  }

  async train(): Promise<TrainingOutcome> {
    this.#describe();
    // Also where nothing is left to do: a run that was interrupted after its last checkpoint has run nevertheless.
    this.#host.emit({ type: 'phase', phase: 'training' });
    while (this.#isUnfinished()) {
      const ended = await this.#trainEpoch();
      if (ended) return ended;
      await this.#finishEpoch();
      if (this.#isUnfinished()) this.#host.emit({ type: 'phase', phase: 'training' });
    }
    return { state: 'completed' };
  }

  /** Whether steps are left, or an epoch whose steps are done still has to be evaluated. */
  #isUnfinished(): boolean {
    const { totalSteps } = this.#resolved;
    return this.#epoch < this.#config.epochs && (this.#step < totalSteps || this.#batches > 0);
  }

  dispose(): void {
    this.#session.dispose();
    this.#teacher?.dispose();
    this.#model.bound.dispose();
  }

  /** Random weights, or those of a checkpoint with random ones where the method begins afresh. */
  #beginningWeights(initFrom: TensorMap | undefined): TensorMap {
    const { network, method } = this.#model;
    const fresh = initialWeights(network, this.#random.fork('weights'));
    if (!initFrom) return fresh;
    const { weights, remark } = startingWeights(network, initFrom, fresh, method);
    if (remark !== null) this.#log(remark, 'warn');
    return weights;
  }

  /** Runs the rest of an epoch. Returns the outcome when a request ended it early, else null. */
  async #trainEpoch(): Promise<TrainingOutcome | null> {
    const { totalSteps } = this.#resolved;
    const learningRate = learningRateAt(this.#config, this.#epoch);
    const random = this.#random.fork(`epoch-${this.#epoch}`);
    const stream = this.#data.trainStream({ ...this.#config, random, skipBatches: this.#batches });
    // The loss of a step is read after the next one was handed to the engine, so that the engine never idles.
    let unread: UnreadStep | null = null;
    const read = async (next: UnreadStep | null): Promise<void> => {
      const last = unread;
      unread = next;
      if (last) await this.#account(last, learningRate);
    };
    try {
      while (this.#step < totalSteps) {
        this.#meter.start();
        const batch: Batch | null = await stream.next();
        this.#meter.gotBatch();
        if (!batch) break;
        const values = this.#session.step(batch, learningRate, this.#epoch);
        this.#step++;
        this.#batches++;
        await read({ step: this.#step, batch: this.#batches - 1, values });
        this.#meter.end(batch.size);
        this.#reportProgress();
        await this.#host.yieldToEvents();
        const request = this.#host.takeRequest();
        if (!request) continue;
        await read(null);
        if (request === 'stop') {
          await this.#saveIfPossible();
          return { state: 'stopped', step: this.#step, epoch: this.#epoch };
        }
        await this.#save(['requested'], [], []);
        if (request === 'pause') return { state: 'paused', step: this.#step, epoch: this.#epoch };
      }
      await read(null);
    } finally {
      (unread as UnreadStep | null)?.values.dispose();
      stream.close();
    }
    return null;
  }

  /** Takes in the values of one step: checks them, adds them to the epoch's, logs them when it is time. */
  async #account({ step, batch, values }: UnreadStep, learningRate: number): Promise<void> {
    const numbers = [...(await values.data<'float32'>())];
    values.dispose();
    numbers.forEach((value, index) => {
      if (!Number.isFinite(value)) throw new NonFiniteLossError(this.#metricNames[index]!, step, value);
      this.#sums[index]! += value;
    });
    if (batch % this.#config.logEverySteps !== 0) return;
    const named = Object.fromEntries(this.#metricNames.map((name, index) => [name, numbers[index]!]));
    const rate = this.#meter.take();
    this.#host.emit({
      type: 'metrics',
      step,
      epoch: this.#epoch + 1,
      values: {
        ...named,
        'train/lr': learningRate,
        ...(rate && { 'train/images-per-second': rate.imagesPerSecond, 'train/data-wait': rate.waitShare }),
      },
    });
    const terms = Object.fromEntries(
      this.#model.terms.map(({ name }) => [name, named[`train/loss/${name}`]!]),
    );
    this.#log(formatStep({ loss: named['train/loss']!, terms, top1: named['train/top1']!, learningRate }));
  }

  /**
   * Closes an epoch: its means, an evaluation when one is due, and a checkpoint. Until the evaluation has succeeded the
   * epoch stays open, so that a run which fails in it (an image that can't be read) goes on with it.
   */
  async #finishEpoch(): Promise<void> {
    const epoch = this.#epoch + 1;
    const means = Object.fromEntries(
      this.#metricNames.map((name, index) => [name, this.#sums[index]! / this.#batches]),
    );
    this.#log(formatTrainEpoch(this.#epoch, means['train/loss']!, means['train/top1']!));
    this.#host.emit({
      type: 'metrics',
      step: this.#step,
      epoch,
      values: Object.fromEntries(
        Object.entries(means).map(([name, value]) => [name.replace('train/', 'train/epoch-'), value]),
      ),
    });
    const { evaluateEvery, checkpointEvery, epochs } = this.#config;
    const isLast = epoch === epochs || this.#step >= this.#resolved.totalSteps;
    const isKept = checkpointEvery > 0 && epoch % checkpointEvery === 0;
    const isDue = isLast || isKept || epoch % evaluateEvery === 0;
    const evaluated = isDue ? await this.#evaluate(epoch) : [];
    this.#epoch = epoch;
    this.#batches = 0;
    this.#sums = this.#metricNames.map(() => 0);
    if (!isDue) {
      await this.#save([], [], []);
      return;
    }
    const evaluations = evaluated.map(({ result }) => result);
    const isBest = this.#updateBest(evaluations);
    for (const { result, terms } of evaluated) this.#report(result, terms);
    const roles: CheckpointRole[] = [
      'last',
      ...(isBest ? ['best' as const] : []),
      ...(isKept ? ['every' as const] : []),
    ];
    await this.#save(
      roles,
      evaluations,
      evaluated.map(({ logits }) => logits),
    );
  }

  async #evaluate(epoch: number): Promise<Evaluated[]> {
    this.#host.emit({ type: 'phase', phase: 'evaluating' });
    const splits: Split[] = this.#selection === 'val' ? ['val', 'test'] : ['test'];
    const evaluated: Evaluated[] = [];
    try {
      for (const split of splits)
        evaluated.push(
          await evaluate({
            ...this.#model,
            backend: this.#backend,
            state: this.#session.state,
            data: this.#data,
            split,
            batchSize: this.#config.evalBatchSize,
            epoch,
            step: this.#step,
            now: () => this.#host.now(),
            yieldToEvents: () => this.#host.yieldToEvents(),
          }),
        );
    } catch (error) {
      // Weights that give no numbers are not worth going on from.
      if (!(error instanceof NonFiniteLossError)) await this.#saveIfPossible();
      throw error;
    }
    return evaluated;
  }

  /** Whether the newest evaluation beats all earlier ones on the selection split. */
  #updateBest(evaluations: EvaluationResult[]): boolean {
    const { top1 } = evaluations.find((each) => each.split === this.#selection)!;
    const testTop1 = evaluations.find((each) => each.split === 'test')!.top1;
    if (this.#best && top1 <= this.#best.top1) return false;
    this.#best = { epoch: this.#epoch, top1, split: this.#selection, testTop1 };
    return true;
  }

  #report(result: EvaluationResult, terms: Record<string, number>): void {
    const { split, step, epoch, loss, top1, perClass } = result;
    this.#host.emit({ type: 'evaluation', result });
    this.#host.emit({
      type: 'metrics',
      step,
      epoch,
      values: evaluationMetrics({ result, terms }),
    });
    if (split !== 'test') {
      this.#log(formatVal(epoch - 1, loss, top1, terms));
      return;
    }
    const { many, medium, few } = groupMeans(perClass, groupScheme('reslt-ranges', this.#data.classCounts));
    this.#log(
      formatTest({
        epoch: epoch - 1,
        loss,
        top1,
        bestTop1: this.#best!.testTop1,
        perClass,
        head: many,
        medium,
        tail: few,
        terms,
      }),
    );
  }

  /** Saves the state to go on from, before the run leaves for another reason, which a full disk must not hide. */
  async #saveIfPossible(): Promise<void> {
    try {
      await this.#save([], [], []);
    } catch (error) {
      this.#log(
        `Step ${this.#step} could not be saved, so the run goes on from the checkpoint before: ${(error as Error).message}`,
        'warn',
      );
    }
  }

  async #save(
    roles: CheckpointRole[],
    evaluations: EvaluationResult[],
    logits: SplitLogits[],
  ): Promise<void> {
    this.#host.emit({ type: 'phase', phase: 'saving' });
    const sums = Object.fromEntries(this.#metricNames.map((name, index) => [name, this.#sums[index]!]));
    const state: TrainingState = {
      weights: await this.#session.weights(),
      optimizer: await this.#session.velocity(),
      position: {
        epoch: this.#epoch,
        step: this.#step,
        random: this.#random.state(),
        best: this.#best,
        partialEpoch: this.#batches > 0 ? { batches: this.#batches, sums } : null,
      },
    };
    await this.#host.saveCheckpoint({ state, roles, evaluations, logits });
  }

  #restore({ epoch, step, best, partialEpoch }: TrainingState['position']): void {
    this.#epoch = epoch;
    this.#step = step;
    this.#best = best;
    if (!partialEpoch) return;
    this.#batches = partialEpoch.batches;
    this.#sums = this.#metricNames.map((name) => partialEpoch.sums[name] ?? 0);
  }

  #describe(): void {
    const { engine, engineVersion, device, parameters, trainedParameters, stepsPerEpoch, totalSteps } =
      this.#resolved;
    const { network, method } = this.#model;
    this.#log(
      `${method.label} on ${network.name}: ${parameters} parameters, ${network.classes} classes, ` +
        `images of ${network.inputShape.join('x')}.`,
    );
    if (trainedParameters < parameters)
      this.#log(`${trainedParameters} of the parameters are trained; the others keep their values.`);
    if (this.#teacher) {
      const { network: known, method: taught } = this.#teacher.model;
      this.#log(
        `Learns from ${taught.label} on ${known.name}, whose batch norms use ` +
          `${teacherBatchNormOf(this.#config) === 'batch' ? 'the statistics of the batch' : 'their running statistics'}.`,
      );
    }
    this.#log(`Engine ${engine} ${engineVersion} on ${device}.`);
    const { train } = this.#data.sizes;
    if (train < this.#config.batchSize)
      this.#log(
        `The training split has ${train} images, fewer than the batch of ${this.#config.batchSize}: each epoch is one step on all of them.`,
        'warn',
      );
    this.#log(`${stepsPerEpoch} steps an epoch, ${totalSteps} in all; ${this.#step} done.`);
  }

  #reportProgress(): void {
    const rate = this.#meter.progress(PROGRESS_INTERVAL_MS);
    if (!rate) return;
    this.#host.emit({
      type: 'progress',
      step: this.#step,
      totalSteps: this.#resolved.totalSteps,
      epoch: this.#epoch + 1,
      epochs: this.#config.epochs,
      ...rate,
    });
  }

  #log(text: string, level: 'info' | 'warn' = 'info'): void {
    this.#host.emit({ type: 'log', level, text });
  }
}

type Evaluated = Awaited<ReturnType<typeof evaluate>>;

/** Values of a step that the engine may still be computing; `batch` is its index in the epoch. */
interface UnreadStep {
  step: number;
  batch: number;
  values: Tensor1D;
}

interface Rate {
  imagesPerSecond: number;
  /** Share of the time spent waiting for data. */
  waitShare: number;
}

/** Measures the time of steps, evaluations excluded. */
class Meter {
  readonly #host: TrainingHost;
  /** Since the last logged step, and since the last progress report. */
  readonly #logged = new Window();
  readonly #progressed = new Window();
  #startedAt = 0;
  #gotBatchAt = 0;
  #progressAt = -Infinity;
  #hasRate = false;
  #isFirst = true;

  constructor(host: TrainingHost) {
    this.#host = host;
  }

  start(): void {
    this.#startedAt = this.#host.now();
  }

  gotBatch(): void {
    this.#gotBatchAt = this.#host.now();
  }

  end(images: number): void {
    // The first step of a process sets up kernels and memory; it says nothing about the rest.
    if (this.#isFirst) {
      this.#isFirst = false;
      return;
    }
    const stepMs = this.#host.now() - this.#startedAt;
    const waitMs = this.#gotBatchAt - this.#startedAt;
    this.#logged.add(images, stepMs, waitMs);
    this.#progressed.add(images, stepMs, waitMs);
  }

  /** The rate since the last call; null when no step was measured. */
  take(): Rate | null {
    return this.#logged.take();
  }

  /**
   * The rate since the last report, when that is long enough ago; else null. The first measured step is told at once:
   * a run of a few steps has no other to tell how fast this machine is.
   */
  progress(intervalMs: number): Rate | { imagesPerSecond: null; waitShare: null } | null {
    const now = this.#host.now();
    if (now - this.#progressAt < intervalMs && (this.#hasRate || this.#progressed.isEmpty)) return null;
    this.#progressAt = now;
    const rate = this.#progressed.take();
    this.#hasRate ||= rate !== null;
    return rate ?? { imagesPerSecond: null, waitShare: null };
  }
}

class Window {
  #images = 0;
  #stepMs = 0;
  #waitMs = 0;

  get isEmpty(): boolean {
    return this.#stepMs <= 0;
  }

  add(images: number, stepMs: number, waitMs: number): void {
    this.#images += images;
    this.#stepMs += stepMs;
    this.#waitMs += waitMs;
  }

  take(): Rate | null {
    if (this.#stepMs <= 0) return null;
    const rate = {
      imagesPerSecond: (1000 * this.#images) / this.#stepMs,
      waitShare: this.#waitMs / this.#stepMs,
    };
    [this.#images, this.#stepMs, this.#waitMs] = [0, 0, 0];
    return rate;
  }
}
