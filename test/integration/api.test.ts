/**
 * The contract over a real library: the sample dataset registered, a few runs with made-up results and stored outputs,
 * and nothing that trains (the queue is paused).
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { PLAIN_RUN_QUERY, type Config, type DatasetDetail, type NewRuns } from '../../preload/contract.ts';
import { readLabels } from '../../main/datasets/images.ts';
import { writeSafetensors } from '../../main/exchange/safetensors.ts';
import { openServices, type Services } from '../../main/services.ts';
import { openStore } from '../../main/store/index.ts';
import type { JournalRecord } from '../../main/trainer/protocol.ts';
import { callsOf } from '../helpers/contract.ts';
import { addDataset, exampleManifest, tempLibrary } from '../helpers/library.ts';

let folder: string;
let remove: () => void;
let services: Services;
let sample: DatasetDetail;
/** Two finished ResLT runs of a seed group, a cross-entropy one, and one on a dataset of 100 classes without files. */
let finished: { reslt0: number; reslt1: number; ce: number; other: number };

const { call, refused, done } = callsOf(() => services);

const newRuns = (change: Partial<NewRuns> = {}): NewRuns => ({
  preset: 'sample-reslt',
  parentRunId: null,
  config: { method: 'reslt', epochs: 8 },
  datasetId: sample.id,
  seeds: [0],
  name: null,
  note: '',
  runNext: false,
  ...change,
});

const open = (): Promise<Services> =>
  openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });

test.before(async () => {
  ({ folder, remove } = tempLibrary());
  services = await open();
  await call('setQueuePaused', { paused: true });
  const task = await done(await call('addSampleDataset', null));
  assert.equal(task.state, 'done', task.error?.message);
  sample = await call('getDataset', { id: task.resultId! });
  const group = await call('createRuns', newRuns({ seeds: [0, 1] }));
  const [ce] = (await call('createRuns', newRuns({ preset: 'sample-ce', config: { method: 'ce' } }))).runs;
  const [reslt0, reslt1] = group.runs;
  await services.close();

  const store = openStore(path.join(folder, 'library.db'));
  const hundred = addDataset(
    store,
    'hundred',
    exampleManifest({ kind: 'cifar-100', classCounts: new Array<number>(100).fill(50) }),
  );
  const other = store.runs.create({
    ...{ kind: 'train', name: 'other', title: 'ResLT', detail: '', slug: 'other', groupId: null, seed: 0 },
    ...{ method: 'ce', network: 'resnet32', datasetId: hundred, preset: null, parentRunId: null, note: '' },
    ...{ config: { method: 'ce', beta: 1 }, evaluate: null, warnings: [], createdAtMs: 1 },
  });
  finished = { reslt0: reslt0!.id, reslt1: reslt1!.id, ce: ce!.id, other };
  const labels = await readLabels(sample.folder, 'test');
  for (const [index, runId] of [reslt0!.id, reslt1!.id, ce!.id].entries()) {
    store.scheduling.setQueuePositions([{ runId, position: null }]);
    await finish(store, runId, labels, index);
  }
  store.close();
  services = await open();
});

test.after(async () => {
  await services.close();
  remove();
});

