/**
 * Good checkpoints with bytes flipped, cut off, repeated or replaced, in a seeded way: each one either loads or is
 * refused with our own error, promptly and without memory that its size does not explain.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPyTorch, PyTorchFileError } from '../../main/exchange/pytorch.ts';
import { parseReferenceLog, ReferenceLogError } from '../../main/exchange/referenceLog.ts';
import { recogniseNetwork } from '../../main/training/networks/recognise.ts';
import { createRandom } from '../../main/training/random.ts';
import type { Random } from '../../main/training/types.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const GOLDEN = join(import.meta.dirname, '../fixtures/golden');
/** The rest are mutated too, but the full network is large for no gain. */
const LARGEST_BYTES = 20_000;
const MUTATIONS = 120;
/** Far above what one takes (under 10 ms), far below a hang. */
const PROMPT_MS = 3000;
/** Of what the process had before: the limits let a tensor grow to 64 MiB beyond its file. */
const MEMORY_BYTES = 400e6;

function mutate(bytes: Buffer, random: Random): Buffer {
  const result = Buffer.from(bytes);
  const at = random.int(bytes.length);
  switch (random.int(5)) {
    case 0: {
      for (let flips = 1 + random.int(4); flips > 0; flips--) {
        const place = random.int(result.length);
        result[place]! ^= 1 << random.int(8);
      }
      return result;
    }
    case 1:
      return result.subarray(0, at);
    case 2: {
      const length = 1 + random.int(Math.min(64, bytes.length - at));
      return Buffer.concat([result.subarray(0, at), result.subarray(at, at + length), result.subarray(at)]);
    }
    case 3: {
      const length = random.int(Math.min(64, bytes.length - at));
      return Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
    }
    default: {
      // Large numbers are where allocations hide.
      result.fill(random.int(2) === 0 ? 0xff : 0x7f, at, Math.min(at + 1 + random.int(8), result.length));
      return result;
    }
  }
}

test('mutated checkpoints load or are refused, promptly and in little memory', async (t) => {
  const file = join(await temporaryFolder(t), 'mutated.pth');
  const folder = join(GOLDEN, 'checkpoints');
  const names = readdirSync(folder)
    .filter((name) => /^(zip|legacy|handmade)_/.test(name))
    .sort();
  const before = process.memoryUsage().rss;
  const outcomes = { loaded: 0, refused: 0 };
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    if (bytes.length > LARGEST_BYTES) continue;
    const random = createRandom(7).fork(name);
    for (let round = 0; round < MUTATIONS; round++) {
      writeFileSync(file, mutate(bytes, random));
      const started = performance.now();
      try {
        const checkpoint = await openPyTorch(file);
        try {
          for (const tensor of checkpoint.tensors) await checkpoint.read(tensor);
          if (round === 0) recogniseNetwork(checkpoint.tensors);
        } finally {
          await checkpoint.close();
        }
        outcomes.loaded++;
      } catch (error) {
        assert.ok(
          error instanceof PyTorchFileError,
          `${name}, mutation ${round}: ${(error as Error).stack ?? String(error)}`,
        );
        outcomes.refused++;
      }
      const took = performance.now() - started;
      assert.ok(took < PROMPT_MS, `${name}, mutation ${round}, took ${took} ms`);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < MEMORY_BYTES, `${name}, mutation ${round}: the process grew by ${grown} bytes`);
    }
  }
  assert.ok(outcomes.loaded > 100 && outcomes.refused > 500, JSON.stringify(outcomes));
});

test('mutated logs are read or refused', () => {
  const folder = join(GOLDEN, 'logs');
  for (const name of readdirSync(folder).filter((each) => /\.(log|csv)$/.test(each))) {
    const bytes = readFileSync(join(folder, name));
    const random = createRandom(11).fork(name);
    for (let round = 0; round < MUTATIONS; round++) {
      const text = mutate(bytes, random).toString('latin1');
      try {
        const { runs } = parseReferenceLog(text);
        assert.ok(runs.length > 0);
        for (const { series } of runs)
          for (const { points } of series) assert.ok(points.every(({ value }) => Number.isFinite(value)));
      } catch (error) {
        assert.ok(
          error instanceof ReferenceLogError,
          `${name}, mutation ${round}: ${(error as Error).stack}`,
        );
      }
    }
  }
});
