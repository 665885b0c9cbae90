/**
 * golden/checkpoints: the files that must load, to their names, shapes, strides and exact values, and those that must
 * be refused. All of that is exact: an error counts what differs, and the tolerance is 0. A checkpoint of a golden model
 * must also give its outputs.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import * as tf from '@tensorflow/tfjs-core';

import { openPyTorch, PyTorchFileError, type StoredTensor } from '../../../main/exchange/pytorch.ts';
import { readTensorMap } from '../../../main/exchange/stateDict.ts';
import { writePyTorch } from '../../../main/exchange/writePyTorch.ts';
import { forwardInference } from '../../../main/training/networks/execute.ts';
import { findNetwork } from '../../../main/training/networks/index.ts';
import { recogniseNetwork, type Recognition } from '../../../main/training/networks/recognise.ts';
import type { Backend } from '../../../main/training/ops.ts';
import type { TensorMap } from '../../../main/training/types.ts';
import { disposeState, fromTensorMap } from '../../../main/training/weights.ts';
import { decodeArray, keyedTensor, toChannelsLast, type GoldenFolder, type StoredArray } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';

interface ExpectedTensor extends StoredTensor {
  sha256Float32: string;
  sha256OwnType: string;
  first4: (number | string)[];
}

interface ExpectedFile {
  accepted: {
    file: string;
    container?: string;
    /** "<prefix>/<model>#<n>": the weights are those of that golden model. */
    caseSeed?: string;
    extra?: Record<string, unknown> & {
      prefix?: string;
      optimizer?: Record<string, unknown> & { momentumBuffers: ExpectedTensor[] };
    };
    tensors: ExpectedTensor[];
  }[];
  refused: { file: string; reason: string; mustNotCreate?: string }[];
}

interface GoldenModel {
  input: { key: string; shapeNCHW: number[] };
  eval: { outputs: Record<string, { float64: StoredArray; tolerance: number }> };
}

/** Printed to nine digits. */
const PRINTED_TOLERANCE = 1e-8;

export function checkpointCases(golden: GoldenFolder): ParityCase[] {
  const expected = golden.read<ExpectedFile>('checkpoints', 'expected');
  if (expected === null) return [];
  const folder = path.join(golden.folder, 'checkpoints');
  return [
    ...expected.accepted.map((file) => ({
      name: `checkpoints/${file.file}`,
      run: () => loadChecks(path.join(folder, file.file), file),
    })),
    ...expected.accepted.flatMap(({ file, caseSeed }) => {
      const model = caseSeed && golden.read<GoldenModel>('models', path.basename(caseSeed).split('#')[0]!);
      return model
        ? {
            name: `checkpoints/${file} evaluated`,
            run: (backend: Backend) => evaluationChecks(backend, path.join(folder, file), model),
          }
        : [];
    }),
    ...expected.refused.map(({ file, mustNotCreate }) => ({
      name: `checkpoints/${file} refused`,
      run: () => refusalChecks(path.join(folder, file), mustNotCreate ?? 'golden_marker_must_not_exist'),
    })),
  ];
}

async function loadChecks(file: string, expected: ExpectedFile['accepted'][number]): Promise<Check[]> {
  const checkpoint = await openPyTorch(file);
  try {
    const { prefix, optimizer, ...extra } = expected.extra ?? {};
    const checks: Check[] = [
      exact('container', checkpoint.container, expected.container ?? null),
      ...Object.entries(extra).map(([key, value]) => exact(key, checkpoint.extra[key], value)),
      ...(await tensorChecks(checkpoint.read, checkpoint.readOwn, checkpoint.tensors, expected.tensors)),
    ];
    if (prefix !== undefined)
      checks.push(
        exact(
          'prefix',
          checkpoint.tensors.every(({ name }) => name.startsWith(prefix)),
          true,
        ),
      );
    if (optimizer !== undefined) {
      const { momentumBuffers, ...settings } = optimizer;
      for (const [key, value] of Object.entries(settings))
        checks.push(exact(`optimizer ${key}`, checkpoint.optimizer?.groups[0]?.[key], value));
      const stored = checkpoint.optimizer?.momentumBuffers ?? [];
      checks.push(...(await tensorChecks(checkpoint.read, checkpoint.readOwn, stored, momentumBuffers)));
    }
    return checks;
  } finally {
    await checkpoint.close();
  }
}