/** Plays a training into the store, with outputs that are right for a share of the images. */
async function finish(
  store: ReturnType<typeof openStore>,
  runId: number,
  labels: Int32Array,
  index: number,
): Promise<void> {
  const run = store.runs.get(runId);
  const classes = 10;
  const outputs = run.method === 'reslt' ? ['fused', 'h', 'm', 't'] : ['fused'];
  const runFolder = path.join(folder, run.folder);
  mkdirSync(path.join(runFolder, 'logits'), { recursive: true });
  mkdirSync(path.join(runFolder, 'checkpoints'), { recursive: true });
  const records: JournalRecord[] = [
    {
      atMs: 1,
      type: 'attempt',
      attempt: 1,
      kind: 'train',
      resumedFromStep: 0,
      resumedFromEpoch: 0,
      activeMs: 0,
      process: { pid: 1, startedAt: 'test' },
      socketPath: null,
    },
    {
      ...{ atMs: 2, type: 'environment', environment: {}, resolved: {} },
      ...{ engine: 'tensorflow-cpu', device: 'CPU' },
    },
    { atMs: 2, type: 'log', level: 'warn', text: 'a warning, with "quotes"' },
  ];
  for (const epoch of [4, 8]) {
    const shareRight = 0.5 + epoch / 40 - index / 10;
    const tensors = new Map(
      outputs.map((name) => {
        const data = new Float32Array(labels.length * classes);
        labels.forEach((label, i) => {
          const right = (i * 7919) % 1000 < shareRight * 1000;
          data[i * classes + (right ? label : (label + 1) % classes)] = 4;
        });
        return [`test/${name}`, { dtype: 'F32' as const, shape: [labels.length, classes], data }];
      }),
    );
    const file = `epoch-000${epoch}.safetensors`;
    await writeSafetensors(path.join(runFolder, 'logits', file), tensors);
    writeFileSync(path.join(runFolder, 'checkpoints', file), 'weights');
    writeFileSync(path.join(runFolder, 'checkpoints', file.replace('.safetensors', '.json')), '{}');
    const perClass = new Array<number>(classes).fill(shareRight);
    records.push(
      {
        atMs: epoch,
        type: 'evaluation',
        activeMs: epoch * 1000,
        result: {
          split: 'test',
          epoch,
          step: epoch * 10,
          loss: 1,
          top1: shareRight,
          top5: 0.99,
          perClass,
          branches: Object.fromEntries(
            outputs.slice(1).map((name) => [name, { top1: shareRight, perClass }]),
          ),
          seconds: 1,
        },
      },
      {
        atMs: epoch,
        type: 'checkpoint',
        epoch,
        step: epoch * 10,
        activeMs: epoch * 1000,
        roles: epoch === 8 ? ['last', 'best'] : ['every'],
        file: `checkpoints/${file}`,
        sizeBytes: 9,
        logits: {
          file: `logits/${file}`,
          sizeBytes: 100,
          dtype: 'float32',
          splits: [{ split: 'test', outputs, examples: labels.length, classes }],
        },
        evaluated: ['test'],
      },
    );
  }
  records.push({
    ...{ atMs: 9, type: 'progress', step: 80, totalSteps: 80, epoch: 8, epochs: 8, activeMs: 8000 },
    ...{ imagesPerSecond: 500, waitShare: 0.01, memoryBytes: 1e9 },
  });
  store.scheduling.setRunState(runId, { from: 'queued', to: 'preparing', message: null, atMs: 1 });
  store.scheduling.beginAttempt(runId, { attempt: 1, startedAtMs: 1, resumedFromStep: 0 });
  store.scheduling.setRunState(runId, { from: 'preparing', to: 'running', message: null, atMs: 1 });
  store.scheduling.ingest({ runId, attempt: 1, fromOffset: 0, toOffset: 1000, records });
  store.scheduling.setRunState(runId, { from: 'running', to: 'completed', message: null, atMs: 9 });
  store.scheduling.finishAttempt(runId, 1, { outcome: 'completed', endedAtMs: 9 });
}

// ------------------------------------------------------------------------------------------------------- datasets

test('the sample is registered with its counts, groups and statistics', () => {
  assert.equal(sample.kind, 'sample');
  assert.equal(sample.classes, 10);
  assert.equal(sample.counts.test, 1000);
  assert.ok(sample.imbalanceRatio > 50);
  assert.deepEqual(
    sample.schemes.map(({ id }) => id),
    ['count-100-20', 'reslt-ranges'],
  );
  assert.deepEqual(sample.lorenz.at(-1), { classes: 1, images: 1 });
});

test('a source that is not there, or no dataset, is an error that names it, and leaves nothing', async () => {
  const before = readdirSync(path.join(folder, 'datasets'));
  const probe = await refused('probeDataset', { path: '/nowhere/cifar' });
  assert.equal(probe.code, 'dataset-invalid');
  assert.match(probe.message, /\/nowhere\/cifar/);
  const empty = path.join(folder, 'empty');
  mkdirSync(empty);
  const task = await done(
    await call('addDataset', {
      path: empty,
      kind: null,
      name: 'empty',
      subset: { type: 'exp', imbalanceFactor: 0.01 },
      validationFraction: 0,
      validationSeed: 0,
    }),
  );
  assert.equal(task.state, 'failed');
  assert.equal(task.error?.code, 'dataset-invalid');
  assert.match(task.error?.message ?? '', /empty/);
  assert.deepEqual(readdirSync(path.join(folder, 'datasets')), before);
});

