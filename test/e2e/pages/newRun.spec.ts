/** The sheet of a new run: problems in place, changes with a way back, YAML, seeds, and what is queued in the end. */
import type { Page } from '@playwright/test';
import { playTrainings } from '../../helpers/trainedRuns.ts';
import { addSample, expect, test } from '../app.ts';

const sheet = (page: Page) => page.getByRole('dialog', { name: 'New run' });
const queueButton = (page: Page) => sheet(page).getByRole('button', { name: /^Queue \d+ runs?/ });

test('a preset whose dataset is missing says so, and the sample is added in one step', async ({ app }) => {
  const { page } = app;
  await app.open('#/runs');
  await page.keyboard.press('n');
  await expect(sheet(page).getByText('The sample dataset is not added yet')).toBeVisible();
  await expect(queueButton(page)).toBeDisabled();
  await sheet(page).getByRole('button', { name: 'Add the sample' }).click();
  await expect(sheet(page).getByText('The sample dataset is not added yet')).toHaveCount(0);
  await expect(queueButton(page)).toBeEnabled();
  await expect(sheet(page).getByRole('button', { name: /^Preset cifar10-lt-reslt/ })).toHaveCount(0);
  await sheet(page)
    .getByRole('button', { name: /^CIFAR-10-LT, IF 100/ })
    .click();
  await sheet(page)
    .getByRole('button', { name: /^Preset cifar10-lt-reslt/ })
    .click();
  await expect(sheet(page).getByText(/is not in the library/)).toBeVisible();
  await sheet(page).getByRole('button', { name: 'Add dataset…' }).click();
  await expect(page.getByRole('dialog', { name: /dataset/i })).toBeVisible();
});

test('problems stand at their fields, changes go back, and YAML says what it does not know', async ({
  app,
}) => {
  const { page } = app;
  await addSample(app);
  await app.open('#/runs');
  await page.keyboard.press('n');
  const epochs = sheet(page).getByLabel('Epochs', { exact: true });
  const preset = (await app.call('listPresets')).find(({ name }) => name === 'sample-reslt');
  const usual = String(preset?.config.epochs);
  await expect(epochs).toHaveValue(usual);
  await epochs.fill('0');
  await expect(sheet(page).getByText(/epochs must be a whole number from 1/)).toBeVisible();
  await expect(epochs).toHaveAttribute('aria-invalid', 'true');
  await expect(sheet(page).getByText(/1 problem to mend: Epochs/)).toBeVisible();
  await expect(sheet(page).getByRole('row', { name: 'Memory –' })).toBeVisible();
  await epochs.fill('12x');
  await expect(sheet(page).getByText('This is no number.')).toBeVisible();
  await epochs.fill('3');
  await expect(sheet(page).getByRole('row', { name: new RegExp(`epochs ${usual} → 3`) })).toBeVisible();
  await sheet(page)
    .getByRole('button', { name: `Back to preset ${usual}` })
    .click();
  await expect(epochs).toHaveValue(usual);

  await sheet(page).getByRole('radio', { name: 'YAML' }).click();
  const yaml = sheet(page).getByRole('textbox', { name: 'Settings as YAML' });
  const text = await yaml.inputValue();
  await yaml.fill(`${text}lerningRate: 1\n`);
  await expect(sheet(page).getByText(/Did you mean "learningRate"/)).toBeVisible();
  await expect(queueButton(page)).toBeDisabled();
  await yaml.fill(text.replace(`epochs: ${usual}`, 'epochs: 5'));
  await expect(queueButton(page)).toBeEnabled();
  await sheet(page).getByRole('radio', { name: 'Form' }).click();
  await expect(epochs).toHaveValue('5');

  await sheet(page)
    .getByRole('button', { name: /^Preset sample-ce/ })
    .click();
  await expect(sheet(page).getByText('1 changed setting dropped')).toBeVisible();
  await sheet(page).getByRole('button', { name: 'Undo' }).click();
  await expect(epochs).toHaveValue('5');
});

test('several seeds are queued as one group, and a run can be duplicated and edited', async ({ app }) => {
  const { page } = app;
  await addSample(app);
  await app.call('setQueuePaused', { paused: true });
  await app.open('#/runs');
  await page.keyboard.press('n');
  await sheet(page).getByLabel('Epochs', { exact: true }).fill('2');
  const seeds = sheet(page).getByRole('textbox', { name: 'Seeds' });
  await seeds.fill('0, 1, 1');
  await expect(sheet(page).getByText('Seed 1 is there twice.')).toBeVisible();
  await expect(queueButton(page)).toBeDisabled();
  await seeds.fill('0-2');
  await sheet(page).getByRole('textbox', { name: 'Note' }).fill('first try');
  await expect(queueButton(page)).toBeEnabled();
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(sheet(page)).toHaveCount(0);
  await expect(page.getByText('3 runs queued')).toBeVisible();
  const queued = await Promise.all([1, 2, 3].map((id) => app.call('getRun', { id })));
  expect(queued.map(({ seed, note, config }) => [seed, note, config.epochs])).toEqual([
    [0, 'first try', 2],
    [1, 'first try', 2],
    [2, 'first try', 2],
  ]);
  expect(new Set(queued.map(({ groupId }) => groupId)).size).toBe(1);

  await page.getByRole('grid', { name: 'Runs' }).focus();
  await page.keyboard.press('ControlOrMeta+d');
  await expect(sheet(page)).toContainText('from run');
  await sheet(page).getByLabel('Epochs', { exact: true }).fill('4');
  await expect(sheet(page).getByRole('row', { name: /epochs 2 → 4/ })).toBeVisible();
  await sheet(page)
    .getByRole('checkbox', { name: /Run next/ })
    .click();
  await expect(queueButton(page)).toBeEnabled();
  await queueButton(page).click();
  await expect(sheet(page)).toHaveCount(0);
  const waiting = (await app.call('getQueue')).waiting.map(({ runId }) => runId);
  expect(waiting[0]).toBe(4);
  const duplicate = await app.call('getRun', { id: 4 });
  expect(duplicate.parentRunId).not.toBeNull();
  expect(duplicate.changes.map(({ key }) => key)).toEqual(['epochs']);
});

