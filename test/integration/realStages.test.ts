/**
 * Second stages and distillation as a user gets them: runs in real trainers, made from checkpoints of runs before them,
 * and what keeps those checkpoints from going away.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { after, before } from 'node:test';
import type { Config, RunDetail } from '../../preload/contract.ts';
import { readSafetensors } from '../../main/exchange/safetensors.ts';
import { openServices, type Services } from '../../main/services.ts';
import { callsOf, type Argument } from '../helpers/contract.ts';
import { tempLibrary } from '../helpers/library.ts';
import { classFolders, listText, writePhotographs } from '../helpers/photographs.ts';
import { idxFiles, writeFiles } from '../helpers/sources.ts';

/** A step takes seconds on WebAssembly, and others use this machine. */
const LIMIT_MS = 240_000;
const ENDED: readonly RunDetail['state'][] = ['completed', 'failed', 'crashed', 'stopped', 'paused'];

let folder: string;
let remove: () => void;
let services: Services;
let datasetId: number;
/** Completed: cross-entropy, and RIDE of two experts. */
let ce: RunDetail;
let ride: RunDetail;

const { call, refused } = callsOf(() => services);

const newRun = (config: Config): Argument<'createRuns'> => ({
  ...{ preset: null, parentRunId: null, datasetId, seeds: [0], name: null, note: '', runNext: false },
  config: { epochs: 2, batchSize: 32, maxSteps: 2, logEverySteps: 1, evalBatchSize: 250, ...config },
});