test('an imbalance factor above 1 is answered with what was meant', async () => {
  const error = await refused('previewSubset', {
    classCounts: [5000, 5000],
    kind: 'cifar-10',
    subset: { type: 'exp', imbalanceFactor: 100 },
    validationFraction: 0,
  });
  assert.equal(error.code, 'invalid-arguments');
  assert.match(error.message, /Did you mean 0\.01\?/);
});

test('a name that is taken is refused before any work', async () => {
  const error = await refused('addDataset', {
    path: '/nowhere',
    kind: null,
    name: sample.name.toUpperCase(),
    subset: { type: 'full', imbalanceFactor: 1 },
    validationFraction: 0,
    validationSeed: 0,
  });
  assert.equal(error.code, 'conflict');
});

test('a dataset that is in use is not deleted, and the runs are named', async () => {
  const error = await refused('deleteDataset', { id: sample.id });
  assert.equal(error.code, 'in-use');
  assert.match(error.message, /sample-reslt-s1 \(\d+\)/);
  assert.ok(existsSync(path.join(sample.folder, 'train.images')));
  assert.equal((await call('listDatasets', null)).length, 2);
});

test('a deleted dataset can be brought back with its files, and is gone for good when the trash is emptied', async () => {
  const add = async (): Promise<number> => (await done(await call('addSampleDataset', null))).resultId!;
  const id = await add();
  const { folder: files, name } = await call('getDataset', { id });
  assert.notEqual(name, sample.name, 'the same name twice is told apart');
  const { undo } = await call('deleteDataset', { id });
  assert.equal(existsSync(files), false);
  assert.equal((await refused('getDataset', { id })).code, 'not-found');
  assert.match((await call('undo', { token: undo })).message, /Brought back/);
  assert.ok(existsSync(path.join(files, 'train.images')));
  assert.equal((await call('getDataset', { id })).name, name);
  assert.equal((await refused('undo', { token: undo })).code, 'not-found', 'once');

  await call('deleteDataset', { id });
  const { bytes } = await call('emptyTrash', null);
  assert.ok(bytes > 1_000_000);
  assert.deepEqual(readdirSync(path.join(folder, 'trash')), []);
  assert.notEqual(await add(), id, 'its number is not given again');
});

test('a run does not come back before the dataset that it uses', async () => {
  const id = (await done(await call('addSampleDataset', null))).resultId!;
  const [run] = (await call('createRuns', newRuns({ datasetId: id, preset: null }))).runs;
  const runs = await call('deleteRuns', { ids: [run!.id] });
  const dataset = await call('deleteDataset', { id });
  const error = await refused('undo', { token: runs.undo });
  assert.equal(error.code, 'conflict');
  assert.match(error.message, /Bring the dataset back first/);
  await call('undo', { token: dataset.undo });
  await call('undo', { token: runs.undo });
  assert.equal((await call('getRun', { id: run!.id })).datasetId, id);
  // The other way round, both go for good, the run first.
  await call('deleteRuns', { ids: [run!.id] });
  await call('deleteDataset', { id });
  await call('emptyTrash', null);
  assert.equal((await refused('getDataset', { id })).code, 'not-found');
});

test('a dataset whose owner died before it was listed is listed at the next start', async () => {
  const id = (await done(await call('addSampleDataset', null))).resultId!;
  await services.close();
  const store = openStore(path.join(folder, 'library.db'));
  store.database.raw.prepare('DELETE FROM datasets WHERE id = ?').run(id);
  store.database.raw.prepare("UPDATE counters SET value = 1 WHERE name = 'dataset'").run();
  store.close();
  mkdirSync(path.join(folder, 'datasets', '77'));
  services = await open();
  assert.match((await call('getDataset', { id })).name, /^Fashion-MNIST sample/);
  assert.equal((await done(await call('verifyDataset', { id }))).state, 'done');
  assert.ok(
    (await done(await call('addSampleDataset', null))).resultId! > id,
    'its number is not given again',
  );
  assert.ok(existsSync(path.join(folder, 'datasets', '77')), 'what is no dataset is left alone');
});

