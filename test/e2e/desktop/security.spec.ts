/** What a page can't do: have Node, leave, open windows, get permissions; and what does not count as our page. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test as base, type Page } from '@playwright/test';
import { PAGE_SECURITY_HEADERS } from '../../../main/pageFiles.ts';
import { rootFolder } from '../../../main/paths.ts';
import { launchDesktop, type RunningDesktop } from './runner.ts';

const PRELOAD = path.join(rootFolder(), 'out', 'desktop', 'preload.cjs');

const test = base.extend<{ desktop: RunningDesktop }>({
  desktop: async ({}, use) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-desktop-'));
    const running = await launchDesktop({
      libraryFolder: path.join(folder, 'library'),
      profile: path.join(folder, 'profile'),
    });
    await use(running);
    await running.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  },
});

/** Evaluates in the page, by its words. */
const inPage = <T>(page: Page, expression: string): Promise<T> => page.evaluate(expression);

test('the page has no Node, and of Electron only the bridge', async ({
  desktop: { page, electron, errors },
}) => {
  const found = await inPage<Record<string, string>>(
    page,
    `Object.fromEntries(['require', 'process', 'module', 'Buffer', 'global', '__dirname', 'electron', 'ipcRenderer']
       .map((name) => [name, typeof globalThis[name]]))`,
  );
  expect(new Set(Object.values(found))).toEqual(new Set(['undefined']));
  expect(await inPage(page, 'Object.values(window.bridge).every((part) => typeof part === "function")')).toBe(
    true,
  );
  const preferences = await electron.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
      getLastWebPreferences(): Record<string, unknown>;
    };
    const { contextIsolation, sandbox, nodeIntegration, webSecurity, webviewTag } =
      contents.getLastWebPreferences();
    return { contextIsolation, sandbox, nodeIntegration, webSecurity, webviewTag };
  });
  expect(preferences).toEqual({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    webSecurity: true,
    webviewTag: false,
  });
  expect(errors).toEqual([]);
});

test('the page can’t leave, and opens no window', async ({ desktop: { page, electron } }) => {
  const windows = () => electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  await inPage(page, `void (location.href = 'https://example.org/')`);
  await inPage(page, `void (location.href = 'file:///etc/passwd')`);
  await inPage(page, `void (location.href = 'app://other/index.html')`);
  expect(await inPage(page, `window.open('https://example.org/') === null`)).toBe(true);
  expect(await inPage(page, `window.open('app://studio/index.html') === null`)).toBe(true);
  await inPage(
    page,
    `(() => {
       const link = document.createElement('a');
       link.href = 'https://example.org/';
       link.target = '_blank';
       document.body.append(link);
       link.click();
       link.remove();
     })()`,
  );
  // Playwright's own waits hang on a navigation that was refused.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await inPage(page, 'location.href')).toMatch(/^app:\/\/studio\/index\.html/);
  expect(await inPage(page, `document.querySelector('main h1').textContent`)).toContain('Runs');
  expect(await windows()).toBe(1);
});

test('every answer carries the policy; nothing outside the page’s folder is served', async ({
  desktop: { page },
}) => {
  const get = (address: string) =>
    inPage<{ status: number; policy: string | null; text: string }>(
      page,
      `fetch(${JSON.stringify(address)}).then(async (answer) => ({
         status: answer.status,
         policy: answer.headers.get('content-security-policy'),
         text: (await answer.text()).slice(0, 80),
       }))`,
    );
  const policy = PAGE_SECURITY_HEADERS['content-security-policy'];
  expect(await get('/index.html')).toMatchObject({ status: 200, policy });
  for (const address of [
    '/../desktop/main.cjs',
    '/%2e%2e/desktop/main.cjs',
    '/..%2fdesktop%2fmain.cjs',
    '/%',
    '/nothing',
    '/resource/nothing/1',
  ])
    expect(await get(address), address).toMatchObject({ status: 404, policy });
  const post = await inPage<number>(
    page,
    `fetch('/index.html', { method: 'POST' }).then((answer) => answer.status)`,
  );
  expect(post).toBe(405);
  const blocked = await inPage<string>(
    page,
    `fetch('https://example.org/').then(() => 'came', () => 'refused')`,
  );
  expect(blocked).toBe('refused');
  // In a task of its own: what a debugger evaluates may evaluate.
  const evaluated = await inPage<string>(
    page,
    `new Promise((resolve) => setTimeout(() => {
       try { resolve(new Function('return "ran"')()); } catch { resolve('refused'); }
     }))`,
  );
  expect(evaluated).toBe('refused');
});

test('permissions are refused', async ({ desktop: { page } }) => {
  const state = (name: string) =>
    inPage<string>(page, `navigator.permissions.query({ name: '${name}' }).then(({ state }) => state)`);
  for (const name of ['geolocation', 'camera', 'microphone', 'notifications', 'clipboard-read'])
    expect(await state(name), name).toBe('denied');
});

test('messages of another page are refused', async ({ desktop: { page, electron } }) => {
  // The same preload, so the same bridge, in a window of a foreign page.
  const answer = await electron.evaluate(async ({ BrowserWindow }, preload) => {
    const foreign = new BrowserWindow({
      show: false,
      webPreferences: { preload, contextIsolation: true, sandbox: true },
    });
    await foreign.loadURL('data:text/html,<title>foreign</title>');
    const ask = (words: string): Promise<unknown> => foreign.webContents.executeJavaScript(words);
    const replies = {
      api: await ask(`window.bridge.invoke('getSettings', null)`),
      path: await ask(`window.bridge.choosePath({ title: 'x', kind: 'folder' })`),
    };
    foreign.destroy();
    return replies;
  }, PRELOAD);
  expect(answer).toMatchObject({ api: { ok: false, error: { code: 'not-allowed' } }, path: null });
  // Our page's own message, for comparison.
  expect(await inPage(page, `window.bridge.invoke('getSettings', null)`)).toMatchObject({ ok: true });
});
