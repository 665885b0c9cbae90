/**
 * `npm test [-- PART…]`: makes the checkout ready and runs all tests, or the parts named: types, format, unit, parity,
 * integration, browser, desktop. Every part runs even when an earlier one failed. The last line is
 * `N passed, N failed, N skipped`; what is skipped as a whole says why.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dependency, pinnedNode, root, run, runNode, say } from './lib.mjs';
import { buildStale } from './build.mjs';
import { setUp } from './setup.mjs';
import { findBrowser, findElectron, hasDisplay, virtualDisplay } from './tools.mjs';

const PARTS = { types, format, unit, parity, integration, browser, desktop };
/** Output of shared test data (CIFAR-10); tests on CIFAR pixels skip without it. */
const TEST_DATA = path.join(root, '.data');

const scratch = mkdtempSync(path.join(os.tmpdir(), 'reslt-test-'));
const environment = {
  ...(existsSync(TEST_DATA) && process.env.RESLT_TEST_DATA === undefined && { RESLT_TEST_DATA: TEST_DATA }),
};

// ------------------------------------------------------------------------------------------------------------- parts

async function types() {
  const compile = (config) => runNode(dependency('typescript', 'bin', 'tsc'), ['-p', config]);
  const results = [
    await compile('tsconfig.json'),
    await compile('tsconfig.pure.json'),
    await runNode(dependency('svelte-check', 'bin', 'svelte-check'), [
      '--tsconfig',
      'tsconfig.renderer.json',
      '--fail-on-warnings',
      '--output',
      'human',
    ]),
  ];
  return countCodes(results);
}

async function format() {
  return countCodes([
    await runNode(dependency('prettier', 'bin', 'prettier.cjs'), ['--check', '--log-level=warn', '.']),
  ]);
}

function unit() {
  return nodeTests('unit');
}

/** The table of golden cases on the engine at hand, and the tests of the kernels. */
async function parity() {
  const results = [await parityTable(), await nodeTests('parity')];
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

async function parityTable() {
  const table = await runNode(path.join(root, 'test', 'parity', 'main.ts'), [], {
    env: environment,
    capture: true,
  });
  process.stdout.write(table.output);
  const counts = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(table.output);
  if (counts === null) return { passed: 0, failed: 1, skipped: 0 };
  const [passed, failed, skipped] = counts.slice(1).map(Number);
  return { passed, failed: Math.max(failed, table.code === 0 ? 0 : 1), skipped };
}

function integration() {
  return nodeTests('integration');
}

async function browser() {
  const executable = await findBrowser({ install: true });
  if (executable === null)
    return skipPlaywright('browser', 'no Chromium is here and Playwright could not install one');
  await buildStale(['renderer']);
  return playwright('browser', [], { RESLT_CHROMIUM: executable });
}

async function desktop() {
  if (findElectron() === null)
    return skipPlaywright(
      'desktop',
      'Electron’s binary is not here (ELECTRON_OVERRIDE_DIST_PATH may name another)',
    );
  const display = hasDisplay() ? [] : virtualDisplay();
  if (display === null)
    return skipPlaywright('desktop', 'there is no display, and no Xvfb with xvfb-run to make one');
  await buildStale(['renderer', 'desktop']);
  return playwright('desktop', display);
}

// ----------------------------------------------------------------------------------------------------------- runners

async function nodeTests(folder) {
  const counts = path.join(scratch, `${folder}.json`);
  const { code } = await run(
    pinnedNode(),
    [
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${path.join(root, 'scripts', 'countReporter.mjs')}`,
      `--test-reporter-destination=${counts}`,
      `test/${folder}/**/*.test.ts`,
    ],
    { env: environment },
  );
  if (!existsSync(counts)) return { passed: 0, failed: 1, skipped: 0 };
  const { passed, failed, cancelled, skipped, todo } = JSON.parse(readFileSync(counts, 'utf8'));
  return { passed, failed: Math.max(failed + cancelled, code === 0 ? 0 : 1), skipped: skipped + todo };
}

async function playwright(project, wrapper, env = {}) {
  const report = path.join(scratch, `${project}.json`);
  const command = [...wrapper, pinnedNode(), dependency('@playwright', 'test', 'cli.js')];
  const { code } = await run(
    command[0],
    [...command.slice(1), 'test', `--project=${project}`, '--reporter=list,json'],
    {
      env: { ...environment, ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    },
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { stats, errors } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = stats.unexpected + errors.length;
  return {
    passed: stats.expected + stats.flaky,
    failed: Math.max(failed, code === 0 ? 0 : 1),
    skipped: stats.skipped,
  };
}

/** Counts the tests of a project that can't run here, and says why. */
async function skipPlaywright(project, reason) {
  say(`Skipped the ${project} tests: ${reason}.`);
  const { output } = await runNode(
    dependency('@playwright', 'test', 'cli.js'),
    ['test', `--project=${project}`, '--list'],
    { capture: true },
  );
  return { passed: 0, failed: 0, skipped: Number(/Total: (\d+) tests?/.exec(output)?.[1] ?? 1) };
}

function countCodes(results) {
  const failed = results.filter(({ code }) => code !== 0).length;
  return { passed: results.length - failed, failed, skipped: 0 };
}

// -------------------------------------------------------------------------------------------------------------- all

async function main() {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !(name in PARTS));
  if (unknown !== undefined)
    throw new Error(
      `There is no part "${unknown}" of the tests: the parts are ${Object.keys(PARTS).join(', ')}.`,
    );
  const names = asked.length > 0 ? asked : Object.keys(PARTS);
  const builds = names.includes('desktop')
    ? ['renderer', 'desktop']
    : names.includes('browser')
      ? ['renderer']
      : [];
  await setUp({ parts: builds });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const rows = [];
  for (const name of names) {
    say(`\n── ${name} ──`);
    const startedAtMs = Date.now();
    const counts = await runPart(name);
    const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(0);
    rows.push(`${name.padEnd(12)} ${describe(counts)} (${seconds} s)`);
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  say(`\n${rows.join('\n')}\n`);
  console.log(describe(total));
  return total.failed === 0 ? 0 : 1;
}

/** A part that could not even begin, such as a build that fails, is one failure and does not keep the others back. */
async function runPart(name) {
  try {
    return await PARTS[name]();
  } catch (error) {
    say(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