async function tensorChecks(
  read: (tensor: StoredTensor) => Promise<Float32Array>,
  readOwn: (tensor: StoredTensor) => Promise<Uint8Array>,
  actual: StoredTensor[],
  expected: ExpectedTensor[],
): Promise<Check[]> {
  const checks = [exact('number of tensors', actual.length, expected.length)];
  for (const [index, { sha256Float32, sha256OwnType, first4, ...description }] of expected.entries()) {
    const tensor = actual[index];
    checks.push(exact(`tensor ${index}`, tensor, description));
    if (tensor === undefined) continue;
    const values = await read(tensor);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    checks.push(exact(`${tensor.name} as float32`, sha256(bytes), sha256Float32));
    checks.push(exact(`${tensor.name} in its own type`, sha256(await readOwn(tensor)), sha256OwnType));
    for (const [place, value] of first4.entries()) {
      const found = values[place] ?? NaN;
      const finite = typeof value === 'number';
      checks.push({
        name: `${tensor.name}[${place}]`,
        error: finite
          ? Math.abs(found - value) / Math.max(1, Math.abs(value))
          : Number(String(found) !== value),
        tolerance: PRINTED_TOLERANCE,
      });
    }
  }
  return checks;
}

/** The recognised network gives the model's outputs, from the file and from what we write of it. */
async function evaluationChecks(backend: Backend, file: string, model: GoldenModel): Promise<Check[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'reslt-parity-'));
  try {
    const copy = path.join(folder, 'exported.pth');
    const { tensors } = await readNetwork(file);
    await writePyTorch(copy, tensors);
    return [
      ...(await outputChecks('', backend, await readNetwork(file), model)),
      ...(await outputChecks('exported ', backend, await readNetwork(copy), model)),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readNetwork(file: string): Promise<{ recognition: Recognition; tensors: TensorMap }> {
  const checkpoint = await openPyTorch(file);
  try {
    const recognition = recogniseNetwork(checkpoint.tensors);
    if (recognition?.complete !== true) throw new Error(`${file} holds no whole network`);
    return { recognition, tensors: await readTensorMap(checkpoint, recognition.names) };
  } finally {
    await checkpoint.close();
  }
}

async function outputChecks(
  what: string,
  backend: Backend,
  { recognition, tensors }: { recognition: Recognition; tensors: TensorMap },
  { input, eval: { outputs: expected } }: GoldenModel,
): Promise<Check[]> {
  const [batch, channels, height, width] = input.shapeNCHW as [number, number, number, number];
  const { head, classes } = recognition;
  const network = findNetwork(recognition.network).build({
    height,
    width,
    channels,
    classes: classes!,
    head,
  });
  const state = fromTensorMap(network, tensors);
  const values = toChannelsLast(keyedTensor(input.key, input.shapeNCHW), input.shapeNCHW);
  const images = tf.tensor4d(values, [batch, height, width, channels]);
  const outputs = forwardInference(backend.ops, network, state, images);
  const checks: Check[] = [];
  for (const [name, output] of Object.entries(outputs)) {
    const { float64, tolerance } = expected[name.toUpperCase()]!;
    const error = largestDifference(await output.data(), decodeArray(float64));
    checks.push({ name: `${what}output ${name}`, error, tolerance });
  }
  tf.dispose([images, outputs]);
  disposeState(state);
  return checks;
}

async function refusalChecks(file: string, marker: string): Promise<Check[]> {
  let outcome: unknown;
  try {
    const checkpoint = await openPyTorch(file);
    await checkpoint.close();
    outcome = 'it was opened';
  } catch (error) {
    outcome = error;
  }
  const isSentence = outcome instanceof PyTorchFileError && /[a-z].*\.$/.test(outcome.message);
  return [
    { name: `refused with a sentence, but: ${String(outcome)}`, error: isSentence ? 0 : 1, tolerance: 0 },
    { name: `no ${marker}`, error: existsSync(marker) ? 1 : 0, tolerance: 0 },
  ];
}

function exact(name: string, actual: unknown, expected: unknown): Check {
  const same = JSON.stringify(actual) === JSON.stringify(expected);
  return {
    name: same ? name : `${name}: got ${shorten(actual)}, expected ${shorten(expected)}`,
    error: same ? 0 : 1,
    tolerance: 0,
  };
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
