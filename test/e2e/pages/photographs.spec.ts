/** Photographs as datasets: the wizard for class folders and for lists, what is shown of them, problems, a moved root. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test, type App } from '../app.ts';
import { classFolders, listText, writePhotographs } from '../../helpers/photographs.ts';

let sources: string;
test.beforeEach(async () => {
  sources = await mkdtemp(path.join(os.tmpdir(), 'reslt-photographs-'));
});
test.afterEach(() => rm(sources, { recursive: true, force: true }));

/** Waits for the check that begins when photographs were added. */
async function checked(app: App, id: number): Promise<void> {
  await expect
    .poll(async () => (await app.call('getDataset', { id })).verification.state, { timeout: 15_000 })
    .not.toBe('never');
}

/** Whether a cell of the browser shows something: reads the sheet that it has as background. */
function averageColour(app: App, cell: string): Promise<number[]> {
  return app.page.evaluate(async (selector) => {
    const page = globalThis as unknown as {
      document: {
        querySelector(selector: string): { getBoundingClientRect(): unknown } | null;
        createElement(name: string): never;
      };
      getComputedStyle(element: unknown): { backgroundImage: string };
      Image: new () => { src: string; decode(): Promise<void>; width: number; height: number };
    };
    const element = page.document.querySelector(selector)!;
    const url = /url\("(.*)"\)/.exec(page.getComputedStyle(element).backgroundImage)![1]!;
    const image = new page.Image();
    image.src = url;
    await image.decode();
    const canvas = page.document.createElement('canvas') as unknown as {
      width: number;
      height: number;
      getContext(kind: '2d'): {
        drawImage(image: unknown, x: number, y: number): void;
        getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
      };
    };
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    // The middle of the first cell: sheets are eight cells wide.
    const middle = Math.floor(image.width / 16);
    return [...context.getImageData(middle, middle, 1, 1).data];
  }, cell);
}

test('class folders are added through the wizard, subset, and seen as thumbnails', async ({ app }) => {
  const { page } = app;
  const root = path.join(sources, 'pets');
  await writePhotographs(root, {
    ...classFolders('train', { ant: 24, bee: 24, cat: 24, dog: 24 }, { width: 160, height: 60 }),
    ...classFolders('val', { ant: 3, bee: 3, cat: 3, dog: 3 }),
  });
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  await dialog.getByRole('option', { name: /Photographs in class folders/ }).click();
  await dialog.getByLabel('Path on this machine').fill(root);
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('heading', { name: 'Photographs, one folder a class' })).toBeVisible();
  const found = dialog.getByRole('table', { name: 'What was found' });
  await expect(found.getByRole('row', { name: /Photographs/ })).toContainText('40 × 30 to 160 × 60');
  await expect(found.getByRole('row', { name: /Test images/ })).toContainText('12');
  await dialog.getByRole('button', { name: 'Next' }).click();

  // Balanced classes suggest a long-tailed subset.
  await dialog.getByRole('button', { name: 'IF 10', exact: true }).click();
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('pets-LT IF 10');
  await dialog.getByRole('radio', { name: 'By count, rarest first' }).click();
  expect(await app.call('listDatasets'), 'nothing is there before the last step').toEqual([]);
  await dialog.getByRole('button', { name: 'Add dataset' }).click();

  await expect(page.getByRole('heading', { level: 1, name: 'pets-LT IF 10' })).toBeVisible();
  const [added] = await app.call('listDatasets');
  expect(added).toMatchObject({ kind: 'folder', classCounts: [2, 5, 11, 24], counts: { val: 0, test: 12 } });
  await checked(app, added!.id);
  await expect(page.getByText('Verified', { exact: true }).first()).toBeVisible();

  await page.getByRole('option', { name: 'ant 24' }).click();
  const grid = page.getByRole('listbox', { name: 'ant, train images' });
  await expect(grid.getByRole('option').first()).toHaveAttribute('aria-setsize', '24');
  await expect(grid.locator('i').first()).toHaveCSS('background-image', /sheet.*size=/);
  // The first class's colour, whole in its cell.
  const [red, green, blue, alpha] = await averageColour(app, '#image-0 i');
  expect(alpha).toBe(255);
  expect([red, green, blue].map((value, i) => Math.abs(value! - [40, 80, 120][i]!) < 12)).toEqual([
    true,
    true,
    true,
  ]);

  await grid.focus();
  await page.keyboard.press('Enter');
  const viewer = page.getByRole('dialog', { name: 'ant, image 1 of 24' });
  await expect(viewer).toContainText('160 × 60');
  await expect(viewer).toContainText(/train\/ant\/\d{4}\.jpg/);
  await page.keyboard.press('Escape');

  // Another subset of the same photographs suggests what this one was added with.
  await page.getByRole('button', { name: 'New subset from this' }).click();
  await expect(dialog.getByRole('radio', { name: 'By count, rarest first' })).toBeChecked();
});

