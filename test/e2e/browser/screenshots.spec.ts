/**
 * A picture of every screen, light and dark, at 1280x800 and 1920x1080, in `screenshots/` (not committed): to look at
 * beside the visual reference. The runs that are compared are real and short; the table's others come from the seeder.
 */
import path from 'node:path';
import type { Page } from '@playwright/test';
import { openStore } from '../../../main/store/index.ts';
import { seedLibrary } from '../../helpers/seedLibrary.ts';
import { addSample, expect, test, type App } from '../app.ts';

const FOLDER = 'screenshots';
const SIZES = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];
const THEMES = ['light', 'dark'] as const;
const SEEDED_RUNS = 400;
/** For what is drawn after the data has come: charts on the next frame, thumbnails when decoded. */
const SETTLE_MS = 700;

async function picture(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await page.waitForTimeout(SETTLE_MS);
      await page.screenshot({ path: path.join(FOLDER, `${name}-${size.width}-${theme}.png`) });
    }
  }
}

/** A run of a preset on the sample, long enough to have charts, short enough to wait for. */
async function trainSample(app: App, presetName: string, datasetId: number): Promise<number> {
  const preset = (await app.call('listPresets')).find(({ name }) => name === presetName);
  if (!preset) throw new Error(`There is no preset ${presetName}.`);
  const { runs } = await app.call('createRuns', {
    preset: preset.name,
    parentRunId: null,
    config: { ...preset.config, epochs: 2, maxSteps: 6, logEverySteps: 1 },
    datasetId,
    seeds: [0],
    name: null,
    note: '',
    runNext: false,
  });
  const id = runs[0]?.id ?? 0;
  await expect
    .poll(async () => (await app.call('getRun', { id })).state, { timeout: 150_000, intervals: [500] })
    .toBe('completed');
  return id;
}

test('imports', async ({ app }) => {
  test.setTimeout(240_000);
  const { page } = app;
  const golden = path.join(import.meta.dirname, '..', '..', 'fixtures', 'golden');
  await app.open('#/runs');
  await page.getByRole('button', { name: 'Import…' }).click();
  await picture(page, 'import-file');
  const field = page.getByRole('textbox', { name: 'Path on this machine' });
  const look = async (file: string): Promise<void> => {
    await field.fill(path.join(golden, file));
    await field.press('Enter');
    await expect(page.getByRole('table', { name: 'What was found' })).toBeVisible({ timeout: 30_000 });
  };
  await look('checkpoints/zip_reslt_cifar10_resnet32.pth');
  await picture(page, 'import-checkpoint');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Import/ })
    .click();
  await expect(page).toHaveURL(/#\/runs\/\d+/, { timeout: 60_000 });
  await picture(page, 'imported-checkpoint');
  await app.open('#/runs/1/checkpoints');
  await picture(page, 'imported-checkpoints');
  await app.open('#/runs');
  await page.getByRole('button', { name: 'Import…' }).click();
  await look('logs/reslt_cifar10_cuda.log');
  await picture(page, 'import-log');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Import/ })
    .click();
  await expect(page).toHaveURL(/#\/runs\/\d+/, { timeout: 60_000 });
  await picture(page, 'imported-log');
  await app.open('#/runs');
  await picture(page, 'runs-with-imports');
});

test('empty screens', async ({ app }) => {
  const { page } = app;
  for (const name of ['datasets', 'runs', 'compare', 'settings']) {
    await app.open(`#/${name}`);
    await picture(page, `empty-${name}`);
  }
});

test.describe('screens with data', () => {
  test.use({
    library: {
      fill: async (libraryFolder: string) => {
        const store = openStore(path.join(libraryFolder, 'library.db'));
        seedLibrary(store, { runs: SEEDED_RUNS, detailedRuns: 3 });
        store.close();
      },
    },
  });

  test('every screen', async ({ app }) => {
    test.setTimeout(600_000);
    const { page } = app;
    const datasetId = await addSample(app);
    const reslt = await trainSample(app, 'sample-reslt', datasetId);
    const ce = await trainSample(app, 'sample-ce', datasetId);

    await app.open('#/runs');
    await picture(page, 'runs');
    await page.keyboard.press('n');
    await expect(page.getByRole('dialog')).toBeVisible();
    await picture(page, 'new-run');
    await page.keyboard.press('Escape');

    await app.open(`#/runs/${SEEDED_RUNS}`);
    await picture(page, 'run-overview');
    for (const tab of ['log', 'config', 'checkpoints', 'classes']) {
      await app.open(`#/runs/${reslt}/${tab}`);
      await picture(page, `run-${tab}`);
    }
    await app.open(`#/compare?refs=${reslt}@last,${ce}@last`);
    await picture(page, 'compare');
    await app.open(`#/datasets/${datasetId}`);
    await picture(page, 'dataset');
    await app.open('#/settings');
    await picture(page, 'settings');
    await page.keyboard.press('Control+k');
    await picture(page, 'palette');
  });
});
