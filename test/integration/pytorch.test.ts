/** PyTorch's files on disk: what is written reads back byte for byte, and hostile files leave no trace. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as yauzl from 'yauzl';
import { openPyTorch, PyTorchFileError, type PyTorchCheckpoint } from '../../main/exchange/pytorch.ts';
import { readStateDict, readTensorMap, writeStateDict } from '../../main/exchange/stateDict.ts';
import { writePyTorch } from '../../main/exchange/writePyTorch.ts';
import { recogniseNetwork } from '../../main/training/networks/recognise.ts';
import type { TensorMap } from '../../main/training/types.ts';
import { keyedStateDict, openGolden, type StateDictEntry } from '../parity/golden.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const GOLDEN = join(import.meta.dirname, '../fixtures/golden');
const CHECKPOINTS = join(GOLDEN, 'checkpoints');

const weights: TensorMap = new Map<string, { shape: number[]; data: Float32Array | Int32Array }>([
  ['conv1.weight', { shape: [2, 1, 1, 3], data: new Float32Array([1, -2.5, 3e-20, 0, -0, 1e30]) }],
  ['bn1.num_batches_tracked', { shape: [], data: new Int32Array([90_400]) }],
  ['linear.weight', { shape: [0, 4], data: new Float32Array(0) }],
  ['ünïcode', { shape: [1], data: new Float32Array([NaN]) }],
]);

async function using<T>(file: string, use: (checkpoint: PyTorchCheckpoint) => Promise<T>): Promise<T> {
  const checkpoint = await openPyTorch(file);
  try {
    return await use(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function sameNames(checkpoint: PyTorchCheckpoint): Map<string, string> {
  return new Map(checkpoint.tensors.map(({ name }) => [name, name]));
}

test('a written .pth reads back with its names, order, shapes, types and values', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'weights.pth');
  const { sizeBytes } = await writePyTorch(file, weights);
  assert.equal((await stat(file)).size, sizeBytes);
  assert.deepEqual(await readdir(folder), ['weights.pth'], 'no temporary file stays');
  await using(file, async (checkpoint) => {
    assert.equal(checkpoint.container, null);
    assert.deepEqual(
      checkpoint.tensors.map(({ name, dtype, shape, strides }) => [name, dtype, shape, strides]),
      [
        ['conv1.weight', 'float32', [2, 1, 1, 3], [3, 3, 3, 1]],
        ['bn1.num_batches_tracked', 'int64', [], []],
        ['linear.weight', 'float32', [0, 4], [4, 1]],
        ['ünïcode', 'float32', [1], [1]],
      ],
    );
    assert.deepEqual(await readTensorMap(checkpoint, sameNames(checkpoint)), weights);
  });
});

test('a written .pth is the archive that PyTorch expects', async (t) => {
  const file = join(await temporaryFolder(t), 'weights.pth');
  await writePyTorch(file, weights);
  const zip = await yauzl.openPromise(file);
  const content = new Map<string, Buffer>();
  const starts: number[] = [];
  for await (const entry of zip.eachEntry()) {
    assert.equal(entry.compressionMethod, 0, 'stored');
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    content.set(entry.fileName, Buffer.concat(chunks));
    starts.push((await zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart);
  }
  assert.deepEqual(
    [...content.keys()],
    ['data.pkl', 'byteorder', 'data/0', 'data/1', 'data/2', 'data/3', 'version'].map(
      (name) => `archive/${name}`,
    ),
  );
  assert.equal(content.get('archive/byteorder')!.toString(), 'little');
  assert.equal(content.get('archive/version')!.toString(), '3\n');
  assert.equal(content.get('archive/data/1')!.readBigInt64LE(), 90_400n);
  assert.deepEqual(
    content.get('archive/data/0'),
    Buffer.from((weights.get('conv1.weight')!.data as Float32Array).buffer),
  );
  assert.ok(
    starts.every((start) => start % 64 === 0),
    'values are aligned',
  );
  // The only names that weights_only=True meets.
  const pickle = content.get('archive/data.pkl')!.toString('latin1');
  assert.deepEqual(
    new Set([...pickle.matchAll(/c(torch|torch\._utils|collections)\n(\w+)\n/g)].map(([, , name]) => name)),
    new Set(['OrderedDict', '_rebuild_tensor_v2', 'FloatStorage', 'LongStorage']),
  );
  assert.ok(pickle.startsWith('\x80\x02') && pickle.endsWith('.'));
});

test('the same weights give the same file', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await writePyTorch(join(folder, 'a.pth'), weights);
  const second = await writePyTorch(join(folder, 'b.pth'), weights);
  assert.equal(first.sha256, second.sha256);
});

test('a shape that its data do not have is not written', async (t) => {
  const folder = await temporaryFolder(t);
  const wrong: TensorMap = new Map([['w', { shape: [3], data: new Float32Array(2) }]]);
  await assert.rejects(writePyTorch(join(folder, 'a.pth'), wrong), /"w" of shape \[3\] has 3 values, but 2/);
  assert.deepEqual(await readdir(folder), []);
});

test('a state dict goes through safetensors unchanged, counters as int64', async (t) => {
  const file = join(await temporaryFolder(t), 'weights.safetensors');
  await writeStateDict(file, weights, { epoch: '40' });
  assert.deepEqual(await readStateDict(file), { weights, metadata: { format: 'pt', epoch: '40' } });
  const header = (await readFile(file)).toString('latin1');
  assert.match(header, /"bn1\.num_batches_tracked":\{"dtype":"I64"/);
});

test('the ResLT checkpoint holds the weights of its golden model under the network’s names', async () => {
  const model = openGolden(GOLDEN).read<{ caseSeed: string; stateDict: StateDictEntry[] }>(
    'models',
    'reslt_cifar10_resnet32',
  )!;
  const expected = keyedStateDict(model.caseSeed, model.stateDict);
  await using(join(CHECKPOINTS, 'zip_reslt_cifar10_resnet32.pth'), async (checkpoint) => {
    const recognition = recogniseNetwork(checkpoint.tensors)!;
    assert.deepEqual(
      [recognition.network, recognition.head.kind, recognition.classes, recognition.prefix],
      ['resnet32', 'branches', 10, 'module.'],
    );
    assert.ok(recognition.complete);
    assert.deepEqual(await readTensorMap(checkpoint, recognition.names), expected);
  });
});

test('the training state around the weights is told, without the tensors in it', async () => {
  for (const file of ['zip_training_checkpoint.pth.tar', 'legacy_training_checkpoint.pth.tar'])
    await using(join(CHECKPOINTS, file), async ({ container, extra, optimizer }) => {
      assert.equal(container, 'state_dict');
      assert.deepEqual({ ...extra }, { epoch: 180, arch: 'resnet10_reslt', best_acc1: 41.25 });
      assert.deepEqual(
        optimizer!.momentumBuffers.map(({ name }) => name),
        ['0', '1', '2', '3', '4', '5'],
      );
    });
  await using(join(CHECKPOINTS, 'zip_ride_checkpoint.pth'), async ({ extra }) => {
    const config = JSON.parse(JSON.stringify(extra['config'])) as { arch: { args: { num_experts: number } } };
    assert.equal(config.arch.args.num_experts, 3);
    assert.equal(extra['monitor_best'], 0.4862);
  });
});

test('every file that must be refused is, with a sentence, and leaves no trace', async (t) => {
  const folder = await temporaryFolder(t);
  const before = process.cwd();
  process.chdir(folder);
  t.after(() => process.chdir(before));
  const names = (await readdir(CHECKPOINTS)).filter((name) => /^(broken|hostile)_/.test(name));
  assert.equal(names.length, 33);
  for (const name of names)
    await assert.rejects(openPyTorch(join(CHECKPOINTS, name)), (error: unknown) => {
      assert.ok(error instanceof PyTorchFileError, `${name}: ${String(error)}`);
      assert.match(error.message, /: (it|its|storage|a tensor|there) .*\.( \S.*[.)])?$/, name);
      return true;
    });
  assert.deepEqual(await readdir(folder), [], 'nothing was written');
});

test('other files are told apart', async (t) => {
  const folder = await temporaryFolder(t);
  const check = async (content: string, expected: RegExp): Promise<void> => {
    const file = join(folder, 'file.pth');
    await writeFile(file, content, 'latin1');
    await assert.rejects(openPyTorch(file), expected);
  };
  await check('\x1f\x8b\x08 gzip', /a compressed file that must be unpacked first/);
  await check(`${'\0'.repeat(257)}ustar${'\0'.repeat(300)}`, /a tar archive that must be unpacked/);
  await check('\x40\0\0\0\0\0\0\0{"__metadata__":{}}', /a safetensors file/);
  await check('\n<!DOCTYPE html>', /a web page/);
  await check('hello', /something else, not a checkpoint of PyTorch/);
  await check('PK\x03\x04 and no more', /list of its files|cut short/);
  await assert.rejects(openPyTorch(join(folder, 'absent.pth')), /there is no such file/);
  await mkdir(join(folder, 'folder.pth'));
  await assert.rejects(openPyTorch(join(folder, 'folder.pth')), /not a file/);
});

test('a directory that is said to be far outside the file is an error, not a crash', async (t) => {
  const folder = await temporaryFolder(t);
  const bytes = await readFile(join(CHECKPOINTS, 'handmade_valid.pth'));
  // A zip64 locator, just before the end record, that points beyond 2^53.
  const locator = Buffer.alloc(20, 0xff);
  locator.writeUInt32LE(0x07064b50, 0);
  const file = join(folder, 'far.pth');
  await writeFile(file, Buffer.concat([bytes.subarray(0, -22), locator, bytes.subarray(-22)]));
  await assert.rejects(openPyTorch(file), PyTorchFileError);
});

test('limits are the caller’s to lower', async () => {
  const file = join(CHECKPOINTS, 'zip_state_dict.pth');
  await assert.rejects(openPyTorch(file, { fileBytes: 1000 }), /at most 1000 are read/);
  await assert.rejects(openPyTorch(file, { pickleBytes: 100 }), /at most 100 were expected/);
  await assert.rejects(openPyTorch(file, { expansion: 0, floorBytes: 100 }), /more than 100 bytes/);
});

test('a damaged value is found by its checksum', async (t) => {
  const folder = await temporaryFolder(t);
  const bytes = await readFile(join(CHECKPOINTS, 'handmade_valid.pth'));
  const values = Buffer.from(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
  const at = bytes.indexOf(values);
  assert.ok(at > 0);
  bytes[at + 9]! ^= 1;
  const file = join(folder, 'damaged.pth');
  await writeFile(file, bytes);
  await using(file, async (checkpoint) => {
    await assert.rejects(checkpoint.read(checkpoint.tensors[0]!), /"archive\/data\/0" is damaged/);
  });
});