test('verifying finds a changed file', async () => {
  const id = (await done(await call('addSampleDataset', null))).resultId!;
  assert.equal((await done(await call('verifyDataset', { id }))).state, 'done');
  const { folder: files, verification } = await call('getDataset', { id });
  assert.equal(verification.state, 'verified');
  writeFileSync(path.join(files, 'train.labels'), 'x'.repeat(100));
  await done(await call('verifyDataset', { id }));
  assert.equal((await call('getDataset', { id })).verification.state, 'failed');
});

// ----------------------------------------------------------------------------------------------------------- runs

test('everything that is wrong with a configuration is told at once, and no run is made', async () => {
  const total = async (): Promise<number> => (await call('listRuns', PLAIN_RUN_QUERY)).totalRuns;
  const before = await total();
  const error = await refused(
    'createRuns',
    newRuns({ config: { epochs: 0, learningRat: 0.1, momentum: 2 } }),
  );
  assert.equal(error.code, 'invalid-config');
  assert.deepEqual((error.details as { key: string }[]).map(({ key }) => key).sort(), [
    'epochs',
    'learningRat',
    'momentum',
  ]);
  assert.match(error.message, /Did you mean "learningRate"\?/);
  assert.equal((await refused('createRuns', newRuns({ seeds: [1, 1] }))).code, 'invalid-config');
  assert.equal((await refused('createRuns', newRuns({ datasetId: 999 }))).code, 'not-found');
  const classes = await refused('createRuns', newRuns({ preset: 'cifar100-lt-reslt' }));
  assert.match(classes.message, /made for 100 classes, and the dataset “.*” has 10/);
  assert.equal(await total(), before);
});

test('a preset on another imbalance is a warning that stays with the run', async () => {
  const check = await call('checkConfig', {
    config: { method: 'reslt' },
    datasetId: sample.id,
    preset: 'cifar10-lt-if10-reslt',
    base: null,
    seeds: [0],
  });
  assert.match(check.warnings[0]?.message ?? '', /made for IF 10/);
  const { runs } = await call(
    'createRuns',
    newRuns({ preset: 'cifar10-lt-if10-reslt', config: { method: 'reslt' } }),
  );
  assert.match((await call('getRun', { id: runs[0]!.id })).warnings[0] ?? '', /made for IF 10/);
  await call('deleteRuns', { ids: [runs[0]!.id] });
});

test('a check says what the run would do', async () => {
  const check = await call('checkConfig', {
    config: {
      method: 'reslt',
      epochs: 40,
      milestones: [0.8, 0.9],
      batchSize: 100,
      mediumFrom: 2,
      tailFrom: 4,
    },
    datasetId: sample.id,
    preset: null,
    base: { method: 'reslt', epochs: 200 },
    seeds: [0, 1],
  });
  assert.deepEqual(check.problems, []);
  const steps = Math.floor(sample.counts.train / 100);
  assert.equal(check.resolved?.stepsPerEpoch, steps);
  assert.equal(check.resolved?.totalSteps, steps * 40);
  assert.deepEqual(check.resolved?.milestones, [32, 36]);
  assert.ok((check.resolved?.parameters ?? 0) > 400_000);
  const sorted = [...sample.classCounts].sort((a, b) => b - a);
  assert.deepEqual(
    check.resolved?.branches.map(({ id, classes, images }) => [id, classes, images]),
    [0, 2, 4].map((from, index) => [
      ['h', 'm', 't'][index],
      10 - from,
      sorted.slice(from).reduce((sum, count) => sum + count, 0),
    ]),
  );
  assert.equal(check.changes.find(({ key }) => key === 'epochs')?.before, 200);
  assert.ok((check.estimate.freeDiskBytes ?? 0) > 0);
  // Two ResLT runs trained 500 images a second and evaluated the 1000 test images in one.
  const ms = ((steps * 40 * 100) / 500) * 1000 + 40 * 1000;
  assert.deepEqual(check.estimate.perRun, { ms, runs: 2, sameMethod: true });
  assert.ok((check.memory?.neededBytes ?? 0) > 1e8);
});