test('lists with missing images are told before, and problems afterwards; a dataset without them is one click', async ({
  app,
}) => {
  const { page } = app;
  const root = path.join(sources, 'images');
  const train = classFolders('train', { ant: 5, bee: 3, cat: 2 });
  const tests = classFolders('test', { ant: 2, bee: 2, cat: 2 });
  await writePhotographs(root, { ...train, ...tests });
  const labelOf = (file: string): number => ['ant', 'bee', 'cat'].indexOf(file.split('/')[1]!);
  await writeFile(path.join(sources, 'Pets_LT_train.txt'), listText(Object.keys(train), labelOf));
  await writeFile(path.join(sources, 'Pets_LT_test.txt'), listText(Object.keys(tests), labelOf));
  await rm(path.join(root, 'train/ant/0002.jpg'));

  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add dataset…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add dataset' });
  await dialog.getByRole('option', { name: /Photographs by list files/ }).click();
  await dialog.getByLabel('Training list').fill(path.join(sources, 'Pets_LT_train.txt'));
  await dialog.getByLabel('Test list').fill(path.join(sources, 'Pets_LT_test.txt'));
  await expect(dialog.getByRole('button', { name: 'Next' })).toBeDisabled();
  await dialog.getByLabel('Root folder').fill(path.join(root, 'train'));
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('table', { name: 'What is wrong' })).toContainText(`They are below ${root}`);
  // The root is walked to from where it was typed.
  await dialog.getByRole('button', { name: 'Up one folder' }).click();
  await expect(dialog.getByLabel('Root folder')).toHaveValue(root);
  await dialog.getByRole('button', { name: 'Next' }).click();
  await expect(dialog.getByText('1 image missing')).toBeVisible();
  await expect(dialog.getByRole('table', { name: 'Images that can’t be used' })).toContainText(
    'train/ant/0002.jpg',
  );
  // Left out, they are not counted; a class without any is told.
  const preview = dialog.getByRole('complementary', { name: 'Preview' });
  await dialog.getByRole('checkbox', { name: /Leave the missing images out/ }).check();
  await dialog.getByRole('button', { name: 'Next' }).click();
  await expect(preview).toContainText('9 of 10 training images');
  await dialog.getByRole('button', { name: 'Back' }).click();
  await dialog.getByRole('button', { name: 'Back' }).click();
  for (const name of ['0000', '0001'])
    await rename(path.join(root, `train/cat/${name}.jpg`), `${root}${name}`);
  await dialog.getByRole('button', { name: 'Next' }).click();
  await expect(dialog.getByText('3 images missing')).toBeVisible();
  await dialog.getByRole('button', { name: 'Next' }).click();
  await expect(preview).toContainText('The class “cat” would be left without a training image');
  for (const name of ['0000', '0001'])
    await rename(`${root}${name}`, path.join(root, `train/cat/${name}.jpg`));
  await dialog.getByRole('button', { name: 'Back' }).click();
  await dialog.getByRole('checkbox', { name: /Leave the missing images out/ }).uncheck();
  await dialog.getByRole('button', { name: 'Next' }).click();
  await expect(preview).toContainText('10 of 10 training images');
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('Pets_LT');
  await dialog.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Pets_LT' })).toBeVisible();
  const id = (await app.call('listDatasets'))[0]!.id;
  await checked(app, id);

  const problems = page.getByRole('region', { name: 'Images that can’t be used' }).first();
  await expect(problems).toContainText('train/ant/0002.jpg');
  await expect(problems).toContainText('missing');
  await page.getByRole('button', { name: 'Add again without them' }).click();
  await expect(dialog.getByText('Images that the last check listed are left out.')).toBeVisible();
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('Pets_LT 2');
  await dialog.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Pets_LT 2' })).toBeVisible();
  const second = (await app.call('listDatasets')).find(({ name }) => name === 'Pets_LT 2')!;
  expect(second.counts.train).toBe(9);
  await checked(app, second.id);
  await expect(
    page.getByRole('region', { name: 'Provenance' }).getByRole('row', { name: /Left out/ }),
  ).toContainText('1 image');
});

test('a root folder that is gone is told and changed to where the photographs are', async ({ app }) => {
  const { page } = app;
  const root = path.join(sources, 'pets');
  await writePhotographs(root, {
    ...classFolders('train', { ant: 4, bee: 2 }),
    ...classFolders('val', { ant: 1, bee: 1 }),
  });
  const task = await app.call('addDataset', {
    path: root,
    kind: null,
    name: 'pets',
    subset: { type: 'full', imbalanceFactor: 1 },
    validationFraction: 0,
    validationSeed: 0,
  });
  const id = (await app.finished(task)).resultId!;
  await checked(app, id);
  const moved = path.join(sources, 'moved');
  await rename(root, moved);
  await app.open(`#/datasets/${id}`);
  const banner = page.getByRole('alert').filter({ hasText: 'The folder with the photographs is not there' });
  await expect(banner).toContainText(root);
  await banner.getByRole('button', { name: 'Change the root…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change the root folder' });
  await dialog.getByLabel('Root folder').fill(sources);
  await dialog.getByRole('button', { name: 'Change the root' }).click();
  await expect(dialog.getByRole('table', { name: 'What is wrong' })).toContainText('8 of them missing');
  await dialog.getByLabel('Root folder').fill(moved);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(banner).toHaveCount(0);
  await checked(app, id);
  expect((await app.call('getDataset', { id })).photographs).toMatchObject({ root: moved, rootExists: true });
});
