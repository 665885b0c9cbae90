import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { openTrainingData, registerDataset } from '../../main/datasets/index.ts';
import { normalisationTable } from '../../main/datasets/augment.ts';
import { createRandom } from '../../main/training/random.ts';
import type { BatchStream, Random, TrainStreamOptions } from '../../main/training/types.ts';
import { idxFiles, writeFiles } from '../helpers/sources.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';
import type { TestContext } from 'node:test';

/** A registered set of 50 training and 20 test images of 6 x 6. */
async function makeDataset(t: TestContext, validation: { fraction: number; seed: number } | null = null) {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'source'), idxFiles({ train: 50, test: 20 }));
  const { folder: dataset, manifest } = await registerDataset({
    libraryFolder: folder,
    id: 1,
    source: { path: join(folder, 'source'), kind: null },
    options: { subset: { type: 'full', imbalanceFactor: 1 }, validation },
  });
  return { dataset, manifest };
}

interface Drained {
  sizes: number[];
  labels: number[];
  images: number[];
}

/** Everything a stream gives. The pause between batches lets workers run ahead, as a step does. */
async function drain(stream: BatchStream): Promise<Drained> {
  const all: Drained = { sizes: [], labels: [], images: [] };
  for (let batch = await stream.next(); batch !== null; batch = await stream.next()) {
    all.sizes.push(batch.size);
    all.labels.push(...batch.labels);
    all.images.push(...batch.images);
    assert.equal(batch.images.length, batch.size * 36);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  stream.close();
  return all;
}

const options = (random: Random, change: Partial<TrainStreamOptions> = {}): TrainStreamOptions => ({
  batchSize: 8,
  dropLast: true,
  cropPadding: 2,
  flip: true,
  random,
  ...change,
});

test('batches and the generator are the same for any number of workers', async (t) => {
  const { dataset } = await makeDataset(t);
  const results = [];
  for (const workers of [0, 1, 2]) {
    const data = await openTrainingData(dataset, { workers });
    const random = createRandom(3);
    const first = await drain(data.trainStream(options(random)));
    const second = await drain(data.trainStream(options(random)));
    results.push({ first, second, test: await drain(data.evalStream('test', 7)), state: random.state() });
    await data.close();
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  assert.notDeepEqual(results[0]!.first.labels, results[0]!.second.labels, 'each epoch has its own order');
});

test('the last smaller batch is dropped in training, kept on request and in evaluation', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset);
  t.after(() => data.close());
  const sizesOf = async (change: Partial<TrainStreamOptions>) =>
    (await drain(data.trainStream(options(createRandom(0), change)))).sizes;
  assert.deepEqual(await sizesOf({}), [8, 8, 8, 8, 8, 8]);
  assert.deepEqual(await sizesOf({ dropLast: false }), [8, 8, 8, 8, 8, 8, 2]);
  assert.deepEqual(await sizesOf({ batchSize: 64 }), [50], 'a split smaller than one batch is kept');
  assert.deepEqual((await drain(data.evalStream('test', 8))).sizes, [8, 8, 4]);
});

test('an epoch without augmentation is every image once, normalised', async (t) => {
  const { dataset, manifest } = await makeDataset(t);
  const data = await openTrainingData(dataset, { workers: 1 });
  t.after(() => data.close());
  const plain = { cropPadding: 0, flip: false, dropLast: false };
  const { labels, images } = await drain(data.trainStream(options(createRandom(1), plain)));
  const table = normalisationTable(manifest.mean, manifest.std);
  // Image i is filled with the value i, and its label is i modulo 4.
  const rows = labels.map((_, i) => table.indexOf(images[i * 36]!));
  assert.deepEqual(
    [...rows].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.deepEqual(
    rows.map((row) => row % 4),
    labels,
  );
  const evaluated = await drain(data.evalStream('train', 16));
  assert.deepEqual(
    evaluated.labels,
    Array.from({ length: 50 }, (_, i) => i % 4),
    'evaluation keeps the stored order',
  );
});

test('crops bring in padding and every offset occurs', async (t) => {
  const { dataset, manifest } = await makeDataset(t);
  const data = await openTrainingData(dataset, { workers: 1 });
  t.after(() => data.close());
  const black = normalisationTable(manifest.mean, manifest.std)[0]!;
  const seen = new Set<string>();
  const random = createRandom(9);
  for (let epoch = 0; epoch < 10; epoch++) {
    const { images, labels } = await drain(
      data.trainStream(options(random, { dropLast: false, flip: false })),
    );
    labels.forEach((_, i) => {
      const image = images.slice(i * 36, (i + 1) * 36);
      if (image.every((value) => value === black)) return; // The image of value 0 cannot be told from padding.
      const inside = (line: number[]) => line.map((value) => (value === black ? '.' : 'x')).join('');
      const rows = [0, 1, 2, 3, 4, 5].map((y) => inside(image.slice(y * 6, y * 6 + 6)));
      const columns = [0, 1, 2, 3, 4, 5].map((x) => inside(image.filter((_, at) => at % 6 === x)));
      seen.add(`${columns.find((column) => column.includes('x'))} ${rows.find((row) => row.includes('x'))}`);
    });
  }
  assert.equal(seen.size, 25, 'offsets -2 to 2 on both axes');
});

test('what is prefetched is thrown away when a stream ends early, and the next one is right', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset, { workers: 2 });
  t.after(() => data.close());
  const whole = await drain(data.trainStream(options(createRandom(4))));
  for (let times = 0; times < 5; times++) {
    const cut = data.trainStream(options(createRandom(times)));
    await cut.next();
    cut.close();
    assert.equal(await cut.next(), null);
  }
  assert.deepEqual(await drain(data.trainStream(options(createRandom(4)))), whole);
});

