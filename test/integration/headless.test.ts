/** The headless server over real HTTP: what a signed-in page gets, and what everybody else does not. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import type { Notice, Reply } from '../../preload/contract.ts';
import { MAX_BODY_BYTES, startHttpServer, type HttpServer } from '../../main/headless/httpServer.ts';
import type { OwnerServices } from '../../main/owner/server.ts';
import { request, signIn, type PageClient } from '../helpers/headless.ts';
import { tempLibrary } from '../helpers/library.ts';

let server: HttpServer;
let port: number;
let host: string;
let page: PageClient;
let remove: () => void;
const listeners = new Set<(notice: Notice) => void>();
const calls: { method: string; argument: unknown }[] = [];

/** An owner that says what it was asked. */
const services: OwnerServices = {
  async dispatch(method, argument): Promise<Reply> {
    calls.push({ method, argument });
    return { ok: true, value: { method, argument } };
  },
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  async resource(wanted) {
    return wanted.startsWith('/resource/thumbnail/')
      ? { status: 200, headers: { 'content-type': 'image/png' }, body: Buffer.from(wanted) }
      : null;
  },
  pageUrl: async () => null,
};

test.before(async () => {
  const library = tempLibrary();
  remove = library.remove;
  const rendererFolder = path.join(library.folder, 'renderer');
  mkdirSync(path.join(rendererFolder, 'assets'), { recursive: true });
  writeFileSync(path.join(rendererFolder, 'index.html'), '<!doctype html><title>ResLT Studio</title>');
  writeFileSync(path.join(rendererFolder, 'assets', 'app-1a2b.js'), 'export {};');
  writeFileSync(path.join(library.folder, 'secret.txt'), 'not for the page');
  server = await startHttpServer({ services, rendererFolder, libraryId: 'abc', port: 0 });
  ({ host } = new URL(server.url));
  port = Number(new URL(server.url).port);
  page = await signIn(server.pageUrl());
});
test.after(async () => {
  await server.close();
  remove();
});

const post = (headers: http.OutgoingHttpHeaders, body: string | null = 'null', target = '/api/getQueue') =>
  request(port, { method: 'POST', path: target, headers, body });
const own = (): http.OutgoingHttpHeaders => ({
  host,
  origin: `http://${host}`,
  cookie: page.cookie,
  'content-type': 'application/json',
});

test('it listens on this machine only', async () => {
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
});

test('the address works once and leads to the page without its token', async () => {
  const { pathname, search } = new URL(server.pageUrl());
  const first = await request(port, { path: `${pathname}${search}`, headers: { host } });
  assert.equal(first.status, 303);
  assert.equal(first.headers.location, '/');
  assert.match(
    first.headers['set-cookie']?.[0] ?? '',
    /^reslt-abc=[\w-]+; HttpOnly; SameSite=Strict; Path=\/$/,
  );
  const again = await request(port, { path: `${pathname}${search}`, headers: { host } });
  assert.equal(again.status, 401);
  assert.equal(again.headers['set-cookie'], undefined);
  const inItsBrowser = await page.get(`${pathname}${search}`);
  assert.equal(inItsBrowser.status, 303, 'a bookmark of it still leads to the page');
});

test('an address that is asked for under a foreign name is not used up', async () => {
  const { pathname, search } = new URL(server.pageUrl());
  assert.equal(
    (await request(port, { path: `${pathname}${search}`, headers: { host: 'evil.example' } })).status,
    403,
  );
  assert.equal((await request(port, { path: `${pathname}${search}`, headers: { host } })).status, 303);
});

test('the page gets its files, with headers that hold it in', async () => {
  const index = await page.get('/');
  assert.equal(index.status, 200);
  assert.match(index.body, /ResLT Studio/);
  assert.equal(index.headers['content-type'], 'text/html; charset=utf-8');
  const policy = String(index.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /script-src[^;]*unsafe/);
  assert.equal(index.headers['x-content-type-options'], 'nosniff');
  assert.equal(index.headers['access-control-allow-origin'], undefined, 'no CORS');
  const script = await page.get('/assets/app-1a2b.js');
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(String(script.headers['cache-control']), /immutable/);
});

test('no path leads out of the page folder', async () => {
  for (const target of [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//etc/passwd',
    '/%00',
    '/%',
    '/assets',
  ]) {
    const { status, body } = await page.get(target);
    assert.equal(status, 404, target);
    assert.doesNotMatch(body, /not for the page|root:/, target);
  }
});

test('a call reaches the owner with its argument', async () => {
  assert.deepEqual(await page.call('getRun', { id: 7 }), {
    ok: true,
    value: { method: 'getRun', argument: { id: 7 } },
  });
});

