/**
 * The packaged app, as electron-builder makes it with the Electron of these tests: it starts, and finds its Node, its
 * engine and its library; so does the launcher beside it, which trains without a compiler or a checkout. Two fuses are
 * left open here, without which no test could drive the app; what ships is checked in test/unit/desktop.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import electronPath from 'electron';
import { findEngine } from '../../../main/engine/index.ts';
import { rootFolder } from '../../../main/paths.ts';
import { call } from '../app.ts';
import { launchDesktop } from './runner.ts';

const OPEN_FOR_TESTS = [
  '-c.electronFuses.onlyLoadAppFromAsar=false',
  '-c.electronFuses.enableNodeCliInspectArguments=true',
];

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // From another folder than the checkout's, so that nothing is found there by chance.
    const child = spawn(command, args, { cwd: os.tmpdir(), env });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...outcome, code }));
  });
}

test.describe.configure({ mode: 'serial', timeout: 300_000 });

let folder = '';
let app = '';

test.beforeAll(async () => {
  test.setTimeout(300_000);
  const isNative = process.platform === 'linux' && process.arch === 'x64';
  test.skip(
    isNative &&
      (await findEngine('tensorflow-cpu')) === null &&
      (await findEngine('tensorflow-gpu')) === null,
    'no native engine is installed, so there is no compiled binding to package',
  );
  folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-package-'));
  const distribution = path.dirname(electronPath as unknown as string);
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ? [] : [`-c.electronDist=${distribution}`];
  const { code, stderr, stdout } = await run(
    process.execPath,
    [
      path.join(rootFolder(), 'scripts', 'package.mjs'),
      '--dir',
      `-c.directories.output=${folder}`,
      ...override,
      ...OPEN_FOR_TESTS,
    ],
    process.env,
  );
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  const unpacked = (await readdir(folder)).find((name) => name.endsWith('-unpacked'));
  app = path.join(folder, unpacked ?? '');
});

test.afterAll(async () => {
  if (folder !== '') await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

test('the app starts from its package and finds Node, engine and library', async () => {
  test.skip(process.platform !== 'linux', 'the layout of the unpacked folder is known here for Linux');
  const resources = path.join(app, 'resources');
  const executablePath = path.join(app, 'reslt-studio');
  const fuses = (await getCurrentFuseWire(executablePath)) as Record<number, FuseState>;
  for (const fuse of [FuseV1Options.RunAsNode, FuseV1Options.EnableNodeOptionsEnvironmentVariable])
    expect(fuses[fuse]).toBe(FuseState.DISABLE);
  // An Electron that brings a default app of its own starts that one, unless our asar has the name it looks for.
  if (existsSync(path.join(resources, 'app')))
    await rename(path.join(resources, 'app.asar'), path.join(resources, 'packaged.asar'));
  if (
    existsSync(path.join(resources, 'app.asar.unpacked')) &&
    existsSync(path.join(resources, 'packaged.asar'))
  )
    await rename(path.join(resources, 'app.asar.unpacked'), path.join(resources, 'packaged.asar.unpacked'));
  const libraryFolder = path.join(folder, 'library');
  const running = await launchDesktop({
    executablePath,
    libraryFolder,
    profile: path.join(folder, 'profile'),
  });
  console.log(`packaged, from launch to usable: ${running.usableAfterMs} ms`);
  const info = await call(running.page, 'getAppInfo');
  expect(info).toMatchObject({ shell: 'desktop', libraryFolder });
  const doctor = await call(running.page, 'getDoctor');
  const value = (name: string) => doctor.find((item) => item.name === name)?.value ?? '';
  expect(value('Node')).toContain(path.join(resources, 'node-app', 'bin', 'node'));
  expect(value('ResLT Studio')).toContain('package in');
  expect(await running.electron.evaluate(({ app: electron }) => electron.isPackaged)).toBe(true);
  await running.close();
  expect(running.errors).toEqual([]);
});

test('its command line checks itself and trains, with the compiled binding of the package', async () => {
  const nodeApp = path.join(app, 'resources', 'node-app');
  const reslt = path.join(nodeApp, process.platform === 'win32' ? 'reslt.cmd' : 'reslt');
  const env = { ...process.env, RESLT_LIBRARY: path.join(folder, 'second library') };
  const doctor = await run(reslt, ['doctor', '--json'], env);
  const { items } = JSON.parse(doctor.stdout) as { items: { name: string; value: string }[] };
  const value = (name: string) => items.find((item) => item.name === name)?.value ?? '';
  expect(value('Node')).toContain(nodeApp);
  const engine = /^TensorFlow/.test(value('Engine')) ? 'auto' : null;
  test.skip(engine === null, 'no native engine is installed, and WebAssembly takes minutes for a run');
  expect(existsSync(path.join(nodeApp, 'engine-binding', 'tfjs_binding.node'))).toBe(true);

  const trained = await run(reslt, ['run', 'sample-ce', '--set', 'maxSteps=2', '--wait', '--json'], env);
  expect(trained.stderr + trained.stdout).toContain('"completed"');
  const { runs } = JSON.parse(trained.stdout) as { runs: { state: string; result: { top1: number } }[] };
  expect(runs).toHaveLength(1);
  expect(runs[0]?.result.top1).toBeGreaterThan(0);
  expect(trained.code).toBe(0);
});
