/** The control socket of a trainer, and telling its process from another. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { controlSocketPath } from '../../main/scheduler/controlPath.ts';
import { ControlServer } from '../../main/trainer/control.ts';
import { readMessages } from '../../main/jsonLines.ts';
import { isAlive, readProcessIdentity } from '../../main/trainer/processIdentity.ts';
import { MAX_MESSAGE_BYTES, type ControlMessage, type TrainerMessage } from '../../main/trainer/protocol.ts';
import { waitFor } from '../helpers/schedulerLibrary.ts';

const isWindows = process.platform === 'win32';

let folder: string;
let socketPath: string;
let wishes: ControlMessage['type'][];
let servers: ControlServer[];
let clients: Socket[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-control-'));
  socketPath = path.join(folder, 'private', 'run.sock');
  wishes = [];
  servers = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
});

function createServer(): ControlServer {
  const server = new ControlServer({
    socketPath,
    runId: 7,
    attempt: 2,
    onMessage: ({ type }) => wishes.push(type),
  });
  servers.push(server);
  return server;
}

async function join(): Promise<{ client: Socket; messages: TrainerMessage[] }> {
  const client = connect(socketPath);
  clients.push(client);
  client.on('error', () => {});
  const messages: TrainerMessage[] = [];
  readMessages(client, MAX_MESSAGE_BYTES, (message) => messages.push(message as TrainerMessage));
  await waitFor('hello', 2000, () => messages.length > 0);
  return { client, messages };
}

test('hello, wishes down, growth up', { skip: isWindows }, async () => {
  const server = createServer();
  await server.listen();
  assert.equal(statSync(path.dirname(socketPath)).mode & 0o777, 0o700);
  server.grew(120);
  const { client, messages } = await join();
  assert.deepEqual(messages, [{ type: 'hello', runId: 7, attempt: 2, pid: process.pid, journalBytes: 120 }]);
  client.write('{"type":"checkpoint"}\n{"type":"pa');
  client.write('use"}\n{"type":"format-disk"}\n');
  await waitFor('the wishes', 2000, () => wishes.length === 2);
  assert.deepEqual(wishes, ['checkpoint', 'pause']);
  server.grew(500);
  await waitFor('growth', 2000, () => messages.some((m) => m.type === 'grew' && m.journalBytes === 500));
  await waitFor('a heartbeat', 3000, () => messages.some((m) => m.type === 'alive'));
});

test(
  'two thousand records a second are told in some twenty messages a second, the last one included',
  { skip: isWindows },
  async () => {
    const server = createServer();
    await server.listen();
    const { messages } = await join();
    const startedAt = performance.now();
    let bytes = 0;
    while (performance.now() - startedAt < 500) {
      for (let i = 0; i < 10; i++) server.grew(++bytes);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await waitFor('the last one', 1000, () =>
      messages.some((m) => m.type === 'grew' && m.journalBytes === bytes),
    );
    const told = messages.filter(({ type }) => type === 'grew').length;
    assert.ok(told >= 3 && told <= 15, `${told} messages in half a second`);
  },
);

test('nonsense and endless lines end the connection, not the trainer', { skip: isWindows }, async () => {
  const server = createServer();
  await server.listen();
  for (const nonsense of ['not json\n', 'x'.repeat(10_000)]) {
    const { client } = await join();
    let isClosed = false;
    client.on('close', () => (isClosed = true));
    client.write(nonsense);
    await waitFor('the connection to end', 2000, () => isClosed);
  }
  await join();
  assert.deepEqual(wishes, []);
});

test('an owner that never reads costs no memory', { skip: isWindows }, async () => {
  const server = createServer();
  await server.listen();
  const { client } = await join();
  client.pause();
  const before = process.memoryUsage().rss;
  for (let bytes = 1; bytes <= 200_000; bytes++) {
    server.grew(bytes);
    server.flush();
  }
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 50e6, `${grown} bytes`);
});

test('a second trainer is refused, a dead one is replaced', { skip: isWindows }, async () => {
  const first = createServer();
  await first.listen();
  await assert.rejects(createServer().listen(), { name: 'AnotherTrainerError' });
  await first.close();
  assert.ok(!existsSync(socketPath));

  const dead = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await new Promise((resolve) => dead.once('exit', resolve));
  assert.ok(existsSync(socketPath), 'the killed process left its socket');
  await createServer().listen();
  await join();
});

test('a folder that others may enter is refused', { skip: isWindows }, async () => {
  mkdirSync(path.dirname(socketPath));
  chmodSync(path.dirname(socketPath), 0o777);
  await assert.rejects(
    createServer().listen(),
    /was expected to be a folder of this user alone \(mode 700\)/,
  );
});

test('the path of a socket is short whatever the library is called, and differs by library and run', () => {
  const long = path.join(folder, 'x'.repeat(150));
  mkdirSync(long);
  const paths = [
    controlSocketPath(long, 123_456),
    controlSocketPath(long, 123_457),
    controlSocketPath(folder, 123_456),
  ];
  for (const each of paths) assert.ok(Buffer.byteLength(each) <= 103, each);
  assert.equal(new Set(paths).size, 3);
});

for (const platform of isWindows ? [process.platform] : (['linux', 'darwin'] as const)) {
  const skip = platform === 'linux' && process.platform !== 'linux';
  test(`a process is told from a later one with its pid (as on ${platform})`, { skip }, async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const identity = await readProcessIdentity(child.pid!, platform);
    assert.ok(identity !== null && identity.startedAt.length > 8);
    assert.equal(await isAlive(identity, platform), true);
    assert.equal(await isAlive({ ...identity, startedAt: 'another time' }, platform), false);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(await isAlive(identity, platform), false);
    assert.equal(await readProcessIdentity(child.pid!, platform), null);
  });
}