test('who does not bear the cookie gets nothing', async () => {
  const before = calls.length;
  for (const cookie of [undefined, 'reslt-abc=wrong', `reslt-other=${page.cookie.split('=')[1]}`]) {
    const { cookie: _, ...bare } = own();
    const bearing = cookie === undefined ? {} : { cookie };
    assert.equal((await post({ ...bare, ...bearing })).status, 401);
    for (const target of ['/', '/notices', '/resource/thumbnail/1/train/1', '/assets/app-1a2b.js'])
      assert.equal(
        (await request(port, { path: target, headers: { host, ...bearing } })).status,
        401,
        target,
      );
  }
  assert.equal(calls.length, before);
});

test('foreign hosts, origins and sites are refused although the browser sends the cookie', async () => {
  const before = calls.length;
  assert.equal((await post({ ...own(), host: 'evil.example' })).status, 403);
  assert.equal(
    (await post({ ...own(), host: 'evil.example', origin: 'http://evil.example' })).status,
    403,
    'DNS rebinding',
  );
  assert.equal((await post({ ...own(), origin: 'http://evil.example' })).status, 403);
  assert.equal(
    (await post({ ...own(), origin: `http://localhost:${port}` })).status,
    403,
    'another name of this host',
  );
  assert.equal((await post({ ...own(), origin: 'null' })).status, 403);
  const { origin: _, ...withoutOrigin } = own();
  assert.equal((await post(withoutOrigin)).status, 403);
  for (const target of ['/notices', '/resource/thumbnail/1/train/1'])
    for (const site of ['cross-site', 'same-site'])
      assert.equal((await page.get(target, { 'sec-fetch-site': site })).status, 403, `${target} ${site}`);
  assert.equal(calls.length, before);
  // Through a tunnel the port is another, the same in both headers.
  assert.equal((await post({ ...own(), host: 'localhost:9', origin: 'http://localhost:9' })).status, 200);
});

test('only JSON, only so much of it, only to /api/<method>', async () => {
  const before = calls.length;
  assert.equal((await post({ ...own(), 'content-type': 'text/plain' })).status, 415);
  assert.equal((await post({ ...own(), 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  assert.equal((await post(own(), '{')).status, 400);
  assert.equal((await post(own(), 'null', '/api/')).status, 404);
  assert.equal((await post(own(), 'null', '/api/a/b')).status, 404);
  assert.equal((await post(own(), 'null', '/')).status, 404);
  const large = JSON.stringify('x'.repeat(MAX_BODY_BYTES));
  assert.equal((await post(own(), large)).status, 413);
  // Without a length it is counted as it comes.
  const chunked = await post({ ...own(), 'transfer-encoding': 'chunked' }, large).catch(() => null);
  assert.ok(chunked === null || chunked.status === 413);
  assert.equal(calls.length, before);
});

test('other methods are not answered', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    const { status, headers } = await request(port, { method, headers: own() });
    assert.equal(status, 405, method);
    assert.equal(headers['access-control-allow-methods'], undefined);
  }
  const head = await request(port, { method: 'HEAD', headers: own() });
  assert.deepEqual([head.status, head.body], [200, '']);
});

test('resources come from the owner, and what is none is a 404', async () => {
  const found = await page.get('/resource/thumbnail/3/train/17?size=64');
  assert.deepEqual(
    [found.status, found.headers['content-type'], found.body],
    [200, 'image/png', '/resource/thumbnail/3/train/17?size=64'],
  );
  assert.equal((await page.get('/resource/other')).status, 404);
});

test('notices stream to the page until it goes', async () => {
  const received: string[] = [];
  const stream = http.get({
    host: '127.0.0.1',
    port,
    path: '/notices',
    agent: false,
    headers: { host, cookie: page.cookie, 'sec-fetch-site': 'same-origin' },
  });
  await new Promise<void>((resolve) => {
    stream.once('response', (answer) => {
      assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
      answer.setEncoding('utf8');
      answer.on('error', () => undefined);
      answer.on('data', (chunk: string) => {
        received.push(chunk);
        if (received.length === 1) for (const listener of listeners) listener({ type: 'queue-changed' });
        else resolve();
      });
    });
  });
  assert.equal(received.join(''), ': connected\n\ndata: {"type":"queue-changed"}\n\n');
  assert.equal(server.pageCount(), 1);
  stream.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => server.onPageGone(resolve));
  stream.destroy();
  await gone;
  assert.deepEqual([server.pageCount(), listeners.size], [0, 0]);
});