test('a milestone after the end is a warning, and the milestones of a preset follow the epochs', async () => {
  const check = await call('checkConfig', {
    config: { epochs: 40, milestones: [160, 180] },
    datasetId: sample.id,
    preset: null,
    base: null,
    seeds: [],
  });
  assert.equal(check.warnings.length, 2);
  assert.match(check.warnings[0]!.message, /after the end/);
});

test('YAML goes out and comes back, with all its problems', async () => {
  const { config } = await call('getRun', { id: finished.reslt0 });
  const { yaml } = await call('formatConfig', { config });
  assert.match(yaml, /^epochs: 8$/m);
  assert.deepEqual((await call('parseConfig', { yaml })).config, config);
  const wrong = await call('parseConfig', { yaml: 'epochs: zero\nbeta: 3\ncolour: red\n' });
  assert.equal(wrong.config, null);
  assert.equal(wrong.problems.length, 3);
  for (const yaml of ['a: [', '- 1\n- 2', 'just text', '&a [*a]'])
    assert.equal((await call('parseConfig', { yaml })).config, null, yaml);
});

test('several seeds are one group, in the order of the seeds; runNext goes to the head of the queue', async () => {
  const { runs, groupId } = await call('createRuns', newRuns({ seeds: [3, 1, 2], note: 'three' }));
  assert.ok(groupId !== null);
  assert.deepEqual(
    runs.map((run) => [run.seed, run.name, run.state]),
    [3, 1, 2].map((seed) => [seed, `sample-reslt-s${seed}`, 'queued']),
  );
  const [next] = (await call('createRuns', newRuns({ runNext: true, name: 'urgent' }))).runs;
  const queue = await call('getQueue', null);
  assert.deepEqual(
    queue.waiting.map((entry) => entry.runId),
    [next!.id, ...runs.map((run) => run.id)],
  );
  assert.equal(queue.waiting[0]?.datasetName, sample.name);
  const moved = await call('moveInQueue', { runId: runs[2]!.id, before: runs[0]!.id });
  assert.deepEqual(
    moved.waiting.map((entry) => entry.runId),
    [next!.id, runs[2]!.id, runs[0]!.id, runs[1]!.id],
  );
  assert.equal((await call('stopRun', { id: runs[0]!.id })).state, 'stopped');
  assert.equal((await refused('pauseRun', { id: runs[0]!.id })).code, 'conflict');
  const detail = await call('getRun', { id: runs[1]!.id });
  assert.deepEqual(detail.siblings.map(({ seed }) => seed).sort(), [1, 2, 3]);
  assert.equal(detail.config['seed'], 1);
  assert.equal(detail.config['dataset'], sample.name);

  const ids = [next!, ...runs].map((run) => run.id);
  const { undo } = await call('deleteRuns', { ids });
  assert.equal((await call('getQueue', null)).waiting.length, 0);
  assert.equal((await refused('getRun', { id: ids[0]! })).code, 'not-found');
  await call('undo', { token: undo });
  assert.equal((await call('getRun', { id: ids[0]! })).state, 'stopped', 'it does not start unasked');
  assert.equal((await call('getQueue', null)).waiting.length, 0);
  await call('deleteRuns', { ids });
});

test('a run that is edited from another names its parent and what differs', async () => {
  const parent = await call('getRun', { id: finished.reslt0 });
  const { runs } = await call(
    'createRuns',
    newRuns({ parentRunId: parent.id, config: { ...parent.config, beta: 0.9, flip: false }, seeds: [5] }),
  );
  const detail = await call('getRun', { id: runs[0]!.id });
  assert.equal(`${detail.title} ${detail.detail}`, 'ResLT β 0.9 · no random flip');
  assert.match(detail.changesAgainst ?? '', new RegExp(`run ${parent.id}`));
  assert.deepEqual(
    detail.changes.map(({ key, before, after }) => [key, before, after]),
    [
      ['seed', 0, 5],
      ['flip', true, false],
      ['beta', 0.995, 0.9],
    ],
  );
  await call('deleteRuns', { ids: [detail.id] });
});

