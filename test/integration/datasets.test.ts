import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { access, cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import {
  DatasetError,
  findLocalDatasets,
  probeDataset,
  readManifest,
  registerDataset,
  RegistrationError,
  SubsetError,
  sweepPartialDatasets,
  verifyDataset,
} from '../../main/datasets/index.ts';
import { listImages, readLabels, sheet, thumbnail } from '../../main/datasets/images.ts';
import { assetsFolder } from '../../main/paths.ts';
import {
  CIFAR_RECORD_BYTES,
  cifar100Files,
  cifar10Files,
  cifar10Records,
  cifarPixel,
  idxFiles,
  idxImages,
  idxLabels,
  tarGz,
  writeFiles,
} from '../helpers/sources.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const FULL = { subset: { type: 'full', imbalanceFactor: 1 } as const, validation: null };

/** Reads a source that is broken in one way, and checks what the error says. */
async function fault(
  path: string,
  expected: { file: string; offset: number | null; message: RegExp },
): Promise<void> {
  await assert.rejects(probeDataset(path, null), (error) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.equal(error.file, expected.file);
    assert.equal(error.offset, expected.offset, error.message);
    assert.match(error.message, expected.message);
    return true;
  });
}

test('CIFAR-10 is recognised in its folder, one level up, and in its archive', async (t) => {
  const folder = await temporaryFolder(t);
  const files = cifar10Files();
  await writeFiles(join(folder, 'cifar-10-batches-bin'), files);
  await writeFile(join(folder, 'whatever.tar.gz'), await tarGz('cifar-10-batches-bin', files));
  for (const path of ['.', 'cifar-10-batches-bin', 'whatever.tar.gz'].map((name) => join(folder, name))) {
    const probe = await probeDataset(path, null);
    assert.equal(probe.kind, 'cifar-10');
    assert.deepEqual(probe.counts, { train: 100, val: 0, test: 20 });
    assert.deepEqual(probe.classCounts, new Array(10).fill(10));
    assert.equal(probe.classNames[9], 'truck');
    assert.deepEqual([probe.height, probe.width, probe.channels], [32, 32, 3]);
    assert.equal(probe.suggestedName, 'CIFAR-10');
  }
  assert.deepEqual(
    (await readdir(folder)).sort(),
    ['cifar-10-batches-bin', 'whatever.tar.gz'],
    'a probe writes nothing',
  );
});

test('an archive and its folder are the same source, and pixels come channels last', async (t) => {
  const folder = await temporaryFolder(t);
  const files = cifar10Files();
  await writeFiles(join(folder, 'source'), files);
  await writeFile(join(folder, 'a.tar.gz'), await tarGz('cifar-10-batches-bin', files));
  const libraryFolder = join(folder, 'library');
  const register = (id: number, path: string) =>
    registerDataset({ libraryFolder, id, source: { path, kind: null }, options: FULL });
  const one = await register(1, join(folder, 'source'));
  const two = await register(2, join(folder, 'a.tar.gz'));
  assert.equal(one.manifest.manifestHash, two.manifest.manifestHash);
  const images = await readFile(join(one.folder, 'train.images'));
  // Image 23 is record 3 of the second file; pixel (row 1, column 2) is place 34 of each plane.
  const pixel = 23 * 3072 + (32 + 2) * 3;
  assert.deepEqual(
    [...images.subarray(pixel, pixel + 3)],
    [0, 1, 2].map((plane) => cifarPixel(23, plane, 34)),
  );
  assert.deepEqual([...(await readLabels(one.folder, 'train'))].slice(19, 23), [9, 0, 1, 2]);
  assert.deepEqual(one.manifest.mean, [0.4914, 0.4822, 0.4465]);
});

test('CIFAR-100 takes its fine labels', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, cifar100Files());
  const probe = await probeDataset(folder, 'cifar-100');
  assert.equal(probe.classNames.length, 100);
  assert.equal(probe.classNames[99], 'fine99');
  assert.deepEqual(probe.classCounts, new Array(100).fill(3));
});