test('presets are found by words, say what was published, and ask for the checkpoint that they need', async ({
  app,
}) => {
  const { page } = app;
  await addSample(app);
  await app.open('#/runs');
  await page.keyboard.press('n');
  const find = sheet(page).getByLabel('Find preset or earlier run');
  await find.fill('resnext-101 reslt');
  await expect(sheet(page).getByRole('button', { name: /^Preset / })).toHaveCount(1);
  await find.fill('ride-teacher');
  await expect(sheet(page).getByRole('button', { name: /^Preset cifar100-lt-ride-teacher/ })).toContainText(
    '50.2',
  );
  await find.fill('cifar100 distill');
  await sheet(page)
    .getByRole('button', { name: /^Preset cifar100-lt-ride-distill/ })
    .click();
  await expect(
    sheet(page).getByText(/many 67.6, medium 50.9, few 25.2 \(RIDE, MODEL_ZOO.md\)/),
  ).toBeVisible();
  await expect(sheet(page).getByText(/teacher must name its checkpoint/)).toBeVisible();
  await expect(queueButton(page)).toBeDisabled();
  // A method without a teacher has no such field, and one with fewer settings shows only its own.
  await find.fill('sample balanced');
  await sheet(page)
    .getByRole('button', { name: /^Preset sample-balanced-softmax/ })
    .click();
  await expect(sheet(page).getByLabel('Teacher')).toHaveCount(0);
  await expect(sheet(page).getByLabel('Experts', { exact: true })).toHaveCount(0);
  await expect(sheet(page).getByRole('row', { name: /^Memory .*free/ })).toBeVisible();
});

test('a run with experts is queued from the sheet, and its page shows what it declares', async ({ app }) => {
  test.setTimeout(120_000);
  const { page } = app;
  await addSample(app);
  await app.open('#/runs');
  await page.keyboard.press('n');
  await sheet(page)
    .getByRole('button', { name: /^Preset sample-ride:/ })
    .click();
  await sheet(page).getByLabel('Epochs', { exact: true }).fill('1');
  await sheet(page).getByLabel('Most steps', { exact: true }).fill('3');
  await expect(queueButton(page)).toBeEnabled();
  await queueButton(page).click();
  await expect(sheet(page)).toHaveCount(0);
  await expect
    .poll(async () => (await app.call('getRun', { id: 1 })).state, { timeout: 90_000 })
    .toBe('completed');
  await app.open('#/runs/1');
  const panel = (title: string) => page.getByRole('region', { name: title, exact: true });
  for (const title of [
    'Accuracy by expert',
    'Loss, by expert',
    'Diversity, by expert',
    'Agreement of experts',
  ])
    await expect(panel(title), title).toBeAttached();
  for (const expert of [1, 2, 3])
    await expect(panel('Loss, by expert').getByText(`E${expert}`).first()).toBeAttached();
  await expect(panel('Accuracy by branch')).toHaveCount(0);

  // Its first steps tell how long the whole preset takes, and another method with this network.
  const presets = await app.call('listPresets');
  const expected = (name: string) => presets.find((preset) => preset.name === name)?.expected;
  expect(expected('sample-ride')?.sameMethod).toBe(true);
  expect(expected('sample-ride')?.ms).toBeGreaterThan(1000);
});

test.describe('with earlier runs', () => {
  test.use({ library: { fill: async (folder: string) => void (await playTrainings(folder)) } });

  test('a second stage starts from a checkpoint that is chosen or typed', async ({ app }) => {
    const { page } = app;
    await app.open('#/runs');
    await page.keyboard.press('n');
    await sheet(page).getByLabel('Find preset or earlier run').fill('cifar10-lt-crt');
    await sheet(page)
      .getByRole('button', { name: /^Preset cifar10-lt-crt/ })
      .click();
    await expect(sheet(page).getByText(/initFrom must name the checkpoint/)).toBeVisible();
    const field = sheet(page).getByLabel(/^Start from:/);
    await field.click();
    await page.getByRole('option', { name: /^2@last/ }).click();
    await expect(field).toHaveText(/2@last/);
    await expect(sheet(page).getByText(/initFrom must name the checkpoint/)).toHaveCount(0);
    await sheet(page)
      .getByRole('button', { name: /Type a run/ })
      .click();
    await expect(sheet(page).getByPlaceholder('12@last, or a file')).toHaveValue('2@last');
    await sheet(page).getByPlaceholder('12@last, or a file').fill('99@last');
    await expect(sheet(page).getByText(/99/).last()).toBeVisible();
    await expect(queueButton(page)).toBeDisabled();
  });
});