test('a run is found by its number, its name, or a unique beginning', async () => {
  assert.equal((await call('findRun', { text: String(finished.ce) })).id, finished.ce);
  assert.equal((await call('findRun', { text: 'SAMPLE-CE-s0' })).id, finished.ce);
  assert.equal((await call('findRun', { text: 'sample-c' })).id, finished.ce);
  const many = await refused('findRun', { text: 'sample' });
  assert.equal(many.code, 'conflict');
  assert.match(many.message, /sample-reslt-s1/);
  assert.equal((await refused('findRun', { text: 'no such run' })).code, 'not-found');
  assert.equal((await refused('findRun', { text: '%' })).code, 'not-found', 'no wildcards');
});

test('results name their epoch, split, selection and groups, with classes and branches', async () => {
  const { last, best } = await call('getResults', { runId: finished.reslt0 });
  assert.deepEqual(
    [last?.epoch, last?.split, last?.selection, last?.groupScheme, last?.top1],
    [8, 'test', 'last', 'count-100-20', 0.7],
  );
  assert.equal(best?.selection, 'best-test');
  assert.equal(last?.perClass.length, 10);
  assert.deepEqual(Object.keys(last?.branches ?? {}), ['h', 'm', 't']);
  assert.ok(Math.abs((last?.many ?? 0) - 0.7) < 1e-12);
});

test('a run page gets what it shows', async () => {
  const run = await call('getRun', { id: finished.reslt0 });
  assert.equal(run.classNames.length, 10);
  assert.equal(run.plannedLearningRate.length, 8);
  assert.deepEqual(
    run.milestones.map(({ epoch }) => epoch),
    [6, 7],
  );
  assert.deepEqual([run.logLines, run.logWarnings, run.checkpointCount], [1, 1, 2]);
  assert.equal(run.attempts[0]?.outcome, 'completed');
  assert.deepEqual(
    run.methodInfo.branches.map(({ label }) => label),
    ['H', 'M', 'T'],
  );
  const [curves] = await call('getEvaluations', { runIds: [run.id], split: null, scheme: 'reslt-ranges' });
  assert.deepEqual([curves?.split, curves?.epochs], ['test', [4, 8]]);
  assert.equal((await call('getClassResult', { runId: run.id, epoch: null }))?.epoch, 8);
  assert.equal(await call('getClassResult', { runId: run.id, epoch: 5 }), null);
  assert.deepEqual((await call('searchLog', { runId: run.id, text: 'WARNING', level: 'warn' })).numbers, [1]);
  assert.deepEqual((await call('searchLog', { runId: run.id, text: '', level: 'error' })).numbers, []);
});

// ---------------------------------------------------------------------------------------------------- checkpoints

test('a checkpoint is found by its words, and what is no such thing is told', async () => {
  const best = await call('findCheckpoint', { ref: 'sample-ce-s0@best' });
  assert.deepEqual(
    [best.runId, best.epoch, best.ref, best.result?.selection],
    [finished.ce, 8, `${finished.ce}@best`, 'best-test'],
  );
  assert.equal((await call('findCheckpoint', { ref: `${finished.ce}@epoch-4` })).epoch, 4);
  assert.match(
    (await refused('findCheckpoint', { ref: `${finished.ce}@epoch-5` })).message,
    /It has epoch-4/,
  );
  assert.match((await refused('findCheckpoint', { ref: 'sample-ce' })).message, /such as 12@best/);
});

test('a pinned checkpoint is marked for the trainer, and not deleted', async () => {
  const { id, path: file } = await call('findCheckpoint', { ref: `${finished.ce}@epoch-4` });
  const marker = file.replace('.safetensors', '.pin');
  assert.equal((await call('pinCheckpoint', { id, pinned: true })).pinned, true);
  assert.ok(existsSync(marker));
  assert.equal((await refused('deleteCheckpoints', { ids: [id] })).code, 'in-use');
  await call('pinCheckpoint', { id, pinned: false });
  assert.equal(existsSync(marker), false);
});

test('deleted checkpoints come back with their logits', async () => {
  const info = await call('findCheckpoint', { ref: `${finished.reslt1}@epoch-4` });
  const logits = path.join(path.dirname(path.dirname(info.path)), 'logits', path.basename(info.path));
  const { undo, bytes } = await call('deleteCheckpoints', { ids: [info.id] });
  assert.equal(bytes, 109);
  assert.deepEqual([existsSync(info.path), existsSync(logits)], [false, false]);
  await call('undo', { token: undo });
  assert.deepEqual([existsSync(info.path), existsSync(logits)], [true, true]);
  assert.equal((await call('listCheckpoints', { runId: finished.reslt1 })).length, 2);
});

