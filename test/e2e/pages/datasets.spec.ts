/** The Datasets page: the first dataset in one click, the wizard, what is shown of a dataset, renaming and deleting. */
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { addSample, expect, test } from '../app.ts';
import { cifar10Files, writeFiles } from '../../helpers/sources.ts';

const SAMPLE = 'Fashion-MNIST sample';

let sources: string;
test.beforeAll(async () => {
  sources = await mkdtemp(path.join(os.tmpdir(), 'reslt-sources-'));
});
test.afterAll(() => rm(sources, { recursive: true, force: true }));

test('an empty library leads to the sample in one click, and to a run on it', async ({
  app: { page, open },
}) => {
  await open('#/datasets');
  await expect(page.getByRole('heading', { name: 'No datasets yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Add the sample dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name: SAMPLE })).toBeVisible();
  await expect(page.getByRole('definition').filter({ hasText: 'IF 214' })).toContainText('1,500 : 7');
  await expect(page).toHaveURL(/#\/datasets\/1$/);
  await page.getByRole('button', { name: 'New run', exact: true }).click();
  await expect(page.getByRole('dialog', { name: 'New run' })).toContainText(SAMPLE);
});

test('a dataset shows its groups under both schemes, its profile and where it comes from', async ({
  app,
}) => {
  const { page } = app;
  const id = await addSample(app);
  await app.open(`#/datasets/${id}`);
  const byCount = page.getByRole('table', { name: 'Groups: By count' });
  await expect(byCount.getByRole('row', { name: /^Many/ })).toContainText('3,192');
  await expect(
    page.getByRole('table', { name: /^Groups: ResLT/ }).getByRole('row', { name: /^Tail/ }),
  ).toContainText('87');
  await expect(page.getByText('The two schemes differ here.')).toBeVisible();
  const provenance = page.getByRole('region', { name: 'Provenance' });
  await expect(provenance.getByRole('row', { name: /Manifest hash/ })).toContainText('…');
  await expect(provenance.getByRole('row', { name: /Used by/ })).toContainText('no run yet');

  // The crosshair reads the profile class by class, rarest last.
  const crosshair = page.getByRole('slider', { name: /Training images per class/ });
  await crosshair.focus();
  await page.keyboard.press('End');
  const profile = page.getByRole('region', { name: 'Class frequency' });
  await expect(profile).toContainText('Ankle boot');
  await expect(profile).toContainText('rank 10 of 10');
  await page.keyboard.press('Enter');
  await expect(
    page.getByRole('listbox', { name: 'Classes' }).getByRole('option', { selected: true }),
  ).toContainText('Ankle boot');

  // What the plot shows is also a table.
  await profile.getByRole('button', { name: 'Class frequency: more' }).click();
  await page
    .getByRole('menuitem', { name: 'Show data as table' })
    .or(page.getByRole('menuitemcheckbox', { name: 'Show data as table' }))
    .click();
  await expect(profile.getByRole('table')).toContainText('T-shirt/top');
});

test('scale, order and group scheme are remembered', async ({ app }) => {
  const { page } = app;
  const id = await addSample(app);
  await app.open(`#/datasets/${id}`);
  await page.getByRole('radio', { name: 'Linear' }).click();
  await page.getByRole('radio', { name: 'Label order' }).click();
  await expect(page.getByText('training images, linear')).toBeVisible();
  await expect
    .poll(async () => (await app.call('getPreferences')).views)
    .toMatchObject({ 'datasets.scale': 'linear', 'datasets.order': 'label' });
  await page.reload();
  await expect(page.getByText('training images, linear')).toBeVisible();
  await expect(page.getByRole('radio', { name: 'Label order' })).toBeChecked();
});

test('images are browsed by class with the keyboard and enlarged', async ({ app }) => {
  const { page } = app;
  const id = await addSample(app);
  await app.open(`#/datasets/${id}`);
  const grid = page.getByRole('listbox', { name: /T-shirt\/top, train images/ });
  await expect(grid.getByRole('option').first()).toHaveAttribute('aria-setsize', '1500');
  // 1,500 images, of which only those in view exist.
  expect(await grid.getByRole('option').count()).toBeLessThan(500);
  await expect(grid.locator('i').first()).toHaveCSS('background-image', /sheet/);
  await grid.focus();
  await page.keyboard.press('End');
  await expect(grid.getByRole('option', { selected: true })).toHaveAttribute('aria-posinset', '1500');
  await page.keyboard.press('Enter');
  const viewer = page.getByRole('dialog', { name: 'T-shirt/top, image 1500 of 1500' });
  await expect(viewer.getByRole('img')).toBeVisible();
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('dialog', { name: 'T-shirt/top, image 1499 of 1500' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(grid).toBeFocused();

  await page.getByRole('option', { name: /^Bag/ }).click();
  await page.getByRole('radio', { name: 'Test', exact: true }).click();
  await expect(
    page.getByRole('listbox', { name: 'Bag, test images' }).getByRole('option').first(),
  ).toHaveAttribute('aria-setsize', '100');
});

test('the wizard checks a path, previews the subset and adds it; nothing is written before', async ({
  app,
}) => {
  const { page } = app;
  const folder = path.join(sources, 'cifar');
  await writeFiles(folder, cifar10Files(200));
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  await dialog.getByRole('option', { name: /A folder or file/ }).click();
  await dialog.getByLabel('Path on this machine').fill(folder);
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('heading', { name: 'CIFAR-10, official binary files' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Next' }).click();

  const factor = dialog.getByLabel('Imbalance factor', { exact: true });
  await factor.fill('100');
  await expect(dialog.getByText(/Did you mean 0\.01\?/)).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Add dataset' })).toBeDisabled();
  await dialog.getByRole('button', { name: 'Use 0.01' }).click();
  await expect(factor).toHaveValue('0.01');
  await dialog.getByRole('button', { name: 'IF 10', exact: true }).click();
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('CIFAR-10-LT IF 10');
  await expect(dialog.getByRole('table', { name: 'Groups of the subset' })).toBeVisible();
  await dialog.getByLabel('Held out').fill('10');
  await dialog.getByLabel('Name', { exact: true }).fill('mine');
  expect(await app.call('listDatasets'), 'nothing is there before the last step').toEqual([]);

  await dialog.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'mine' })).toBeVisible();
  await expect(dialog).toHaveCount(0);
  const [added] = await app.call('listDatasets');
  expect(added).toMatchObject({ name: 'mine', kind: 'cifar-10', classes: 10 });
  expect(added!.counts.val).toBeGreaterThan(0);
  expect(added!.classCounts).toEqual([...added!.classCounts].sort((a, b) => b - a));

  // Another subset of the same source starts at the last step.
  await page.getByRole('button', { name: 'New subset from this' }).click();
  await expect(dialog.getByLabel('Imbalance factor', { exact: true })).toBeVisible();
  await dialog.getByLabel('Name', { exact: true }).fill('Mine');
  await expect(dialog.getByText('There is a dataset “Mine” already.')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

test('a broken source is refused with file, place, what was expected and what came', async ({ app }) => {
  const { page } = app;
  const folder = path.join(sources, 'broken');
  await writeFiles(folder, cifar10Files(200));
  await truncate(path.join(folder, 'data_batch_2.bin'), 3000);
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  await dialog.getByRole('option', { name: /A folder or file/ }).click();
  await dialog.getByLabel('Path on this machine').fill(folder);
  await page.keyboard.press('Enter');
  const wrong = dialog.getByRole('table', { name: 'What is wrong' });
  await expect(wrong.getByRole('row', { name: /File/ })).toContainText('data_batch_2.bin');
  await expect(wrong.getByRole('row', { name: /Expected/ })).not.toBeEmpty();
  await expect(wrong.getByRole('row', { name: /Found/ })).not.toBeEmpty();

  await dialog.getByLabel('Path on this machine').fill(path.join(sources, 'nowhere'));
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toBeVisible();
  await expect(wrong.getByRole('row', { name: /Found/ })).toContainText('nothing');
  expect(await app.call('listDatasets')).toEqual([]);
});

test('folders are walked to in the wizard', async ({ app }) => {
  const { page } = app;
  const folder = path.join(sources, 'walk', 'inner');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'note.txt'), 'x'.repeat(2000));
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  await dialog.getByRole('option', { name: /A folder or file/ }).click();
  const field = dialog.getByLabel('Path on this machine');
  await field.fill(path.dirname(folder));
  await field.blur();
  await dialog.getByRole('button', { name: 'inner' }).click();
  await expect(field).toHaveValue(folder);
  await expect(dialog.getByRole('button', { name: /note\.txt/ })).toContainText('2.0');
  await dialog.getByRole('button', { name: 'Up one folder' }).click();
  await expect(field).toHaveValue(path.dirname(folder));
});

test('a source that was chosen before the offers are there stays chosen', async ({ app, shell }) => {
  test.skip(shell === 'desktop', 'only a browser holds a request back');
  const { page } = app;
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/api/listDatasetOffers', async (route) => {
    await held;
    await route.continue();
  });
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  const lists = dialog.getByRole('option', { name: /Photographs by list files/ });
  await lists.click();
  release();
  await expect(dialog.getByRole('option', { name: /^Sample/ })).toBeVisible();
  await expect(lists).toHaveAttribute('aria-selected', 'true');
  await expect(dialog.getByLabel('Training list')).toBeVisible();
});

test('a dataset is verified, renamed, deleted and brought back', async ({ app }) => {
  const { page } = app;
  const id = await addSample(app);
  await app.open(`#/datasets/${id}`);
  await expect(page.getByText('Not verified')).toBeVisible();
  await page.getByRole('button', { name: 'Verify', exact: true }).click();
  await expect(page.getByText('Verified', { exact: true }).first()).toBeVisible();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rename dataset' });
  await dialog.getByLabel('Name').fill('');
  await expect(dialog.getByText('Give the dataset a name.')).toBeVisible();
  await dialog.getByLabel('Name').fill('Clothes, long-tailed');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Clothes, long-tailed' })).toBeVisible();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'No datasets yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Clothes, long-tailed' })).toBeVisible();
});

test('a dataset that a run uses is not deleted, and the run is named', async ({ app }) => {
  const { page } = app;
  const id = await addSample(app);
  await app.call('setQueuePaused', { paused: true });
  const preset = (await app.call('listPresets')).find(({ name }) => name === 'sample-ce')!;
  await app.call('createRuns', {
    preset: preset.name,
    parentRunId: null,
    config: preset.config,
    datasetId: id,
    seeds: [0],
    name: null,
    note: '',
    runNext: false,
  });
  await app.open(`#/datasets/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const refusal = page.getByRole('alert').filter({ hasText: 'was not deleted' });
  await expect(refusal).toContainText('is used by');
  await refusal.getByRole('link', { name: 'Show the runs' }).click();
  await expect(page).toHaveURL(/#\/runs$/);
  expect((await app.call('listDatasets')).length).toBe(1);
});

test('the list finds datasets by words, and an address of none says so', async ({ app }) => {
  const { page } = app;
  await addSample(app);
  await app.open('#/datasets');
  const search = page.getByRole('textbox', { name: 'Find dataset' });
  await search.fill('mnist sam');
  await expect(page.getByRole('link', { name: new RegExp(SAMPLE) })).toBeVisible();
  await search.fill('cifar');
  await expect(page.getByText('No dataset matches “cifar”.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear', exact: true }).last().click();
  await app.open('#/datasets/999');
  await expect(page.getByRole('heading', { name: 'This dataset is not in the library' })).toBeVisible();
});

test('a dataset that was added while another page is shown is announced, and opened from there', async ({
  app,
}) => {
  const { page } = app;
  await app.open('#/runs');
  await addSample(app);
  const toast = page.getByRole('region', { name: 'News' }).getByRole('status').filter({ hasText: 'is done' });
  await toast.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByRole('heading', { level: 1, name: SAMPLE })).toBeVisible();
});
