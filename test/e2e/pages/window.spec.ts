/** The window: palette, shortcuts, theme, addresses, focus, and news of runs that end elsewhere. */
import path from 'node:path';
import { openStore } from '../../../main/store/index.ts';
import { seedLibrary } from '../../helpers/seedLibrary.ts';
import { expect, test } from '../app.ts';

test.use({
  library: {
    fill: async (libraryFolder: string) => {
      const store = openStore(path.join(libraryFolder, 'library.db'));
      seedLibrary(store, { runs: 12, detailedRuns: 1 });
      store.close();
    },
  },
});

test('the palette runs commands and finds runs by their words', async ({ app: { page, open } }) => {
  await open('#/runs');
  await page.keyboard.press('ControlOrMeta+k');
  const palette = page.getByRole('dialog', { name: 'Command palette' });
  const box = palette.getByRole('combobox');
  await expect(box).toBeFocused();
  await box.fill('go settings');
  await expect(palette.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#\/settings/);
  await page.keyboard.press('ControlOrMeta+Shift+p');
  await box.fill('reslt seed');
  await expect(palette.getByRole('option').first()).toBeVisible();
  await box.fill('reslt');
  await expect(palette.getByRole('option', { name: /seed/ }).first()).toBeVisible();
  await palette.getByRole('option', { name: /seed/ }).first().click();
  await expect(page).toHaveURL(/#\/runs\/\d+$/);
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.press('Escape');
  await expect(palette).toHaveCount(0);
});

test('shortcuts are listed, found and used', async ({ app: { page, open } }) => {
  await open('#/runs');
  await page.keyboard.press('ControlOrMeta+/');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await dialog.getByRole('textbox', { name: 'Find shortcut' }).fill('palette');
  await expect(dialog.getByRole('listitem')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await page.keyboard.press('ControlOrMeta+1');
  await expect(page).toHaveURL(/#\/datasets/);
  await page.keyboard.press('ControlOrMeta+2');
  await expect(page.getByRole('link', { name: 'Runs', exact: true })).toHaveAttribute('aria-current', 'page');
});

test('the theme is remembered in the library and set before anything is drawn', async ({ app }) => {
  const { page } = app;
  await app.open('#/runs');
  await page.getByRole('button', { name: /Switch to the (dark|light) theme/ }).click();
  const chosen = await page.locator('html').getAttribute('data-theme');
  await expect.poll(async () => (await app.call('getPreferences')).theme).toBe(chosen);
  await page.reload({ waitUntil: 'commit' });
  await expect(page.locator('html')).toHaveAttribute('data-theme', chosen!);
});

test('an unknown address leads to the runs, and dialogs give the focus back', async ({
  app: { page, open },
}) => {
  await open('#/nowhere');
  await expect(page).toHaveURL(/#\/runs$/);
  const button = page.getByRole('button', { name: 'New run', exact: true });
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'New run' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(button).toBeFocused();
});

test('nothing is wider than the window, from 1120 px on', async ({ app: { page, open } }) => {
  for (const width of [1120, 1280, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    await open('#/runs');
    await expect(page.getByRole('grid', { name: 'Runs' })).toBeVisible();
    const wide = await page
      .locator('.topbar, .toolbar, .statusbar, .bulk')
      .evaluateAll((bars) =>
        bars.filter((bar) => bar.scrollWidth > bar.clientWidth + 1).map((bar) => bar.className),
      );
    expect(wide, `at ${width} px`).toEqual([]);
  }
});
