/** Photographs as datasets: probing, registration by reference, the check, thumbnails and relocation, on real files. */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { DatasetError } from '../../main/datasets/errors.ts';
import { listImages, readLabels, sheet, thumbnail } from '../../main/datasets/images.ts';
import { readManifest, type DatasetManifest } from '../../main/datasets/manifest.ts';
import { checkPhotographs } from '../../main/datasets/photographs/check.ts';
import { listPhotoProblems } from '../../main/datasets/photographs/listProblems.ts';
import { readPhotoCheck } from '../../main/datasets/photographs/photoCheck.ts';
import { openPhotoIndex } from '../../main/datasets/photographs/photoIndex.ts';
import { readPhotoSummary, summarisePhotoCheck } from '../../main/datasets/photographs/photoSummary.ts';
import { probePhotographs } from '../../main/datasets/photographs/probe.ts';
import {
  PLAIN_PHOTOGRAPHS,
  registerPhotographs,
  type RegisterPhotographs,
} from '../../main/datasets/photographs/register.ts';
import { relocatePhotographs } from '../../main/datasets/photographs/relocate.ts';
import { pruneThumbnails } from '../../main/datasets/photographs/thumbnails.ts';
import { isPhotographSource } from '../../main/datasets/photographs/source.ts';
import { classFolders, jpeg, listText, writePhotographs } from '../helpers/photographs.ts';
import { cifar10Files, writeFiles } from '../helpers/sources.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const FULL: RegisterPhotographs['options'] = {
  ...PLAIN_PHOTOGRAPHS,
  subset: { type: 'full', imbalanceFactor: 1 },
  validation: null,
};

/** Every file below a folder with its content and date: what must stay as it is. */
async function snapshot(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const entries = await Promise.all(
    files.map(async (file): Promise<[string, string]> => [
      file,
      `${(await stat(file)).mtimeMs} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`,
    ]),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The first half of a JPEG. */
async function cutShort(): Promise<Buffer> {
  const pixels = Buffer.from(Array.from({ length: 3 * 80 * 80 }, (_, i) => (i * i) % 251));
  const whole = await sharp(pixels, { raw: { width: 80, height: 80, channels: 3 } })
    .jpeg()
    .toBuffer();
  return whole.subarray(0, whole.length >> 1);
}

/** train/ and val/ with three classes, and lists that name them with a class order of their own. */
async function makeSource(
  folder: string,
): Promise<{ root: string; lists: { train: string; val: null; test: string } }> {
  const root = join(folder, 'images');
  const train = classFolders('train', { cat: 6, ant: 9, bee: 3 });
  const test = classFolders('val', { cat: 2, ant: 2, bee: 2 });
  await writePhotographs(root, { ...train, ...test });
  const labels: Record<string, number> = { cat: 0, ant: 1, bee: 2 };
  const labelOf = (path: string): number => labels[path.split('/')[1]!]!;
  const lists = { train: join(folder, 'My_LT_train.txt'), val: null, test: join(folder, 'My_LT_test.txt') };
  await writeFile(lists.train, listText(Object.keys(train), labelOf));
  await writeFile(lists.test, listText(Object.keys(test), labelOf));
  return { root, lists };
}

/** That source in a library of its own, with all of its images. */
async function registered(t: TestContext): Promise<{
  folder: string;
  root: string;
  dataset: string;
  manifest: DatasetManifest;
}> {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  const { folder: dataset, manifest } = await registerPhotographs({
    libraryFolder: folder,
    id: 1,
    source: { path: root, lists },
    options: FULL,
  });
  return { folder, root, dataset, manifest };
}

test('list files are probed: counts, names, a sample that was read, and nothing is written', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  const before = await snapshot(folder);
  const probe = await probePhotographs({ path: root, lists });
  assert.equal(probe.kind, 'list');
  assert.deepEqual(probe.classNames, ['cat', 'ant', 'bee']);
  assert.deepEqual(probe.classCounts, [6, 9, 3]);
  assert.deepEqual(probe.counts, { train: 18, val: 0, test: 6 });
  assert.equal(probe.suggestedName, 'My_LT');
  const { sample, missing, problems, remarks, hasTest, suggestedNormalisation } = probe.photographs!;
  assert.deepEqual(sample.formats, [{ format: 'JPEG', images: 24 }]);
  assert.deepEqual(sample.smallest, { width: 40, height: 30 });
  assert.deepEqual(
    [missing, problems, remarks, hasTest, suggestedNormalisation],
    [0, [], [], true, 'imagenet'],
  );
  assert.deepEqual(await snapshot(folder), before);
});

test('problems are found before anything is written, and the right root is named', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  await rm(join(root, 'train/cat/0003.jpg'));
  await writeFile(join(root, 'train/ant/0001.jpg'), '<html>404</html>');
  await writeFile(join(root, 'val/bee/0000.jpg'), await cutShort());
  await writeFile(lists.test, `${await readFile(lists.test, 'utf8')}train/bee/0000.jpg 2\n`);
  const { missing, present, problems, remarks } = (await probePhotographs({ path: root, lists }))
    .photographs!;
  assert.equal(missing, 1);
  assert.deepEqual(present, { classCounts: [5, 9, 3], counts: { train: 17, val: 0, test: 7 } });
  assert.deepEqual(
    problems.map(({ split, path, reason }) => [split, path, reason]),
    [
      ['train', 'train/cat/0003.jpg', 'missing'],
      ['train', 'train/ant/0001.jpg', 'not-an-image'],
      ['test', 'val/bee/0000.jpg', 'truncated'],
    ],
  );
  assert.match(
    remarks.join(),
    /1 image of the test split is in the train split too \(train\/bee\/0000\.jpg\)/,
  );

  await assert.rejects(probePhotographs({ path: join(root, 'train'), lists }), (error) => {
    assert.ok(error instanceof DatasetError);
    assert.match(error.message, /train\/cat\/0000\.jpg/);
    assert.match(error.message, new RegExp(`They are below ${root}; give that folder`));
    return true;
  });
  await assert.rejects(probePhotographs({ path: join(folder, 'nowhere'), lists }), /nothing at this path/);
});