test('IDX files are read plain and gzipped, with numbered or named classes', async (t) => {
  const folder = await temporaryFolder(t);
  const files = idxFiles();
  await writeFiles(join(folder, 'plain'), files);
  const zipped = Object.entries(files).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]);
  await writeFiles(join(folder, 'zipped'), Object.fromEntries(zipped) as Record<string, Buffer>);
  await writeFile(join(folder, 'zipped', 'class_names.txt'), 'a\nb\nc\nd\n');
  const plain = await probeDataset(join(folder, 'plain'), null);
  const named = await probeDataset(join(folder, 'zipped'), null);
  assert.equal(plain.kind, 'idx');
  assert.equal(plain.suggestedName, 'plain');
  assert.deepEqual(plain.classNames, ['0', '1', '2', '3']);
  assert.deepEqual(named.classNames, ['a', 'b', 'c', 'd']);
  assert.deepEqual(plain.counts, { train: 40, val: 0, test: 20 });
  assert.deepEqual([plain.height, plain.width, plain.channels], [6, 6, 1]);
  const asked = await probeDataset(join(folder, 'plain'), 'fashion-mnist').then(
    ({ classNames }) => classNames,
  );
  assert.equal(asked[9], 'Ankle boot');
});

test('faults of CIFAR files name the file, the byte, what was expected and what came', async (t) => {
  const folder = await temporaryFolder(t);
  const cases: {
    change: (files: Record<string, Buffer>) => void;
    file: string;
    offset: number | null;
    message: RegExp;
  }[] = [
    {
      change: (files) => delete files['data_batch_3.bin'],
      file: 'data_batch_3.bin',
      offset: null,
      message: /expected a file, found nothing at this path/,
    },
    {
      change: (files) => (files['data_batch_2.bin'] = files['data_batch_2.bin']!.subarray(0, -1)),
      file: 'data_batch_2.bin',
      offset: 19 * CIFAR_RECORD_BYTES,
      message: /byte 58387: expected records of 3073 bytes, found only 3072 bytes at the end/,
    },
    {
      change: (files) =>
        (files['test_batch.bin'] = Buffer.concat([files['test_batch.bin']!, Buffer.alloc(5)])),
      file: 'test_batch.bin',
      offset: 20 * CIFAR_RECORD_BYTES,
      message: /found only 5 bytes at the end/,
    },
    {
      change: (files) => (files['data_batch_4.bin'] = cifar10Records([1, 2, 3])),
      file: 'data_batch_4.bin',
      offset: 3 * CIFAR_RECORD_BYTES,
      message: /expected 20 records, as in data_batch_1.bin, found 3/,
    },
    {
      change: (files) => (files['data_batch_5.bin']![7 * CIFAR_RECORD_BYTES] = 10),
      file: 'data_batch_5.bin',
      offset: 7 * CIFAR_RECORD_BYTES,
      message: /expected a label from 0 to 9 \(record 7\), found 10/,
    },
    {
      change: (files) => (files['test_batch.bin'] = Buffer.alloc(0)),
      file: 'test_batch.bin',
      offset: 0,
      message: /found an empty file/,
    },
    {
      change: (files) => (files['batches.meta.txt'] = Buffer.from('cat\ndog\n')),
      file: 'batches.meta.txt',
      offset: null,
      message: /expected 10 class names, one a line, found 2/,
    },
  ];
  for (const [i, { change, file, offset, message }] of cases.entries()) {
    const files = cifar10Files();
    change(files);
    const source = join(folder, String(i));
    await writeFiles(source, files);
    await fault(source, { file: join(source, file), offset, message });
  }
});

test('a coarse label of CIFAR-100 out of range is found too', async (t) => {
  const folder = await temporaryFolder(t);
  const files = cifar100Files(1);
  files['train.bin']![2 * (CIFAR_RECORD_BYTES + 1)] = 20;
  await writeFiles(folder, files);
  await fault(folder, {
    file: join(folder, 'train.bin'),
    offset: 2 * (CIFAR_RECORD_BYTES + 1),
    message: /expected a coarse label from 0 to 19 \(record 2\), found 20/,
  });
});

