/**
 * A training as a user gets it: the bundled sample, registered, and a run on it in a real trainer on the engine of this
 * machine (TensorFlow where it is installed, else WebAssembly), followed into the store.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { parse } from 'yaml';
import type { Config } from '../../preload/contract.ts';
import { registerDataset } from '../../main/datasets/index.ts';
import { engineEnvironment, selectEngine } from '../../main/engine/index.ts';
import { readSafetensors } from '../../main/exchange/safetensors.ts';
import { assetsFolder, entry } from '../../main/paths.ts';
import { createScheduler, type Scheduler } from '../../main/scheduler/index.ts';
import { openStore, type Store } from '../../main/store/index.ts';
import { findPreset, presetConfig } from '../../main/training/presets/index.ts';
import { exampleRun } from '../helpers/library.ts';
import { makeLibraryFolder, removeLibrary, waitFor, waitForState } from '../helpers/schedulerLibrary.ts';

/** A step takes seconds on WebAssembly, and others use this machine. */
const LIMIT_MS = 240_000;
const TEST_IMAGES = 1000;

let folder: string;
let store: Store;
let scheduler: Scheduler;
let datasetId: number;

before(async () => {
  folder = makeLibraryFolder();
  store = openStore(path.join(folder, 'library.db'));
  datasetId = store.datasets.takeNumber();
  const { manifest, sizeBytes } = await registerDataset({
    libraryFolder: folder,
    id: datasetId,
    source: { path: path.join(assetsFolder(), 'sample'), kind: 'sample' },
    options: { subset: { type: 'full', imbalanceFactor: 1 }, validation: null },
  });
  store.datasets.add({ id: datasetId, name: 'sample', manifest, sizeBytes, createdAtMs: Date.now() });
  scheduler = createScheduler({
    store: store.scheduling,
    libraryFolder: folder,
    trainer: entry('trainer'),
    appVersion: '0.0.0',
    selectEngine: async (choice) => {
      const selected = await selectEngine(choice);
      return {
        name: selected.name,
        reason: selected.reason,
        installed: selected.engine,
        environment: (threads) => engineEnvironment(selected, { threads }),
      };
    },
    settings: () => ({ concurrency: 1, threads: null }),
    notify: () => {},
  });
  await scheduler.start();
});

after(async () => {
  await scheduler.close();
  store.close();
  removeLibrary(folder);
});

function queue(config: Config): number {
  const id = store.runs.create(
    exampleRun(datasetId, { method: 'reslt', preset: 'sample-reslt', slug: 'sample', config }),
  );
  scheduler.enqueue([id], { first: false });
  return id;
}

/** Two epochs of a few steps. */
function shortConfig(): Config {
  const preset = findPreset('sample-reslt');
  assert.ok(preset !== null);
  return { ...presetConfig(preset), seed: 0, epochs: 2, maxSteps: 8, logEverySteps: 1 } as Config;
}

test('a run on the sample completes, with metrics, evaluation, checkpoint, logits and its papers in order', async () => {
  const runId = queue(shortConfig());
  await waitForState(store, runId, 'completed', LIMIT_MS);
  const run = store.runs.get(runId);
  const names = store.metrics.names(runId);
  for (const name of ['train/loss', 'train/loss/branch', 'train/loss/fusion', 'train/lr', 'test/top1']) {
    assert.ok(names.includes(name), `${name} is among ${names.join(', ')}`);
  }
  const result = store.evaluations.read(runId, 'test', null);
  assert.equal(result?.perClass.length, 10);
  assert.deepEqual(Object.keys(result?.branches ?? {}).sort(), ['h', 'm', 't']);

  const runFolder = path.join(folder, run.folder);
  const last = store.checkpoints.list(runId).at(-1);
  assert.ok(last !== undefined && last.logits !== null);
  assert.ok(last.roles.includes('last') && last.roles.includes('best'));
  assert.deepEqual(last.logits.splits, [
    { split: 'test', outputs: last.logits.splits[0]?.outputs, examples: TEST_IMAGES, classes: 10 },
  ]);
  const logits = await readSafetensors(path.join(runFolder, last.logits.file));
  assert.deepEqual([...logits.tensors.keys()].sort(), ['test/fused', 'test/h', 'test/m', 'test/t']);
  assert.deepEqual(logits.tensors.get('test/fused')?.shape, [TEST_IMAGES, 10]);
  const weights = await readSafetensors(path.join(runFolder, last.file));
  assert.ok(weights.tensors.size > 100);

  const config = parse(readFileSync(path.join(runFolder, 'config.yaml'), 'utf8')) as Config;
  assert.equal(config['maxSteps'], 8);
  const { environment, resolved } = JSON.parse(
    readFileSync(path.join(runFolder, 'env.json'), 'utf8'),
  ) as Pick<typeof run, 'environment' | 'resolved'>;
  assert.deepEqual(resolved, run.resolved);
  assert.deepEqual(environment, run.environment);
  assert.equal(typeof run.resolved?.['threads'], 'number');
  assert.ok(existsSync(path.join(runFolder, 'stderr.log')));
});

test('paused in the middle of an epoch and resumed, a run ends with the numbers of one that was not', async () => {
  const straight = queue(shortConfig());
  await waitForState(store, straight, 'completed', LIMIT_MS);
  const runId = queue(shortConfig());
  await waitFor('three steps', LIMIT_MS, () => (store.runs.get(runId).step ?? 0) >= 3);
  await scheduler.pause(runId);
  await waitForState(store, runId, 'paused', LIMIT_MS);
  await scheduler.resume(runId);
  await waitForState(store, runId, 'completed', LIMIT_MS);
  const attempts = store.scheduling.attempts(runId);
  assert.equal(attempts.length, 2);
  assert.ok((attempts[1]?.resumedFromStep ?? 0) >= 3);

  const read = (id: number) =>
    store.metrics.read(id, 'train/loss', { maxPoints: 1000, afterStep: null, untilStep: null });
  assert.deepEqual(read(runId)?.values, read(straight)?.values);
  const weightsOf = async (id: number) => {
    const { file } = store.checkpoints.list(id).at(-1)!;
    return (await readSafetensors(path.join(folder, store.runs.get(id).folder, file))).tensors;
  };
  assert.deepEqual(await weightsOf(runId), await weightsOf(straight));
});

test('an evaluation job gives the numbers that the training gave, and its own logits', async () => {
  const trained = 1;
  const { file } = store.checkpoints.list(trained).at(-1)!;
  const run = store.runs.get(trained);
  const id = store.runs.create(
    exampleRun(datasetId, {
      kind: 'evaluate',
      slug: 'evaluate',
      config: run.config,
      evaluate: { checkpointPath: path.join(folder, run.folder, file), splits: ['test'] },
    }),
  );
  scheduler.enqueue([id], { first: false });
  await waitForState(store, id, 'completed', LIMIT_MS);
  const again = store.evaluations.read(id, 'test', null);
  const first = store.evaluations.read(trained, 'test', null);
  assert.equal(again?.top1, first?.top1);
  assert.deepEqual(again?.perClass, first?.perClass);
  const logits = store.checkpoints.list(id).at(-1)?.logits;
  assert.ok(logits && existsSync(path.join(folder, store.runs.get(id).folder, logits.file)));
});

test('a setting that is none: the run fails and says which', async () => {
  const runId = queue({ ...shortConfig(), epochs: 0 });
  await waitForState(store, runId, 'failed', LIMIT_MS);
  assert.match(store.runs.get(runId).stateMessage ?? '', /epochs/);
});
