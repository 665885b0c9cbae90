/** Images of every kind are decoded to the pixels that Pillow gives, or refused with a sentence; lists and folders. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { countClasses } from '../../main/datasets/subset.ts';
import { readClassFolders } from '../../main/datasets/photographs/classFolders.ts';
import { classNamesOfPaths } from '../../main/datasets/photographs/classNames.ts';
import {
  decodePhotograph,
  decodeRegion,
  PhotographError,
  readPhotograph,
  requireHeader,
} from '../../main/datasets/photographs/decode.ts';
import { SEED_WORDS } from '../../main/datasets/photographs/exampleRandom.ts';
import { readListFile } from '../../main/datasets/photographs/listFile.ts';
import { preparePhotograph } from '../../main/datasets/photographs/prepare.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'photographs');
const { images } = JSON.parse(readFileSync(join(fixtures, 'pixels.json'), 'utf8')) as {
  images: Record<string, { width: number; height: number; sha256: string }>;
};
const data = process.env['RESLT_TEST_DATA'];

test('each kind of image gives exactly the pixels of Pillow', async (t) => {
  assert.deepEqual(
    readdirSync(fixtures).filter((name) => name !== 'pixels.json'),
    Object.keys(images),
  );
  for (const [name, expected] of Object.entries(images)) {
    await t.test(name, async () => {
      const { pixels, width, height } = await readPhotograph(join(fixtures, name));
      assert.deepEqual([width, height, pixels.length], [expected.width, expected.height, width * height * 3]);
      assert.equal(createHash('sha256').update(pixels).digest('hex'), expected.sha256);
    });
  }
});

test('a part of an image is the same pixels as in the whole', async () => {
  const region = { top: 3, left: 5, width: 9, height: 11 };
  for (const name of Object.keys(images).filter((one) => !one.includes('16-bit'))) {
    const bytes = await readFile(join(fixtures, name));
    const whole = await decodePhotograph(bytes, name);
    const part = await decodeRegion(bytes, requireHeader(bytes, name), region, name);
    for (let y = 0; y < region.height; y++) {
      const start = ((region.top + y) * whole.width + region.left) * 3;
      assert.deepEqual(
        [...part.pixels.subarray(y * region.width * 3, (y + 1) * region.width * 3)],
        [...whole.pixels.subarray(start, start + region.width * 3)],
        `${name}, row ${y}`,
      );
    }
  }
});

test('what is no image, or not a whole one, is refused with its path and what to do', async (t) => {
  const folder = await temporaryFolder(t);
  const jpeg = await readFile(join(fixtures, '420.jpg'));
  const progressive = await readFile(join(fixtures, '444-progressive.jpg'));
  const png = await readFile(join(fixtures, 'rgba.png'));
  const flipped = Buffer.from(png);
  flipped[png.length >> 1]! ^= 255;
  const zeros = Buffer.from(jpeg).fill(0, jpeg.length >> 1);
  const webp = await readFile(join(fixtures, 'lossy.webp'));
  const grey16 = await sharp(Buffer.alloc(32), { raw: { width: 4, height: 4, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  const bomb = Buffer.from(png);
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  const cases: [string, Buffer, PhotographError['reason'], RegExp][] = [
    ['empty.jpg', Buffer.alloc(0), 'not-an-image', /found an empty file/],
    ['page.jpg', Buffer.from('<!DOCTYPE html><p>404'), 'not-an-image', /HTML/],
    ['anim.gif', Buffer.from('GIF89a...........'), 'not-an-image', /a GIF; convert it to PNG/],
    ['start.jpg', jpeg.subarray(0, 60), 'not-an-image', /ends in its header/],
    ['cut.jpg', jpeg.subarray(0, jpeg.length - 100), 'truncated', /ends too early/],
    ['zeros.jpg', zeros, 'truncated', /ends too early/],
    ['cut.webp', webp.subarray(0, webp.length - 60), 'truncated', /ends too early/],
    ['cut2.jpg', progressive.subarray(0, progressive.length - 60), 'truncated', /ends too early/],
    ['cut.png', png.subarray(0, png.length >> 1), 'truncated', /ends too early/],
    ['bits.png', flipped, 'unreadable', /damaged/],
    ['deep.png', grey16, 'unsupported', /16-bit greyscale; convert it to 8 bits/],
    ['bomb.png', bomb, 'unsupported', /found 60000 x 60000/],
  ];
  for (const [name, bytes, reason, sentence] of cases) {
    const file = join(folder, name);
    await writeFile(file, bytes);
    await assert.rejects(readPhotograph(file), (error) => {
      assert.ok(error instanceof PhotographError, `${name}: ${String(error)}`);
      assert.equal(error.reason, reason, `${name}: ${error.message}`);
      assert.match(error.message, sentence);
      assert.ok(error.message.startsWith(`${file}: expected `), error.message);
      return true;
    });
  }
  await assert.rejects(
    readPhotograph(join(folder, 'none.jpg')),
    /none\.jpg: expected an image, found no file/,
  );
  await assert.rejects(readPhotograph(folder), /expected a readable file, found the error EISDIR/);
});

test('a file that was cut short is told as such, however many fail at once', async () => {
  const whole = await readFile(join(fixtures, '420.jpg'));
  const cut = whole.subarray(0, whole.length >> 1);
  const reasons = await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      decodePhotograph(i % 3 === 0 ? whole : cut, `${i}.jpg`).then(
        () => 'whole',
        (error: PhotographError) => error.reason,
      ),
    ),
  );
  assert.deepEqual(
    reasons,
    reasons.map((_, i) => (i % 3 === 0 ? 'whole' : 'truncated')),
  );
});

test('a cut file is refused whichever crop is wanted of it, and bytes behind a proper end do not matter', async () => {
  const table = new Float32Array(3 * 256);
  const prepare = (bytes: Uint8Array, seed: number) =>
    preparePhotograph(
      bytes,
      'x.jpg',
      { kind: 'training', size: 8, decode: 'exact', flip: false, colorJitter: 0 },
      Uint32Array.from({ length: SEED_WORDS }, (_, word) => 1000 * seed + word),
      table,
      new Float32Array(3 * 8 * 8),
    ).then(
      () => 'used',
      (error: PhotographError) => error.reason,
    );
  const prepared = (bytes: Uint8Array) =>
    Promise.all(Array.from({ length: 20 }, (_, seed) => prepare(bytes, seed)));
  for (const name of ['420.jpg', '444-progressive.jpg', 'lossy.webp', 'rgba.png']) {
    const whole = await readFile(join(fixtures, name));
    const part = Math.floor(0.9 * whole.length);
    const whatever = Buffer.from([0, 0xff, 0xda, 0, 7, 0xff, 0x10]);
    assert.deepEqual(new Set(await prepared(whole.subarray(0, part))), new Set(['truncated']), name);
    assert.deepEqual(new Set(await prepared(Buffer.concat([whole, whatever]))), new Set(['used']), name);
  }
});

test('the name of a file does not decide what it is', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'png.JPEG'), await readFile(join(fixtures, 'rgba.png')));
  const { pixels } = await readPhotograph(join(folder, 'png.JPEG'));
  assert.equal(createHash('sha256').update(pixels).digest('hex'), images['rgba.png']!.sha256);
});

test('class folders are read as ImageFolder reads them', async (t) => {
  const root = await temporaryFolder(t);
  const files = [
    'train/b/2.jpg',
    'train/b/10.PNG',
    'train/b/deep/er/x.jpeg',
    'train/B/1.webp',
    'train/ä/1.jpg',
  ];
  for (const name of [
    ...files,
    'val/b/1.jpg',
    'val/ä/2.jpg',
    'train/b/notes.txt',
    'train/b/.hidden.jpg',
    'README.jpg',
  ]) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), 'x');
  }
  const { classNames, train, val, test: evaluation, skipped, skippedCount } = await readClassFolders(root);
  assert.deepEqual(classNames, ['B', 'b', 'ä'], 'sorted by code point');
  assert.deepEqual(train.paths, [
    'train/B/1.webp',
    'train/b/10.PNG',
    'train/b/2.jpg',
    'train/b/deep/er/x.jpeg',
    'train/ä/1.jpg',
  ]);
  assert.deepEqual([...train.labels], [0, 1, 1, 1, 2]);
  assert.equal(val, null, 'the only other split is the test split');
  assert.deepEqual([...evaluation!.labels], [1, 2]);
  assert.deepEqual([skipped, skippedCount], [['train/b/notes.txt'], 1]);

  await mkdir(join(root, 'val', 'zebra'));
  await assert.rejects(
    readClassFolders(root),
    /val\/zebra: expected a class that the training folder has too/,
  );
  const links = join(root, 'links');
  await mkdir(links);
  for (const name of ['b', 'ä']) await symlink(join(root, 'train', name), join(links, name));
  assert.equal((await readClassFolders(links)).train.paths.length, 4, 'links to class folders count');
  await assert.rejects(
    readClassFolders(join(root, 'train', 'b')),
    /a folder for each class, at least two, found only one/,
  );
  const vehicles = join(root, 'vehicles');
  for (const name of ['train', 'bus', 'tram']) {
    await mkdir(join(vehicles, name, 'deep'), { recursive: true });
    await writeFile(join(vehicles, name, 'deep', '1.jpg'), 'x');
  }
  const { classNames: vehicleNames, train: vehicleImages } = await readClassFolders(vehicles);
  assert.deepEqual(vehicleNames, ['bus', 'train', 'tram'], 'a train can be a class');
  assert.deepEqual(vehicleImages.paths, ['bus/deep/1.jpg', 'train/deep/1.jpg', 'tram/deep/1.jpg']);
  for (const name of ['bus', 'tram']) await rm(join(vehicles, name), { recursive: true });
  await mkdir(join(vehicles, 'val'));
  await assert.rejects(
    readClassFolders(vehicles),
    /vehicles\/train: expected a folder for each class, at least two, found only one/,
    'beside other splits it is one',
  );
  await assert.rejects(readClassFolders(join(root, 'nowhere')), /expected a folder, found nothing/);
});

test(
  'the published lists are read whole',
  {
    skip:
      data === undefined || !existsSync(join(data, 'lists'))
        ? 'RESLT_TEST_DATA names no folder with lists'
        : false,
  },
  async () => {
    const read = async (name: string) => {
      const list = await readListFile(join(data!, 'lists', name));
      assert.equal(list.problemCount, 0, `${name}: ${list.problems[0]?.message}`);
      return list;
    };
    const places = await read('Places_LT_train.txt');
    assert.deepEqual([places.paths.length, places.classes], [62_500, 365]);
    const counts = countClasses(places.labels, places.classes);
    assert.deepEqual([Math.max(...counts), Math.min(...counts)], [4980, 5]);
    assert.equal(classNamesOfPaths(places.paths, places.labels, 365)[0], 'airfield');
    const imagenet = await read('ImageNet_LT_test.txt');
    assert.deepEqual([imagenet.paths.length, imagenet.classes], [50_000, 1000]);
    const inaturalist = await read('iNaturalist18_val.txt');
    assert.deepEqual([inaturalist.paths.length, inaturalist.classes], [24_426, 8142]);
    assert.match(classNamesOfPaths(inaturalist.paths, inaturalist.labels, 8142)[7291]!, /^Plantae\/7291$/);
  },
);
