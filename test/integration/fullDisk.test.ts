/** A run whose disk fills up: it fails with a sentence, and what was good before stays. The disk is a small tmpfs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { loadCheckpoint } from '../../main/trainer/checkpoints.ts';
import {
  createRun,
  makeLibraryFolder,
  openOwner,
  removeLibrary,
  waitForState,
  type Owner,
} from '../helpers/schedulerLibrary.ts';
import type { Flood } from '../helpers/floodTrainer.ts';

const DISK = '1m';

/** An owner of a library whose runs lie on a disk of 1 MiB; null, and the test skipped, where mounting is not allowed. */
async function openOnSmallDisk(
  t: TestContext,
  flood: Partial<Flood>,
): Promise<{ owner: Owner; folder: string } | null> {
  const folder = makeLibraryFolder();
  const runs = path.join(folder, 'runs');
  mkdirSync(runs);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', runs], { stdio: 'pipe' });
  } catch {
    removeLibrary(folder);
    t.skip('mounting a small tmpfs is not allowed here');
    return null;
  }
  const owner = openOwner(folder, flood);
  t.after(async () => {
    await owner.close();
    execFileSync('umount', ['-l', runs]);
    removeLibrary(folder);
  });
  await owner.scheduler.start();
  return { owner, folder };
}

test('a journal that no longer fits: failed with a sentence, and its last words are there', async (t) => {
  const opened = await openOnSmallDisk(t, { steps: 100_000, stepMs: 1, linesPerStep: 50, stepsPerEpoch: 20 });
  if (opened === null) return;
  const { store, scheduler } = opened.owner;
  const runId = createRun(store);
  scheduler.enqueue([runId], { first: false });
  await waitForState(store, runId, 'failed', 30_000);
  assert.match(
    store.runs.get(runId).stateMessage ?? '',
    /^The disk of .* is full \(\d+\.\d MiB free\)\. Free some space, then resume the run\. The last checkpoint is that of epoch \d+ \(step \d+\)\.$/,
  );
  const { file, step } = store.checkpoints.list(runId).at(-1)!;
  const state = await loadCheckpoint(path.join(opened.folder, store.runs.get(runId).folder), file);
  assert.equal(state.position.step, step);
});

test('a checkpoint that no longer fits: failed with a sentence, the last good one is kept, nothing half written', async (t) => {
  const opened = await openOnSmallDisk(t, {
    steps: 100,
    stepMs: 5,
    stepsPerEpoch: 10,
    // Two of these do not fit beside each other.
    weights: 150_000,
  });
  if (opened === null) return;
  const { store, scheduler } = opened.owner;
  const runId = createRun(store);
  scheduler.enqueue([runId], { first: false });
  await waitForState(store, runId, 'failed', 30_000);
  assert.match(
    store.runs.get(runId).stateMessage ?? '',
    /is full .* The last checkpoint is that of epoch 1 \(step 10\)\.$/,
  );
  const runFolder = path.join(opened.folder, store.runs.get(runId).folder);
  assert.deepEqual(readdirSync(path.join(runFolder, 'checkpoints')).sort(), [
    'epoch-0001.json',
    'epoch-0001.safetensors',
  ]);
  const state = await loadCheckpoint(runFolder, 'checkpoints/epoch-0001.safetensors');
  assert.equal(state.position.step, 10);
  assert.ok(!existsSync(path.join(runFolder, 'journal-1.jsonl.reserve.tmp')));
});
