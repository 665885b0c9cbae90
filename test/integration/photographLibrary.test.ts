/** Photographs through the contract and the command line, over a real library: from adding to a run that may or may not start. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { DatasetDetail } from '../../preload/contract.ts';
import { entry } from '../../main/paths.ts';
import { openServices, type Services } from '../../main/services.ts';
import { callsOf, type Calls } from '../helpers/contract.ts';
import { classFolders, jpeg, listText, writePhotographs } from '../helpers/photographs.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const run = promisify(execFile);

interface Library extends Calls {
  folder: string;
  libraryFolder: string;
  services: Services;
  /** The dataset once its check has ended. */
  checked(id: number): Promise<DatasetDetail>;
  reslt(...words: string[]): Promise<{ code: number; json: Record<string, unknown>; stderr: string }>;
}

async function openLibrary(t: TestContext): Promise<Library> {
  const folder = await temporaryFolder(t);
  const libraryFolder = path.join(folder, 'library');
  const services = await openServices({ libraryFolder, shell: 'headless', report: () => undefined });
  t.after(() => services.close());
  const calls = callsOf(() => services);
  return {
    folder,
    libraryFolder,
    services,
    ...calls,
    async checked(id) {
      for (;;) {
        const dataset = await calls.call('getDataset', { id });
        const tasks = await calls.call('listTasks', null);
        const isChecking = tasks.some(({ kind, state }) => kind === 'verify-dataset' && state === 'running');
        if (!isChecking && dataset.verification.state !== 'never') return dataset;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async reslt(...words) {
      const { command, args } = entry('cli');
      const all = [...args, ...words, '--json', '--library', libraryFolder];
      try {
        const { stdout, stderr } = await run(command, all);
        return { code: 0, json: JSON.parse(stdout) as Record<string, unknown>, stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, json: JSON.parse(stdout || '{}') as Record<string, unknown>, stderr };
      }
    },
  };
}

/** A root with train/ and val/, and lists of it whose class numbers are not the order of the names. */
async function makeLists(folder: string): Promise<{ root: string; train: string; test: string }> {
  const root = path.join(folder, 'images');
  const train = classFolders('train', { ant: 3, bee: 240, cat: 7 }, { width: 16, height: 12 });
  const tests = classFolders('val', { ant: 2, bee: 2, cat: 2 }, { width: 16, height: 12 });
  await writePhotographs(root, { ...train, ...tests });
  const labelOf = (file: string): number => ['bee', 'cat', 'ant'].indexOf(file.split('/')[1]!);
  const lists = { train: path.join(folder, 'train.txt'), test: path.join(folder, 'test.txt') };
  await writeFile(lists.train, listText(Object.keys(train), labelOf));
  await writeFile(lists.test, listText(Object.keys(tests), labelOf));
  return { root, ...lists };
}

test(
  'lists are added, verified, relocated and removed from the command line',
  { timeout: 240_000 },
  async (t) => {
    const { folder, reslt, call, checked } = await openLibrary(t);
    const { root, train, test: testList } = await makeLists(folder);
    const words = ['--train', train, '--test', testList, '--root', root];
    const added = await reslt('dataset', 'add', 'list', ...words, '--rank-labels', '--name', 'insects');
    assert.equal(added.code, 0, added.stderr);
    assert.deepEqual(
      { ...added.json, manifestHash: null },
      {
        id: 1,
        name: 'insects',
        kind: 'list',
        classes: 3,
        classCounts: [3, 7, 240],
        counts: { train: 250, val: 0, test: 6 },
        imbalanceFactor: 3 / 240,
        imbalanceRatio: 80,
        manifestHash: null,
      },
    );
    assert.match(String(added.json['manifestHash']), /^[0-9a-f]{64}$/);
    await checked(1);
    const verified = await reslt('dataset', 'verify', 'insects');
    assert.equal(verified.code, 0, verified.stderr);
    assert.deepEqual(verified.json['problems'], []);

    await writeFile(path.join(root, 'val/ant/0000.jpg'), 'no image');
    const failed = await reslt('dataset', 'verify', 'insects');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /1 of 256 images can't be used/);
    const [problem] = failed.json['problems'] as Record<string, unknown>[];
    assert.deepEqual(
      { ...problem, message: null },
      { split: 'test', row: 0, path: 'val/ant/0000.jpg', reason: 'not-an-image', message: null },
    );

    await writeFile(
      path.join(root, 'val/ant/0000.jpg'),
      await jpeg({ width: 16, height: 12, colour: [40, 80, 120] }),
    );
    const moved = path.join(folder, 'moved');
    await rename(root, moved);
    const relocated = await reslt('dataset', 'relocate', 'insects', moved);
    assert.equal(relocated.code, 0, relocated.stderr);
    assert.equal(relocated.json['root'], moved);
    assert.equal(relocated.json['manifestHash'], added.json['manifestHash']);
    assert.equal((await checked(1)).verification.state, 'verified');
    const shown = await reslt('dataset', 'show', 'insects');
    assert.deepEqual((shown.json['photographs'] as DatasetDetail['photographs'])!.sourceLabels, [2, 1, 0]);
    assert.equal((await reslt('dataset', 'rm', 'insects')).code, 0);
    assert.deepEqual(await call('listDatasets', null), []);
    assert.ok(existsSync(path.join(moved, 'val/ant/0000.jpg')), 'removing a dataset leaves its photographs');

    const folders = await reslt(
      'dataset',
      'add',
      'folder',
      moved,
      '--imbalance-factor',
      '0.5',
      '--val-fraction',
      '0.2',
    );
    assert.equal(folders.code, 0, folders.stderr);
    assert.equal(folders.json['name'], 'moved-LT IF 23');
    const stray = await reslt('dataset', 'add', 'folder', moved, '--train', train);
    assert.equal(stray.code, 2);
    assert.match(stray.stderr, /--train goes with list files/);
    const without = await reslt('dataset', 'add', 'list', '--train', train);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /--root DIR/);
  },
);

test('a run is refused, warned of or taken by what is known of the photographs', async (t) => {
  const library = await openLibrary(t);
  const { folder, call, checked, done, refused } = library;
  const { root, train, test: testList } = await makeLists(folder);
  const added = await done(
    await call('addDataset', {
      path: root,
      kind: 'list',
      name: null,
      subset: { type: 'full', imbalanceFactor: 1 },
      validationFraction: 0,
      validationSeed: 0,
      photographs: {
        lists: { train, val: null, test: testList },
        rankLabels: false,
        normalisation: 'inaturalist',
        testFraction: 0,
        leaveOutMissing: false,
        leaveOutProblemsOf: null,
      },
    }),
  );
  assert.equal(added.state, 'done', added.error?.message);
  const id = added.resultId!;
  assert.equal((await checked(id)).verification.state, 'verified');
  const said = async (): Promise<{ problem: string | null; warning: string | null }> => {
    const config = { method: 'ce', network: 'resnet10', augmentation: 'resized-crop' };
    const { problems, warnings } = await call('checkConfig', {
      config,
      datasetId: id,
      preset: null,
      base: null,
      seeds: [0],
    });
    const about = (list: { key: string; message: string }[]): string | null =>
      list.find(({ key, message }) => key === 'dataset' && /image|folder|check/.test(message))?.message ??
      null;
    return { problem: about(problems), warning: about(warnings) };
  };
  const check = async (): Promise<void> => {
    await done(await call('verifyDataset', { id }));
  };
  assert.deepEqual(await said(), { problem: null, warning: null });

  // One of 250 training images: others of its class take its place.
  await rm(path.join(root, 'train/bee/0007.jpg'));
  await check();
  const one = await said();
  assert.equal(one.problem, null);
  assert.match(one.warning!, /1 of the 250 training images can't be used \(train\/bee\/0007\.jpg\)/);
  const { counts, items, total } = await call('listDatasetProblems', {
    id,
    reason: 'missing',
    offset: 0,
    limit: 10,
  });
  assert.deepEqual([counts.missing, total, items[0]!.path], [1, 1, 'train/bee/0007.jpg']);

  // Three are more than one in a hundred; a whole class is too much in any case.
  for (const name of ['0008', '0009']) await rm(path.join(root, `train/bee/${name}.jpg`));
  await check();
  assert.match((await said()).problem!, /3 of the 250 training images .*more than one in a hundred/);

  await rm(path.join(root, 'val/cat/0001.jpg'));
  await check();
  assert.match((await said()).problem!, /1 of the 6 test images can't be used \(val\/cat\/0001\.jpg\)/);
  const error = await refused('createRuns', {
    preset: null,
    parentRunId: null,
    config: { method: 'ce', network: 'resnet10', augmentation: 'resized-crop' },
    datasetId: id,
    seeds: [0],
    name: null,
    note: '',
    runNext: false,
  });
  assert.equal(error.code, 'invalid-config');
  assert.match(error.message, /test images can't be used/);

  // A check of an older version has no summary: it is made in the background.
  const { folder: datasetFolder, verification } = await call('getDataset', { id });
  await rm(path.join(datasetFolder, 'check-summary.json'));
  assert.match((await said()).problem!, /1 of the 6 test images can't be used/);
  assert.ok(existsSync(path.join(datasetFolder, 'check-summary.json')));
  assert.equal((await call('getDataset', { id })).photographs!.problems, 4);
  const checkFile = path.join(datasetFolder, 'check.json');
  const whole = await readFile(checkFile);
  await writeFile(checkFile, '{');
  assert.match(
    (await said()).problem!,
    /check\.json: expected the result of a check; check the dataset again/,
  );
  await writeFile(checkFile, whole);

  await rename(root, `${root}-gone`);
  assert.match((await said()).problem!, /there is no such folder now.*change the root/);
  const unchecked = await done(await call('verifyDataset', { id }));
  assert.equal(unchecked.state, 'failed');
  assert.match(unchecked.error!.message, /expected the folder with the photographs/);
  assert.deepEqual((await call('getDataset', { id })).verification, verification, 'no verdict on the images');
  const gone = await done(await call('relocateDataset', { id, root }));
  assert.equal(gone.state, 'failed');
  const detail = await call('getDataset', { id });
  assert.deepEqual([detail.photographs!.rootExists, detail.std], [false, [0.195, 0.194, 0.192]]);
});

test('the look at a source ends when it is cancelled by its ticket', async (t) => {
  const { folder, call, refused } = await openLibrary(t);
  const root = path.join(folder, 'pets');
  await writePhotographs(root, {
    ...classFolders('train', { ant: 60, bee: 60 }),
    ...classFolders('val', { ant: 1, bee: 1 }),
  });
  const looking = refused('probeDataset', { path: root, ticket: 'one' });
  const other = call('probeDataset', { path: root, ticket: 'other' });
  assert.deepEqual(await call('cancelProbe', { ticket: 'one' }), { cancelled: true });
  assert.match((await looking).message, /was cancelled; nothing was written/);
  assert.equal((await other).counts.train, 120, 'another one goes on');
  assert.deepEqual(await call('cancelProbe', { ticket: 'other' }), { cancelled: false });
});

test('pictures of photographs come through the resource handler; a missing one is told and not kept', async (t) => {
  const { folder, services, call, done, checked } = await openLibrary(t);
  const root = path.join(folder, 'pets');
  await writePhotographs(root, {
    ...classFolders('train', { ant: 4, bee: 2 }),
    ...classFolders('val', { ant: 1, bee: 1 }),
  });
  const { resultId } = await done(
    await call('addDataset', {
      path: root,
      kind: null,
      name: null,
      subset: { type: 'full', imbalanceFactor: 1 },
      validationFraction: 0,
      validationSeed: 0,
    }),
  );
  const id = resultId!;
  await checked(id);
  const get = async (wanted: string) => (await services.resource(wanted))!;
  const picture = await get(`/resource/thumbnail/${id}/train/0`);
  assert.deepEqual([picture.status, picture.headers['content-type']], [200, 'image/webp']);
  assert.match(picture.headers['cache-control']!, /max-age=\d+$/);
  await rm(path.join(root, 'train/ant/0001.jpg'));
  const sheet = await get(`/resource/sheet/${id}/train?rows=0,1&columns=2&size=64`);
  assert.deepEqual([sheet.status, sheet.headers['cache-control']], [200, 'no-store']);
  const missing = await get(`/resource/thumbnail/${id}/train/1`);
  assert.ok(missing.status >= 400);
  assert.match(Buffer.from(missing.body).toString(), /0001\.jpg.*no file/);
  const { paths } = await call('listImages', {
    datasetId: id,
    split: 'train',
    classIndex: 1,
    offset: 0,
    limit: 1,
  });
  assert.deepEqual(paths, ['train/bee/0000.jpg']);

  // Deleting ends a check that is under way.
  const check = await call('verifyDataset', { id });
  await call('deleteDataset', { id });
  assert.notEqual((await done(check)).state, 'running');
});
