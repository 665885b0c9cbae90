/** The Settings page: each change is saved at once, wrong input is said in place, and nothing is freed without a look first. */
import { addSample, expect, test } from '../app.ts';

test('every choice is saved at once and confirmed', async ({ app }) => {
  const { page } = app;
  await app.open('#/settings/training');
  await page.getByRole('combobox', { name: /^Engine for new runs/ }).click();
  await page.getByRole('option', { name: /^WebAssembly/ }).click();
  await expect(page.getByText('Saved').first()).toBeVisible();
  expect((await app.call('getSettings')).engine).toBe('wasm');

  const threads = page.getByLabel('Threads');
  await threads.fill('1');
  await expect.poll(async () => (await app.call('getSettings')).threads).toBe(1);
  await threads.fill('');
  await expect.poll(async () => (await app.call('getSettings')).threads).toBeNull();

  const budget = page.getByLabel('Checkpoint budget');
  await budget.fill('2.5');
  await expect.poll(async () => (await app.call('getSettings')).checkpointBudgetBytes).toBe(2.5e9);
  await page.getByLabel('Checkpoint every').fill('20');
  await expect.poll(async () => (await app.call('getSettings')).keepEvery).toBe(20);

  const { notifications } = await app.call('getSettings');
  await page.getByRole('switch', { name: /^Notify when a run/ }).click();
  await expect.poll(async () => (await app.call('getSettings')).notifications).toBe(!notifications);
  await page.reload();
  await expect(page.getByRole('switch', { name: /^Notify when a run/ })).toBeChecked({
    checked: !notifications,
  });
  await expect(page.getByLabel('Checkpoint budget')).toHaveValue('2.5');
});

test('what can’t be saved is said beside its field and stays unsaved', async ({ app }) => {
  const { page } = app;
  await app.open('#/settings/training');
  const before = await app.call('getSettings');
  const field = page.getByLabel('Runs at once');
  await field.fill('0');
  await expect(page.getByText(/Expected a whole number from 1 to \d+, but this is 0\./)).toBeVisible();
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Checkpoint budget').fill('lots');
  await expect(page.getByText(/Expected gigabytes .* but this is lots\./)).toBeVisible();
  expect(await app.call('getSettings')).toEqual(before);
});

test('the theme changes at once and stays', async ({ app }) => {
  const { page } = app;
  await app.open('#/settings/appearance');
  await page.getByRole('radio', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect.poll(async () => (await app.call('getPreferences')).theme).toBe('dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('radio', { name: 'Light' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
});

test('engine, device and every part of the check-up are shown, with words for their state', async ({
  app,
}) => {
  const { page } = app;
  await app.open('#/settings');
  const { label } = await app.call('getEngine');
  await expect(page.getByRole('table', { name: 'Engine and device' })).toContainText(label);
  const doctor = page.getByRole('table', { name: 'Check-up' });
  await expect(doctor.getByRole('row', { name: /^\w+ Node / })).toContainText(/OK|Warning|Problem/, {
    timeout: 30_000,
  });
  for (const item of await app.call('getDoctor'))
    await expect(doctor.getByRole('row').filter({ hasText: item.name }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Check again' }).click();
  await expect(page.getByRole('button', { name: 'Check again' })).toBeEnabled({ timeout: 30_000 });
});

test('storage is shown by kind, and freeing shows first what it would free', async ({ app }) => {
  const { page } = app;
  await addSample(app);
  await app.open('#/settings/storage');
  await expect(page.getByRole('table', { name: 'Library' })).toContainText(app.libraryFolder);
  const usage = page.getByRole('table', { name: 'Space by kind' });
  await expect(usage.getByRole('row', { name: /^Datasets/ })).toContainText('MB');
  await page.getByRole('button', { name: 'Free space…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Free space' });
  await expect(dialog).toContainText('nothing that retention may free');
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Free space…' })).toBeFocused();
});

test('the trash is emptied only after it was asked', async ({ app }) => {
  const { page } = app;
  const id = await addSample(app);
  await app.call('deleteDataset', { id });
  await app.open('#/settings/storage');
  await page.getByRole('button', { name: 'Empty trash…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Empty the trash?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await app.call('getStorage')).trashBytes).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Empty trash…' }).click();
  await dialog.getByRole('button', { name: 'Empty trash' }).click();
  await expect(page.getByText(/MB freed/)).toBeVisible();
  expect((await app.call('getStorage')).trashBytes).toBe(0);
});

test('a section is reached by its address, the list and the palette', async ({ app }) => {
  const { page } = app;
  await app.open('#/settings/about');
  await expect(page.getByRole('heading', { name: 'About' })).toBeInViewport();
  await expect(page.getByRole('table', { name: 'Licences' })).toContainText('Apache-2.0');
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Storage' }).click();
  await expect(page.getByRole('heading', { name: 'Storage' })).toBeInViewport();
  await expect(page).toHaveURL(/#\/settings\/storage$/);
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('check this machine');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#\/settings\/doctor$/);
  await expect(page.getByRole('heading', { name: 'Check-up' })).toBeInViewport();
});
