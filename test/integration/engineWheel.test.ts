/** Wheels and indexes that are broken, hostile, unknown or unreachable: each gets its sentence, and leaves nothing behind. */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { installEngine, listEngines } from '../../main/engine/index.ts';
import { downloadFromIndex } from '../../main/engine/packageIndex.ts';
import { unpackWheel } from '../../main/engine/unpack.ts';
import { makeWheel, metadataEntry } from '../helpers/makeWheel.ts';

const NAME = 'tensorflow_cpu-2.21.0-cp399-cp399-manylinux_2_27_x86_64.whl';
const quiet = () => undefined;
const all = () => true;

async function scratchFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-wheel-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder for engines that is empty and used by this process only. */
async function emptyHome(t: TestContext): Promise<string> {
  const home = path.join(await scratchFolder(t), 'engines');
  const before = process.env['RESLT_ENGINE_HOME'];
  process.env['RESLT_ENGINE_HOME'] = home;
  t.after(() => {
    if (before === undefined) delete process.env['RESLT_ENGINE_HOME'];
    else process.env['RESLT_ENGINE_HOME'] = before;
  });
  return home;
}

test('a truncated wheel is refused with its name and the reason', async (t) => {
  await emptyHome(t);
  const wheel = path.join(await scratchFolder(t), NAME);
  await makeWheel(wheel, [metadataEntry('tensorflow_cpu', '2.21.0')]);
  await truncate(wheel, 100);
  await assert.rejects(installEngine({ wheels: [wheel], allowUnlisted: true }, quiet), (error: Error) => {
    assert.match(error.message, /cp399/);
    assert.match(error.message, /100 bytes/);
    assert.match(error.message, /cut short/);
    return true;
  });
  assert.deepEqual(await listEngines(), []);
});

test('a wheel that is not in the table is refused, unless the user says so', async (t) => {
  await emptyHome(t);
  const wheel = path.join(await scratchFolder(t), NAME);
  await makeWheel(wheel, [metadataEntry('tensorflow_cpu', '2.21.0')]);
  await assert.rejects(installEngine({ wheels: [wheel] }, quiet), /not in the list.*--allow-unlisted/s);
  // Then it is judged by what it holds: this one has no library to check.
  await assert.rejects(installEngine({ wheels: [wheel], allowUnlisted: true }, quiet), /libtensorflow/);
});

test('a wheel of another TensorFlow, or none at all, is refused', async (t) => {
  await emptyHome(t);
  const folder = await scratchFolder(t);
  const old = path.join(folder, NAME.replace('2.21.0', '2.20.0'));
  await makeWheel(old, [metadataEntry('tensorflow_cpu', '2.20.0')]);
  await assert.rejects(
    installEngine({ wheels: [old], allowUnlisted: true }, quiet),
    /2\.20\.0.*2\.21\.0 is needed/s,
  );
  await assert.rejects(
    installEngine({ wheels: [path.join(folder, 'no.whl')] }, quiet),
    /no\.whl does not exist/,
  );
  const other = path.join(folder, 'numpy-2.0.0-cp311-cp311-any.whl');
  await makeWheel(other, [metadataEntry('numpy', '2.0.0')]);
  await assert.rejects(installEngine({ wheels: [other], device: 'cpu' }, quiet), /None of the files.*numpy/s);
});

test('an entry that would leave the folder is refused, and nothing is written outside', async (t) => {
  const folder = await scratchFolder(t);
  const wheel = path.join(folder, NAME);
  await makeWheel(wheel, [{ name: '../outside.txt', content: 'x' }]);
  await assert.rejects(unpackWheel(wheel, path.join(folder, 'inside'), all, quiet), /outside\.txt/);
  assert.ok(!existsSync(path.join(folder, 'outside.txt')));
});

test('a damaged entry is noticed by its checksum', async (t) => {
  const folder = await scratchFolder(t);
  const wheel = path.join(folder, NAME);
  await makeWheel(wheel, [{ name: 'a.txt', content: 'the right words' }]);
  const bytes = await readFile(wheel);
  bytes.write('w', bytes.indexOf('right'));
  await writeFile(wheel, bytes);
  await assert.rejects(unpackWheel(wheel, path.join(folder, 'inside'), all, quiet), /a\.txt.*damaged.*CRC/s);
});

test('without a way to download, the error names all three', async (t) => {
  await emptyHome(t);
  const before = process.env['PATH'];
  process.env['PATH'] = await scratchFolder(t);
  t.after(() => {
    process.env['PATH'] = before;
  });
  await assert.rejects(installEngine({ device: 'cpu' }, quiet), (error: Error) => {
    assert.match(error.message, /pip was looked for/);
    assert.match(error.message, /--wheel FILE/);
    assert.match(error.message, /--index URL/);
    assert.match(error.message, /WebAssembly/);
    return true;
  });
});

test('from an index: the checksum is checked, and a broken-off download goes on', async (t) => {
  const folder = await scratchFolder(t);
  const wheel = path.join(folder, NAME);
  await makeWheel(wheel, [metadataEntry('tensorflow_cpu', '2.21.0')]);
  const bytes = await readFile(wheel);
  const index = await serveIndex(t, bytes, createHash('sha256').update(bytes).digest('hex'));
  const download = {
    project: 'tensorflow-cpu',
    version: '2.21.0',
    folder: path.join(folder, 'downloads'),
    onProgress: quiet,
    signal: undefined,
  };
  await mkdir(download.folder);
  await writeFile(path.join(download.folder, `${NAME}.part`), bytes.subarray(0, 40));
  const file = await downloadFromIndex(index.url, download);
  assert.deepEqual(await readFile(file), bytes);
  assert.deepEqual(index.ranges, ['bytes=40-']);

  const wrong = await serveIndex(t, bytes, 'ab'.repeat(32));
  const elsewhere = { ...download, folder: path.join(folder, 'elsewhere') };
  await assert.rejects(downloadFromIndex(wrong.url, elsewhere), /sha256 sum .*promised abab.*deleted/s);
  assert.deepEqual(await readdir(elsewhere.folder), []);
  await assert.rejects(downloadFromIndex(`${index.url}nowhere`, download), /answered 404/);
});

/** A PEP 503 index with one file that answers range requests. */
async function serveIndex(
  t: TestContext,
  bytes: Buffer,
  sha256: string,
): Promise<{ url: string; ranges: string[] }> {
  const ranges: string[] = [];
  const server = http.createServer((request, response) => {
    if (request.url === '/simple/tensorflow-cpu/')
      response.end(`<a href="../../files/${NAME}#sha256=${sha256}">${NAME}</a>`);
    else if (request.url === `/files/${NAME}`) {
      const range = request.headers.range;
      if (range !== undefined) ranges.push(range);
      const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
      response.writeHead(range === undefined ? 200 : 206).end(bytes.subarray(start));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`, ranges };
}