test('a list that leaves its root, or is none, is refused with the line', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  await writeFile(lists.train, 'train/cat/0000.jpg 0\n../secret.jpg 1\n');
  await assert.rejects(probePhotographs({ path: root, lists }), /My_LT_train\.txt.*line 2.*leaves the root/);
  await writeFile(lists.train, 'train/cat/0000.jpg cat\n');
  await assert.rejects(probePhotographs({ path: root, lists }), /line 1/);
});

test('registering writes an index by reference, leaves the source as it is, and can be repeated bit for bit', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  const before = await snapshot(root);
  const register = (id: number, options = FULL) =>
    registerPhotographs({ libraryFolder: folder, id, source: { path: root, lists }, options });
  const { manifest, folder: dataset, sizeBytes } = await register(1);
  assert.deepEqual(await snapshot(root), before);
  assert.equal(manifest.source.path, root);
  assert.deepEqual(
    manifest.source.files.map(({ name }) => name),
    ['My_LT_train.txt', 'My_LT_test.txt'],
  );
  assert.deepEqual(manifest.classCounts, [6, 9, 3]);
  assert.deepEqual(manifest.counts, { train: 18, val: 0, test: 6 });
  assert.deepEqual(manifest.mean, [0.485, 0.456, 0.406]);
  assert.ok(sizeBytes < 4096, 'no pixels are copied');
  const index = await openPhotoIndex(dataset, 'train');
  assert.equal(index.paths[0], 'train/cat/0000.jpg');
  assert.equal(index.sizes[0], (await stat(join(root, index.paths[0]!))).size);
  assert.deepEqual(await readManifest(dataset), manifest);

  const again = await register(2);
  assert.equal(again.manifest.manifestHash, manifest.manifestHash);
  const ranked = await register(3, { ...FULL, rankLabels: true, normalisation: 'inaturalist' });
  assert.notEqual(ranked.manifest.manifestHash, manifest.manifestHash);
  // bee 3, cat 6, ant 9: by ascending training count, in both splits.
  assert.deepEqual(ranked.manifest.photographs!.rankLabels, [1, 2, 0]);
  assert.deepEqual(ranked.manifest.classNames, ['bee', 'cat', 'ant']);
  assert.deepEqual(ranked.manifest.classCounts, [3, 6, 9]);
  assert.deepEqual([...(await readLabels(ranked.folder, 'test'))], [1, 1, 2, 2, 0, 0]);
  assert.deepEqual(ranked.manifest.std, [0.195, 0.194, 0.192]);
});

