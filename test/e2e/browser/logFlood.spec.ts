/**
 * From a trainer's log call to the screen: 2,000 lines a second for 20 seconds, through the real journal, control socket,
 * store, notices and page. The time of a line is in its text; the page notes when it has painted it.
 */
import path from 'node:path';
import { addSample, call, expect, startHeadless, test, type App } from '../app.ts';

const SECONDS = 20;
const LINES_PER_SECOND = 2000;
const STEP_MS = 50;
const LINES = SECONDS * LINES_PER_SECOND;
const LIMIT_MS = 500;
const FLOOD = {
  steps: (SECONDS * 1000) / STEP_MS,
  stepsPerEpoch: 100,
  stepMs: STEP_MS,
  linesPerStep: (LINES_PER_SECOND * STEP_MS) / 1000,
  checkpoints: false,
};

/** What the observer in the page collects, and the parts of a page that it needs (tests compile without the DOM). */
interface Page {
  delays: number[];
  document: { querySelector(selector: string): unknown };
  requestAnimationFrame(act: () => void): void;
  MutationObserver: new (act: (records: { addedNodes: Iterable<Line> }[]) => void) => {
    observe(target: unknown, options: object): void;
  };
}
interface Line {
  textContent: string | null;
}

test('2,000 log lines a second reach the screen within half a second, none lost, none twice', async ({
  browser,
  libraryFolder,
}) => {
  test.setTimeout(180_000);
  process.env['RESLT_FLOOD'] = JSON.stringify(FLOOD);
  const running = await startHeadless(libraryFolder, browser, null, {
    command: process.execPath,
    args: [path.resolve('test/helpers/floodServer.ts')],
  });
  delete process.env['RESLT_FLOOD'];
  const { page } = running;
  const app: Pick<App, 'call'> = { call: (method, argument) => call(page, method, argument) };
  const datasetId = await addSample({ page });
  const preset = (await app.call('listPresets')).find(({ name }) => name === 'sample-ce');
  if (!preset) throw new Error('There is no preset sample-ce.');
  await page.evaluate(() => {
    (globalThis as unknown as { location: { hash: string } }).location.hash = '#/runs/1/log';
  });
  await app.call('createRuns', {
    preset: preset.name,
    parentRunId: null,
    config: preset.config,
    datasetId,
    seeds: [0],
    name: null,
    note: '',
    runNext: false,
  });
  await page.reload();
  const log = page.getByRole('log', { name: 'Log lines' });
  await log.waitFor();
  await page.evaluate(() => {
    const window = globalThis as unknown as Page;
    window.delays = [];
    // A reused row is a changed text node, a new one an added element: both carry "… at <ms>".
    new window.MutationObserver((records) => {
      const times = records
        .flatMap((record) => [...record.addedNodes])
        .flatMap((node) => {
          const at = /line \d+ at (\d+)/.exec(node.textContent ?? '')?.[1];
          return at === undefined ? [] : [Number(at)];
        });
      // The next frame is the one that shows it.
      if (times.length > 0)
        window.requestAnimationFrame(() => window.delays.push(...times.map((at) => Date.now() - at)));
    }).observe(window.document.querySelector('[role="log"]'), {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  await expect
    .poll(async () => (await app.call('getRun', { id: 1 })).state, { timeout: 120_000, intervals: [1000] })
    .toBe('completed');

  const delays = (await page.evaluate(() => (globalThis as unknown as Page).delays)).sort((a, b) => a - b);
  const at = (share: number): number => delays[Math.floor(share * (delays.length - 1))] ?? NaN;
  console.log(
    `${delays.length} lines painted while ${LINES} were written; from the trainer to the screen: ` +
      `median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, longest ${at(1)} ms`,
  );
  expect(delays.length).toBeGreaterThan(500);
  expect(at(0.95)).toBeLessThan(LIMIT_MS);

  const stored: string[] = [];
  for (;;) {
    const { lines, total } = await app.call('getLog', { runId: 1, offset: stored.length, limit: 2000 });
    stored.push(...lines.map(({ text }) => text));
    if (stored.length >= total) break;
  }
  const numbers = stored.flatMap((text) => /^line (\d+) at/.exec(text)?.[1] ?? []).map(Number);
  expect(numbers).toEqual(Array.from({ length: LINES }, (_, index) => index + 1));
  await running.close();
});