async function ended(id: number): Promise<RunDetail> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const run = await call('getRun', { id });
    if (ENDED.includes(run.state)) return run;
    assert.ok(performance.now() < limit, `run ${id} is ${run.state}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function completed(id: number): Promise<RunDetail> {
  const run = await ended(id);
  assert.equal(run.state, 'completed', `${run.title}: ${run.stateMessage}`);
  return run;
}

async function dataset(
  argument: Omit<Argument<'addDataset'>, 'validationFraction' | 'validationSeed'>,
): Promise<number> {
  let task = await call('addDataset', { ...argument, validationFraction: 0, validationSeed: 0 });
  while (task.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 30));
    task = await call('getTask', { id: task.id });
  }
  assert.equal(task.state, 'done', task.error?.message);
  return task.resultId!;
}

async function queue(config: Config): Promise<number> {
  return (await call('createRuns', newRun(config))).runs[0]!.id;
}

async function weightsOf(ref: string): Promise<Map<string, Float32Array>> {
  const { path: file } = await call('findCheckpoint', { ref });
  const { tensors } = await readSafetensors(file);
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

before(async () => {
  ({ folder, remove } = tempLibrary());
  services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  await writeFiles(path.join(folder, 'source'), idxFiles({ train: 120, test: 40, side: 8, classes: 10 }));
  datasetId = await dataset({
    ...{ path: path.join(folder, 'source'), kind: 'idx', name: 'small' },
    subset: { type: 'exp', imbalanceFactor: 0.5 },
  });
  const [first, second] = [await queue({ method: 'ce' }), await queue({ method: 'ride', experts: 2 })];
  ce = await completed(first);
  ride = await completed(second);
});

after(async () => {
  await services.close();
  remove();
});

test('deleting and bringing back: the run that was made goes first and comes back last', async () => {
  await call('setQueuePaused', { paused: true });
  const made = await queue({
    ...{ method: 'ce', initFrom: `${ce.id}@last`, batchSize: 500, accumulateSteps: 4 },
  });
  const { warnings } = await call('getRun', { id: made });
  assert.match(warnings.join('\n'), /in parts of at most 125 images.*batch norms see/);
  assert.match(warnings.join('\n'), /fewer than the batch of 500: each epoch is one step/);
  const { undo: undoMade } = await call('deleteRuns', { ids: [made] });
  const { undo: undoSource } = await call('deleteRuns', { ids: [ce.id] });
  const refusal = await refused('undo', { token: undoMade });
  assert.match(refusal.message, /was made from a checkpoint of .* Bring that one back first/);
  await call('undo', { token: undoSource });
  await call('undo', { token: undoMade });
  assert.equal((await call('getRun', { id: made })).origins[0]?.runId, ce.id);
  await call('deleteRuns', { ids: [made] });
  await call('setQueuePaused', { paused: false });
});

test('cRT starts from a finished run, trains its classifier alone, and keeps that run', async () => {
  const id = await queue({ method: 'crt', initFrom: `${ce.id}@last` });
  const source = await call('findCheckpoint', { ref: `${ce.id}@last` });
  assert.ok(source.pinned);
  assert.ok(existsSync(source.path.replace('.safetensors', '.pin')));
  assert.deepEqual(source.usedBy, [{ runId: id, role: 'initFrom' }]);

  const run = await completed(id);
  const [origin] = run.origins;
  assert.equal(origin?.runId, ce.id);
  assert.equal(origin?.ref, `${ce.id}@last`);
  assert.match(origin?.sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.equal(run.resolved?.['trainedParameters'], 650);
  const [before, trained] = [await weightsOf(`${ce.id}@last`), await weightsOf(`${id}@last`)];
  const changed = [...trained.keys()].filter((name) => {
    const old = before.get(name);
    return (
      !name.startsWith('optimizer/') && !trained.get(name)!.every((value, index) => value === old?.[index])
    );
  });
  assert.deepEqual(changed, ['linear.weight', 'linear.bias']);

  for (const refusal of [
    await refused('deleteRuns', { ids: [ce.id] }),
    await refused('deleteCheckpoints', { ids: [source.id] }),
    await refused('pinCheckpoint', { id: source.id, pinned: false }),
  ]) {
    assert.equal(refusal.code, 'in-use');
    assert.match(refusal.message, new RegExp(`^Run ${id} .* starts from`));
  }
});

test('a run starts from a checkpoint that was exported as safetensors', async () => {
  const file = path.join(folder, 'exported.safetensors');
  let task = await call('exportCheckpoint', {
    ...{ ref: `${ce.id}@last`, format: 'safetensors', path: file, overwrite: false },
  });
  while (task.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 30));
    task = await call('getTask', { id: task.id });
  }
  assert.equal(task.state, 'done', task.error?.message);
  const run = await completed(await queue({ method: 'crt', initFrom: file, maxSteps: 1 }));
  const [before, after] = [await weightsOf(`${ce.id}@last`), await weightsOf(`${run.id}@last`)];
  for (const name of ['conv1.weight', 'bn1.num_batches_tracked'])
    assert.deepEqual(after.get(name), before.get(name), name);
});

test('what names no checkpoint, or one that does not fit, is refused before anything is queued', async () => {
  const cases: [Config, RegExp][] = [
    [{ method: 'crt', initFrom: `${ce.id}@epoch-77` }, /initFrom: Run \d+ .* has no checkpoint epoch-77/],
    [{ method: 'crt', initFrom: 'nobody@last' }, /There is no run “nobody”/],
    [{ method: 'crt', initFrom: 'nobody' }, /names no checkpoint/],
    [
      { method: 'crt', initFrom: `${ride.id}@last` },
      /it lacks layer2\.0\.conv1\.weight.*no place for backbone\.layer2s\.0/,
    ],
    [{ method: 'crt', initFrom: '/nowhere/x.safetensors' }, /There is no file/],
    [
      { method: 'ride-router', experts: 3, topChoices: 5, initFrom: `${ride.id}@last` },
      /it lacks .*layer2s\.2\./,
    ],
    [{ method: 'ride-distill', experts: 2, teacher: `${ce.id}@epoch-9` }, /^teacher: Run/],
  ];
  for (const [config, pattern] of cases) {
    const { code, message, details } = await refused('createRuns', newRun(config));
    assert.equal(code, 'invalid-config');
    assert.match(message, pattern);
    assert.match(JSON.stringify(details), /"key":"(initFrom|teacher)"/);
    const { problems } = await call('checkConfig', {
      ...{ config: newRun(config).config, datasetId, preset: null, base: null, seeds: [0] },
    });
    assert.match(problems.map((problem) => problem.message).join(' '), pattern);
  }
});

test('a router is trained on a finished RIDE, and its use is logged by group', async () => {
  const id = await queue({ method: 'ride-router', experts: 2, topChoices: 5, initFrom: `${ride.id}@best` });
  const run = await completed(id);
  for (const metric of ['test/experts-used', 'test/experts-used/few', 'train/loss/router-0'])
    assert.ok(run.metricNames.includes(metric), `${metric} of ${run.metricNames.join()}`);
  const [checkpoint] = await call('listCheckpoints', { runId: id });
  assert.deepEqual(checkpoint?.logits[0]?.outputs, ['fused', 'expert-0', 'expert-1', 'all-experts']);

  const job = await call('evaluateCheckpoint', { ref: `${id}@last`, datasetId: null });
  const again = await completed(job.id);
  assert.equal(again.last?.top1, run.last?.top1);
  assert.ok(again.metricNames.includes('test/experts-used/few'));
});

test('distillation: paused in the middle and resumed, the teacher is loaded again; a changed one is refused', async () => {
  // The teacher is a file outside the library, with its description beside it.
  const { path: source } = await call('findCheckpoint', { ref: `${ride.id}@last` });
  const teacher = path.join(folder, 'teacher.safetensors');
  await copyFile(source, teacher);
  await copyFile(source.replace('.safetensors', '.json'), teacher.replace('.safetensors', '.json'));
  const settings = { method: 'ride-distill', experts: 2, teacher, epochs: 50, maxSteps: null };
  const id = await queue(settings);
  for (;;) {
    const { progress, state } = await call('getRun', { id });
    assert.ok(!ENDED.includes(state), state);
    if ((progress?.step ?? 0) > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await call('pauseRun', { id });
  const paused = await ended(id);
  assert.equal(paused.state, 'paused', paused.stateMessage ?? '');
  assert.equal(paused.origins[0]?.runId, null);
  assert.equal(paused.origins[0]?.path, teacher);

  const kept = await readFile(teacher);
  const changed = Buffer.from(kept);
  changed[changed.length - 1]! ^= 1;
  await writeFile(teacher, changed);
  await call('resumeRun', { id });
  const failed = await ended(id);
  assert.equal(failed.state, 'failed');
  assert.match(failed.stateMessage ?? '', /is not the one that this run was made from: it hashes to/);

  await writeFile(teacher, kept);
  await call('resumeRun', { id });
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { progress, state, stateMessage } = await call('getRun', { id });
    assert.ok(!ENDED.includes(state), stateMessage ?? state);
    if ((progress?.step ?? 0) > (paused.progress?.step ?? 0)) break;
    assert.ok(performance.now() < limit);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await call('stopRun', { id });
  assert.equal((await ended(id)).state, 'stopped');
  await rm(teacher);
});

test('a run whose first checkpoint is gone says so', async () => {
  const { path: source } = await call('findCheckpoint', { ref: `${ce.id}@last` });
  await call('setQueuePaused', { paused: true });
  const id = await queue({ method: 'crt', initFrom: `${ce.id}@last` });
  await rename(source, `${source}.away`);
  await call('setQueuePaused', { paused: false });
  const failed = await ended(id);
  await rename(`${source}.away`, source);
  assert.equal(failed.state, 'failed');
  assert.match(failed.stateMessage ?? '', /which this run is made from, can't be read.*Restore the file/);
});

test('a checkpoint is evaluated with tau-normalisation and with post-hoc adjustment', async () => {
  const evaluate = async (settings: Config): Promise<RunDetail> =>
    completed((await call('evaluateCheckpoint', { ref: `${ce.id}@last`, datasetId: null, settings })).id);
  const tau = await evaluate({ method: 'tau-norm', tau: 1 });
  assert.equal(tau.method, 'tau-norm');
  assert.match(tau.detail, /tau/i);
  const adjusted = await evaluate({ method: 'logit-adjustment', adjust: 'post-hoc', priorTau: 2 });
  const [checkpoint] = await call('listCheckpoints', { runId: adjusted.id });
  assert.deepEqual(checkpoint?.logits[0]?.outputs, ['fused', 'logits']);
  const { last } = await call('getResults', { runId: adjusted.id });
  assert.equal(last?.branches['logits']?.top1, ce.last?.top1, 'without the adjustment it predicts as before');

  for (const [settings, pattern] of [
    [{ epochs: 3 }, /does not read epochs/],
    [{ method: 'reslt' }, /can't be evaluated like this\. Its weights do not fit/],
    [{ method: 'tau-norm', tau: -1 }, /tau must be a number from 0/],
    [{ tua: 1 }, /There is no setting "tua"/],
  ] as const) {
    const refusal = await refused('evaluateCheckpoint', { ref: `${ce.id}@last`, datasetId: null, settings });
    assert.match(refusal.message, pattern);
  }
});

test('on another dataset a prediction is adjusted by the images that the weights have learnt from', async () => {
  const full = await dataset({
    ...{ path: path.join(folder, 'source'), kind: 'idx', name: 'full' },
    subset: { type: 'full', imbalanceFactor: 1 },
  });
  const { id } = await call('evaluateCheckpoint', {
    ...{ ref: `${ce.id}@last`, datasetId: full },
    settings: { method: 'logit-adjustment', adjust: 'post-hoc', priorTau: 1 },
  });
  const { folder: runFolder } = await completed(id);
  const [file] = await readdir(path.join(runFolder, 'logits'));
  const { tensors } = await readSafetensors(path.join(runFolder, 'logits', file!));
  const [fused, logits] = ['fused', 'logits'].map(
    (name) => tensors.get(`test/${name}`)!.data as Float32Array,
  );
  const counts = (await call('getDataset', { id: datasetId })).classCounts;
  const total = counts.reduce((sum, count) => sum + count, 0);
  counts.forEach((count, index) => {
    const shift = logits![index]! - fused![index]!;
    assert.ok(Math.abs(shift - Math.log(count / total)) < 1e-4, `class ${index}: ${shift}`);
  });
});

test('weights that know the classes in another order are refused', async () => {
  const root = path.join(folder, 'photographs');
  const images = classFolders('train', { ant: 6, bee: 2, cat: 4 }, { width: 40, height: 40 });
  await writePhotographs(root, images);
  const labels: Record<string, number> = { ant: 0, bee: 1, cat: 2 };
  const list = path.join(folder, 'list.txt');
  await writeFile(
    list,
    listText(Object.keys(images), (file) => labels[file.split('/')[1]!]!),
  );
  const add = (name: string, rankLabels: boolean): Promise<number> =>
    dataset({
      ...{ path: root, kind: 'list', name, subset: { type: 'full', imbalanceFactor: 1 } },
      photographs: {
        ...{ lists: { train: list, val: null, test: list }, rankLabels, normalisation: 'imagenet' },
        ...{ testFraction: 0, leaveOutMissing: false, leaveOutProblemsOf: null },
      },
    });
  const [listed, ranked] = [await add('as listed', false), await add('ranked', true)];
  const cropped = { augmentation: 'resized-crop', imageSize: 16, maxSteps: 1 };
  const create = async (on: number, config: Config): Promise<number> =>
    (await call('createRuns', { ...newRun({ ...cropped, ...config }), datasetId: on })).runs[0]!.id;
  const run = await completed(await create(listed, { method: 'ride', experts: 2 }));
  const ref = `${run.id}@last`;
  const order =
    /order of “as listed”, and “ranked” has the same ones in another order: class 0 is “ant” there and “bee” here/;
  assert.match((await refused('evaluateCheckpoint', { ref, datasetId: ranked })).message, order);
  const settings = {
    ...newRun({ ...cropped, method: 'ride-distill', experts: 2, teacher: ref }),
    datasetId: ranked,
  };
  assert.match((await refused('createRuns', settings)).message, order);
  const router = {
    ...newRun({ ...cropped, method: 'ride-router', experts: 2, topChoices: 3, initFrom: ref }),
    datasetId: ranked,
  };
  assert.match((await refused('createRuns', router)).message, order);
});