test('another size of one image is another dataset; another date is not', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  const register = async (id: number) =>
    (await registerPhotographs({ libraryFolder: folder, id, source: { path: root, lists }, options: FULL }))
      .manifest.manifestHash;
  const first = await register(1);
  await writeFile(join(root, 'train/cat/0000.jpg'), await readFile(join(root, 'train/cat/0000.jpg')));
  assert.equal(await register(2), first);
  await writeFile(join(root, 'train/cat/0000.jpg'), await jpeg({ width: 41 }));
  assert.notEqual(await register(3), first);
});

test('class folders: recognised beside packed formats, subset, and with splits carved where there are none', async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'pets');
  await writePhotographs(root, classFolders('', { ant: 20, bee: 20, cat: 20, dog: 20 }));
  await writeFile(join(root, 'ant', 'notes.txt'), 'x');
  assert.equal(await isPhotographSource({ path: root, lists: null }, null), true);
  await writeFiles(join(folder, 'cifar'), cifar10Files(5, 5));
  assert.equal(await isPhotographSource({ path: join(folder, 'cifar'), lists: null }, null), false);
  assert.equal(await isPhotographSource({ path: join(root, 'ant'), lists: null }, null), false);

  const probe = await probePhotographs({ path: root, lists: null });
  assert.deepEqual(probe.classCounts, [20, 20, 20, 20]);
  assert.equal(probe.photographs!.hasTest, false);
  assert.match(probe.photographs!.remarks.join(), /1 file is left out.*ant\/notes\.txt/);
  assert.equal(probe.suggestedName, 'pets');

  const source = { path: root, lists: null };
  const register = (id: number, options: RegisterPhotographs['options']) =>
    registerPhotographs({ libraryFolder: folder, id, source, options });
  await assert.rejects(register(1, FULL), /no test split.*test share/);
  const options: RegisterPhotographs['options'] = {
    ...FULL,
    testFraction: 0.25,
    subset: { type: 'exp', imbalanceFactor: 0.1 },
    validation: { fraction: 0.2, seed: 3 },
  };
  const { manifest, folder: dataset } = await register(1, options);
  assert.deepEqual(manifest.sourceClassCounts, [15, 15, 15, 15]);
  // 15, 15·10^(-1/3), 15·10^(-2/3), 1.5, truncated; then a fifth of each held out.
  assert.deepEqual(manifest.classCounts, [12, 5, 2, 1]);
  assert.deepEqual(manifest.counts, { train: 20, val: 5, test: 20 });
  const paths = await Promise.all(
    (['train', 'val', 'test'] as const).map(async (split) => (await openPhotoIndex(dataset, split)).paths),
  );
  assert.equal(new Set(paths.flat()).size, 45, 'no image is in two splits');
  const again = await register(2, options);
  assert.equal(again.manifest.manifestHash, manifest.manifestHash);
  const other = await register(3, { ...options, subset: { type: 'exp', imbalanceFactor: 0.2 } });
  assert.equal(other.manifest.indices.test, manifest.indices.test, 'the test split is that of every subset');
});

test('a val folder beside train and test is the validation split; shares on top are refused', async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'pets');
  await writePhotographs(root, {
    ...classFolders('train', { ant: 4, bee: 4 }),
    ...classFolders('val', { ant: 1, bee: 1 }),
    ...classFolders('test', { ant: 2, bee: 2 }),
  });
  const register = (options: RegisterPhotographs['options']) =>
    registerPhotographs({ libraryFolder: folder, id: 1, source: { path: root, lists: null }, options });
  await assert.rejects(
    register({ ...FULL, validation: { fraction: 0.1, seed: 0 } }),
    /validation split of its own/,
  );
  await assert.rejects(register({ ...FULL, testFraction: 0.1 }), /test split of its own/);
  assert.deepEqual(await readdir(join(folder, 'datasets')), [], 'a refused registration leaves nothing');
  const { manifest } = await register(FULL);
  assert.deepEqual(manifest.counts, { train: 8, val: 2, test: 4 });
});