test('faults of archives', async (t) => {
  const folder = await temporaryFolder(t);
  const files = cifar10Files();
  const whole = await tarGz('cifar-10-batches-bin', files);
  const put = async (name: string, bytes: Buffer) => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const cut = await put('cut.tar.gz', whole.subarray(0, whole.length - 2000));
  await assert.rejects(probeDataset(cut, null), (error) => {
    assert.ok(error instanceof DatasetError);
    assert.equal(error.file, cut);
    assert.match(error.message, /expected a whole gzip stream, found the end of the file/);
    return true;
  });
  const corrupt = Buffer.from(whole);
  corrupt.fill(0xff, 5000, 5100);
  await assert.rejects(probeDataset(await put('corrupt.tar.gz', corrupt), null), /found corrupt data/);
  const noTar = await put('text.tar.gz', gzipSync(Buffer.alloc(4096, 'x')));
  await assert.rejects(probeDataset(noTar, null), /expected a tar archive/);
  const { 'test_batch.bin': _, ...without } = files;
  const lacking = await put('lacking.tar.gz', await tarGz('cifar-10-batches-bin', without));
  await assert.rejects(probeDataset(lacking, null), /expected a member test_batch.bin, found none/);
  const other = await put('other.tar.gz', await tarGz('photos', { 'a.jpg': Buffer.alloc(10) }));
  await assert.rejects(
    probeDataset(other, null),
    /binary version of CIFAR-10 .* found photos\/, photos\/a.jpg/,
  );
  // The same names somewhere else in an archive are not the official files.
  const elsewhere = await put('else.tar.gz', await tarGz('../../etc', files));
  await assert.rejects(probeDataset(elsewhere, null), /binary version of CIFAR-10/);
  const label = cifar10Files();
  label['test_batch.bin']![0] = 99;
  const wrong = await put('label.tar.gz', await tarGz('cifar-10-batches-bin', label));
  await fault(wrong, {
    file: `${wrong}/cifar-10-batches-bin/test_batch.bin`,
    offset: 0,
    message: /expected a label from 0 to 9 \(record 0\), found 99/,
  });
});

test('faults of IDX files', async (t) => {
  const folder = await temporaryFolder(t);
  const huge = Buffer.from(idxImages(1, 6));
  huge.writeUInt32BE(9_000_000, 4);
  const wide = Buffer.from(idxImages(40, 6));
  wide.writeUInt32BE(70_000, 12);
  const magic = Buffer.from(idxLabels([0, 1]));
  magic.writeUInt32BE(0x803, 0);
  const badLabel = Array.from({ length: 20 }, (_, i) => i % 4);
  badLabel[13] = 4;
  const cases: {
    change: Record<string, Buffer>;
    file: string;
    offset: number | null;
    message: RegExp;
  }[] = [
    {
      change: { 'train-labels-idx1-ubyte': magic },
      file: 'train-labels-idx1-ubyte',
      offset: 0,
      message: /the magic number 0x00000801 of IDX labels, found 0x00000803/,
    },
    {
      change: { 'train-images-idx3-ubyte': idxImages(40, 6).subarray(0, 900) },
      file: 'train-images-idx3-ubyte',
      offset: 900,
      message: /byte 900: expected 1456 bytes \(40 images of 6 x 6\), found the end of the file/,
    },
    {
      change: { 'train-images-idx3-ubyte': Buffer.concat([idxImages(40, 6), Buffer.alloc(1)]) },
      file: 'train-images-idx3-ubyte',
      offset: 1456,
      message: /expected the end of the file .* found more bytes/,
    },
    {
      change: { 'train-images-idx3-ubyte': huge },
      file: 'train-images-idx3-ubyte',
      offset: 52,
      message: /expected 324000016 bytes/,
    },
    {
      change: { 'train-images-idx3-ubyte': wide },
      file: 'train-images-idx3-ubyte',
      offset: 12,
      message: /expected columns from 1 to 1024, found 70000/,
    },
    {
      change: { 't10k-labels-idx1-ubyte': idxLabels([0, 1, 2]) },
      file: 't10k-labels-idx1-ubyte',
      offset: 4,
      message: /expected 20 labels, as many as images, found 3/,
    },
    {
      change: { 't10k-labels-idx1-ubyte': idxLabels(badLabel) },
      file: 't10k-labels-idx1-ubyte',
      offset: 8 + 13,
      message: /expected a label from 0 to 3, found 4/,
    },
    {
      change: { 't10k-images-idx3-ubyte': idxImages(20, 5) },
      file: 't10k-images-idx3-ubyte',
      offset: 8,
      message: /expected 6 rows, as in the training images, found 5/,
    },
    {
      change: { 'train-labels-idx1-ubyte': Buffer.from([0, 0, 8, 1, 0]) },
      file: 'train-labels-idx1-ubyte',
      offset: 5,
      message: /expected a header of 8 bytes, found the end of the file/,
    },
  ];
  for (const [i, { change, file, offset, message }] of cases.entries()) {
    const source = join(folder, String(i));
    await writeFiles(source, { ...idxFiles(), ...change });
    await fault(source, { file: join(source, file), offset, message });
  }
  const lacking = join(folder, 'lacking');
  await writeFiles(lacking, idxFiles());
  await rm(join(lacking, 't10k-images-idx3-ubyte'));
  await fault(lacking, {
    file: join(lacking, 't10k-images-idx3-ubyte'),
    offset: null,
    message: /expected the file t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz, found neither/,
  });
});

