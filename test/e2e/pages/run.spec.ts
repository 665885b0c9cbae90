/** The run page: charts with one crosshair, log, settings, checkpoints, classes, and what a failed run offers. */
import { expect, test } from '../app.ts';
import { playTrainings, type TrainedRuns } from '../../helpers/trainedRuns.ts';

let runs: TrainedRuns;
test.use({
  library: {
    fill: async (folder: string) => {
      runs = await playTrainings(folder);
    },
  },
});

test('one crosshair runs through all charts, by keyboard too, and each chart is also a table', async ({
  app,
}) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}`);
  const groups = page.getByRole('region', { name: 'Accuracy by group' });
  await expect(groups).toContainText('Epoch 8');
  const crosshair = groups.getByRole('slider');
  await crosshair.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect(crosshair).toHaveAttribute('aria-valuetext', /^Epoch 2: All 24\.\d, Many/);
  for (const name of ['Accuracy by group', 'Accuracy by branch', 'Loss', 'Learning rate', 'Throughput'])
    await expect(page.getByRole('region', { name, exact: true })).toContainText('Epoch 2');

  await groups.getByRole('button', { name: 'Accuracy by group: more' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Show data as table' }).click();
  await page.keyboard.press('Escape');
  await expect(groups.getByRole('row')).toHaveCount(9);

  await page.getByRole('button', { name: 'Enlarge Loss' }).click();
  await expect(page.getByRole('dialog', { name: 'Loss' }).getByRole('slider')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('the axis counts epochs, steps or time, and a drag zooms all charts until a double-click', async ({
  app,
}) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}`);
  const loss = page.getByRole('region', { name: 'Loss', exact: true });
  await expect(loss).toContainText('Epoch 8');
  await page.getByRole('radio', { name: 'Step' }).click();
  await expect(loss).toContainText('Step 80');
  await page.getByRole('radio', { name: 'Time' }).click();
  await expect(loss).toContainText('Time 0:08');
  await page.getByRole('radio', { name: 'Epoch', exact: true }).click();

  const canvas = loss.locator('canvas');
  const box = (await canvas.boundingBox())!;
  await page.mouse.move(box.x + 80, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 150, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await expect(page.getByRole('button', { name: 'Show all of Loss' })).toBeVisible();
  const zoomed = page.getByRole('region', { name: 'Accuracy by group' }).getByRole('slider');
  await expect(zoomed).not.toHaveAttribute('aria-valuemin', '0');
  await canvas.dblclick();
  await expect(zoomed).toHaveAttribute('aria-valuemin', '0');
});

test('the log is drawn only where it is seen, searched as a whole, and filtered by level', async ({
  app,
}) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}/log`);
  const log = page.getByRole('region', { name: 'Log', exact: true });
  await expect(log).toContainText('1,202 lines');
  const lines = log.locator('[data-line]');
  await expect(log.locator('[data-line="1202"]')).toBeVisible();
  expect(await lines.count()).toBeLessThan(120);

  await page.getByLabel('Search log').fill('step 5 line');
  await expect(log).toContainText('15 of 15');
  await expect(log.locator('[data-line="76"] mark')).toHaveText('step 5 line');
  await page.keyboard.press('Enter');
  await expect(log).toContainText('1 of 15');
  await page.getByRole('button', { name: 'Previous match' }).click();
  await expect(log).toContainText('15 of 15');
  await page.getByLabel('Search log').fill('');

  // Of a line that was redrawn the last drawing stays, and escape sequences never show.
  await log.getByRole('log').focus();
  await page.keyboard.press('Home');
  await expect(log.locator('[data-line="1"]')).toContainText('100 % loaded');
  await expect(log.locator('[data-line="1"]')).not.toContainText('[32m');
  await expect(page.getByRole('button', { name: 'Follow' })).toHaveAttribute('aria-pressed', 'false');
  await page.getByRole('button', { name: 'Follow' }).click();
  await expect(log.locator('[data-line="1202"]')).toBeVisible();

  await page.getByLabel(/^Level/).click();
  await page.getByRole('option', { name: 'Warnings and errors' }).click();
  await expect(lines).toHaveCount(1);
  await expect(lines).toContainText('412 ms');
});

test('settings that differ from the preset are marked, and what was left open shows what was worked out', async ({
  app,
}) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}/config`);
  await expect(page.getByText('settings differ from sample-reslt')).toBeVisible();
  const every = (await app.call('getConfigFields')).find(({ key }) => key === 'checkpointEvery')?.label ?? '';
  await expect(page.getByRole('row', { name: new RegExp(`^${every}`) })).toContainText(/4.*preset\s+0/);
  await expect(page.getByRole('row', { name: /^Medium branch/ })).toContainText('4 (worked out)');
  await expect(page.getByRole('row', { name: /^tensorflow/ })).toContainText('2.21.0');
  await page.getByLabel('Note').fill('for the paper');
  await page.getByRole('tab', { name: 'Overview' }).click();
  await expect.poll(async () => (await app.call('getRun', { id: runs.reslt })).note).toBe('for the paper');
});