test('the check lists what is missing, changed, cut short or no image; a dataset without them can be added', async (t) => {
  const folder = await temporaryFolder(t);
  const { root, lists } = await makeSource(folder);
  const source = { path: root, lists };
  const { folder: dataset } = await registerPhotographs({
    libraryFolder: folder,
    id: 1,
    source,
    options: FULL,
  });
  const messages: string[] = [];
  const good = await checkPhotographs(dataset, { onProgress: (_, message) => messages.push(message) });
  assert.deepEqual([good.ok, good.examples], [true, 24]);
  assert.match(good.message, /All 24 images/);
  assert.equal(messages.at(-1), '24 of 24 images');

  await rm(join(root, 'train/cat/0003.jpg'));
  await writeFile(join(root, 'train/ant/0001.jpg'), 'GIF89a and no more');
  await writeFile(join(root, 'train/ant/0002.jpg'), await jpeg({ width: 64 }));
  await writeFile(join(root, 'val/bee/0000.jpg'), await cutShort());
  const bad = await checkPhotographs(dataset);
  assert.equal(bad.ok, false);
  assert.match(
    bad.message,
    /4 of 24 images can't be used: 1 missing, 1 changed .*, 1 cut short, 1 no images/,
  );
  const { problems, complete } = (await readPhotoCheck(dataset))!;
  assert.equal(complete, true);
  assert.deepEqual(
    problems.map(({ split, row, code }) => [split, row, code]),
    [
      ['train', 3, 'missing'],
      ['train', 7, 'not-an-image'],
      ['train', 8, 'changed'],
      ['test', 4, 'truncated'],
    ],
  );
  assert.match(problems[1]!.message, /GIF/);

  await assert.rejects(
    registerPhotographs({
      libraryFolder: folder,
      id: 9,
      source,
      options: { ...FULL, leaveOutProblemsOf: join(folder, 'datasets', 'none') },
    }),
    /no finished check/,
  );
  const without = await registerPhotographs({
    libraryFolder: folder,
    id: 2,
    source,
    options: { ...FULL, leaveOutProblemsOf: dataset },
  });
  assert.deepEqual(without.manifest.counts, { train: 15, val: 0, test: 5 });
  assert.equal(without.manifest.photographs!.leftOut, 4);
  assert.equal((await checkPhotographs(without.folder)).ok, true);
  const withoutMissing = await registerPhotographs({
    libraryFolder: folder,
    id: 3,
    source,
    options: { ...FULL, leaveOutMissing: true },
  });
  assert.equal(withoutMissing.manifest.photographs!.leftOut, 1);

  // An index that somebody changed is told without a look at the images.
  const stats = await readFile(join(dataset, 'train.stats'));
  stats[0]! ^= 1;
  await writeFile(join(dataset, 'train.stats'), stats);
  assert.match((await checkPhotographs(dataset)).message, /train\.stats: .*the file was changed/);
});

