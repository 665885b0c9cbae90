/**
 * Files of other programs in a real library: looking at them, runs of them, what is refused and leaves no trace, and the
 * way out again.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  PLAIN_RUN_QUERY,
  type ApiError,
  type CheckpointImportOptions,
  type ImportOptions,
  type Task,
} from '../../preload/contract.ts';
import { openPyTorch } from '../../main/exchange/pytorch.ts';
import { readSafetensors } from '../../main/exchange/safetensors.ts';
import { writeStateDict } from '../../main/exchange/stateDict.ts';
import { startBackgroundOwner } from '../../main/owner/client.ts';
import { describeCheckpoint } from '../../main/owner/foreignCheckpoint.ts';
import { createForeignFiles } from '../../main/owner/foreign.ts';
import { readOwner } from '../../main/owner/lock.ts';
import { entry, nodeExecutable } from '../../main/paths.ts';
import { openServices, type Services } from '../../main/services.ts';
import { openStore } from '../../main/store/index.ts';
import { findNetwork } from '../../main/training/networks/index.ts';
import { callsOf, type Calls, type Value } from '../helpers/contract.ts';
import { addDataset, exampleManifest, tempLibrary } from '../helpers/library.ts';
import { cifar10Files, writeFiles } from '../helpers/sources.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const GOLDEN = path.join(import.meta.dirname, '..', 'fixtures', 'golden');
const CHECKPOINTS = path.join(GOLDEN, 'checkpoints');
const RESLT = path.join(CHECKPOINTS, 'zip_reslt_cifar10_resnet32.pth');
const LOGS = path.join(GOLDEN, 'logs');

interface Library extends Calls {
  folder: string;
  services: Services;
  /** Everything that an import could leave behind. */
  traces(): Promise<unknown>;
}

/** `remove` is called when its owner has let go of it. */
async function openLibrary(t: TestContext, { folder, remove } = tempLibrary()): Promise<Library> {
  const services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  t.after(async () => {
    await services.close();
    remove();
  });
  const calls = callsOf(() => services);
  return {
    folder,
    services,
    ...calls,
    async traces() {
      const { items } = await calls.call('listRuns', PLAIN_RUN_QUERY);
      return {
        runs: items.flatMap(({ runs }) => runs.map(({ id, state }) => [id, state])),
        folders: readdirSync(path.join(folder, 'runs')),
        library: readdirSync(folder),
      };
    },
  };
}

const options = (file: string, change: Partial<ImportOptions> = {}): ImportOptions => ({
  path: file,
  sha256: null,
  name: null,
  datasetId: null,
  again: false,
  ...change,
});
const checkpoint = (
  file: string,
  change: Partial<CheckpointImportOptions> = {},
): CheckpointImportOptions => ({
  ...options(file),
  network: null,
  recipe: null,
  classOrder: 'as-stored',
  ...change,
});

async function addCifar10(t: TestContext, { call, done }: Library): Promise<number> {
  const source = path.join(await temporaryFolder(t), 'cifar-10-batches-bin');
  await writeFiles(source, cifar10Files(20, 40));
  const task = await done(
    await call('addDataset', {
      path: source,
      kind: 'cifar-10',
      name: 'small',
      subset: { type: 'full', imbalanceFactor: 1 },
      validationFraction: 0,
      validationSeed: 0,
    }),
  );
  assert.equal(task.state, 'done', task.error?.message);
  return task.resultId!;
}

