import test from 'node:test';
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { writeSafetensors, type SafetensorsEntry } from '../../main/exchange/safetensors.ts';
import {
  BackgroundError,
  createBackground,
  type Background,
  type BackgroundOptions,
} from '../../main/owner/background.ts';
import { nodeExecutable } from '../../main/paths.ts';
import { idxFiles, writeFiles } from '../helpers/sources.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

function open(t: TestContext, options: BackgroundOptions = {}): Background {
  const background = createBackground(options);
  t.after(() => background.close());
  return background;
}

/** A child that does what the path of a `probeDataset` says: for what goes wrong in a process. */
async function scripted(t: TestContext): Promise<NonNullable<BackgroundOptions['child']>> {
  const file = join(await temporaryFolder(t), 'child.mjs');
  await writeFile(
    file,
    `process.on('message', (message) => {
      if (message.type !== 'run') return;
      const answer = (value) => process.send({ type: 'result', id: message.id, value });
      const deeds = {
        pid: () => answer(process.pid),
        kill: () => process.kill(process.pid, 'SIGKILL'),
        exit: () => { console.error('about to go'); process.exit(3); },
        hang: () => {},
        block: () => { for (;;); },
        slow: () => setTimeout(() => answer(process.pid), 300),
        memory: () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length + 0.5)); },
      };
      deeds[message.args.path]();
    });
    process.on('disconnect', () => process.exit(0));`,
  );
  return { command: nodeExecutable(), args: [file] };
}

const ask = (background: Background, path: string, options = {}) =>
  background.run('probeDataset', { path, lists: null, kind: null }, options) as unknown as Promise<number>;

test('tasks run in another process and report progress', async (t) => {
  const folder = await temporaryFolder(t);
  const source = join(folder, 'source');
  await writeFiles(source, idxFiles());
  const background = open(t);
  const probe = await background.run('probeDataset', { path: source, lists: null, kind: null });
  assert.deepEqual(probe.counts, { train: 40, val: 0, test: 20 });
  const messages: string[] = [];
  const { manifest, folder: dataset } = await background.run(
    'registerDataset',
    {
      libraryFolder: folder,
      id: 3,
      source: { path: source, lists: null, kind: null },
      options: { subset: { type: 'full', imbalanceFactor: 1 }, validation: null, photographs: null },
    },
    { onProgress: (_, message) => messages.push(message) },
  );
  assert.equal(manifest.counts.train, 40);
  assert.ok(messages.includes('Writing the train split'), messages.join());
  const { ok } = await background.run('verifyDataset', { folder: dataset });
  assert.equal(ok, true);
  const { data, type } = await background.run('thumbnail', {
    folder: dataset,
    split: 'train',
    row: 0,
    sizePx: null,
  });
  assert.equal(type, 'image/png');
  assert.equal(Buffer.from(data, 'base64').toString('latin1', 1, 4), 'PNG');
  const page = { folder: dataset, split: 'test', classIndex: 1, offset: 0, limit: 2 } as const;
  assert.deepEqual(await background.run('listImages', page), {
    rows: [1, 5],
    labels: [1, 1],
    total: 5,
    paths: null,
  });
});

test('an error keeps its sentence, its code and its fields', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { ...idxFiles(), 'train-labels-idx1-ubyte': Buffer.alloc(8) });
  await assert.rejects(open(t).run('probeDataset', { path: folder, lists: null, kind: null }), (error) => {
    assert.ok(error instanceof BackgroundError);
    assert.equal(error.code, 'dataset-invalid');
    assert.equal(error.details['file'], join(folder, 'train-labels-idx1-ubyte'));
    assert.equal(error.details['offset'], 0);
    assert.match(error.message, /expected the magic number 0x00000801/);
    return true;
  });
});

