/** The Runs page: table, filters, selection, bulk actions with undo, and the queue, over real libraries. */
import path from 'node:path';
import type { Page } from '@playwright/test';
import { openStore } from '../../../main/store/index.ts';
import { seedLibrary } from '../../helpers/seedLibrary.ts';
import { addSample, expect, test, type App } from '../app.ts';

function seeded(runs: number): (libraryFolder: string) => Promise<void> {
  return async (libraryFolder) => {
    const store = openStore(path.join(libraryFolder, 'library.db'));
    seedLibrary(store, { runs, detailedRuns: 2 });
    store.close();
  };
}

const grid = (page: Page) => page.getByRole('grid', { name: 'Runs' });
const bulk = (page: Page) => page.getByRole('toolbar', { name: 'Actions with the selected runs' });
const firstCells = (page: Page, column: number) =>
  grid(page)
    .locator('tbody tr:not(.gap)')
    .evaluateAll((rows, at) => rows.slice(0, 12).map((row) => row.children[at]?.textContent ?? ''), column);

/** Waiting runs of the sample with these seeds, in a queue that stands still. */
async function queueSample(app: App, seeds: number[]): Promise<number[]> {
  const datasetId = await addSample(app);
  await app.call('setQueuePaused', { paused: true });
  const preset = (await app.call('listPresets')).find(({ name }) => name === 'sample-ce');
  if (!preset) throw new Error('There is no preset sample-ce.');
  const { runs } = await app.call('createRuns', {
    preset: preset.name,
    parentRunId: null,
    config: preset.config,
    datasetId,
    seeds,
    name: null,
    note: '',
    runNext: false,
  });
  return runs.map(({ id }) => id);
}

const waitingIds = async (app: App) => (await app.call('getQueue')).waiting.map(({ runId }) => runId);

test('an empty library queues its first run in one click', async ({ app }) => {
  const { page } = app;
  await app.open('#/runs');
  await app.call('setQueuePaused', { paused: true });
  await expect(page.getByRole('heading', { name: 'No runs yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Run the sample' }).click();
  await expect(page).toHaveURL(/#\/runs\/1$/);
  const run = await app.call('getRun', { id: 1 });
  expect([run.state, run.preset, run.datasetKind]).toEqual(['queued', 'sample-reslt', 'sample']);
});

test.describe('over 160 runs', () => {
  test.use({ library: { fill: seeded(160) } });

  test('a seed group is one row with mean and deviation, and opens to its runs', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    const group = grid(page).getByRole('row', { name: /n = 3/ }).first();
    await expect(group).toContainText('±');
    await group.getByRole('button', { name: /^Open the runs of/ }).click();
    for (const seed of [0, 1, 2]) {
      await expect(
        grid(page)
          .getByRole('row', { name: new RegExp(`seed ${seed}`) })
          .first(),
      ).toBeVisible();
    }
    await page
      .getByRole('combobox', { name: /^Seeds/ })
      .or(page.getByRole('button', { name: /^Seeds/ }))
      .click();
    await page.getByRole('option', { name: /one by one/ }).click();
    await expect(grid(page).getByText(/^n = /)).toHaveCount(0);
  });

  test('every column sorts both ways, over all runs', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await page.getByRole('button', { name: 'Sort by Last epoch: all classes' }).click();
    await expect(page.getByRole('columnheader', { name: /Last epoch: all classes/ })).toHaveAttribute(
      'aria-sort',
      'descending',
    );
    const column = await page
      .getByRole('columnheader', { name: /Last epoch: all classes/ })
      .evaluate((head) => [...(head.parentElement?.children ?? [])].indexOf(head));
    const values = async () => (await firstCells(page, column)).map((text) => Number.parseFloat(text));
    await expect
      .poll(async () => {
        const shown = await values();
        return shown.length > 5 && shown.every((value, index) => index === 0 || value <= shown[index - 1]!);
      })
      .toBe(true);
    const best = (await values())[0];
    await page.getByRole('button', { name: 'Sort by Last epoch: all classes' }).click();
    await expect.poll(async () => (await values())[0]).toBeLessThan(best!);
  });

  test('search and filters say what they hide, and can be taken away one by one', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await expect(bulk(page)).toContainText('Showing 160 runs');
    await page.keyboard.press('/');
    await page.keyboard.type('cross-entropy');
    await expect(bulk(page)).toContainText(/Showing [\d,]+ of 160 runs, [\d,]+ filtered out/);
    await page.keyboard.press('Enter');
    await expect(grid(page)).toBeFocused();
    await page.getByRole('button', { name: 'Add filter' }).click();
    await page.getByRole('menuitem', { name: 'State' }).click();
    await page.getByRole('menuitemcheckbox', { name: /^Failed/ }).click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    const chip = page.getByRole('button', { name: 'Remove the filter State Failed' });
    await expect(chip).toBeVisible();
    await page.getByLabel('Filter runs').fill('no run is called so');
    await expect(page.getByRole('heading', { name: 'No run matches 2 filters' })).toBeVisible();
    await chip.click();
    await expect(page.getByRole('heading', { name: 'No run matches 1 filter' })).toBeVisible();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect(bulk(page)).toContainText('Showing 160 runs');
  });

  test('chosen columns are remembered in the library', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Last epoch: top 5' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Dataset' }).click();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('columnheader', { name: 'Sort by Dataset' })).toHaveCount(0);
    await expect
      .poll(async () => (await app.call('getPreferences')).views['runs.columns'])
      .toContain('last-top5');
    await page.reload();
    await expect(grid(page)).toBeVisible();
    await expect(page.getByRole('columnheader', { name: 'Sort by Dataset' })).toHaveCount(0);
  });

  test('keys move, mark a range, and compare what is marked', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await expect(grid(page).getByRole('row').nth(4)).toBeVisible();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+Space');
    await expect(bulk(page)).toContainText('3 rows selected');
    await page.keyboard.press('Escape');
    await expect(bulk(page)).not.toContainText('selected');
    await page.keyboard.press('ControlOrMeta+a');
    await expect(bulk(page)).toContainText('rows selected');
    await page.keyboard.press('c');
    await expect(page).toHaveURL(/#\/compare\?refs=\d+@last,\d+@last/);
  });

  test('archiving and deleting can be undone', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await expect(bulk(page)).toContainText('Showing 160 runs');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    const marked = Number(/(\d+) runs?/.exec((await bulk(page).textContent()) ?? '')?.[1] ?? 1);
    await bulk(page).getByRole('button', { name: 'Archive' }).click();
    await expect(bulk(page)).toContainText(`Showing ${160 - marked} runs`);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(bulk(page)).toContainText('Showing 160 runs');
    await expect(page.getByRole('button', { name: 'Undo' })).toHaveCount(0);
    await grid(page).focus();
    await page.keyboard.press('x');
    await bulk(page).getByRole('button', { name: 'More with the selected runs' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await expect(bulk(page)).not.toContainText('Showing 160 runs');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(bulk(page)).toContainText('Showing 160 runs');
  });

  test('the last row of the list is reached at once', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await expect(grid(page).getByRole('row').nth(4)).toBeVisible();
    await grid(page).focus();
    await page.keyboard.press('End');
    const last = Number(await grid(page).getAttribute('aria-rowcount'));
    const row = grid(page).locator(`tr[aria-rowindex="${last}"]`);
    await expect(row).toBeInViewport();
    await expect(row.locator('.state')).toBeVisible();
    expect(await grid(page).locator('tbody tr').count()).toBeLessThan(80);
  });
});

