/**
 * End-to-end tests: `browser` drives the page in a Chromium against headless mode, `desktop` drives the app in a real
 * Electron window; the specs in test/e2e/pages run in both. scripts/test.mjs finds both and a display; with `npx playwright test` they have to be there.
 */
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';
import type { ShellOptions } from './test/e2e/app.ts';

/** Debian's, for runs without scripts/test.mjs; Playwright's own is used where there is neither. */
const SYSTEM_CHROMIUM = '/usr/bin/chromium';
const chromium = process.env['RESLT_CHROMIUM'] ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined);

export default defineConfig<ShellOptions>({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  // Each test starts an owner and trainings of its own, which share two cores.
  workers: 1,
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  use: {
    launchOptions: chromium === undefined ? {} : { executablePath: chromium },
    trace: 'off',
  },
  projects: [
    {
      name: 'browser',
      testMatch: ['browser/**/*.spec.ts', 'pages/**/*.spec.ts'],
      use: { shell: 'headless' },
    },
    { name: 'desktop', testMatch: ['desktop/**/*.spec.ts', 'pages/**/*.spec.ts'], use: { shell: 'desktop' } },
  ],
});
