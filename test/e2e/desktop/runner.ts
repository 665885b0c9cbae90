/**
 * The app in a real Electron window. Each launch has a profile of its own, so that no test sees another's window or
 * lock; a test that starts the app twice gives both the same.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication } from '@playwright/test';
import { rootFolder } from '../../../main/paths.ts';
import { collectErrors, type RunningShell } from '../app.ts';

export interface RunningDesktop extends RunningShell {
  electron: ElectronApplication;
  /** Electron's main process. */
  process: ChildProcess;
  /** From the start of the process to a page that shows its first data. */
  usableAfterMs: number;
}

export interface LaunchOptions {
  libraryFolder: string;
  /** Where Electron keeps its own files. */
  profile: string;
  /** Another program than the checkout's app in Electron: a packaged one. */
  executablePath?: string;
  env?: Record<string, string>;
}

/** The pages' tests begin when this is there; it comes with the first answers of the owner. */
const USABLE = 'main h1, main h2';

/** Launches the app and waits until it can be used. Electron is the npm package's, or ELECTRON_OVERRIDE_DIST_PATH's. */
export async function launchDesktop(options: LaunchOptions): Promise<RunningDesktop> {
  const startedAtMs = Date.now();
  const electron = await _electron.launch({
    ...(options.executablePath !== undefined && { executablePath: options.executablePath }),
    args: launchArguments(options),
    env: launchEnvironment(options),
  });
  const page = await electron.firstWindow();
  const errors = collectErrors(page);
  await page.locator(USABLE).first().waitFor();
  return {
    electron,
    process: electron.process(),
    page,
    errors,
    usableAfterMs: Date.now() - startedAtMs,
    close: () => quit(electron),
  };
}

/** For a launch that is not watched, such as a second one. */
export function launchArguments({ libraryFolder, executablePath }: LaunchOptions): string[] {
  // Chromium refuses to start its sandbox as root; containers run as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return [...sandbox, ...(executablePath === undefined ? [rootFolder()] : []), '--library', libraryFolder];
}

export function launchEnvironment({ profile, env }: LaunchOptions): Record<string, string> {
  return {
    ...(process.env as Record<string, string>),
    // No message box may wait for somebody; no session bus may be asked for a tray.
    CI: '1',
    XDG_CONFIG_HOME: profile,
    ...env,
  };
}

/** Ends the app as its menu does: the owner lets go of its library, trainings go on. */
export async function quit(electron: ElectronApplication): Promise<void> {
  const closed = electron.waitForEvent('close');
  await electron.evaluate(({ app }) => app.quit()).catch(() => undefined);
  await closed;
}

/** For the specs in `pages/`. */
export async function startDesktop(libraryFolder: string): Promise<RunningShell> {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'reslt-profile-'));
  const running = await launchDesktop({ libraryFolder, profile });
  return {
    ...running,
    async close() {
      await running.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