test('a checkpoint: looked at, imported, exported and imported again', async (t) => {
  const library = await openLibrary(t);
  const { call, done, folder } = library;
  const before = await library.traces();
  const probe = await call('probeImport', { path: RESLT, kind: null });
  assert.deepEqual(await library.traces(), before, 'looking writes nothing');
  assert.ok(probe.kind === 'checkpoint');
  assert.equal(probe.problem, null);
  assert.equal(probe.prefix, 'module.');
  assert.deepEqual([probe.classes, probe.tensors, probe.missing, probe.leftOver], [10, 203, [], []]);
  assert.equal(probe.recognised?.network, 'resnet32');
  assert.equal(probe.recognised.method, 'reslt');
  assert.equal(probe.recognised.recipes[0]?.name, 'cifar10-lt-reslt');

  const task = await done(
    await call('importCheckpoint', checkpoint(RESLT, { sha256: probe.sha256, name: 'authors' })),
  );
  assert.equal(task.state, 'done', task.error?.message);
  const run = await call('getRun', { id: task.resultId! });
  assert.deepEqual(
    [run.kind, run.state, run.name, run.method, run.network, run.datasetId],
    ['import', 'completed', 'authors', 'reslt', 'resnet32', null],
  );
  assert.equal(run.imported?.sha256, probe.sha256);
  assert.equal(run.imported.fileName, path.basename(RESLT));
  assert.equal(run.classNames.length, 10);
  assert.deepEqual(readdirSync(run.folder), ['checkpoints'], 'the mark of the import is gone');
  const [kept] = await call('listCheckpoints', { runId: run.id });
  assert.deepEqual(kept?.roles, ['last']);
  assert.deepEqual(
    (await call('listRuns', { ...PLAIN_RUN_QUERY, kinds: ['import'] })).items.length,
    1,
    'the list can be asked for them',
  );
  assert.deepEqual((await call('freeStorage', { dryRun: true })).checkpoints, 0, 'and never frees them');

  const refusedResume = await library.refused('resumeRun', { id: run.id });
  assert.equal(refusedResume.code, 'conflict');
  assert.match(refusedResume.message, /was imported/);

  // Out again, as PyTorch and as safetensors, and in once more.
  const out = path.join(await temporaryFolder(t), 'weights.pth');
  const written = await done(
    await call('exportCheckpoint', { ref: `${run.id}@last`, format: 'pth', path: out, overwrite: false }),
  );
  assert.equal(written.resultPath, out, written.error?.message);
  const [original, exported] = [await openPyTorch(RESLT), await openPyTorch(out)];
  t.after(() => Promise.all([original.close(), exported.close()]));
  assert.equal(exported.tensors.length, 203);
  for (const tensor of exported.tensors) {
    const same = original.tensors.find(({ name }) => name === `module.${tensor.name}`);
    assert.ok(same !== undefined, tensor.name);
    assert.equal(tensor.dtype, same.dtype, tensor.name);
    assert.deepEqual(await exported.readOwn(tensor), await original.readOwn(same), tensor.name);
  }
  const there = await done(
    await call('exportCheckpoint', { ref: `${run.id}@last`, format: 'pth', path: out, overwrite: false }),
  );
  assert.equal(there.error?.code, 'conflict');
  assert.match(there.error.message, /left as it is/);
  const asSafetensors = out.replace(/pth$/, 'safetensors');
  await done(
    await call('exportCheckpoint', {
      ref: `${run.id}@last`,
      format: 'safetensors',
      path: asSafetensors,
      overwrite: false,
    }),
  );
  assert.equal((await readSafetensors(asSafetensors)).tensors.size, 203);
  const back = await done(await call('importCheckpoint', checkpoint(asSafetensors)));
  assert.equal(back.state, 'done', back.error?.message);
  const weights = async (id: number) =>
    (await readSafetensors((await call('listCheckpoints', { runId: id }))[0]!.path)).tensors;
  assert.deepEqual(await weights(back.resultId!), await weights(run.id));

  const download = await library.services.resource(`/resource/checkpoint/${kept.id}?format=pth`);
  assert.equal(download?.status, 200);
  assert.match(download.headers['content-disposition'] ?? '', /1-authors-epoch-0\.pth/);
  assert.deepEqual(Buffer.from(download.body), readFileSync(out));
  assert.equal((await library.services.resource(`/resource/checkpoint/${kept.id}?format=exe`))?.status, 400);
  assert.ok(existsSync(path.join(folder, 'runs')));
});