test('a stream that leaves batches out goes on with those that follow them', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset);
  t.after(() => data.close());
  const whole = await drain(data.trainStream(options(createRandom(5), { dropLast: false })));
  for (const skipBatches of [1, 4, 6, 7]) {
    const rest = await drain(data.trainStream(options(createRandom(5), { dropLast: false, skipBatches })));
    assert.deepEqual(rest.sizes, whole.sizes.slice(skipBatches));
    assert.deepEqual(rest.labels, whole.labels.slice(8 * skipBatches));
    assert.deepEqual(rest.images, whole.images.slice(8 * skipBatches * 36));
  }
});

test('two streams at once do not disturb each other', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset, { workers: 1 });
  t.after(() => data.close());
  const train = await drain(data.trainStream(options(createRandom(4))));
  const evaluation = await drain(data.evalStream('test', 8));
  const [a, b] = await Promise.all([
    drain(data.trainStream(options(createRandom(4)))),
    drain(data.evalStream('test', 8)),
  ]);
  assert.deepEqual(a, train);
  assert.deepEqual(b, evaluation);
});

test('a stream of data that was closed fails instead of waiting for ever', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset, { workers: 1 });
  const stream = data.trainStream(options(createRandom(0)));
  await stream.next();
  await data.close();
  await assert.rejects(drain(stream), /Preparing a batch failed: the data was closed/);
});

test('the description is the manifest of the train split, and splits that are not there say so', async (t) => {
  const { dataset, manifest } = await makeDataset(t, { fraction: 0.2, seed: 0 });
  const data = await openTrainingData(dataset, { workers: 0, splits: ['train', 'test'] });
  t.after(() => data.close());
  assert.deepEqual(data.classCounts, manifest.classCounts);
  assert.deepEqual(data.sizes, { train: 40, val: 10, test: 20 });
  assert.throws(() => data.evalStream('val', 8), /val split was not among the splits that were opened/);
  const without = await openTrainingData((await makeDataset(t)).dataset, { workers: 0 });
  assert.throws(() => without.evalStream('val', 8), /no val split/);
});

test('a packed file that is gone or short is an error before training starts', async (t) => {
  const { dataset } = await makeDataset(t);
  const images = join(dataset, 'train.images');
  await truncate(images, 100);
  await assert.rejects(openTrainingData(dataset), /byte 100: expected 1800 bytes, as the manifest says/);
  await rm(images);
  await assert.rejects(openTrainingData(dataset), /found no file/);
  await assert.rejects(readFile(images));
});

test('streams without rotation and class-balanced sampling are what they always were, bit for bit', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openTrainingData(dataset);
  t.after(() => data.close());
  const hashOf = async (change: Partial<TrainStreamOptions>) => {
    const { labels, images } = await drain(
      data.trainStream(options(createRandom(3), { dropLast: false, ...change })),
    );
    const hash = createHash('sha256');
    for (let first = 0; first < labels.length; first += 8) {
      hash.update(new Uint8Array(Int32Array.from(labels.slice(first, first + 8)).buffer));
      hash.update(new Uint8Array(Float32Array.from(images.slice(first * 36, (first + 8) * 36)).buffer));
    }
    return hash.digest('hex');
  };
  // Taken when rotation and sampling did not exist: a run of then must resume the same.
  const known = '9038c7c1bca2333a7699ebcf6536b4d100b2f9056555b65344533b54680aa257';
  assert.equal(await hashOf({}), known);
  assert.equal(await hashOf({ rotation: 0, sampler: 'shuffle', augmentation: 'crop' }), known);
  const plain = 'c41ddbc507c2e08ee932445cfc4b75eaee7e294666557de0e0748269c2638e89';
  assert.equal(await hashOf({ cropPadding: 0, flip: false }), plain);
  assert.notEqual(await hashOf({ rotation: 15 }), known);
});

test('rotated batches are the same for any number of workers and after leaving batches out', async (t) => {
  const { dataset } = await makeDataset(t);
  const results = [];
  for (const workers of [0, 1, 3]) {
    const data = await openTrainingData(dataset, { workers });
    results.push(await drain(data.trainStream(options(createRandom(3), { rotation: 15 }))));
    await data.close();
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  const data = await openTrainingData(dataset, { workers: 1 });
  t.after(() => data.close());
  const rest = await drain(
    data.trainStream(options(createRandom(3), { rotation: 15, sampler: 'class-balanced', skipBatches: 2 })),
  );
  const whole = await drain(
    data.trainStream(options(createRandom(3), { rotation: 15, sampler: 'class-balanced' })),
  );
  assert.deepEqual(rest.images, whole.images.slice(2 * 8 * 36));
  assert.throws(
    () => data.trainStream(options(createRandom(3), { augmentation: 'resized-crop' })),
    /resized-crop is for photographs/,
  );
});
