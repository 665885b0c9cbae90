import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DownloadError, downloadFiles, OFFICIAL_DATASETS } from '../../main/datasets/official.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251));
const md5 = createHash('md5').update(content).digest('hex');

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ name: string; url: string; md5: string; sizeBytes: number }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { name: 'a.gz', url: `http://127.0.0.1:${port}/a.gz`, md5, sizeBytes: content.length };
}

/** Answers ranges as the official hosts do. */
function ranged(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length) {
    response.writeHead(416).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200).end(content.subarray(from));
}

test('a download is checked, reported, and not repeated', async (t) => {
  const folder = await temporaryFolder(t);
  let requests = 0;
  const file = await serve(t, (request, response) => {
    requests++;
    ranged(request, response);
  });
  const shares: number[] = [];
  await downloadFiles([file], folder, { onProgress: (share) => shares.push(share) });
  assert.ok((await readFile(join(folder, 'a.gz'))).equals(content));
  assert.equal(shares.at(-1), 1);
  await downloadFiles([file], folder);
  assert.equal(requests, 1, 'what is there with the right checksum is not fetched again');
  assert.deepEqual(await readdir(folder), ['a.gz']);
});

test('an interrupted download goes on where it stopped', async (t) => {
  const folder = await temporaryFolder(t);
  const ranges: (string | undefined)[] = [];
  const file = await serve(t, (request, response) => {
    ranges.push(request.headers.range);
    if (ranges.length > 1) {
      ranged(request, response);
      return;
    }
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 70_000), () => setTimeout(() => response.destroy(), 50));
  });
  await assert.rejects(downloadFiles([file], folder), (error) => {
    assert.ok(error instanceof DownloadError);
    assert.match(
      error.message,
      /a.gz could not be downloaded from 127.0.0.1:\d+ .* give its path instead. What has arrived is kept./,
    );
    return true;
  });
  assert.deepEqual(await readdir(folder), ['a.gz.part']);
  await downloadFiles([file], folder);
  assert.deepEqual(ranges, [undefined, 'bytes=70000-']);
  assert.ok((await readFile(join(folder, 'a.gz'))).equals(content));
});

test('a part that is whole already only needs its checksum', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.gz.part'), content);
  await downloadFiles([await serve(t, ranged)], folder);
  assert.deepEqual(await readdir(folder), ['a.gz']);
});

test('a host that ignores ranges starts the file again', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.gz.part'), content.subarray(0, 100));
  await downloadFiles([await serve(t, (_, response) => response.end(content))], folder);
  assert.ok((await readFile(join(folder, 'a.gz'))).equals(content));
});

test('wrong content is thrown away and named', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await serve(t, (_, response) => response.end(Buffer.from('a login page')));
  await assert.rejects(
    downloadFiles([file], folder),
    new RegExp(`but ${md5} was expected, so it was thrown away`),
  );
  assert.deepEqual(await readdir(folder), []);
});

test('a missing file and a host that is not there say so, and that a path will do', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await serve(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(
    downloadFiles([file], folder),
    /answered 404 for a.gz\. You can also download it elsewhere/,
  );
  const nobody = { ...file, url: 'http://127.0.0.1:9/a.gz' };
  await assert.rejects(downloadFiles([nobody], folder), DownloadError);
});

test('a download can be aborted', async (t) => {
  const folder = await temporaryFolder(t);
  const stop = new AbortController();
  const file = await serve(t, (_, response) => {
    response.write(content.subarray(0, 10));
    stop.abort();
  });
  await assert.rejects(downloadFiles([file], folder, { signal: stop.signal }), { name: 'AbortError' });
});

test('every official file has an address, a checksum and a size', () => {
  for (const { kind, files, sizeBytes } of OFFICIAL_DATASETS) {
    assert.ok(files.length > 0, kind);
    assert.equal(
      sizeBytes,
      files.reduce((sum, file) => sum + file.sizeBytes, 0),
    );
    for (const file of files) {
      assert.match(file.md5, /^[0-9a-f]{32}$/);
      assert.equal(new URL(file.url).pathname.split('/').at(-1), file.name);
    }
  }
});
