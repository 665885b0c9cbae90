/** Streams of photographs: real files, real worker threads, and what happens when either fails. */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { readManifest } from '../../main/datasets/manifest.ts';
import { openPhotoData } from '../../main/datasets/photographs/photoData.ts';
import { PLAIN_PHOTOGRAPHS, registerPhotographs } from '../../main/datasets/photographs/register.ts';
import { openTrainingData } from '../../main/datasets/trainingData.ts';
import { createRandom } from '../../main/training/random.ts';
import type { BatchStream, TrainStreamOptions } from '../../main/training/types.ts';
import { writePhotographs } from '../helpers/photographs.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const SIZE = 16;

/** A photograph-like JPEG: smooth shapes that differ with `seed`. */
function photograph(seed: number, width = 60, height = 45): Promise<Buffer> {
  const pixels = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return 128 + 100 * Math.sin((x * (1 + (seed % 5)) + y * (seed % 7) + 40 * (i % 3)) / 20 + seed);
    }),
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** Classes of 30, 8 and 4 training images, two test images each. */
async function makeDataset(t: TestContext) {
  const files: Record<string, Buffer> = {};
  for (const [k, [name, count]] of Object.entries({ a: 30, b: 8, c: 4 }).entries()) {
    for (let i = 0; i < count; i++)
      files[`train/${name}/${String(i).padStart(2, '0')}.jpg`] = await photograph(
        100 * k + i,
        50 + i,
        70 - i,
      );
    for (let i = 0; i < 2; i++) files[`test/${name}/${i}.jpg`] = await photograph(1000 + 10 * k + i);
  }
  return register(t, files);
}

async function register(t: TestContext, files: Record<string, Buffer>) {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'images');
  await writePhotographs(root, files);
  const { folder: dataset } = await registerPhotographs({
    libraryFolder: folder,
    id: 1,
    source: { path: root, lists: null },
    options: { ...PLAIN_PHOTOGRAPHS, subset: { type: 'full', imbalanceFactor: 1 }, validation: null },
  });
  return { root, dataset };
}

const options = (change: Partial<TrainStreamOptions> = {}): TrainStreamOptions => ({
  batchSize: 8,
  dropLast: false,
  cropPadding: 0,
  flip: true,
  augmentation: 'resized-crop',
  colorJitter: 0.4,
  random: createRandom(3),
  ...change,
});

interface Drained {
  labels: number[];
  /** Of each image. */
  images: string[];
}

async function drain(stream: BatchStream): Promise<Drained> {
  const all: Drained = { labels: [], images: [] };
  for (let batch = await stream.next(); batch !== null; batch = await stream.next()) {
    all.labels.push(...batch.labels);
    const length = SIZE * SIZE * 3;
    assert.equal(batch.images.length, batch.size * length);
    for (let i = 0; i < batch.size; i++)
      all.images.push(
        Buffer.from(Float32Array.from(batch.images.subarray(i * length, (i + 1) * length)).buffer).toString(
          'base64',
        ),
      );
  }
  stream.close();
  return all;
}

async function openSmall(dataset: string, workers: number, warnings: string[] = [], retryDelaysMs = [1, 1]) {
  return openPhotoData(dataset, await readManifest(dataset), {
    workers,
    splits: ['train', 'test'],
    imageSize: SIZE,
    onWarning: (text) => warnings.push(text),
    retryDelaysMs,
  });
}

test('batches and the generator are the same for any number of workers', async (t) => {
  const { dataset } = await makeDataset(t);
  const results = [];
  for (const workers of [1, 2, 3]) {
    const data = await openTrainingData(dataset, { workers, imageSize: SIZE });
    const random = createRandom(3);
    results.push({
      exact: await drain(data.trainStream(options({ random }))),
      scaled: await drain(data.trainStream(options({ random, decode: 'scaled', sampler: 'class-balanced' }))),
      test: await drain(data.evalStream('test', 4)),
      state: random.state(),
    });
    await data.close();
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  const { exact, test } = results[0]!;
  assert.equal(exact.labels.length, 42);
  assert.equal(new Set(exact.images).size, 42, 'every image is there once');
  assert.deepEqual(test.labels, [0, 0, 1, 1, 2, 2], 'evaluation keeps the stored order');
});

test('the data tells its size, and batches left out are not prepared', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openSmall(dataset, 1);
  t.after(() => data.close());
  assert.deepEqual([data.height, data.width, data.channels], [SIZE, SIZE, 3]);
  assert.deepEqual(data.classCounts, [30, 8, 4]);
  const whole = await drain(data.trainStream(options()));
  const rest = await drain(data.trainStream(options({ skipBatches: 2 })));
  assert.deepEqual(rest.images, whole.images.slice(16));
  const cut = data.trainStream(options());
  await cut.next();
  cut.close();
  assert.equal(await cut.next(), null);
  assert.deepEqual(
    await drain(data.trainStream(options())),
    whole,
    'a stream that ended early leaves no trace',
  );
  assert.throws(
    () => data.trainStream(options({ augmentation: 'crop' })),
    /takes the augmentation resized-crop/,
  );
});

