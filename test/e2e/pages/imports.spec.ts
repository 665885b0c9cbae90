/** Import: the dialog says what a file is before anything is written, and the run that comes of it is marked as imported. */
import path from 'node:path';
import { expect, test } from '../app.ts';

const GOLDEN = path.join(import.meta.dirname, '..', '..', 'fixtures', 'golden');
const RESLT = path.join(GOLDEN, 'checkpoints', 'zip_reslt_cifar10_resnet32.pth');

test('a checkpoint is looked at, imported and marked; a hostile file is refused with a sentence', async ({
  app,
}) => {
  const { page } = app;
  await app.open('#/runs');
  await page.getByRole('button', { name: 'Import…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import' });
  const field = dialog.getByRole('textbox', { name: 'Path on this machine' });

  await field.fill(path.join(GOLDEN, 'checkpoints', 'hostile_os_system_zip.pth'));
  await dialog.getByRole('button', { name: /^Look at it/ }).click();
  await expect(dialog.getByText(/not one of the few names that a checkpoint may use/)).toBeVisible({
    timeout: 30_000,
  });
  expect((await app.call('listTasks')).length).toBe(0);

  await field.fill(RESLT);
  await dialog.getByRole('button', { name: /^Look at it/ }).click();
  await expect(dialog.getByRole('heading', { name: 'ResNet-32, ResLT' })).toBeVisible({ timeout: 30_000 });
  const found = dialog.getByRole('table', { name: 'What was found' });
  await expect(found.getByRole('row', { name: /^Classes/ })).toContainText('10');
  await expect(found.getByRole('row', { name: /^Taken off the names/ })).toContainText('module.');
  await expect(found.getByRole('row', { name: /^Missing/ })).toContainText('nothing');
  await expect(dialog.getByText('Nothing is written yet.')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('authors');
  await dialog.getByRole('button', { name: /^Import/ }).click();

  // The run's page: marked, with its checkpoint, and nothing that only a training has.
  await expect(page).toHaveURL(/#\/runs\/\d+/, { timeout: 60_000 });
  await expect(page.getByText('imported', { exact: true })).toBeVisible();
  await expect(page.getByText('zip_reslt_cifar10_resnet32.pth').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Resume' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Duplicate and edit' })).toHaveCount(0);
  await expect(page.getByText('Imported weights bring no curves.')).toBeVisible();
  await page.getByRole('tab', { name: /^Checkpoints/ }).click();
  await expect(page.getByText('Imported, and never freed by itself.')).toBeVisible();
  const more = page.getByRole('button', { name: 'More about epoch 0' });
  await more.click();
  await expect(page.getByRole('menuitem', { name: /^Export for PyTorch/ })).toBeVisible();
  await expect(page.getByRole('menuitem', { name: /^Export as safetensors/ })).toBeVisible();
  await page.getByRole('menuitem', { name: /^Evaluate on/ }).click();
  const evaluate = page.getByRole('dialog', { name: /^Evaluate epoch/ });
  await expect(evaluate.getByText('No registered dataset has 10 classes.')).toBeVisible();
  await page.keyboard.press('Escape');

  // The table marks it, and can be asked for such runs alone.
  await app.open('#/runs');
  const row = page.getByRole('row', { name: /zip_reslt_cifar10_resnet32/ });
  await expect(row.getByText('imported', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Add filter' }).click();
  await page.getByRole('menuitem', { name: 'Origin' }).click();
  await page.getByRole('menuitemcheckbox', { name: /^Imported/ }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Remove the filter Origin Imported' })).toBeVisible();

  // A second time it says so before it is done.
  await page.getByRole('button', { name: 'Import…' }).click();
  await field.fill(RESLT);
  await field.press('Enter');
  await expect(dialog.getByText('This file was imported before')).toBeVisible({ timeout: 30_000 });
  await expect(dialog.getByRole('button', { name: /^Import again/ })).toBeVisible();
});

test('a log becomes a run with curves and its lines', async ({ app }) => {
  const { page } = app;
  await app.open('#/runs');
  await page.getByRole('button', { name: 'Import…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import' });
  const field = dialog.getByRole('textbox', { name: 'Path on this machine' });
  await field.fill(path.join(GOLDEN, 'logs', 'reslt_cifar10_cuda.log'));
  await field.press('Enter');
  await expect(dialog.getByRole('heading', { name: /^Log of ResLT/ })).toBeVisible({ timeout: 30_000 });
  await dialog.getByRole('button', { name: /^Import/ }).click();
  await expect(page).toHaveURL(/#\/runs\/\d+/, { timeout: 60_000 });
  await expect(page.getByText('imported', { exact: true })).toBeVisible();
  await expect(page.getByText('no dataset', { exact: true })).toBeVisible();
  await page.getByRole('tab', { name: /^Log/ }).click();
  await expect(page.getByText('Test epoch=2 loss=2.10000')).toBeVisible();
});
