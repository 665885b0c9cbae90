/**
 * The desktop app's life, with a real trainer: its window, a second launch, closing while something trains, being
 * killed. Whatever happens to the app, the trainer goes on, and the next launch has every point and line once.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import electronPath from 'electron';
import { readOwner } from '../../../main/owner/lock.ts';
import { entry } from '../../../main/paths.ts';
import { addSample, call } from '../app.ts';
import {
  launchArguments,
  launchDesktop,
  launchEnvironment,
  type LaunchOptions,
  type RunningDesktop,
} from './runner.ts';

const TRAINING_MS = 150_000;

/** A library and a profile that outlive the app, and everything that was started with them ended afterwards. */
const test = base.extend<{ place: LaunchOptions; launch: () => Promise<RunningDesktop> }>({
  place: async ({}, use) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-desktop-'));
    await use({ libraryFolder: path.join(folder, 'library'), profile: path.join(folder, 'profile') });
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  },
  launch: async ({ place }, use) => {
    const launched: RunningDesktop[] = [];
    await use(async () => {
      const running = await launchDesktop(place);
      launched.push(running);
      running.page.setDefaultTimeout(15_000);
      return running;
    });
    const errors: string[] = [];
    for (const running of launched) {
      errors.push(...running.errors);
      if (!isRunning(running)) continue;
      await stopAll(running.page).catch(() => undefined);
      await running.close();
    }
    expect(errors, 'errors in the console of the page').toEqual([]);
  },
});

test.describe.configure({ timeout: 240_000 });

/** A test that broke off may have left a trainer behind. */
async function stopAll(page: Page): Promise<void> {
  if (page.isClosed()) return;
  const { running } = await call(page, 'setQueuePaused', { paused: true });
  for (const { id } of running) await call(page, 'stopRun', { id });
  await expect
    .poll(async () => (await call(page, 'getQueue')).running.length, { timeout: TRAINING_MS })
    .toBe(0);
}

const isRunning = ({ process: app }: RunningDesktop): boolean =>
  app.exitCode === null && app.signalCode === null;

/** Its exit code says little here: Playwright kills an app that waits for its debugger to go. */
const ended = (running: RunningDesktop): Promise<void> =>
  new Promise((resolve) => {
    if (isRunning(running)) running.process.once('exit', () => resolve());
    else resolve();
  });

/** The app has ended by itself: the library's owner has signed off. */
async function left(running: RunningDesktop, { libraryFolder }: LaunchOptions): Promise<void> {
  await ended(running);
  expect(existsSync(path.join(libraryFolder, 'owner.json'))).toBe(false);
}

/** As when its button is pressed: the app may ask. */
const closeWindow = ({ electron }: RunningDesktop): Promise<void> =>
  electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());

/** Starts the app again as a person would, and resolves with its exit code. */
const launchAgain = (place: LaunchOptions): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(electronPath as unknown as string, launchArguments(place), {
      env: launchEnvironment(place),
      stdio: 'ignore',
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code));
  });

/** Queues a run of the sample that logs every step, and waits until it trains. */
async function startTraining(page: Page, steps: number): Promise<void> {
  const datasetId = await addSample({ page });
  const preset = (await call(page, 'listPresets')).find(({ name }) => name === 'sample-ce');
  if (!preset) throw new Error('There is no preset sample-ce.');
  await call(page, 'createRuns', {
    preset: preset.name,
    parentRunId: null,
    config: { ...preset.config, maxSteps: steps, logEverySteps: 1, checkpointEvery: 0 },
    datasetId,
    seeds: [0],
    name: null,
    note: '',
    runNext: false,
  });
  await expect.poll(() => stepOf(page), { timeout: TRAINING_MS }).toBeGreaterThan(2);
}

const stateOf = async (page: Page): Promise<string> => (await call(page, 'getRun', { id: 1 })).state;
const stepOf = async (page: Page): Promise<number> =>
  (await call(page, 'getRun', { id: 1 })).progress?.step ?? 0;

async function lossSteps(page: Page): Promise<number[]> {
  const [series] = await call(page, 'getSeries', {
    runIds: [1],
    metrics: ['train/loss'],
    maxPoints: 10_000,
    afterStep: null,
  });
  return series?.steps ?? [];
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('the app is usable within seconds, and its window is where it was', async ({ launch, place }) => {
  const first = await launch();
  console.log(`from launch to usable: ${first.usableAfterMs} ms`);
  const bounds = { x: 40, y: 60, width: 1300, height: 800 };
  await first.electron.evaluate(({ BrowserWindow }, wanted) => {
    BrowserWindow.getAllWindows()[0]?.setBounds(wanted);
  }, bounds);
  await closeWindow(first);
  await left(first, place);
  const second = await launch();
  console.log(`from launch to usable, again: ${second.usableAfterMs} ms`);
  const found = await second.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.getNormalBounds(),
  );
  expect(found).toEqual(bounds);
});

test('a second launch brings the first window to the front and ends', async ({ launch, place }) => {
  const first = await launch();
  await first.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize());
  expect(await launchAgain(place)).toBe(0);
  const isShown = () =>
    first.electron.evaluate(({ BrowserWindow }) => {
      const [window, ...others] = BrowserWindow.getAllWindows();
      return window?.isVisible() === true && !window.isMinimized() && others.length === 0;
    });
  await expect.poll(isShown).toBe(true);
});

