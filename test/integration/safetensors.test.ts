import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readSafetensors,
  readSafetensorsHeader,
  SafetensorsError,
  writeSafetensors,
  type SafetensorsEntry,
} from '../../main/exchange/safetensors.ts';

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'reslt-safetensors-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const tensors = new Map<string, SafetensorsEntry>([
  ['test/fused', { dtype: 'F32', shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, 1e-30, 5]) }],
  ['test/half', { dtype: 'F16', shape: [3], data: new Float32Array([1, 0.1, 70000]) }],
  ['position', { dtype: 'I64', shape: [], data: new BigInt64Array([-5n]) }],
  ['labels', { dtype: 'I32', shape: [2], data: new Int32Array([7, -1]) }],
  ['right', { dtype: 'BOOL', shape: [3], data: new Uint8Array([1, 0, 1]) }],
  ['empty', { dtype: 'F64', shape: [0, 4], data: new Float64Array(0) }],
]);

test('a safetensors file returns the values, shapes and metadata that were written', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.safetensors');
    const { sizeBytes } = await writeSafetensors(path, tensors, { epoch: '40' });
    assert.equal((await readFile(path)).length, sizeBytes);
    assert.deepEqual(await readdir(folder), ['a.safetensors'], 'no temporary file stays');
    const read = await readSafetensors(path);
    assert.deepEqual(read.metadata, { epoch: '40' });
    assert.deepEqual([...read.tensors.keys()], [...tensors.keys()]);
    for (const [name, entry] of tensors) {
      if (name === 'test/half') continue;
      assert.deepEqual(read.tensors.get(name), entry, name);
    }
    assert.deepEqual([...read.tensors.get('test/half')!.data], [1, 0.0999755859375, Infinity]);
    assert.deepEqual([...(await readSafetensors(path, ['labels'])).tensors.keys()], ['labels']);
    await assert.rejects(readSafetensors(path, ['nothing']), /no tensor "nothing"; it holds test\/fused/);
  }));

test('a shape that disagrees with its data is refused and leaves no file', () =>
  inFolder(async (folder) => {
    const wrong = new Map<string, SafetensorsEntry>([
      ['a', { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) }],
    ]);
    await assert.rejects(writeSafetensors(join(folder, 'a'), wrong), /has 4 values, 3 were given/);
    const type = new Map<string, SafetensorsEntry>([
      ['a', { dtype: 'I64', shape: [1], data: new Int32Array(1) }],
    ]);
    await assert.rejects(writeSafetensors(join(folder, 'a'), type), /is I64, but a Int32Array was given/);
    assert.deepEqual(await readdir(folder), []);
  }));

test('broken headers are refused before anything is allocated', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'broken');
    const file = (header: unknown, length?: bigint) => {
      const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
      const first = Buffer.alloc(8);
      first.writeBigUInt64LE(length ?? BigInt(json.length));
      return Buffer.concat([first, json, Buffer.alloc(8)]);
    };
    const tensor = (change: object) => ({
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change },
    });
    const cases: [Buffer, RegExp][] = [
      [Buffer.alloc(3), /byte 0: expected at least the 8 bytes/],
      [file({}, 1n << 60n), /claims 1152921504606846976 bytes/],
      [file('{"a":'), /byte 8: the header is not JSON/],
      [file([]), /expected the header to be a JSON object/],
      [file(tensor({ dtype: 'F8' })), /dtype "F8"/],
      [file(tensor({ shape: [-1] })), /not a list of sizes/],
      [file(tensor({ shape: [1e9, 1e9] })), /needs .* bytes, its offsets span 8/],
      [file(tensor({ data_offsets: [8, 16] })), /but the file has only/],
      [file(tensor({ data_offsets: [0] })), /not a pair/],
      [file({ ...tensor({}), b: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }), /"b" overlaps/],
    ];
    for (const [bytes, message] of cases) {
      await writeFile(path, bytes);
      await assert.rejects(readSafetensorsHeader(path), (error) => {
        assert.ok(error instanceof SafetensorsError);
        assert.match(error.message, message);
        return true;
      });
    }
  }));