test('a gzipped IDX file that claims more than it can hold is refused without unpacking', async (t) => {
  const folder = await temporaryFolder(t);
  const header = Buffer.alloc(16);
  [0x803, 10_000_000, 1000, 1000].forEach((value, i) => header.writeUInt32BE(value, 4 * i));
  const { 'train-images-idx3-ubyte': _, ...rest } = idxFiles();
  await writeFiles(folder, { ...rest, 'train-images-idx3-ubyte.gz': gzipSync(header) });
  await fault(folder, {
    file: join(folder, 'train-images-idx3-ubyte.gz'),
    offset: null,
    message: /expected 10000000000016 bytes .* too small to hold them/,
  });
});

test('what is no dataset is refused with what was looked for', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(probeDataset(join(folder, 'nothing'), null), /found nothing at this path/);
  await assert.rejects(probeDataset(folder, null), /CIFAR-10 in its binary version .* found none of them/);
  await writeFiles(folder, cifar10Files());
  await assert.rejects(probeDataset(folder, 'cifar-100'), DatasetError);
  await assert.rejects(
    probeDataset(join(folder, 'test_batch.bin'), null),
    /one file of a dataset; give the folder/,
  );
  await writeFiles(folder, idxFiles());
  await assert.rejects(probeDataset(folder, null), /found several \(cifar-10, IDX files\)/);
});

test('registering writes a packed copy that does not need its source any more', async (t) => {
  const folder = await temporaryFolder(t);
  const source = join(folder, 'source');
  await writeFiles(source, idxFiles({ train: 400, classes: 4 }));
  const progress: number[] = [];
  const {
    manifest,
    folder: datasetFolder,
    sizeBytes,
  } = await registerDataset(
    {
      libraryFolder: folder,
      id: 7,
      source: { path: source, kind: 'idx' },
      options: {
        subset: { type: 'exp', imbalanceFactor: 0.1 },
        validation: { fraction: 0.2, seed: 5 },
      },
    },
    { onProgress: (share) => progress.push(share) },
  );
  await rm(source, { recursive: true });
  // 100, 46, 21, 10 chosen; a fifth of each goes to val.
  assert.deepEqual(manifest.classCounts, [80, 37, 17, 8]);
  assert.deepEqual(manifest.counts, { train: 142, val: 35, test: 20 });
  assert.equal(manifest.sameAsReference, null);
  assert.deepEqual(manifest, await readManifest(datasetFolder));
  assert.equal(sizeBytes, 142 * 44 + 35 * 44 + 20 * 44);
  assert.deepEqual(
    progress,
    [...progress].sort((a, b) => a - b),
    'progress only grows',
  );
  assert.equal(progress.at(-1), 1);
  // Each image is filled with its own row number, so the rows file says which pixels to expect.
  const images = await readFile(join(datasetFolder, 'train.images'));
  const stored = new Uint32Array(new Uint8Array(await readFile(join(datasetFolder, 'train.rows'))).buffer);
  assert.equal(stored.length, 142);
  stored.forEach((row, i) => assert.equal(images[i * 36], row % 256));
  const val = new Uint32Array(new Uint8Array(await readFile(join(datasetFolder, 'val.rows'))).buffer);
  assert.equal(new Set([...stored, ...val]).size, 177, 'train and val have no image in common');
  assert.deepEqual(await verifyDataset(datasetFolder), {
    ok: true,
    message: 'All 197 images are as they were when the dataset was added.',
    examples: 197,
  });
});

test('the manifest hash follows the chosen images, not where they came from', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'a'), idxFiles({ train: 400 }));
  await cp(join(folder, 'a'), join(folder, 'b'), { recursive: true });
  let id = 0;
  const hashOf = async (name: string, imbalanceFactor: number, seed: number) => {
    const options = {
      subset: { type: 'exp', imbalanceFactor } as const,
      validation: { fraction: 0.1, seed },
    };
    const source = { path: join(folder, name), kind: null };
    return (await registerDataset({ libraryFolder: folder, id: ++id, source, options })).manifest
      .manifestHash;
  };
  const hash = await hashOf('a', 0.1, 0);
  assert.equal(await hashOf('b', 0.1, 0), hash);
  assert.notEqual(await hashOf('a', 0.2, 0), hash);
  assert.notEqual(await hashOf('a', 0.1, 1), hash);
});