test('evaluating a checkpoint again queues a job, which protects it', async () => {
  const job = await call('evaluateCheckpoint', { ref: `${finished.ce}@epoch-4`, datasetId: null });
  assert.deepEqual([job.kind, job.state, job.parentRunId], ['evaluate', 'queued', finished.ce]);
  const { id } = await call('findCheckpoint', { ref: `${finished.ce}@epoch-4` });
  assert.match((await refused('deleteCheckpoints', { ids: [id] })).message, /waits to be evaluated/);
  assert.match((await refused('deleteRuns', { ids: [finished.ce] })).message, /waiting to be evaluated/);
  const other = (await call('listDatasets', null)).find(({ name }) => name === 'hundred')!;
  assert.match(
    (await refused('evaluateCheckpoint', { ref: `${finished.ce}@last`, datasetId: other.id })).message,
    /tells 10 classes apart/,
  );
  await call('deleteRuns', { ids: [job.id] });
});

test('freeing storage takes what retention may take, and says so first', async () => {
  const before = await call('getStorage', null);
  assert.equal(before.freeableBytes, 3 * 109);
  // Six checkpoints of 109 bytes: within a budget nothing goes, beyond it only what is too much, the oldest first.
  for (const [budget, checkpoints] of [
    [1_000_000, 0],
    [6 * 109 - 1, 1],
    [6 * 109 - 110, 2],
  ] as const) {
    await call('updateSettings', { checkpointBudgetBytes: budget });
    assert.equal(
      (await call('freeStorage', { dryRun: true })).checkpoints,
      checkpoints,
      `a budget of ${budget}`,
    );
  }
  await call('updateSettings', { checkpointBudgetBytes: null });
  const dry = await call('freeStorage', { dryRun: true });
  assert.deepEqual(dry, { checkpoints: 3, bytes: 3 * 109 });
  assert.equal((await call('listCheckpoints', { runId: finished.ce })).length, 2);
  const { id, path: file } = await call('findCheckpoint', { ref: `${finished.ce}@epoch-4` });
  await call('pinCheckpoint', { id, pinned: true });
  assert.deepEqual(await call('freeStorage', { dryRun: false }), { checkpoints: 2, bytes: 2 * 109 });
  assert.ok(existsSync(file), 'a pinned one stays');
  assert.deepEqual(
    (await call('listCheckpoints', { runId: finished.reslt0 })).map(({ epoch }) => epoch),
    [8],
  );
});

// -------------------------------------------------------------------------------------------------------- compare

test('checkpoints are compared image by image', async () => {
  const refs = [`${finished.reslt0}@last`, `${finished.reslt1}@best`, `${finished.ce}@last`];
  const comparison = await call('compare', { refs, scheme: 'reslt-ranges' });
  assert.equal(comparison.images, 1000);
  assert.deepEqual(
    comparison.items.map(({ ref, selection }) => [ref, selection]),
    [
      [refs[0], 'last'],
      [refs[1], 'best-test'],
      [refs[2], 'last'],
    ],
  );
  const [first, , third] = comparison.items;
  assert.ok(Math.abs(first!.top1 - 0.7) < 0.03 && Math.abs(third!.top1 - 0.5) < 0.03);
  assert.deepEqual(
    first!.branches.map(({ label }) => label),
    ['H', 'M', 'T', 'H+M', 'H+M+T'],
  );
  assert.equal(first!.seeds?.top1.n, 2);
  assert.equal(third!.seeds, null);
  const pair = comparison.pairs.find(({ b }) => b === 2)!;
  assert.ok(pair.all.difference! > 0.15 && pair.all.low! > 0 && pair.all.pHolm! < 0.001);
  assert.equal(pair.bothRight + pair.bothWrong + pair.all.onlyA + pair.all.onlyB, 1000);
  assert.equal(comparison.settings.find(({ key }) => key === 'method')?.differs, true);
  assert.equal(comparison.settings.find(({ key }) => key === 'batchSize')?.differs, false);
  assert.ok(comparison.warnings.some((warning) => /optimistic/.test(warning)));
  assert.equal(comparison.scheme.id, 'reslt-ranges');
});

