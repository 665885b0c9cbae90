/**
 * The main job, in either shell and with a real trainer: the sample is added, two runs are queued from the sheet, one is
 * watched while it trains, and their checkpoints are compared. Short runs: what they learn does not matter here.
 */
import { expect, test, type App } from '../app.ts';

/** Enough to watch, and a moment's work for the native engine. */
const STEPS = 16;
const TRAINING_MS = 150_000;

const stateOf = async (app: App, id: number) => (await app.call('getRun', { id })).state;

test('from an empty library to two compared checkpoints', async ({ app }) => {
  test.setTimeout(240_000);
  const { page } = app;
  const { selected } = await app.call('getEngine');
  test.skip(selected === 'wasm', 'no native engine is installed, and WebAssembly takes minutes for it');

  // A dataset.
  await app.open('#/datasets');
  await page.getByRole('button', { name: 'Add the sample dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Fashion-MNIST sample' })).toBeVisible();

  // Two runs of it.
  await page.getByRole('button', { name: 'New run', exact: true }).click();
  const sheet = page.getByRole('dialog', { name: 'New run' });
  await sheet.getByRole('button', { name: /^Preset sample-ce/ }).click();
  await sheet.getByRole('radio', { name: 'YAML' }).click();
  const yaml = sheet.getByRole('textbox', { name: 'Settings as YAML' });
  await yaml.fill(
    (await yaml.inputValue())
      .replace(/^maxSteps:.*$/m, `maxSteps: ${STEPS}`)
      .replace(/^logEverySteps:.*$/m, 'logEverySteps: 1'),
  );
  await sheet.getByRole('textbox', { name: 'Seeds' }).fill('0, 1');
  await sheet.getByRole('button', { name: 'Queue 2 runs' }).click();
  await expect(sheet).toHaveCount(0);

  // The first is watched: its state, its log and its curves come by themselves.
  await app.open('#/runs/1');
  const log = page.getByRole('log', { name: 'Log lines' });
  await expect(log).toContainText('Train loss', { timeout: TRAINING_MS });
  expect(await stateOf(app, 1)).toBe('running');
  const loss = page.getByRole('region', { name: /^Loss/ });
  await expect(loss.getByRole('slider')).toBeVisible();
  const seen = { log: await log.textContent(), loss: await loss.textContent() };
  await expect.poll(() => log.textContent(), { timeout: TRAINING_MS }).not.toBe(seen.log);
  await expect.poll(() => loss.textContent(), { timeout: TRAINING_MS }).not.toBe(seen.loss);
  await expect.poll(() => stateOf(app, 1), { timeout: TRAINING_MS }).toBe('completed');
  await expect(page.getByRole('main').getByText('Completed').first()).toBeVisible();
  const [series] = await app.call('getSeries', {
    runIds: [1],
    metrics: ['train/loss'],
    maxPoints: 1000,
    afterStep: null,
  });
  expect(series?.steps).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));

  // The finished run has its checkpoints.
  await page.getByRole('tab', { name: /Checkpoints/ }).click();
  await expect(page.getByRole('row', { name: /last/i }).first()).toBeVisible();

  // Both, side by side.
  await expect.poll(() => stateOf(app, 2), { timeout: TRAINING_MS }).toBe('completed');
  await app.open('#/compare');
  await page.getByRole('button', { name: 'Choose checkpoints' }).click();
  const dialog = page.getByRole('dialog');
  for (const run of [1, 2]) await dialog.getByRole('checkbox', { name: new RegExp(`, run ${run}$`) }).click();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const compared = page.getByRole('list', { name: 'Compared checkpoints' }).getByRole('listitem');
  for (const seed of [0, 1])
    await expect(compared.filter({ hasText: new RegExp(`seed ${seed}`) })).toHaveCount(1);
  await expect(page.getByRole('region', { name: 'Accuracy by group' })).toContainText('%');
  await expect(page.getByRole('region', { name: 'Verdict' })).toBeVisible();
});
