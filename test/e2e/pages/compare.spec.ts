/** The Compare page: choosing checkpoints, the verdict with its evidence, the baseline, and what can't be compared. */
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

test('from nothing to a verdict that names interval and p', async ({ app }) => {
  const { page } = app;
  await app.open('#/compare');
  await expect(page.getByRole('heading', { name: 'Pick two or more checkpoints' })).toBeVisible();
  await page.getByRole('button', { name: 'Choose checkpoints' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add checkpoints' });
  await dialog.getByRole('checkbox', { name: new RegExp(`run ${runs.reslt}$`) }).click();
  await dialog.getByRole('checkbox', { name: new RegExp(`run ${runs.ce}$`) }).click();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`refs=${runs.reslt}@last,${runs.ce}@last`));

  const verdict = page.getByRole('region', { name: 'Verdict' });
  await expect(verdict).toContainText(/ResLT gains 22\.\d points on CE/);
  await expect(verdict).toContainText(/95.% interval \[\+\d+\.\d, \+\d+\.\d\], p.<.0\.001/);
  await expect(
    page.getByRole('region', { name: 'Accuracy by group' }).getByRole('row', { name: /^Few/ }),
  ).toContainText(/\+\d/);
  await expect(page.getByRole('region', { name: 'Settings that differ' })).toContainText('Method');
  await expect(page.getByRole('region', { name: 'Branches' })).toContainText('H+M+T');
  await expect(page.getByRole('region', { name: 'Calibration' })).toContainText('ECE');
  await expect(page.getByRole('region', { name: 'Accuracy over training' })).toContainText('Epoch 8');

  const classes = page.getByRole('region', { name: 'Difference by class' });
  await expect(classes).toContainText(/\d+ classes better/);
  await classes.getByRole('slider').focus();
  await page.keyboard.press('End');
  await expect(classes).toContainText('Ankle boot');

  // The other way round, the same difference has the other sign.
  await page.getByRole('button', { name: /^Make ResLT.* the baseline$/ }).click();
  await expect(verdict).toContainText(/CE loses 22\.\d points to ResLT/);
  await expect(page).toHaveURL(new RegExp(`refs=${runs.ce}@last,${runs.reslt}@last`));
});

test('another epoch of a run is chosen on its card, and the verdict follows', async ({ app }) => {
  const { page } = app;
  await app.open(`#/compare?refs=${runs.reslt}@best,${runs.reslt}@last`);
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await expect(verdict).toContainText('gains');
  await page
    .getByRole('combobox', { name: /^Checkpoint of/ })
    .or(page.getByLabel(/^Checkpoint of/))
    .first()
    .click();
  await page.getByRole('option', { name: 'epoch 4' }).click();
  await expect(page).toHaveURL(/@epoch-4/);
  await expect(verdict).toContainText('loses');
});

test('removing leads back step by step; a run that is gone is said to be', async ({ app }) => {
  const { page } = app;
  app.expectErrors(/404|Failed to load/);
  await app.open(`#/compare?refs=${runs.reslt}@last,999@last`);
  const cards = page.getByRole('list', { name: 'Compared checkpoints' });
  await expect(cards).toContainText('this run is gone');
  await expect(page.getByRole('alert')).toContainText('999');
  await cards.getByRole('button', { name: 'Remove 999@last' }).click();
  await expect(page.getByText('One more checkpoint makes a comparison')).toBeVisible();
  await cards.getByRole('button', { name: /^Remove ResLT/ }).click();
  await expect(page.getByRole('heading', { name: 'Pick two or more checkpoints' })).toBeVisible();
});

test('the group scheme is chosen here and holds everywhere', async ({ app }) => {
  const { page } = app;
  await app.open(`#/compare?refs=${runs.reslt}@last,${runs.ce}@last`);
  const table = page.getByRole('region', { name: 'Accuracy by group' });
  await expect(table.getByRole('row', { name: /^Few/ })).toBeVisible();
  const before = await table.getByRole('row').allInnerTexts();
  await table.getByLabel(/^Groups/).click();
  await page.getByRole('option', { name: /ResLT ranges/ }).click();
  await expect.poll(async () => table.getByRole('row').allInnerTexts()).not.toEqual(before);
  await app.open(`#/runs/${runs.reslt}`);
  await expect(page.getByLabel(/^Groups/).first()).toContainText('ResLT ranges');
});