test('a check that is stopped keeps what the last one found', async (t) => {
  const { root, dataset } = await registered(t);
  await rm(join(root, 'train/cat/0003.jpg'));
  await checkPhotographs(dataset);
  const controller = new AbortController();
  const stopped = checkPhotographs(dataset, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(stopped, { name: 'AbortError' });
  assert.equal((await readPhotoCheck(dataset))!.problems.length, 1);
});

test('a root that is gone fails the check and leaves the last result, also when it goes in the middle', async (t) => {
  const { root, dataset } = await registered(t);
  await rm(join(root, 'train/cat/0003.jpg'));
  await checkPhotographs(dataset);
  const before = await snapshot(dataset);
  const gone = /images: expected the folder with the photographs .*found no folder, or an empty one/;
  const away = `${root}-away`;
  let looked = 0;
  const inTheMiddle = checkPhotographs(dataset, {
    onProgress: () => {
      if (looked++ === 0) renameSync(root, away);
    },
  });
  await assert.rejects(inTheMiddle, gone);
  await assert.rejects(checkPhotographs(dataset), gone);
  await mkdir(root);
  await assert.rejects(checkPhotographs(dataset), gone);
  assert.deepEqual(await snapshot(dataset), before);
});

test('a check of an older version gets its summary once, and problems are listed a page at a time', async (t) => {
  const { root, dataset } = await registered(t);
  assert.equal(await readPhotoSummary(dataset), null, 'no check yet');
  await rm(join(root, 'train/bee'), { recursive: true });
  await writeFile(join(root, 'train/ant/0002.jpg'), await jpeg({ width: 64 }));
  await rm(join(root, 'val/ant/0001.jpg'));
  await checkPhotographs(dataset);
  const summary = (await readPhotoSummary(dataset))!;
  assert.equal(summary.problems, 5);
  assert.deepEqual(summary.faults, {
    unusable: {
      train: { images: 3, first: 'train/bee/0000.jpg' },
      val: { images: 0, first: null },
      test: { images: 1, first: 'val/ant/0001.jpg' },
    },
    emptiedClass: 2,
    changed: { images: 1, first: 'train/ant/0002.jpg' },
  });

  // Another check, by a version that writes none.
  const file = join(dataset, 'check.json');
  await writeFile(file, await readFile(file, 'utf8').then((text) => ` ${text}`));
  assert.equal(await readPhotoSummary(dataset), undefined);
  assert.deepEqual((await summarisePhotoCheck(dataset))!.faults, summary.faults);
  assert.deepEqual((await readPhotoSummary(dataset))!.faults, summary.faults);

  const page = await listPhotoProblems(dataset, { reason: 'missing', offset: 1, limit: 2 });
  assert.deepEqual([page.counts.missing, page.counts.changed, page.total], [4, 1, 4]);
  assert.deepEqual(
    page.items.map(({ path, reason }) => [path, reason]),
    [
      ['train/bee/0001.jpg', 'missing'],
      ['train/bee/0002.jpg', 'missing'],
    ],
  );
  await writeFile(file, '{');
  assert.equal(await readPhotoSummary(dataset), undefined);
  await assert.rejects(
    summarisePhotoCheck(dataset),
    /expected the result of a check; check the dataset again/,
  );
});

test('the root can be changed to where the same images are, and to no other', async (t) => {
  const { folder, root, dataset, manifest } = await registered(t);
  const moved = join(folder, 'elsewhere');
  await rename(root, moved);
  await mkdir(root);
  await assert.rejects(relocatePhotographs(dataset, root), /24 of them missing/);
  await rm(join(moved, 'train/cat/0003.jpg'));
  await writeFile(join(moved, 'train/ant/0002.jpg'), await jpeg({ width: 64 }));
  await writePhotographs(join(folder, 'other'), {
    ...classFolders('train', { cat: 6, ant: 9, bee: 3 }, { width: 50 }),
    ...classFolders('val', { cat: 2, ant: 2, bee: 2 }, { width: 50 }),
  });
  await assert.rejects(
    relocatePhotographs(dataset, join(folder, 'other')),
    /24 of them of another size: other images lie there/,
  );
  assert.equal((await readManifest(dataset)).source.path, root, 'a refusal changes nothing');

  const after = await relocatePhotographs(dataset, moved);
  assert.equal(after.manifestHash, manifest.manifestHash);
  assert.deepEqual(await readManifest(dataset), { ...manifest, source: { ...manifest.source, path: moved } });
  // One that was replaced and one that is gone are no other dataset; the check lists them.
  assert.match((await checkPhotographs(dataset)).message, /2 of 24 images .*1 missing, 1 changed/);
});

test('thumbnails are made when they are looked at, keep their aspect, and follow a changed file', async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'pets');
  await writePhotographs(root, {
    'train/ant/a.jpg': { width: 400, height: 200, colour: [200, 0, 0] },
    'train/ant/b.jpg': { width: 100, height: 300, colour: [0, 200, 0] },
    'train/bee/c.jpg': { width: 64, height: 64, colour: [0, 0, 200] },
    'val/ant/d.jpg': {},
    'val/bee/e.jpg': {},
  });
  const { folder: dataset } = await registerPhotographs({
    libraryFolder: folder,
    id: 1,
    source: { path: root, lists: null },
    options: FULL,
  });
  const page = { split: 'train', classIndex: 0, offset: 1, limit: 5 } as const;
  assert.deepEqual(await listImages(dataset, page), {
    rows: [1],
    labels: [0],
    total: 2,
    paths: ['train/ant/b.jpg'],
  });
  assert.equal((await readdir(dataset)).includes('thumbnails'), false, 'none before the first look');

  const drawn = await sheet(dataset, 'train', { rows: [0, 1, 2], columns: 2, sizePx: 80 });
  assert.deepEqual([drawn.type, drawn.isComplete, drawn.isFixed], ['image/webp', true, false]);
  const { data, info } = await sharp(drawn.bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [160, 160]);
  const at = (x: number, y: number): number[] => [...data.subarray((y * 160 + x) * 4, (y * 160 + x) * 4 + 4)];
  const near = (pixel: number[], expected: number[]) =>
    assert.ok(
      pixel.every((value, i) => Math.abs(value - expected[i]!) < 24),
      `${pixel} is not ${expected}`,
    );
  // 2:1 fills the width and leaves the top free; 1:3 the other way round; the fourth cell is empty.
  near(at(40, 40), [200, 0, 0, 255]);
  assert.equal(at(40, 5)[3], 0);
  near(at(120, 5), [0, 200, 0, 255]);
  assert.equal(at(85, 40)[3], 0);
  near(at(40, 120), [0, 0, 200, 255]);
  assert.equal(at(120, 120)[3], 0);
  assert.equal((await readdir(join(dataset, 'thumbnails'))).length, 3);
  await pruneThumbnails(join(dataset, 'thumbnails'), 1 << 20);
  assert.equal((await readdir(join(dataset, 'thumbnails'))).length, 3, 'there is room for them');

  const whole = await thumbnail(dataset, 'train', 0);
  const { width, height, format } = await sharp(whole.bytes).metadata();
  assert.deepEqual([width, height, format], [400, 200, 'webp']);

  await writeFile(join(root, 'train/ant/a.jpg'), await jpeg({ width: 300, height: 300, colour: [0, 0, 0] }));
  await rm(join(root, 'train/bee/c.jpg'));
  await rm(join(root, 'train/ant/b.jpg'));
  const later = await sheet(dataset, 'train', { rows: [0, 1, 2], columns: 2, sizePx: 80 });
  const changed = await sharp(later.bytes).ensureAlpha().raw().toBuffer();
  near([...changed.subarray((5 * 160 + 5) * 4, (5 * 160 + 5) * 4 + 4)], [0, 0, 0, 255]);
  assert.equal(later.isComplete, true, 'what was kept is shown while its file is away');
  await pruneThumbnails(join(dataset, 'thumbnails'), 300);
  assert.ok((await readdir(join(dataset, 'thumbnails'))).length < 4, 'the oldest make room');
  await rm(join(dataset, 'thumbnails'), { recursive: true });
  assert.equal((await sheet(dataset, 'train', { rows: [1], columns: 1 })).isComplete, false);
  await assert.rejects(thumbnail(dataset, 'train', 1), /b\.jpg.*no file/);
  await assert.rejects(thumbnail(dataset, 'train', 9), RangeError);
});