test('checkpoints are compared from their stored logits', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'source'), idxFiles());
  const background = open(t);
  const { folder: datasetFolder } = await background.run('registerDataset', {
    libraryFolder: folder,
    id: 1,
    source: { path: join(folder, 'source'), lists: null, kind: null },
    options: { subset: { type: 'full', imbalanceFactor: 1 }, validation: null, photographs: null },
  });
  // Labels are 0 to 3 in turn: the first file is right for classes 0 and 1, the second for 0 only.
  const store = async (name: string, rightClasses: number) => {
    const logits = Float32Array.from({ length: 80 }, (_, i) => {
      const label = Math.floor(i / 4) % 4;
      return i % 4 === (label < rightClasses ? label : (label + 1) % 4) ? 5 : 0;
    });
    const entry: SafetensorsEntry = { dtype: 'F32', shape: [20, 4], data: logits };
    const logitsFile = join(folder, `${name}.safetensors`);
    await writeSafetensors(
      logitsFile,
      new Map([
        ['test/fused', entry],
        ['test/h', entry],
      ]),
    );
    return { logitsFile, fusedLabel: 'H', branches: [{ id: 'h', label: 'H' }], residual: true };
  };
  const checkpoints = [await store('a', 2), await store('b', 1)];
  const args = { datasetFolder, split: 'test', schemes: ['count-100-20', 'reslt-ranges'] } as const;
  const comparison = await background.run('compareCheckpoints', {
    ...args,
    schemes: [...args.schemes],
    checkpoints,
  });
  assert.deepEqual(
    comparison.items.map(({ report }) => report.top1),
    [0.5, 0.25],
  );
  const [pair] = comparison.pairs;
  assert.deepEqual([pair!.bothRight, pair!.onlyA, pair!.onlyB, pair!.bothWrong], [5, 5, 0, 10]);
  assert.equal(pair!.schemes['reslt-ranges']!.all.p, 0.0625);
  assert.equal(pair!.schemes['count-100-20']!.groups['many']!.difference, null, '10 images a class are few');
  const analysed = await background.run('analyseCheckpoint', {
    ...args,
    schemes: [...args.schemes],
    checkpoint: checkpoints[0]!,
  });
  assert.deepEqual(
    analysed.branches.map(({ id }) => id),
    ['h', 'fused'],
  );
  await assert.rejects(
    background.run('analyseCheckpoint', {
      ...args,
      schemes: [],
      split: 'train',
      checkpoint: checkpoints[0]!,
    }),
    /no tensor "train\/fused"/,
  );
});

test('a child that dies fails its task with a sentence, and the next task gets a new one', async (t) => {
  const background = open(t, { child: await scripted(t), children: 1 });
  const first = await ask(background, 'pid');
  await assert.rejects(ask(background, 'kill'), (error) => {
    assert.ok(error instanceof BackgroundError);
    assert.match(error.message, /ended unexpectedly \(SIGKILL\)/);
    return true;
  });
  const second = await ask(background, 'pid');
  assert.notEqual(second, first);
  assert.equal(await ask(background, 'pid'), second, 'a child lives on between tasks');
  await assert.rejects(ask(background, 'exit'), (error) => {
    assert.ok(error instanceof BackgroundError);
    assert.match(error.message, /exit code 3/);
    assert.match(String(error.details['stderr']), /about to go/);
    return true;
  });
});

test('a task that needs too much memory costs only itself', async (t) => {
  const background = open(t, { child: await scripted(t), memoryMb: 32 });
  const slow = ask(background, 'slow');
  await assert.rejects(ask(background, 'memory'), /needed more than 32 MB of memory/);
  assert.ok((await slow) > 0);
});

test('a task that takes too long, or is aborted, is ended without harm to another', async (t) => {
  const background = open(t, { child: await scripted(t) });
  const slow = ask(background, 'slow');
  await assert.rejects(ask(background, 'hang', { timeoutMs: 100 }), /longer than 0.1 s/);
  assert.ok((await slow) > 0);
  const stop = new AbortController();
  const blocked = ask(background, 'block', { signal: stop.signal });
  await delay(50);
  stop.abort(new Error('not wanted any more'));
  await assert.rejects(blocked, /not wanted any more/);
  assert.ok((await ask(background, 'pid')) > 0);
});

test('no more tasks run at once than there are children, and one that waits can be aborted', async (t) => {
  const background = open(t, { child: await scripted(t), children: 2 });
  const pids = await Promise.all(['slow', 'slow', 'slow', 'slow'].map((path) => ask(background, path)));
  assert.equal(new Set(pids).size, 2);
  const stop = new AbortController();
  const running = [ask(background, 'slow'), ask(background, 'slow')];
  const waiting = ask(background, 'slow', { signal: stop.signal });
  stop.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await Promise.all(running);
});

test('an aborted registration leaves nothing in the library', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(join(folder, 'source'), idxFiles({ train: 2000, side: 100 }));
  const stop = new AbortController();
  const registration = open(t).run(
    'registerDataset',
    {
      libraryFolder: folder,
      id: 1,
      source: { path: join(folder, 'source'), lists: null, kind: null },
      options: { subset: { type: 'full', imbalanceFactor: 1 }, validation: null, photographs: null },
    },
    { signal: stop.signal, onProgress: (share) => (share ?? 0) >= 0.6 && stop.abort() },
  );
  await assert.rejects(registration, { name: 'AbortError' });
  assert.deepEqual(await readdir(join(folder, 'datasets')), []);
});

test('closing ends the children and fails what has not finished', async (t) => {
  const background = createBackground({ child: await scripted(t), children: 1 });
  const pid = await ask(background, 'pid');
  const hanging = ask(background, 'hang');
  const waiting = ask(background, 'pid');
  const outcomes = Promise.allSettled([hanging, waiting]);
  await background.close();
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected');
    assert.equal((outcome.reason as BackgroundError).code, 'cancelled');
  }
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  await assert.rejects(ask(background, 'pid'), /closing/);
});
