/**
 * The application as a test sees it: a page over a library of its own, in one of two shells. The specs in `pages/` run
 * in both (Playwright's projects say which): in Chromium against the headless server, and in a real Electron window. A
 * test fails when the page logs an error, throws, or breaks the content security policy, whatever else it checks.
 *
 *   import { expect, test } from '../app.ts';
 *   test.use({ library: { fill: async (folder) => { … } } });   // optional: before its owner opens it
 *   test('…', async ({ app }) => { await app.open('#/datasets'); await app.call('listDatasets'); … });
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test as base, type Browser, type Page } from '@playwright/test';
import { entry } from '../../main/paths.ts';
import type { Api, ApiMethod, Bridge, Reply, Task } from '../../preload/contract.ts';
import { startDesktop } from './desktop/runner.ts';

export { expect };

export type Shell = 'headless' | 'desktop';

/** What a shell gives: a page that is signed in and shows the application, and the way to end it. */
export interface RunningShell {
  page: Page;
  /** What `collectErrors` fills. */
  errors: string[];
  /** Ends the owner. Trainers may go on; the page is gone. */
  close(): Promise<void>;
}

type Answer<M extends ApiMethod> = Awaited<ReturnType<Api[M]>>;

export interface App {
  readonly page: Page;
  readonly libraryFolder: string;
  /** Goes to an address of the page ("#/datasets"). */
  open(hash: string): Promise<void>;
  /** A request of the page's own, with its rights; throws the owner's sentence. */
  call<M extends ApiMethod>(method: M, argument?: Parameters<Api[M]>[0]): Promise<Answer<M>>;
  /** Waits for a task of the owner; throws its sentence when it failed. */
  finished(task: Task): Promise<Task>;
  /** Errors that the test expects, so that they don't fail it. */
  expectErrors(pattern: RegExp): void;
}

export interface ShellOptions {
  shell: Shell;
  /** `fill` prepares the library's folder before its owner opens it. In an object, since Playwright takes functions for fixtures. */
  library: { fill: ((libraryFolder: string) => Promise<void>) | null };
}

/** What code inside the page finds there. */
interface PageWindow {
  location: { hash: string };
  bridge?: Bridge;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;

export const test = base.extend<
  Pick<ShellOptions, 'library'> & { libraryFolder: string; app: App },
  Pick<ShellOptions, 'shell'> & { chromium: Browser | null }
>({
  shell: ['headless', { option: true, scope: 'worker' }],
  library: [{ fill: null }, { option: true }],

  /** Playwright's own `browser` would be started for the desktop too. */
  chromium: [
    async ({ shell, playwright }, use) => {
      const browser = shell === 'headless' ? await playwright.chromium.launch() : null;
      await use(browser);
      await browser?.close();
    },
    { scope: 'worker' },
  ],

  libraryFolder: async ({}, use) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-e2e-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  },

  app: async ({ chromium, library, libraryFolder, viewport }, use) => {
    await library.fill?.(libraryFolder);
    const running =
      chromium === null
        ? await startDesktop(libraryFolder)
        : await startHeadless(libraryFolder, chromium, viewport);
    const { page, errors } = running;
    const expected: RegExp[] = [];
    page.setDefaultTimeout(15_000);
    await use({
      page,
      libraryFolder,
      async open(hash) {
        await page.evaluate((to) => void ((globalThis as unknown as PageWindow).location.hash = to), hash);
      },
      call: (method, argument) => call(page, method, argument),
      finished: (task) => finished(page, task),
      expectErrors: (pattern) => expected.push(pattern),
    });
    await running.close();
    expect(
      errors.filter((error) => !expected.some((pattern) => pattern.test(error))),
      'errors in the console of the page',
    ).toEqual([]);
  },
});

/** Errors in the page's console (breaches of its content security policy among them) and errors it throws, from now on. */
export function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  return errors;
}

/** Starts an owner that serves the page (`program`: another than ours), and signs a browser in. */
export async function startHeadless(
  libraryFolder: string,
  browser: Browser,
  viewport: { width: number; height: number } | null,
  { command, args }: { command: string; args: string[] } = entry('headless'),
): Promise<RunningShell> {
  const server = spawn(command, [...args, '--library', libraryFolder], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await addressOf(server);
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  const errors = collectErrors(page);
  await page.goto(url);
  await page.getByRole('main').waitFor();
  return {
    page,
    errors,
    async close() {
      await context.close();
      await stop(server);
    },
  };
}

/** The address that the server prints once it can be opened. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(
      () => reject(new Error(`The server printed no address in ${START_DEADLINE_MS} ms. It said: ${said}`)),
      START_DEADLINE_MS,
    );
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const url = /http:\/\/\S+/.exec(said)?.[0];
      // The line may come in two pieces; its end tells that the address is whole.
      if (url === undefined || !said.slice(said.indexOf(url) + url.length).includes('\n')) return;
      clearTimeout(timer);
      resolve(url);
    };
    server.stdout?.on('data', hear);
    server.stderr?.on('data', hear);
    server.once('exit', (code) => reject(new Error(`The server ended with ${code} at its start: ${said}`)));
  });
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_DEADLINE_MS);
  await gone;
  clearTimeout(timer);
}

/** Runs in the page, so that it goes the way of the page's own requests in either shell. */
export async function call<M extends ApiMethod>(
  page: Page,
  method: M,
  argument?: Parameters<Api[M]>[0],
): Promise<Answer<M>> {
  const reply = await page.evaluate(
    async ([name, given]): Promise<Reply> => {
      const { bridge } = globalThis as unknown as PageWindow;
      if (bridge) return bridge.invoke(name, given);
      const response = await fetch(`./api/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(given),
      });
      return (await response.json()) as Reply;
    },
    [method, argument ?? null] as const,
  );
  if (!reply.ok) throw new Error(`${method}: ${reply.error.message}`);
  return reply.value as Answer<M>;
}

async function finished(page: Page, task: Task): Promise<Task> {
  let current = task;
  await expect
    .poll(
      async () => {
        current = await call(page, 'getTask', { id: task.id });
        return current.state;
      },
      { timeout: 60_000, message: `the end of "${task.title}"` },
    )
    .not.toBe('running');
  if (current.state !== 'done') throw new Error(`${task.title}: ${current.error?.message ?? current.state}`);
  return current;
}

/** Adds the bundled sample and waits for it; most tests begin with it. */
export async function addSample({ page }: Pick<App, 'page'>): Promise<number> {
  const { resultId } = await finished(page, await call(page, 'addSampleDataset'));
  if (resultId === null) throw new Error('Adding the sample made no dataset.');
  return resultId;
}