test('what has no stored outputs can not be compared, and it says what to do', async () => {
  const error = await refused('compare', { refs: [`${finished.reslt0}@epoch-4`], scheme: 'reslt-ranges' });
  assert.equal(error.code, 'not-found');
  assert.match(
    (await refused('compare', { refs: [`${finished.other}@last`], scheme: 'reslt-ranges' })).message,
    /none at all/,
  );
});

// ------------------------------------------------------------------------------------------------ settings, resources

test('settings and preferences are kept; what pages remember is merged by page', async () => {
  await call('updateSettings', { threads: 3, checkpointBudgetBytes: null });
  assert.equal((await call('getSettings', null)).threads, 3);
  await call('updatePreferences', { views: { runs: { columns: ['a'] } } });
  await call('updatePreferences', { theme: 'dark', views: { run: 1 } });
  assert.deepEqual(await call('getPreferences', null), {
    theme: 'dark',
    views: { runs: { columns: ['a'] }, run: 1 },
  });
});

test('pictures, logs and tables are served as bytes', async () => {
  const get = async (wanted: string) => (await services.resource(wanted))!;
  const picture = await get(`/resource/thumbnail/${sample.id}/train/0?size=56`);
  assert.equal(picture.status, 200);
  assert.deepEqual([...picture.body.subarray(1, 4)], [...Buffer.from('PNG')]);
  assert.equal(
    (await get(`/resource/sheet/${sample.id}/test?rows=0,1,2&columns=2`)).headers['content-type'],
    'image/png',
  );
  assert.equal((await get(`/resource/thumbnail/${sample.id}/train/99999999`)).status >= 400, true);
  assert.equal((await get(`/resource/thumbnail/${sample.id}/../x`)).status, 400);
  assert.equal((await get('/resource/thumbnail/999/train/0')).status, 404);
  assert.equal(await services.resource('/resource/library.db'), null);

  const log = await get(`/resource/log/${finished.ce}`);
  assert.match(Buffer.from(log.body).toString(), /warn  a warning, with "quotes"\n$/);
  assert.match(log.headers['content-disposition'] ?? '', /^attachment; filename="[\w.-]+\.log"$/);

  await call('updateRun', { id: finished.ce, note: '=HYPERLINK("x"), really' });
  const query = encodeURIComponent(
    JSON.stringify({ ...PLAIN_RUN_QUERY, search: 'sample', sort: { key: 'last-top1', descending: true } }),
  );
  const table = Buffer.from((await get(`/resource/runs?query=${query}`)).body)
    .toString()
    .split('\r\n');
  assert.match(table[0]!, /^id,name,title,state,.*last\/test\/top1\/few \(count-100-20\)/);
  assert.equal(table.length, 1 + 3 + 1, 'head, three runs, and the end');
  assert.ok(
    table.some((row) => row.includes(`"'=HYPERLINK(""x""), really"`)),
    'no spreadsheet runs it',
  );
  assert.equal((await get('/resource/runs?query=x')).status, 400);
});

test('a folder is listed, and one that is not there is told', async () => {
  const listing = await call('listFolder', { path: folder });
  assert.equal(listing.parent, path.dirname(folder));
  assert.deepEqual(
    listing.entries
      .filter(({ isFolder }) => isFolder)
      .map(({ name }) => name)
      .slice(0, 2),
    ['datasets', 'empty'],
  );
  assert.equal((await refused('listFolder', { path: '/nowhere' })).code, 'not-found');
});

test('methods, presets and fields are described', async () => {
  const presets = await call('listPresets', null);
  const preset = presets.find(({ name }) => name === 'cifar100-lt-if50-ce');
  assert.deepEqual([preset?.dataset, preset?.kinds, preset?.classes], ['cifar100-lt', ['cifar-100'], 100]);
  const methods = (await call('listMethods', null)).map(({ id }) => id);
  for (const name of ['reslt', 'ce']) assert.ok(methods.includes(name), name);
  const fields = await call('getConfigFields', null);
  const config: Config = Object.fromEntries(fields.map((field) => [field.key, field.default]));
  assert.equal(config['epochs'], 200);
  assert.ok(fields.find(({ key }) => key === 'beta')?.methods?.includes('reslt'));
});
