/**
 * golden/checkpoints: the files that must load, to their names, shapes, strides and exact values, and those that must
 * be refused. Everything is exact: an error counts what differs, and the tolerance is 0.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { openPyTorch, PyTorchFileError, type StoredTensor } from '../../../main/exchange/pytorch.ts';
import type { GoldenFolder } from '../golden.ts';
import type { Check, ParityCase } from '../parityCase.ts';

interface ExpectedTensor extends StoredTensor {
  sha256Float32: string;
  sha256OwnType: string;
  first4: (number | string)[];
}

interface ExpectedFile {
  accepted: {
    file: string;
    container?: string;
    optional?: boolean;
    extra?: Record<string, unknown> & {
      prefix?: string;
      optimizer?: Record<string, unknown> & { momentumBuffers: ExpectedTensor[] };
    };
    tensors: ExpectedTensor[];
  }[];
  refused: { file: string; reason: string; mustNotCreate?: string }[];
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
