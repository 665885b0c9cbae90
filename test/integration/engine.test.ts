/**
 * The native engine, really installed: from a wheel made of the installed one's libraries, by two processes at once,
 * after a crash, without a compiler. Needs an installed engine, and skips without one.
 */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, linkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  engineEnvironment,
  findEngine,
  installEngine,
  listEngines,
  removeEngine,
  runDoctor,
  type InstalledEngine,
  type InstallProgress,
} from '../../main/engine/index.ts';
import { nodeExecutable } from '../../main/paths.ts';
import { folderEntries, makeWheel, metadataEntry } from '../helpers/makeWheel.ts';

const installed = await findEngine('tensorflow-cpu');
const skip = installed === null ? 'no native CPU engine is installed' : false;
const quiet = () => undefined;

/** A folder for engines, used by this process and those it starts. */
async function emptyHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'reslt-engines-'));
  const before = process.env['RESLT_ENGINE_HOME'];
  process.env['RESLT_ENGINE_HOME'] = home;
  t.after(async () => {
    if (before === undefined) delete process.env['RESLT_ENGINE_HOME'];
    else process.env['RESLT_ENGINE_HOME'] = before;
    await rm(home, { recursive: true, force: true });
  });
  return home;
}

/** A folder for engines with one of another version of the app, whose binding has another hash. */
async function homeWithRelative(t: TestContext): Promise<string> {
  const home = await emptyHome(t);
  await copyEngine(home, '00000000');
  return home;
}

/** Puts the installed engine into another home. Libraries are linked, where that is possible, and never written to. */
async function copyEngine(home: string, bindingHash: string): Promise<string> {
  const folder = path.join(home, `tensorflow-2.21.0-cpu-${bindingHash}`);
  await mkdir(path.join(folder, 'tensorflow'), { recursive: true });
  for (const name of await readdir(installed!.libraryFolder)) {
    const from = path.join(installed!.libraryFolder, name);
    const to = path.join(folder, 'tensorflow', name);
    if ((await stat(from)).isDirectory()) cpSync(from, to, { recursive: true });
    else
      try {
        linkSync(from, to);
      } catch {
        copyFileSync(from, to);
      }
  }
  const record = JSON.parse(await readFile(path.join(installed!.folder, 'engine.json'), 'utf8')) as object;
  await writeFile(
    path.join(folder, 'engine.json'),
    JSON.stringify({ ...record, id: path.basename(folder), bindingHash }),
  );
  return folder;
}

test('from a wheel file: unpacked, compiled, checked, recorded, found and removed', { skip }, async (t) => {
  const home = await emptyHome(t);
  const wheels = await mkdtemp(path.join(os.tmpdir(), 'reslt-wheels-'));
  t.after(() => rm(wheels, { recursive: true, force: true }));
  const wheel = path.join(wheels, 'tensorflow_cpu-2.21.0-cp399-cp399-manylinux_2_27_x86_64.whl');
  await makeWheel(wheel, [
    metadataEntry('tensorflow_cpu', '2.21.0'),
    ...(await folderEntries(installed!.libraryFolder, 'tensorflow')),
  ]);
  const told: InstallProgress[] = [];
  const engine = await installEngine({ wheels: [wheels], allowUnlisted: true }, (progress) =>
    told.push(progress),
  );
  assert.deepEqual(
    [...new Set(told.map(({ stage }) => stage))],
    ['check', 'unpack', 'compile', 'verify', 'done'],
  );
  const unpacking = told.filter(({ stage }) => stage === 'unpack');
  assert.equal(unpacking.at(-1)!.doneBytes, unpacking[0]!.totalBytes);

  const found = (await findEngine('tensorflow-cpu'))!;
  assert.deepEqual(found, engine);
  assert.equal(found.folder, path.join(home, found.id));
  assert.equal(found.tensorflowVersion, '2.21.0');
  assert.equal(found.wheels[0]!.name, path.basename(wheel));
  assert.match(found.wheels[0]!.sha256, /^[0-9a-f]{64}$/);
  assert.ok(found.sizeBytes > 500e6);
  assert.ok(Math.abs(found.builtAtMs - Date.now()) < 120_000);
  assert.ok(existsSync(wheel), 'the user’s own file is kept');
  assert.deepEqual(await readdir(path.join(home, '.staging')), []);

  const again = await installEngine({ device: 'cpu' }, quiet);
  assert.equal(again.builtAtMs, found.builtAtMs);

  assert.deepEqual(await removeEngine(found.id), { id: found.id, freedBytes: found.sizeBytes });
  assert.equal(await findEngine('tensorflow-cpu'), null);
  assert.deepEqual(
    (await readdir(home)).filter((name) => name.startsWith('tensorflow')),
    [],
  );
  await assert.rejects(removeEngine(found.id), /none is installed/);
});