test('the menu leads to its places in the page', async ({ launch }) => {
  const { electron, page } = await launch();
  const choose = (...labels: string[]): Promise<void> =>
    electron.evaluate(({ Menu }, [top, entry]) => {
      const menu = Menu.getApplicationMenu()?.items.find(({ label }) => label === top)?.submenu;
      menu?.items.find(({ label }) => label === entry)?.click();
    }, labels);
  await choose('View', 'Datasets');
  await expect(page).toHaveURL(/#\/datasets/);
  await choose('File', 'Settings…');
  await expect(page).toHaveURL(/#\/settings/);
  await choose('Help', 'Keyboard Shortcuts');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
});

test('a page that crashes is loaded again', async ({ launch }) => {
  const { electron } = await launch();
  const pageProcess = () =>
    electron.evaluate(({ BrowserWindow }) => {
      const page = BrowserWindow.getAllWindows()[0]?.webContents;
      return page === undefined || page.isCrashed() || page.isLoading() ? 0 : page.getOSProcessId();
    });
  const crashed = await pageProcess();
  await electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
  );
  await expect.poll(async () => ![0, crashed].includes(await pageProcess())).toBe(true);
  const heading = () =>
    electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(
        `document.querySelector('main h1')?.textContent ?? ''`,
      ),
    );
  await expect.poll(heading).toContain('Runs');
});

test('a window over a library that another process owns follows it, and takes its place when it dies', async ({
  launch,
  place,
}) => {
  await mkdir(place.libraryFolder, { recursive: true });
  const { command, args } = entry('headless');
  const owner = spawn(command, [...args, '--library', place.libraryFolder], { stdio: 'ignore' });
  await expect.poll(() => readOwner(place.libraryFolder)?.socketPath ?? null).not.toBeNull();
  const window = await launch();
  expect((await call(window.page, 'getAppInfo')).shell).toBe('headless');
  await addSample(window);
  owner.kill('SIGKILL');
  await expect.poll(() => readOwner(place.libraryFolder)?.pid).toBe(window.process.pid);
  await window.page.evaluate(`location.hash = '#/datasets'`);
  await expect(window.page.getByRole('heading', { level: 1, name: 'Fashion-MNIST sample' })).toBeVisible();
  expect((await call(window.page, 'getAppInfo')).shell).toBe('desktop');
});

test('closing in mid-run asks; kept training goes on in the tray, and survives a kill of the app', async ({
  launch,
  place,
}) => {
  const steps = 60;
  const first = await launch();
  await startTraining(first.page, steps);

  // Cancel: nothing happens.
  await closeWindow(first);
  const question = first.page.getByRole('dialog', { name: /^Close while .* trains\?$/ });
  await expect(question).toContainText('Epoch');
  await first.page.keyboard.press('Escape');
  await expect(question).toHaveCount(0);
  expect(await stateOf(first.page)).toBe('running');

  // Keep training: the window goes, the app stays.
  await closeWindow(first);
  await question.getByRole('radio', { name: /^Keep training/ }).click();
  await question.getByRole('button', { name: 'Close window' }).click();
  const windows = () => first.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  await expect.poll(windows).toBe(0);
  expect(isRunning(first)).toBe(true);

  // The next launch finds the run again.
  const [page, code] = await Promise.all([first.electron.waitForEvent('window'), launchAgain(place)]);
  expect(code).toBe(0);
  await expect(page.locator('main h1').first()).toBeVisible();
  expect(await stateOf(page)).toBe('running');
  const before = await stepOf(page);

  // Killed, with the trainer left behind; started again, attached again.
  first.process.kill('SIGKILL');
  await ended(first);
  const second = await launch();
  expect(await stateOf(second.page)).toBe('running');
  expect(await stepOf(second.page)).toBeGreaterThanOrEqual(before);
  await expect.poll(() => stateOf(second.page), { timeout: TRAINING_MS }).toBe('completed');
  expect(await lossSteps(second.page)).toEqual(upTo(steps));
  const { lines } = await call(second.page, 'getLog', { runId: 1, offset: 0, limit: 1000 });
  const trained = lines.filter(({ text }) => text.startsWith('Train loss')).map(({ text }) => text);
  expect(trained).toHaveLength(steps);
  expect(new Set(lines.map(({ number }) => number)).size).toBe(lines.length);
  expect((await call(second.page, 'getRun', { id: 1 })).attempts).toHaveLength(1);
});

test('closing with “pause” sees the run out to its checkpoint and leaves', async ({ launch, place }) => {
  const first = await launch();
  await startTraining(first.page, 400);
  await closeWindow(first);
  const question = first.page.getByRole('dialog', { name: /^Close while/ });
  // By keys alone: the first answer has the focus.
  await expect(question.getByRole('radio', { name: /^Keep training/ })).toBeFocused();
  await first.page.keyboard.press('ArrowDown');
  await expect(question.getByRole('radio', { name: /^Pause/ })).toBeChecked();
  await question.getByRole('checkbox', { name: 'Do this every time' }).click();
  await question.getByRole('button', { name: 'Close window' }).click();
  await left(first, place);
  const second = await launch();
  expect(await stateOf(second.page)).toBe('paused');
  expect((await call(second.page, 'getQueue')).paused).toBe(true);
  // An answer for good is found, and taken back, among the settings.
  await second.page.evaluate(`location.hash = '#/settings/window'`);
  const choice = second.page.getByRole('combobox', { name: /^Closing while/ });
  await expect(choice).toContainText('Pause');
  await choice.click();
  await second.page.getByRole('option', { name: 'Ask' }).click();
  await expect
    .poll(async () => (await call(second.page, 'getPreferences')).views['closeWhileTraining'])
    .toBe('ask');
  const checkpoints = await call(second.page, 'listCheckpoints', { runId: 1 });
  expect(checkpoints.map(({ step }) => step)).toHaveLength(1);
});
