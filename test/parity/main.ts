/**
 * `npm run -s parity`: compares the program with every golden case that it finds and prints a table. RESLT_GOLDEN
 * points it at another folder of the same formats; `--engine tensorflow-cpu|tensorflow-gpu|wasm` chooses the engine,
 * which otherwise is the native one where it is installed. Exits with 1 when a case failed.
 */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { findCases, runCase, type CaseOutcome } from './cases.ts';
import { loadParityEngine } from './engine.ts';
import { openGolden } from './golden.ts';

const { values } = parseArgs({ options: { engine: { type: 'string' }, filter: { type: 'string' } } });
const folder = process.env['RESLT_GOLDEN'] ?? path.join(import.meta.dirname, '../fixtures/golden');
const backend = await loadParityEngine(values.engine ?? 'auto');

const cases = findCases(openGolden(folder)).filter(({ name }) => name.includes(values.filter ?? ''));
if (!existsSync(folder)) {
  process.stderr.write(`There is no folder of golden data at ${folder}.${os.EOL}`);
  process.exit(1);
}
process.stdout.write(`Golden data in ${folder}, engine ${backend.kind} ${backend.version}${os.EOL}`);
const width = Math.max(...cases.map(({ name }) => name.length));
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const parityCase of cases) {
  const outcome = await runCase(parityCase, backend);
  counts[outcome.verdict]++;
  process.stdout.write(formatOutcome(outcome, width) + os.EOL);
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped${os.EOL}`);
process.exit(counts.failed > 0 ? 1 : 0);

function formatOutcome({ name, verdict, worst, reason }: CaseOutcome, nameWidth: number): string {
  const cell = (value: number | undefined): string =>
    (value === undefined ? '–' : value.toExponential(2)).padStart(9);
  const note = reason ?? (verdict === 'failed' ? worst?.name : undefined);
  const columns = [name.padEnd(nameWidth), cell(worst?.error), cell(worst?.tolerance), verdict];
  return columns.join('  ') + (note ? `: ${note}` : '');
}