const realData = process.env['RESLT_TEST_DATA'];
const hasReal = realData !== undefined && existsSync(join(realData, 'imagenet-samples'));
const real = { skip: hasReal ? false : 'RESLT_TEST_DATA names no folder with imagenet-samples' };

test('real photographs, by a list with blanks and CRLF, are probed, checked and shown', real, async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(realData!, 'imagenet-samples');
  const names = (await readdir(root)).filter((name) => name.endsWith('.JPEG')).sort();
  const lists = { train: join(folder, 'train.txt'), val: null, test: join(folder, 'test.txt') };
  // Long-tailed over ten classes, two test images of each.
  const test = names.slice(0, 20).map((name, i) => `${name} ${i % 10}`);
  const train = names.slice(20).map((name, i) => `./${name}   ${Math.floor(10 * (i / 180) ** 3)}`);
  await writeFile(lists.test, `${test.join('\r\n')}\r\n`);
  await writeFile(lists.train, `\n${train.join('\n')}\n\n`);
  const probe = await probePhotographs({ path: root, lists });
  assert.deepEqual(probe.counts, { train: 180, val: 0, test: 20 });
  assert.deepEqual(probe.photographs!.problems, []);
  const { smallest, largest } = probe.photographs!.sample;
  assert.ok(smallest!.width < largest!.width);
  const { folder: dataset, manifest } = await registerPhotographs({
    libraryFolder: folder,
    id: 1,
    source: { path: root, lists },
    options: { ...FULL, rankLabels: true },
  });
  assert.deepEqual(
    manifest.classCounts,
    [...manifest.classCounts].sort((a, b) => a - b),
  );
  assert.equal((await checkPhotographs(dataset)).ok, true);
  const { bytes, isComplete } = await sheet(dataset, 'test', {
    rows: [...Array(20).keys()],
    columns: 8,
    sizePx: 96,
  });
  const { width, height } = await sharp(bytes).metadata();
  assert.deepEqual([isComplete, width, height], [true, 768, 288]);
});
