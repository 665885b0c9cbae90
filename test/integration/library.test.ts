/** One owner per library, whatever dies; and how other processes reach it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import type { AppInfo, Notice } from '../../preload/contract.ts';
import { connectToOwner, startBackgroundOwner } from '../../main/owner/client.ts';
import { lockLibrary, readOwner, type OwnerRecord } from '../../main/owner/lock.ts';
import { openSession } from '../../main/owner/session.ts';
import { openServices } from '../../main/services.ts';
import { StudioError } from '../../main/store/errors.ts';
import { runHeadless, signIn, startHeadless } from '../helpers/headless.ts';
import { tempLibrary } from '../helpers/library.ts';

const OWNER = { shell: 'headless', version: '0.0.0' };

function library(t: { after: (f: () => void) => void }): string {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  return folder;
}

async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition();) {
    assert.ok(Date.now() < deadline, `${what} did not happen in 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a library that is owned is refused, with the name of its owner, and free again after it', (t) => {
  const folder = library(t);
  const lock = lockLibrary(folder, OWNER);
  lock.describe({ url: 'http://127.0.0.1:1234/' });
  assert.throws(
    () => lockLibrary(folder, OWNER),
    (error: unknown) =>
      error instanceof StudioError &&
      error.code === 'library-busy' &&
      error.message.includes(`process ${process.pid} on `) &&
      error.message.includes('http://127.0.0.1:1234/'),
  );
  lock.release();
  assert.equal(readOwner(folder), null);
  lockLibrary(folder, OWNER).release();
});

test('the lock of a killed owner is free at once, though its file is still there', async (t) => {
  const folder = library(t);
  const file = path.join(import.meta.dirname, '..', '..', 'main', 'owner', 'lock.ts');
  const program = `const { lockLibrary } = await import(${JSON.stringify(file)});
    lockLibrary(${JSON.stringify(folder)}, ${JSON.stringify(OWNER)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.throws(() => lockLibrary(folder, OWNER), new RegExp(`process ${child.pid} `));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readOwner(folder)?.pid, child.pid, 'what it said of itself is still there');
  const lock = lockLibrary(folder, OWNER);
  assert.equal(readOwner(folder)?.pid, process.pid);
  lock.release();
});

test('a file in the way of the library folder is an error that says so', async (t) => {
  const folder = path.join(library(t), 'file');
  writeFileSync(folder, '');
  await assert.rejects(openServices({ libraryFolder: folder, shell: 'headless' }), /could not be made/);
});

test('an owner that can not open the database leaves the library free', async (t) => {
  const folder = library(t);
  writeFileSync(path.join(folder, 'library.db'), 'no database, but long enough to be one. '.repeat(10));
  await assert.rejects(openServices({ libraryFolder: folder, shell: 'headless' }), /some other file/);
  lockLibrary(folder, OWNER).release();
});

test('other processes speak to the owner over a private socket, and hear its notices', async (t) => {
  const folder = library(t);
  const services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  t.after(() => services.close());
  const { socketPath } = readOwner(folder)!;
  assert.ok(socketPath !== null && Buffer.byteLength(socketPath) <= 107);
  assert.equal(statSync(path.dirname(socketPath)).mode & 0o777, 0o700);

  const client = await connectToOwner(folder);
  assert.ok(client !== null);
  const notices: Notice[] = [];
  client.subscribe((notice) => notices.push(notice));
  const [info, settings, wrong] = await Promise.all([
    client.dispatch('getAppInfo', null),
    client.dispatch('updateSettings', { concurrency: 2 }),
    client.dispatch('updateSettings', { concurrency: 0, colour: 'red' }),
  ]);
  assert.ok(info.ok && (info.value as AppInfo).libraryFolder === folder);
  assert.ok(settings.ok);
  assert.ok(!wrong.ok && wrong.error.code === 'invalid-arguments');
  await waitUntil(() => notices.some(({ type }) => type === 'settings-changed'), 'the notice');
  assert.equal((await client.resource('/resource/log/99'))?.status, 404);
  assert.equal(await client.resource('/resource/none'), null);
  assert.equal(await client.pageUrl(), null, 'no page is served here');
  assert.equal(services.isIdle(), false, 'somebody is connected');
  await client.close();
  await waitUntil(() => services.isIdle(), 'the client was gone');
});

test('a request that is open when the owner goes gets an answer', async (t) => {
  const folder = library(t);
  const services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  const client = (await connectToOwner(folder))!;
  const asked = client.dispatch('getDoctor', null);
  await services.close();
  const reply = await asked;
  assert.ok(!reply.ok && reply.error.code === 'library-busy');
  await client.closed;
  assert.ok(!(await client.dispatch('getQueue', null)).ok, 'and so do later ones');
  assert.equal(await connectToOwner(folder), null);
});

test('a session is a client where there is an owner, and takes its place when that goes', async (t) => {
  const folder = library(t);
  const first = await openSession({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  const second = await openSession({ libraryFolder: folder, shell: 'desktop', report: () => undefined });
  t.after(() => second.close());
  assert.deepEqual([first.role, second.role], ['owner', 'client']);
  const notices: string[] = [];
  second.subscribe(({ type }) => notices.push(type));
  await first.dispatch('setQueuePaused', { paused: true });
  const queue = await second.dispatch('getQueue', null);
  assert.ok(queue.ok && (queue.value as { paused: boolean }).paused);

  await first.close();
  await waitUntil(() => second.role === 'owner', 'the change of owner');
  const after = await second.dispatch('getQueue', null);
  assert.ok(after.ok && (after.value as { paused: boolean }).paused, 'it is the same library');
  assert.ok(notices.includes('runs-changed'), 'the page is told to look again');
});

test(
  'serving: a second one says how to reach the first; a signal ends it cleanly',
  { timeout: 90_000 },
  async (t) => {
    const folder = library(t);
    const first = await startHeadless(folder);
    t.after(() => first.kill());
    const page = await signIn(first.url);
    assert.ok((await page.call('listDatasets')).ok);

    const second = await runHeadless(folder);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`already open in process ${first.process.pid} `));
    const fresh = /ResLT Studio is at (http\S+)/.exec(second.stderr)?.[1];
    assert.ok(fresh !== undefined);
    assert.ok((await (await signIn(fresh)).call('getQueue')).ok, 'with an address that works');

    assert.equal(await first.stop(), 0, first.stderr());
    assert.equal(existsSync(path.join(folder, 'owner.json')), false);
  },
);

test('serving: a killed one can be followed by another at once', { timeout: 90_000 }, async (t) => {
  const folder = library(t);
  const first = await startHeadless(folder);
  const page = await signIn(first.url);
  await page.call('setQueuePaused', { paused: true });
  await first.kill();
  const second = await startHeadless(folder);
  t.after(() => second.kill());
  const queue = await (await signIn(second.url)).call('getQueue');
  assert.ok(queue.ok && (queue.value as { paused: boolean }).paused);
  assert.notEqual(
    (JSON.parse(readFileSync(path.join(folder, 'owner.json'), 'utf8')) as OwnerRecord).pid,
    first.process.pid,
  );
});

test(
  'an owner in the background comes when it is needed, and goes when nobody needs it',
  { timeout: 90_000 },
  async (t) => {
    const folder = library(t);
    const [one, other] = await Promise.all([startBackgroundOwner(folder), startBackgroundOwner(folder)]);
    assert.ok((await one.dispatch('getQueue', null)).ok);
    assert.ok((await other.dispatch('getQueue', null)).ok, 'two that start at once share one');
    const { pid } = readOwner(folder)!;
    assert.equal(statSync(path.join(folder, 'owner.log')).mode & 0o077, 0, 'its log holds an address');
    await Promise.all([one.close(), other.close()]);
    await waitUntil(() => readOwner(folder) === null, 'its end');
    const isGone = (): boolean => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    };
    await waitUntil(isGone, 'the end of its process');
  },
);

test('bad options are told, with the usage', async () => {
  for (const args of [['--port', '70000'], ['--colour']]) {
    const { code, stderr } = await runHeadless('/nowhere', args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /Usage: headless/);
  }
});