test('two installations at once: the second waits, and both get the same engine', { skip }, async (t) => {
  await homeWithRelative(t);
  const results = await Promise.all([installInChild(), installInChild()]);
  assert.equal(results[0]!.engine.builtAtMs, results[1]!.engine.builtAtMs);
  assert.equal(results.filter(({ stages }) => stages.includes('compile')).length, 1);
  assert.equal(results.filter(({ stages }) => stages.includes('wait')).length, 1);
  assert.equal((await listEngines()).length, 2);
});

test('a lock of a process that died is taken over', { skip }, async (t) => {
  const home = await homeWithRelative(t);
  await writeFile(
    path.join(home, '.lock'),
    JSON.stringify({ id: 'x', pid: 2 ** 22 + 1, startTicks: '1', host: os.hostname() }),
  );
  const engine = await installEngine({ device: 'cpu' }, quiet);
  assert.ok(existsSync(engine.bindingPath));
  assert.ok(!existsSync(path.join(home, '.lock')));
});

test(
  'without a compiler the error says how to get one, and nothing counts as installed',
  { skip },
  async (t) => {
    const home = await homeWithRelative(t);
    const before = { PATH: process.env['PATH'], CXX: process.env['CXX'] };
    process.env['PATH'] = home;
    delete process.env['CXX'];
    t.after(() => Object.assign(process.env, { PATH: before.PATH }, before.CXX && { CXX: before.CXX }));
    await assert.rejects(
      installEngine({ device: 'cpu' }, quiet),
      /C\+\+ compiler.*apt install.*dnf install.*pacman/s,
    );
    assert.equal(await findEngine('tensorflow-cpu'), null);
  },
);

test('doctor runs the engine, and names what mends a broken one', { skip }, async (t) => {
  const healthy = await runDoctor({ libraryFolder: path.join(os.tmpdir(), 'reslt-no-library') });
  const tensorflow = healthy.items.find(({ name }) => name === 'TensorFlow (CPU)')!;
  assert.equal(tensorflow.status, 'ok');
  assert.match(tensorflow.value, /^2\.21\.0, computes on the CPU/);
  assert.match(healthy.items.find(({ name }) => name === 'Library folder')!.value, /made at first use/);

  const home = await emptyHome(t);
  await copyEngine(home, installed!.bindingHash);
  const engine = (await findEngine('tensorflow-cpu'))!;
  await rm(engine.bindingPath);
  await writeFile(engine.bindingPath, 'not a library');
  const broken = await runDoctor({ libraryFolder: os.tmpdir() });
  const item = broken.items.find(({ name }) => name === 'TensorFlow (CPU)')!;
  assert.equal(item.status, 'problem');
  assert.match(item.mend!, new RegExp(`engine remove ${engine.id}`));
});

test(
  'the environment names the libraries and the threads, and hides GPUs only when told',
  { skip },
  async () => {
    const environment = await engineEnvironment({ engine: installed, hideGpus: true }, { threads: 3 });
    assert.equal(environment['LD_LIBRARY_PATH']!.split(path.delimiter)[0], installed!.libraryFolder);
    assert.equal(environment['TF_NUM_INTRAOP_THREADS'], '3');
    assert.equal(environment['CUDA_VISIBLE_DEVICES'], '-1');
    const shown = await engineEnvironment({ engine: installed, hideGpus: false }, { threads: null });
    assert.equal(shown['CUDA_VISIBLE_DEVICES'], undefined);
    assert.equal(shown['TF_NUM_INTRAOP_THREADS'], undefined);
    assert.deepEqual(await engineEnvironment({ engine: null, hideGpus: false }, { threads: 2 }), {});
  },
);

/** Installs in a process of its own and returns the engine with the stages that it was told. */
function installInChild(): Promise<{ engine: InstalledEngine; stages: string[] }> {
  const code = `
    import { installEngine } from ${JSON.stringify(path.resolve('main/engine/index.ts'))};
    const stages = [];
    const engine = await installEngine({ device: 'cpu' }, ({ stage }) => stages.push(stage));
    console.log(JSON.stringify({ engine, stages: [...new Set(stages)] }));`;
  return new Promise((resolve, reject) => {
    const child = spawn(nodeExecutable(), ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0
        ? resolve(JSON.parse(output) as { engine: InstalledEngine; stages: string[] })
        : reject(new Error(`The installing process ended with code ${status}.`)),
    );
  });
}