test('the best accuracy by the file’s own word is percent or a fraction as its program writes it', async (t) => {
  const original = readFileSync(path.join(CHECKPOINTS, 'legacy_training_checkpoint.pth.tar')).toString(
    'latin1',
  );
  const float = (value: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return bytes.toString('latin1');
  };
  const file = path.join(await temporaryFolder(t), 'checkpoint.pth.tar');
  const told = async (key: string, value: number): Promise<number | null> => {
    const changed = original.replace('best_acc1', key).replace(float(41.25), float(value));
    writeFileSync(file, changed, 'latin1');
    return (await describeCheckpoint(file)).bestTop1;
  };
  assert.equal(await told('best_acc1', 41.25), 0.4125);
  assert.equal(await told('best_acc1', 0.5), 0.005, 'a first epoch of a thousand classes');
  assert.equal(await told('best_acc1', 0), 0);
  assert.equal(await told('best_acc1', 412.5), null);
  assert.equal(await told('best_top1', 0.5), 0.5);
  assert.equal(await told('best_top1', 41.25), 0.4125);
});

test('what must be refused is refused with a sentence about the file, and leaves no trace', async (t) => {
  const library = await openLibrary(t);
  const before = await library.traces();
  const names = readdirSync(CHECKPOINTS).filter((name) => /^(hostile|broken)_.*\.pth$/.test(name));
  assert.ok(names.length >= 33);
  // Each is its own process; the API is asked for some, and the reader itself for all (test/parity).
  const chosen = [
    'hostile_os_system_zip.pth',
    'hostile_stack_global.pth',
    'broken_huge_expanded.pth',
    'broken_path_traversal.pth',
    'broken_empty.pth',
  ];
  for (const name of chosen) {
    const file = path.join(CHECKPOINTS, name);
    const looked = await library.refused('probeImport', { path: file, kind: 'checkpoint' });
    assert.equal(looked.code, 'file-invalid', name);
    assert.ok(looked.message.includes(name), `${name}: ${looked.message}`);
    assert.match(looked.message, /[.?)'"]$/, 'a whole sentence');
  }
  const task = await library.done(
    await library.call('importCheckpoint', checkpoint(path.join(CHECKPOINTS, 'hostile_eval.pth'))),
  );
  assert.deepEqual([task.state, task.error?.code], ['failed', 'file-invalid']);
  assert.ok(!existsSync('golden_marker_must_not_exist'));

  const unknown = await library.call('probeImport', {
    path: path.join(CHECKPOINTS, 'zip_state_dict.pth'),
    kind: null,
  });
  assert.match(unknown.problem ?? '', /of no network that is known here/);
  const refusedImport = await library.done(
    await library.call('importCheckpoint', checkpoint(path.join(CHECKPOINTS, 'zip_state_dict.pth'))),
  );
  assert.equal(refusedImport.error?.code, 'file-invalid');
  const missing = await library.refused('probeImport', { path: '/nowhere/at/all.pth', kind: null });
  assert.deepEqual([missing.code, /There is no file/.test(missing.message)], ['file-invalid', true]);
  assert.deepEqual(await library.traces(), before);
});

test('the same file twice, a file that changed, a network or dataset that does not fit', async (t) => {
  const library = await openLibrary(t);
  const { call, done } = library;
  const file = path.join(await temporaryFolder(t), 'model_best.pth.tar');
  copyFileSync(RESLT, file);
  const probe = await call('probeImport', { path: file, kind: null });
  assert.match(probe.suggestedName, /-model_best$/, 'a name that says nothing gets its folder’s before it');
  const other = await done(await call('importCheckpoint', checkpoint(file, { network: 'resnet50' })));
  assert.match(other.error?.message ?? '', /expected to hold a resnet50, and holds a resnet32/);
  const order = await done(
    await call('importCheckpoint', checkpoint(file, { classOrder: 'ascending-count' })),
  );
  assert.equal(order.error?.code, 'invalid-arguments');
  const recipe = await done(await call('importCheckpoint', checkpoint(file, { recipe: 'cifar10-lt-ce' })));
  assert.match(recipe.error?.message ?? '', /for another network or method.*cifar10-lt-reslt/);
  const grey = await done(await call('addSampleDataset', null));
  const unfit = await done(await call('importCheckpoint', checkpoint(file, { datasetId: grey.resultId! })));
  assert.match(unfit.error?.message ?? '', /images of 3 channels, and the dataset .* has 1/);
  assert.deepEqual((await call('listRuns', PLAIN_RUN_QUERY)).totalRuns, 0);

  const first = await done(await call('importCheckpoint', checkpoint(file)));
  assert.equal(first.state, 'done', first.error?.message);
  const again = await done(await call('importCheckpoint', checkpoint(RESLT)));
  assert.equal(again.error?.code, 'conflict', 'by content, whatever its name');
  assert.match(again.error.message, /imported before, as run \d+/);
  assert.deepEqual(
    (await call('probeImport', { path: RESLT, kind: null })).existing.map(({ runId }) => runId),
    [first.resultId],
  );
  const wanted = await done(await call('importCheckpoint', checkpoint(RESLT, { again: true })));
  assert.equal(wanted.state, 'done', wanted.error?.message);

  const bytes = readFileSync(file);
  bytes[bytes.length - 1]! ^= 0;
  writeFileSync(file, Buffer.concat([bytes, Buffer.from([0])]));
  const changed = await done(
    await call('importCheckpoint', checkpoint(file, { sha256: probe.sha256, again: true })),
  );
  assert.equal(changed.state, 'failed');
  assert.equal((await call('listRuns', PLAIN_RUN_QUERY)).totalRuns, 2);
});

test('with a dataset it is evaluated at once, in its own run, and compared like any other', async (t) => {
  const library = await openLibrary(t);
  const { call, done } = library;
  const datasetId = await addCifar10(t, library);
  const ended = async (id: number): Promise<Value<'getRun'>> => {
    for (;;) {
      const run = await call('getRun', { id });
      if (!['queued', 'preparing', 'running'].includes(run.state)) return run;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const task = await done(await call('importCheckpoint', checkpoint(RESLT, { datasetId })));
  assert.equal(task.state, 'done', task.error?.message);
  const id = task.resultId!;
  const run = await ended(id);
  assert.equal(run.state, 'completed', run.stateMessage ?? '');
  assert.ok(run.last !== null);
  const [kept] = await call('listCheckpoints', { runId: id });
  assert.deepEqual(
    kept?.logits.map(({ split, outputs }) => [split, outputs]),
    [['test', ['fused', 'h', 'm', 't']]],
  );
  assert.ok(existsSync(kept.path), 'the weights are where they were');

  // One that was imported without a dataset gets it with its first evaluation.
  const plain = await done(await call('importCheckpoint', checkpoint(RESLT, { again: true })));
  const nameless = await library.refused('evaluateCheckpoint', {
    ref: `${plain.resultId}@last`,
    datasetId: null,
  });
  assert.match(nameless.message, /imported without a dataset/);
  const job = await call('evaluateCheckpoint', { ref: `${plain.resultId}@best`, datasetId });
  assert.equal(job.id, plain.resultId, 'by its own run');
  const evaluated = await ended(job.id);
  assert.deepEqual([evaluated.state, evaluated.datasetName], ['completed', 'small']);
  assert.deepEqual(evaluated.last, run.last);

  const comparison = await call('compare', {
    refs: [`${id}@last`, `${job.id}@last`],
    scheme: 'count-100-20',
  });
  assert.equal(comparison.pairs[0]?.all.difference, 0);
  assert.equal(comparison.images, 40);
});

test('a log becomes a run with curves, values and its lines', async (t) => {
  const library = await openLibrary(t);
  const { call, done } = library;
  const file = path.join(LOGS, 'reslt_cifar10_cuda.log');
  const probe = await call('probeImport', { path: file, kind: null });
  assert.ok(probe.kind === 'log');
  assert.deepEqual([probe.epochs, probe.evaluations, probe.classes, probe.hasClasses], [3, 3, 10, true]);
  const task = await done(await call('importLog', options(file)));
  assert.equal(task.state, 'done', task.error?.message);
  const run = await call('getRun', { id: task.resultId! });
  assert.deepEqual(
    [run.kind, run.state, run.method, run.imported?.kind],
    ['import', 'completed', 'reslt', 'log'],
  );
  assert.equal(run.last?.epoch, 3);
  assert.equal(run.last.top1, 0.4354);
  assert.deepEqual(
    run.last.groups['reslt-ranges'],
    { many: 0.4073, medium: 0.6367, few: 0.3055 },
    'as printed',
  );
  assert.deepEqual([run.best?.epoch, run.best?.top1], [2, 0.7078]);
  const { last } = await call('getResults', { runId: run.id });
  assert.deepEqual(last?.perClass.slice(0, 3), [0.631, 0.057, 0.534]);
  const [loss] = await call('getSeries', {
    runIds: [run.id],
    metrics: ['train/loss/branch'],
    maxPoints: 100,
    afterStep: null,
  });
  assert.deepEqual(loss?.values.slice(0, 2), [1.04115, 2.37603]);
  const [curve] = await call('getEvaluations', { runIds: [run.id], split: 'test', scheme: 'reslt-ranges' });
  assert.deepEqual(curve?.top1, [0.4531, 0.7078, 0.4354]);
  assert.deepEqual(curve.groups.few, [0.3898, 0.636, 0.3055]);
  const text = readFileSync(file, 'utf8').trimEnd().split('\n');
  const log = await call('getLog', { runId: run.id, offset: 0, limit: 100 });
  assert.deepEqual(
    log.lines.map((line) => line.text),
    text,
    'all of its lines, as they were',
  );
  assert.equal((await library.refused('resumeRun', { id: run.id })).code, 'conflict');
  assert.equal((await library.refused('findCheckpoint', { ref: `${run.id}@last` })).code, 'not-found');

  const imagenet = await done(await call('importLog', options(path.join(LOGS, 'reslt_imagenet.log'))));
  const large = await call('getRun', { id: imagenet.resultId! });
  assert.ok(large.last !== null && large.last.top5 !== null);
  assert.equal(await call('getClassResult', { runId: large.id, epoch: null }), null, 'it prints no classes');

  const before = await library.traces();
  const other = path.join(await temporaryFolder(t), 'other.log');
  writeFileSync(other, 'Epoch 1: everything is fine\nEpoch 2: still fine\n');
  const refusedLog = await library.refused('probeImport', { path: other, kind: 'log' });
  assert.equal(refusedLog.code, 'file-invalid');
  assert.match(refusedLog.message, /other\.log: None of its 2 lines is one that/);
  assert.equal((await done(await call('importLog', options(other)))).state, 'failed');
  assert.deepEqual(await library.traces(), before);
});

test('a cancelled import leaves nothing', async (t) => {
  const library = await openLibrary(t);
  const before = await library.traces();
  for (const afterMs of [0, 600]) {
    const task = await library.call('importCheckpoint', checkpoint(RESLT));
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    assert.equal((await library.call('cancelTask', { id: task.id })).state, 'cancelled');
  }
  assert.deepEqual(await library.traces(), before);
});

test('a full disk refuses the import and leaves nothing', async (t) => {
  const { folder, remove } = tempLibrary();
  const runs = path.join(folder, 'runs');
  mkdirSync(runs);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', runs], { stdio: 'pipe' });
  } catch {
    remove();
    t.skip('mounting a small tmpfs is not allowed here');
    return;
  }
  const library = await openLibrary(t, {
    folder,
    remove() {
      execFileSync('umount', [runs]);
      remove();
    },
  });
  const before = await library.traces();
  const task = await library.done(await library.call('importCheckpoint', checkpoint(RESLT)));
  assert.equal(task.error?.code, 'disk-full', task.error?.message);
  assert.deepEqual(await library.traces(), before);
});

test('an import that its owner’s death interrupted is gone at the next start, a whole one stays', async (t) => {
  const { folder, remove } = tempLibrary();
  const first = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  const reply = await first.dispatch('importLog', options(path.join(LOGS, 'ride_cifar100_info.log')));
  assert.ok(reply.ok);
  while (
    ((await first.dispatch('getTask', { id: (reply.value as Task).id })) as { value: Task }).value.state ===
    'running'
  )
    await new Promise((resolve) => setTimeout(resolve, 30));
  await first.close();
  const [whole] = readdirSync(path.join(folder, 'runs'));
  // As they lie there after a death: one before its row was written, one behind it.
  mkdirSync(path.join(folder, 'runs', '7-half', 'checkpoints'), { recursive: true });
  writeFileSync(path.join(folder, 'runs', '7-half', '.importing'), '');
  writeFileSync(path.join(folder, 'runs', whole!, '.importing'), '');
  const library = await openLibrary(t, { folder, remove });
  assert.deepEqual(readdirSync(path.join(folder, 'runs')), [whole]);
  assert.deepEqual(readdirSync(path.join(folder, 'runs', whole!)), []);
  assert.equal((await library.call('listRuns', PLAIN_RUN_QUERY)).totalRuns, 1);
});

test('a reader that dies, hangs or grows is the file’s fault, and costs nothing else', async (t) => {
  const script = path.join(await temporaryFolder(t), 'child.mjs');
  writeFileSync(
    script,
    `process.on('message', (message) => {
      if (message.type !== 'run') return;
      const deeds = {
        die: () => process.kill(process.pid, 'SIGSEGV'),
        hang: () => { for (;;); },
        heap: () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length + 0.5)); },
        map: () => { const all = []; for (;;) all.push(new Uint8Array(2 ** 28).fill(1)); },
      };
      try { deeds[message.args.file](); }
      catch (error) { process.send({ type: 'error', id: message.id, error: { name: error.name, message: error.message, code: null, details: {} } }); }
    });
    process.on('disconnect', () => process.exit(0));`,
  );
  const foreign = createForeignFiles({
    heapMb: 64,
    addressSpaceMb: 2048,
    timeoutMs: 3000,
    child: { command: nodeExecutable(), args: [script] },
  });
  t.after(() => foreign.close());
  for (const file of process.platform === 'linux' ? ['die', 'hang', 'heap', 'map'] : ['die', 'hang', 'heap'])
    await assert.rejects(
      foreign.run('inspectFile', { file, kind: null }),
      (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'file-invalid', error.message);
        assert.match(error.message, new RegExp(`^${file} could not be read within the limits`));
        return true;
      },
    );
});

test('a dataset that numbers its classes by training count gets them from the order of its source', async (t) => {
  const { folder, remove } = tempLibrary();
  const rankLabels = [2, 0, 3, 1];
  const manifest = exampleManifest({ kind: 'list', classCounts: [5, 6, 7, 8] });
  const store = openStore(path.join(folder, 'library.db'));
  addDataset(store, 'ranked', {
    ...manifest,
    photographs: {
      ...{ normalisation: 'imagenet', rankLabels, lists: null, testFraction: null, leftOut: 0 },
      sizesHash: '0'.repeat(64),
    },
  });
  store.close();
  const file = path.join(await temporaryFolder(t), 'weights.safetensors');
  const { tensors } = findNetwork('resnet32').build({
    ...{ height: 32, width: 32, channels: 3, classes: 4, head: { kind: 'linear', evalTau: null } },
  });
  await writeStateDict(
    file,
    new Map(
      tensors.map(({ name, kind, shape }) => {
        const length = shape.reduce((product, size) => product * size, 1);
        const data = kind === 'batchCount' ? new Int32Array(length) : new Float32Array(length);
        return [name, { shape, data: name === 'linear.bias' ? Float32Array.of(0, 1, 2, 3) : data }];
      }),
    ),
  );
  const owner = await startBackgroundOwner(folder);
  t.after(async () => {
    await owner.close();
    while (readOwner(folder) !== null) await new Promise((resolve) => setTimeout(resolve, 100));
    remove();
  });
  const { command, args } = entry('cli');
  const imported = (...words: string[]) =>
    new Promise<{ order: { classOrder: string; why: string }; folder: string }>((resolve) => {
      const all = [...args, 'import', 'checkpoint', file, '--dataset', 'ranked', '--json', ...words];
      // The evaluation fails, since the photographs are not there; the run is told all the same.
      execFile(command, [...all, '--library', folder], { encoding: 'utf8' }, (_, stdout, stderr) => {
        assert.notEqual(stdout, '', stderr);
        resolve(JSON.parse(stdout) as { order: { classOrder: string; why: string }; folder: string });
      });
    });
  const biasOf = async (run: string): Promise<number[]> => {
    const read = await readSafetensors(path.join(run, 'checkpoints', 'epoch-0000.safetensors'));
    return Array.from(read.tensors.get('linear.bias')!.data as Float32Array);
  };
  const likeliest = await imported();
  assert.equal(likeliest.order.classOrder, 'source-order');
  assert.match(likeliest.order.why, /^This dataset numbers the classes by training count/);
  assert.deepEqual(await biasOf(likeliest.folder), [1, 3, 0, 2], 'class s of the source at rankLabels[s]');
  const asked = await imported('--classes-order', 'as-stored', '--again');
  assert.deepEqual(await biasOf(asked.folder), [0, 1, 2, 3]);
});

test('on the command line: a dry run, an import, a refusal, an export', async (t) => {
  const { folder, remove } = tempLibrary();
  const out = await temporaryFolder(t);
  const { command, args } = entry('cli');
  const reslt = (...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(
        command,
        [...args, ...words, '--library', folder],
        { cwd: out, encoding: 'utf8' },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : ((error as { code?: number }).code ?? -1), stdout, stderr }),
      );
    });
  // One owner for all of it.
  const owner = await startBackgroundOwner(folder);
  t.after(async () => {
    await owner.close();
    while (readOwner(folder) !== null) await new Promise((resolve) => setTimeout(resolve, 100));
    remove();
  });

  const looked = await reslt('import', 'checkpoint', RESLT, '--dry-run', '--json');
  assert.equal(looked.code, 0, looked.stderr);
  assert.equal((JSON.parse(looked.stdout) as { problem: unknown }).problem, null);
  const made = await reslt('import', 'checkpoint', RESLT, '--name', 'authors', '--json');
  assert.equal(made.code, 0, made.stderr);
  const run = JSON.parse(made.stdout) as Record<string, unknown> & { imported: { sha256: string } };
  assert.deepEqual(
    [run['name'], run['kind'], run['state'], run['network'], run['method'], run['result'], run['dataset']],
    ['authors', 'import', 'completed', 'resnet32', 'reslt', null, null],
  );

  const refused = await reslt(
    'import',
    'checkpoint',
    path.join(CHECKPOINTS, 'hostile_getattr.pth'),
    '--json',
  );
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  const { error } = JSON.parse(refused.stderr) as { error: ApiError };
  assert.equal(error.code, 'file-invalid');
  const misspelt = await reslt('import', 'checkpoint', RESLT, '--classes-order', 'sideways');
  assert.equal(misspelt.code, 2);
  assert.match(misspelt.stderr, /as-stored, ascending-count, source-order, got "sideways"/);

  const log = await reslt('import', 'log', path.join(LOGS, 'ride_cifar100_info.log'), '--json');
  assert.equal(log.code, 0, log.stderr);
  const exported = await reslt('export', 'checkpoint', 'authors@last', '--json');
  assert.equal(exported.code, 0, exported.stderr);
  const file = (JSON.parse(exported.stdout) as { path: string }).path;
  assert.equal(file, path.join(realpathSync(out), 'authors-epoch-0.pth'));
  assert.equal((await reslt('export', 'checkpoint', 'authors@last')).code, 1, 'never overwritten unasked');
});