test('waiting runs are moved by keys and by dragging, put next, and cancelled', async ({ app }) => {
  const { page } = app;
  const ids = await queueSample(app, [0, 1, 2, 3]);
  await page.setViewportSize({ width: 1440, height: 900 });
  await app.open('#/runs');
  const queue = page.getByRole('complementary', { name: 'Queue' });
  const entries = queue.getByRole('list', { name: 'Waiting runs' }).getByRole('listitem');
  await expect(entries).toHaveCount(4);
  await entries.nth(3).focus();
  await page.keyboard.press('Alt+ArrowUp');
  await expect.poll(() => waitingIds(app)).toEqual([ids[0], ids[1], ids[3], ids[2]]);
  await expect(entries.nth(2)).toBeFocused();

  const grip = entries.nth(0).locator('.grip');
  const at = (await grip.boundingBox())!;
  await page.mouse.move(at.x + 4, at.y + 4);
  await page.mouse.down();
  await page.mouse.move(at.x + 4, at.y + 60, { steps: 4 });
  await page.mouse.move(at.x + 4, at.y + 95, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => waitingIds(app)).toEqual([ids[1], ids[3], ids[0], ids[2]]);

  await entries.nth(3).hover();
  await entries.nth(3).getByRole('button', { name: /next$/ }).click();
  await expect.poll(() => waitingIds(app)).toEqual([ids[2], ids[1], ids[3], ids[0]]);
  await expect(entries.nth(0)).toContainText('seed 2');
  await entries.nth(0).hover();
  await entries
    .nth(0)
    .getByRole('button', { name: /^Cancel/ })
    .click();
  await expect(entries).toHaveCount(3);
  expect((await app.call('getRun', { id: ids[2]! })).state).toBe('stopped');
  await expect(queue.getByText('Queue paused.')).toBeVisible();
});
