/** Programs from outside that the scripts start when they are there: Electron, a Chromium, a virtual display. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { dependency, findProgram, pinnedNode, readStamp, run, say, windows, writeStamp } from './lib.mjs';

const ELECTRON_TIMEOUT_MS = 10 * 60_000;
const BROWSER_TIMEOUT_MS = 5 * 60_000;

/** Whether a window can be shown. */
export function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** The Electron to start: `ELECTRON_OVERRIDE_DIST_PATH`, or the npm package's own once it was downloaded; or null. */
export function findElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const folder = override ? override : dependency('electron', 'dist');
  const name =
    process.platform === 'darwin'
      ? 'Electron.app/Contents/MacOS/Electron'
      : windows
        ? 'electron.exe'
        : 'electron';
  const file = path.join(folder, name);
  return existsSync(file) ? file : null;
}

/** Lets the npm package fetch its binary, once for each version. Returns it, or null. */
export async function downloadElectron() {
  const { version } = JSON.parse(readFileSync(dependency('electron', 'package.json'), 'utf8'));
  if (readStamp('electronDownload') === version) return null;
  say(`Downloading Electron ${version} (about 120 MB, once) …`);
  const { code } = await run(pinnedNode(), [dependency('electron', 'install.js')], {
    stdio: ['ignore', 2, 2],
    timeoutMs: ELECTRON_TIMEOUT_MS,
  });
  if (code !== 0) writeStamp('electronDownload', version);
  return findElectron();
}

/** Chromium refuses to start its sandbox as root; containers run as root. */
export function sandboxArguments() {
  return process.platform === 'linux' && process.getuid() === 0 ? ['--no-sandbox'] : [];
}

/** A Chromium for the browser tests: `RESLT_CHROMIUM`, Playwright's own, the system's, or one that Playwright installs. */
export async function findBrowser({ install = false } = {}) {
  const chosen = process.env.RESLT_CHROMIUM;
  if (chosen && existsSync(chosen)) return chosen;
  const { chromium } = await import('playwright-core');
  if (existsSync(chromium.executablePath())) return chromium.executablePath();
  const system = [
    ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'].map(
      findProgram,
    ),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ].find((file) => file !== null && existsSync(file));
  if (system !== undefined) return system;
  if (!install) return null;
  say('No Chromium is here: letting Playwright install one (about 170 MB, once) …');
  const { code } = await run(pinnedNode(), [dependency('playwright-core', 'cli.js'), 'install', 'chromium'], {
    stdio: ['ignore', 2, 2],
    timeoutMs: BROWSER_TIMEOUT_MS,
  });
  return code === 0 && existsSync(chromium.executablePath()) ? chromium.executablePath() : null;
}

/** The command that runs another one on a virtual display, or null where there is none. */
export function virtualDisplay() {
  return findProgram('Xvfb') !== null && findProgram('xvfb-run') !== null
    ? ['xvfb-run', '-a', '-s', '-screen 0 1920x1200x24']
    : null;
}