test('checkpoints are pinned, deleted with undo, and compared', async ({ app }) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}/checkpoints`);
  const rows = page.getByRole('table').getByRole('row');
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(2)).toContainText('best');
  await page.getByRole('button', { name: 'Pin epoch 6' }).click();
  await expect(rows.nth(2)).toContainText('pinned');

  await page.getByRole('checkbox', { name: 'Choose epoch 4' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(rows).toHaveCount(3);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(rows).toHaveCount(4);

  await page.getByRole('checkbox', { name: 'Choose epoch 8' }).click();
  await page.getByRole('checkbox', { name: 'Choose epoch 6' }).click();
  await page.locator('.top').getByRole('button', { name: 'Compare' }).click();
  await expect(page).toHaveURL(new RegExp(`compare\\?refs=${runs.reslt}@last,${runs.reslt}@best`));
});

test('classes are found, sorted by any column, and shown for any epoch', async ({ app }) => {
  const { page } = app;
  await app.open(`#/runs/${runs.reslt}/classes`);
  const table = page.getByRole('region', { name: 'Classes' });
  const first = table.getByRole('row').nth(1);
  await expect(first).toContainText('1,500');
  await table.getByRole('button', { name: 'Acc., %' }).click();
  await expect(first).toContainText('Ankle boot');
  await page.getByLabel('Find class').fill('coat');
  await expect(table.getByRole('row')).toHaveCount(2);
  await expect(table).toContainText('Showing 1 of 10 classes');
  await page.getByLabel(/^Epoch: /).click();
  await page.getByRole('option', { name: 'best, epoch 6' }).click();
  await expect(page.getByRole('region', { name: 'Class accuracy by training images' })).toContainText(
    'epoch 6',
  );
});

test('a failed run says what happened, leads to its error, and asks before it is resumed', async ({
  app,
}) => {
  const { page } = app;
  await app.open(`#/runs/${runs.failed}`);
  const banner = page.getByRole('alert');
  await expect(banner).toContainText('train/loss became NaN at step 21');
  await expect(banner).toContainText('2 epochs are stored');
  await banner.getByRole('button', { name: 'Show log' }).click();
  await expect(page).toHaveURL(new RegExp(`runs/${runs.failed}/log`));
  await expect(page.locator('[data-line]', { hasText: 'NonFiniteLossError' })).toBeVisible();
  await page.getByRole('button', { name: 'Resume', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('it may fail again');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toHaveCount(0);
});

test('a run is renamed, archived and deleted, each with its way back', async ({ app }) => {
  const { page } = app;
  await app.open(`#/runs/${runs.ce}`);
  await page.getByRole('button', { name: /^Rename/ }).click();
  await page.getByLabel('Name of the run').fill('baseline');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Rename baseline' })).toBeVisible();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Archive' }).click();
  await expect(page.getByText('archived', { exact: true }).first()).toBeVisible();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Move to trash' }).click();
  await expect(page).toHaveURL(/#\/runs$/);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await expect
    .poll(() =>
      app.call('getRun', { id: runs.ce }).then(
        ({ name }) => name,
        () => 'gone',
      ),
    )
    .toBe('baseline');
});