test('a failed registration leaves nothing, and a crashed one is swept', async (t) => {
  const folder = await temporaryFolder(t);
  const source = join(folder, 'source');
  await writeFiles(source, idxFiles({ train: 400 }));
  const register = (imbalanceFactor: number, signal?: AbortSignal) =>
    registerDataset(
      {
        libraryFolder: folder,
        id: 1,
        source: { path: source, kind: null },
        options: { subset: { type: 'exp', imbalanceFactor }, validation: null },
      },
      { signal },
    );
  await assert.rejects(register(0.001), SubsetError);
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(register(0.1, stop.signal), { name: 'AbortError' });
  const datasets = join(folder, 'datasets');
  const left = await readdir(datasets).catch(() => []);
  assert.deepEqual(left, []);

  await mkdir(join(datasets, '.partial-1-999'), { recursive: true });
  await writeFile(join(datasets, '.partial-1-999', 'train.images'), 'x');
  assert.deepEqual(await sweepPartialDatasets(folder), ['.partial-1-999']);
  await register(0.1);
  assert.deepEqual(await readdir(datasets), ['1']);
  await assert.rejects(register(0.1), (error) => {
    assert.ok(error instanceof RegistrationError);
    assert.equal(error.code, 'conflict');
    return true;
  });
});

test('a disk without room refuses with the numbers and keeps nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const library = join(folder, 'library');
  await mkdir(library);
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', library]);
  if (mount.status !== 0) {
    t.skip('a small tmpfs cannot be mounted here');
    return;
  }
  try {
    const source = { path: join(assetsFolder(), 'sample'), kind: 'sample' } as const;
    await assert.rejects(
      registerDataset({ libraryFolder: library, id: 1, source, options: FULL }),
      (error) => {
        assert.ok(error instanceof RegistrationError);
        assert.equal(error.code, 'disk-full');
        assert.match(error.message, /needs 3\.5 MB in .* but only 1\.0 MB are free/);
        return true;
      },
    );
    assert.deepEqual(await readdir(join(library, 'datasets')), []);
  } finally {
    spawnSync('umount', [library]);
  }
});

test('verification finds what was changed', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'source'), idxFiles());
  const source = { path: join(folder, 'source'), kind: null };
  const { folder: dataset } = await registerDataset({ libraryFolder: folder, id: 1, source, options: FULL });
  const images = join(dataset, 'train.images');
  const whole = await readFile(images);

  const changed = Buffer.from(whole);
  changed[100]! ^= 1;
  await writeFile(images, changed);
  const { ok, message } = await verifyDataset(dataset);
  assert.equal(ok, false);
  assert.match(message, /train.images: expected content with SHA-256 .* so the file was changed/);

  await writeFile(images, whole);
  await truncate(images, 1000);
  assert.match((await verifyDataset(dataset)).message, /byte 1000: expected 1440 bytes, found 1000/);

  await rm(images);
  assert.match((await verifyDataset(dataset)).message, /expected 1440 bytes, found no file/);
  await writeFile(images, whole);

  const manifestFile = join(dataset, 'manifest.json');
  const manifest = await readFile(manifestFile, 'utf8');
  await writeFile(manifestFile, manifest.replace('"0"', '"zero"'));
  assert.match((await verifyDataset(dataset)).message, /expected the manifest hash/);
  await writeFile(manifestFile, '{"format": 2}');
  assert.match((await verifyDataset(dataset)).message, /manifest of a registered dataset \(format 1\)/);
  await rm(manifestFile);
  assert.equal((await verifyDataset(dataset)).ok, false);
});

