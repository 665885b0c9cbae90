/**
 * A checkpoint of another program, inside the process that reads it: which network its tensors are of, and the same
 * weights as a checkpoint of ours (safetensors and notes). PyTorch's files and safetensors are read.
 */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { ClassOrder, Config } from '../../preload/contract.ts';
import { writeFileDurably } from '../durableFile.ts';
import { openPyTorch, type PlainRecord } from '../exchange/pytorch.ts';
import { readSafetensorsHeader, writeSafetensors, type SafetensorsEntry } from '../exchange/safetensors.ts';
import { OPTIMIZER_PREFIX, readStateDict, readTensorMap } from '../exchange/stateDict.ts';
import type { Head } from '../training/networks/head.ts';
import { findNetwork } from '../training/networks/index.ts';
import { recogniseNetwork, type Recognition } from '../training/networks/recognise.ts';
import type { TensorMap } from '../training/types.ts';
import { orderClasses } from './classOrder.ts';

export interface CheckpointReport {
  /** "PyTorch (zip)", "PyTorch (legacy)", "safetensors". */
  format: string;
  /** Where in the file the weights are; null when they are all of it. */
  container: string | null;
  tensors: number;
  /** Scalars in all tensors. */
  values: number;
  /** Some names, for a file whose network is not known. */
  names: string[];
  network: RecognisedNetwork | null;
  /** What the file says of itself, null where it does not: finished epochs, the program's word for the network, top-1 as a fraction. */
  epoch: number | null;
  arch: string | null;
  bestTop1: number | null;
  /** Momentum buffers of an optimizer beside the weights; null without one. */
  optimizerBuffers: number | null;
}

export interface RecognisedNetwork {
  network: string;
  head: Head;
  /** Null where the file lacks every tensor that shows it; then it is not complete. */
  classes: number | null;
  channels: number;
  prefix: string;
  /** Evaluable as it is. */
  complete: boolean;
  missing: string[];
  leftOver: string[];
  misshapen: { name: string; shape: number[]; expected: number[] }[];
}

export interface ImportTarget {
  /** The run's folder, which is there. */
  folder: string;
  runId: number;
  appVersion: string;
  config: Config;
  epoch: number;
  fileName: string;
  /** Of each output of the file, the dataset's class that it is about; null leaves them as they are. */
  classOfOutput: number[] | null;
  classOrder: ClassOrder;
  /** The dataset's own renumbering of classes, to be kept with the weights. */
  rankLabels: number[] | null;
}

const NAMED = 12;

/** Looks at the structure of a checkpoint. Throws the reader's errors. */
export async function describeCheckpoint(file: string): Promise<CheckpointReport> {
  if (await isSafetensors(file)) {
    const { metadata, entries } = await readSafetensorsHeader(file);
    const weights = entries.filter(({ name }) => !name.startsWith(OPTIMIZER_PREFIX));
    return {
      ...reportOf(weights),
      format: 'safetensors',
      container: null,
      epoch: whole(metadata['epoch']),
      arch: null,
      bestTop1: null,
      optimizerBuffers: entries.length > weights.length ? entries.length - weights.length : null,
    };
  }
  const checkpoint = await openPyTorch(file);
  try {
    const { format, container, tensors, extra, optimizer } = checkpoint;
    return {
      ...reportOf(tensors),
      format: `PyTorch (${format})`,
      container,
      epoch: whole(extra['epoch']),
      arch: typeof extra['arch'] === 'string' ? extra['arch'] : null,
      bestTop1: bestOf(extra),
      optimizerBuffers: optimizer === null ? null : optimizer.momentumBuffers.length,
    };
  } finally {
    await checkpoint.close();
  }
}

/** Writes the weights and their notes into the run's folder. Throws when the network is not complete; nothing is written then. */
export async function writeImported(
  file: string,
  source: { sizeBytes: number; sha256: string },
  target: ImportTarget,
  signal: AbortSignal,
): Promise<{ file: string; sizeBytes: number }> {
  const { recognition, weights } = await readWeights(file);
  signal.throwIfAborted();
  if (target.classOfOutput !== null) orderClasses(weights, recognition, target.classOfOutput);
  const name = `checkpoints/epoch-${String(target.epoch).padStart(4, '0')}.safetensors`;
  await mkdir(path.join(target.folder, 'checkpoints'), { recursive: true });
  const entries = new Map<string, SafetensorsEntry>(
    [...weights].map(([tensor, { shape, data }]) => [
      tensor,
      { dtype: data instanceof Int32Array ? 'I32' : 'F32', shape, data },
    ]),
  );
  const tensors = await writeSafetensors(path.join(target.folder, name), entries, {
    format: 'pt',
    epoch: String(target.epoch),
    step: '0',
  });
  const notes = {
    format: 1,
    appVersion: target.appVersion,
    runId: target.runId,
    epoch: target.epoch,
    step: 0,
    createdAtMs: Date.now(),
    config: target.config,
    imported: {
      fileName: target.fileName,
      ...source,
      prefix: recognition.prefix,
      leftOver: recognition.leftOver,
    },
    classOrder: target.classOrder,
    rankLabels: target.rankLabels,
    tensors,
    logits: null,
  };
  const json = JSON.stringify(notes, null, 2);
  await writeFileDurably(path.join(target.folder, name.replace(/\.safetensors$/, '.json')), json);
  return { file: name, sizeBytes: tensors.sizeBytes + Buffer.byteLength(json) };
}