test('an image that goes bad in mid-run is replaced by one of its class, for any number of workers', async (t) => {
  const { root, dataset } = await makeDataset(t);
  const results = [];
  const before = await openSmall(dataset, 1);
  const whole = await drain(before.trainStream(options()));
  await before.close();
  for (const workers of [1, 3]) {
    const warnings: string[] = [];
    const data = await openSmall(dataset, workers, warnings);
    const file = join(root, 'train/a/07.jpg');
    const good = await photograph(7, 57, 63);
    await truncate(file, good.length >> 1);
    results.push({ ...(await drain(data.trainStream(options()))), warnings });
    await drain(data.trainStream(options()));
    assert.equal(warnings.length, 1, 'it is told once');
    await data.close();
    await writeFile(file, good);
  }
  assert.deepEqual(results[1], results[0]);
  const [{ labels, images, warnings }] = results as [(typeof results)[number]];
  assert.match(
    warnings[0]!,
    /train\/a\/07\.jpg: expected .*ends too early.*Another image of its class takes its place/,
  );
  assert.deepEqual(labels, whole.labels, 'classes stay as they were');
  assert.equal(images.filter((image, i) => image !== whole.images[i]).length, 1, 'only that image differs');
});

test('what is missing before the start is refused or replaced, with a sentence', async (t) => {
  const { root, dataset } = await makeDataset(t);
  await rm(join(root, 'train/a/03.jpg'));
  const warnings: string[] = [];
  const data = await openSmall(dataset, 2, warnings);
  const { labels } = await drain(data.trainStream(options()));
  await data.close();
  assert.equal(labels.filter((label) => label === 0).length, 30);
  assert.match(warnings.join(), /1 of the 42 training images can't be used \(train\/a\/03\.jpg\)/);
  await rm(join(root, 'train/a/04.jpg'));
  await assert.rejects(
    openSmall(dataset, 1),
    /2 of the 42 training images can't be used .* more than one in a hundred/,
  );
  await rm(join(root, 'test/b/0.jpg'));
  await assert.rejects(openSmall(dataset, 1), /1 of the 6 test images can't be used \(test\/b\/0\.jpg\)/);
});

test('too many bad images, or a bad test image, end the run with a sentence', async (t) => {
  const { root, dataset } = await makeDataset(t);
  const data = await openSmall(dataset, 2);
  t.after(() => data.close());
  await truncate(join(root, 'test/c/1.jpg'), 40);
  await assert.rejects(
    drain(data.evalStream('test', 4)),
    /test\/c\/1\.jpg: expected .* Evaluation has to be exact, so it cannot go on without it/,
  );
  await rm(join(root, 'train'), { recursive: true });
  await assert.rejects(
    drain(data.trainStream(options())),
    /training images cannot be read, more than one in a hundred; the last: .*no file/,
  );
});

test('a disk that goes in mid-run ends it at once, and a file that is gone is not waited for', async (t) => {
  const { root, dataset } = await makeDataset(t);
  const warnings: string[] = [];
  // A wait would be longer than the test may take.
  const data = await openSmall(dataset, 2, warnings, [3_600_000]);
  t.after(() => data.close());
  await rm(join(root, 'train/a/07.jpg'));
  await drain(data.trainStream(options()));
  assert.match(warnings.join(), /train\/a\/07\.jpg: .*no file.*Another image of its class takes its place/);

  const gone = new RegExp(
    `${root}: expected the folder with the photographs.*found no folder, or an empty one.* Resume the run`,
  );
  const away = `${root}-away`;
  await rename(root, away);
  await assert.rejects(drain(data.trainStream(options())), gone);
  await assert.rejects(openSmall(dataset, 1), /expected the folder with the photographs/);

  await rename(away, root);
  const other = await openSmall(dataset, 2);
  t.after(() => other.close());
  await rename(root, away);
  // What is left of a disk that was mounted there.
  await mkdir(root);
  await assert.rejects(drain(other.evalStream('test', 4)), gone);
  assert.equal(warnings.length, 1, 'no image is blamed for it');
});

test('a disk that gives nothing is waited for once, not for each image', async (t) => {
  const one = await photograph(1);
  // So many that some may be bad: each of them would be waited for.
  const names = Array.from({ length: 600 }, (_, i) => `train/${i % 2 === 0 ? 'a' : 'b'}/${i}.jpg`);
  const all = [...names, 'test/a/0.jpg', 'test/b/0.jpg'];
  const { root, dataset } = await register(t, Object.fromEntries(all.map((name) => [name, one])));
  const data = await openSmall(dataset, 1, [], [2000]);
  t.after(() => data.close());
  // There, but not to be read, whoever asks.
  for (const name of names) {
    await rm(join(root, name));
    await mkdir(join(root, name));
  }
  const startMs = performance.now();
  await assert.rejects(
    drain(data.trainStream(options())),
    /7 of 600 training images cannot be read, more than one in a hundred/,
  );
  assert.ok(performance.now() - startMs < 6000, 'two at a time, so it would take 8 s');
});

test('a worker that dies is replaced and no image is lost; one that dies again and again ends the run', async (t) => {
  const { dataset } = await makeDataset(t);
  const threads: Worker[] = [];
  const collect = (thread: Worker) => void threads.push(thread);
  process.on('worker', collect);
  t.after(() => process.off('worker', collect));
  const warnings: string[] = [];
  const data = await openSmall(dataset, 2, warnings);
  t.after(() => data.close());
  const whole = await drain(data.trainStream(options()));
  const stream = data.trainStream(options());
  await threads[0]!.terminate();
  assert.deepEqual(await drain(stream), whole);
  assert.match(warnings.join(), /A thread that decodes images died .* another one takes over its work/);
  for (let death = 0; death < 3; death++) {
    await new Promise((resolve) => setTimeout(resolve, 20)); // The event of a new thread comes a little after it.
    await threads.at(-1)!.terminate();
  }
  await assert.rejects(drain(data.trainStream(options())), /Threads that decode images died 4 times/);
});

test('data that was closed fails instead of waiting for ever, and its threads end', async (t) => {
  const { dataset } = await makeDataset(t);
  const data = await openSmall(dataset, 2);
  const stream = data.trainStream(options());
  await stream.next();
  await data.close();
  await assert.rejects(drain(stream), /the data was closed/);
});