test('images are listed by class and shown as PNG', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'source'), idxFiles());
  const source = { path: join(folder, 'source'), kind: null };
  const { folder: dataset } = await registerDataset({ libraryFolder: folder, id: 1, source, options: FULL });
  const page = { split: 'train', classIndex: 2, offset: 3, limit: 2 } as const;
  assert.deepEqual(await listImages(dataset, page), {
    rows: [14, 18],
    labels: [2, 2],
    total: 10,
    paths: null,
  });
  const all = await listImages(dataset, { ...page, classIndex: null, offset: 38, limit: 10 });
  assert.deepEqual(all, { rows: [38, 39], labels: [2, 3], total: 40, paths: null });

  const own = await sharp((await thumbnail(dataset, 'train', 14)).bytes)
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([own.info.width, own.info.height, own.data[0]], [6, 6, 14]);
  const large = await sharp((await thumbnail(dataset, 'train', 14, 60)).bytes).metadata();
  assert.deepEqual([large.width, large.height], [60, 60]);
  const { data, info } = await sharp((await sheet(dataset, 'train', { rows: [1, 2, 3], columns: 2 })).bytes)
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [12, 12]);
  const at = (x: number, y: number) => data[(y * 12 + x) * info.channels];
  assert.deepEqual([at(0, 0), at(6, 0), at(5, 11), at(11, 11)], [1, 2, 3, 0]);

  await assert.rejects(thumbnail(dataset, 'train', 40), /images 0 to 39; there is no 40/);
  await assert.rejects(thumbnail(dataset, 'val', 0), /expected a val split/);
  await assert.rejects(sheet(dataset, 'train', { rows: [], columns: 1 }), RangeError);
});

test('the sample that ships is long-tailed, in all three groups, and is added whole', async (t) => {
  const folder = await temporaryFolder(t);
  const source = { path: join(assetsFolder(), 'sample'), kind: 'sample' } as const;
  const { manifest } = await registerDataset({ libraryFolder: folder, id: 1, source, options: FULL });
  assert.deepEqual(manifest.classCounts, [1500, 832, 462, 256, 142, 79, 43, 24, 13, 7]);
  assert.deepEqual(manifest.counts, { train: 3358, val: 0, test: 1000 });
  assert.deepEqual(manifest.subset, { type: 'exp', imbalanceFactor: 0.005, seed: 0 });
  assert.equal(manifest.classNames[0], 'T-shirt/top');
  await access(join(assetsFolder(), 'sample', 'LICENSE'));
  const again = { subset: { type: 'exp', imbalanceFactor: 0.1 } as const, validation: null };
  await assert.rejects(
    registerDataset({ libraryFolder: folder, id: 2, source, options: again }),
    /long-tailed already/,
  );
});

test('datasets that lie in the usual places are found', async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(await findLocalDatasets([folder]), []);
  await mkdir(join(folder, 'fashion-mnist'));
  await mkdir(join(folder, 'cifar-10-batches-bin'));
  assert.deepEqual(await findLocalDatasets([folder]), [
    { kind: 'cifar-10', path: join(folder, 'cifar-10-batches-bin') },
    { kind: 'fashion-mnist', path: join(folder, 'fashion-mnist') },
  ]);
});

const realData = process.env['RESLT_TEST_DATA'];
const realCifar = {
  skip: realData === undefined ? 'RESLT_TEST_DATA names no folder with cifar-10-batches-bin' : false,
};

test('the real CIFAR-10 gives the published long-tailed subsets', realCifar, async (t) => {
  const folder = await temporaryFolder(t);
  const source = { path: realData!, kind: 'cifar-10' } as const;
  const options = { subset: { type: 'exp', imbalanceFactor: 0.01 } as const, validation: null };
  const { manifest } = await registerDataset({ libraryFolder: folder, id: 1, source, options });
  assert.equal(manifest.sameAsReference, true);
  assert.deepEqual(manifest.classCounts, [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
  assert.deepEqual(manifest.counts, { train: 12406, val: 0, test: 10000 });
  assert.deepEqual(manifest.sourceClassCounts, new Array(10).fill(5000));
});

const fashionFolder = '/usr/share/datasets/fashion-mnist';
const isFashionThere = await access(fashionFolder).then(
  () => true,
  () => false,
);
const realFashion = { skip: isFashionThere ? false : `there is no Fashion-MNIST in ${fashionFolder}` };

test('the real Fashion-MNIST is recognised by its labels', realFashion, async () => {
  const probe = await probeDataset(fashionFolder, null);
  assert.equal(probe.kind, 'fashion-mnist');
  assert.deepEqual(probe.counts, { train: 60000, val: 0, test: 10000 });
  assert.deepEqual(probe.classCounts, new Array(10).fill(6000));
  assert.equal(probe.suggestedName, 'Fashion-MNIST');
});