interface Named {
  name: string;
  shape: number[];
}

async function readWeights(file: string): Promise<{ recognition: Recognition; weights: TensorMap }> {
  if (await isSafetensors(file)) {
    const stored = [...(await readStateDict(file)).weights];
    const recognition = completeOr(
      file,
      stored.map(([name, { shape }]) => ({ name, shape })),
    );
    const weights: TensorMap = new Map(
      stored.flatMap(([name, tensor]) => {
        const ours = recognition.names.get(name);
        return ours === undefined ? [] : [[ours, tensor]];
      }),
    );
    return { recognition, weights: inOrder(weights, recognition) };
  }
  const checkpoint = await openPyTorch(file);
  try {
    const recognition = completeOr(file, checkpoint.tensors);
    const weights = await readTensorMap(checkpoint, recognition.names);
    return { recognition, weights: inOrder(weights, recognition) };
  } finally {
    await checkpoint.close();
  }
}

function completeOr(file: string, tensors: readonly Named[]): Recognition {
  const recognition = recogniseNetwork(tensors);
  if (recognition === null || !recognition.complete)
    throw Object.assign(new Error(`${file} does not hold the whole of a network that is known here.`), {
      code: 'file-invalid',
    });
  return recognition;
}

/** All tensors of the network in its order. Files from before PyTorch 0.4.1 have no counters of batches; they only count. */
function inOrder(weights: TensorMap, { network, head, classes, channels }: Recognition): TensorMap {
  const definition = findNetwork(network);
  // Names and shapes of tensors do not depend on the size of the images.
  const size = definition.imageKind === 'small' ? 32 : 224;
  const { tensors } = definition.build({ height: size, width: size, channels, classes: classes!, head });
  return new Map(
    tensors.map(({ name, kind, shape }) => {
      const stored = weights.get(name);
      if (stored === undefined && kind !== 'batchCount') throw new Error(`The tensor ${name} was not read.`);
      return [name, { shape, data: stored?.data ?? new Int32Array(1) }];
    }),
  );
}

function reportOf(
  tensors: readonly Named[],
): Pick<CheckpointReport, 'tensors' | 'values' | 'names' | 'network'> {
  const recognition = recogniseNetwork(tensors.map(({ name, shape }) => ({ name, shape })));
  const product = (shape: readonly number[]): number => shape.reduce((total, size) => total * size, 1);
  return {
    tensors: tensors.length,
    values: tensors.reduce((sum, { shape }) => sum + product(shape), 0),
    names: tensors.slice(0, NAMED).map(({ name }) => name),
    network: recognition && {
      network: recognition.network,
      head: recognition.head,
      classes: recognition.classes,
      channels: recognition.channels,
      prefix: recognition.prefix,
      complete: recognition.complete,
      missing: recognition.missing,
      leftOver: recognition.leftOver,
      misshapen: recognition.misshapen,
    },
  };
}

/** By content: eight bytes of length and a JSON object. */
async function isSafetensors(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    return bytesRead === 9 && buffer[8] === 0x7b && buffer.readBigUInt64LE(0) < 2n ** 32n;
  } finally {
    await handle.close();
  }
}

/**
 * Best top-1 as a fraction, by the file's own word. ResLT, LDAM-DRW and PyTorch's example write `best_acc1` in percent,
 * RIDE's template `monitor_best` as a fraction. Others' names come in both: above 1 it can only be percent.
 */
function bestOf(extra: PlainRecord): number | null {
  for (const key of ['best_acc1', 'best_acc', 'best_top1', 'monitor_best']) {
    const value = extra[key];
    if (typeof value !== 'number') continue;
    const isPercent = key === 'best_acc1' || (key !== 'monitor_best' && value > 1);
    const top1 = isPercent ? value / 100 : value;
    if (top1 >= 0 && top1 <= 1) return top1;
  }
  return null;
}

/** A count of finished epochs that the names of files have room for, or null. */
function whole(value: unknown): number | null {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number < 1_000_000
    ? number
    : null;
}
