/** The pure parts of the Settings page. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { LICENCES } from '../../renderer/pages/settings/licences.ts';
import {
  budgetText,
  doctorText,
  parseBudget,
  parseWhole,
  storageParts,
} from '../../renderer/pages/settings/settingsFields.ts';

test('whole numbers are checked against their range, and empty is null only where it may be', () => {
  assert.deepEqual(parseWhole('4', { min: 1, max: 8 }), { ok: true, value: 4 });
  assert.deepEqual(parseWhole(' ', { min: 1, max: 8, nullable: true }), { ok: true, value: null });
  for (const text of ['', '0', '9', '1.5', '-1', 'x', '1e1'])
    assert.ok(!parseWhole(text, { min: 1, max: 8 }).ok, text);
  const refused = parseWhole('9', { min: 1, max: 8 });
  assert.ok(!refused.ok && /from 1 to 8, but this is 9/.test(refused.message));
});

test('a budget is typed in gigabytes and kept in bytes', () => {
  assert.deepEqual(parseBudget('20'), { ok: true, value: 20e9 });
  assert.deepEqual(parseBudget('0,5'), { ok: true, value: 5e8 });
  assert.deepEqual(parseBudget(''), { ok: true, value: null });
  for (const text of ['0', '-3', 'lots', '1 GB']) assert.ok(!parseBudget(text).ok, text);
  assert.equal(budgetText(20e9), '20');
  assert.equal(budgetText(null), '');
  const again = parseBudget(budgetText(123_456_789_000));
  assert.ok(again.ok && Math.abs(again.value! - 123_456_789_000) < 1e7);
});

test('the parts of the storage bar account for everything in the library', () => {
  const report = {
    folder: '/x',
    freeBytes: 1,
    totalBytes: 2,
    databaseBytes: 1,
    datasetsBytes: 2,
    checkpointsBytes: 4,
    logitsBytes: 8,
    journalsBytes: 16,
    trashBytes: 32,
    freeableBytes: 3,
  };
  assert.equal(
    storageParts(report).reduce((sum, { bytes }) => sum + bytes, 0),
    63,
  );
});

test('the doctor’s text has a line an item and its mend below', () => {
  const text = doctorText([
    { name: 'Node', value: '24.21.0', status: 'ok', mend: null },
    { name: 'Compiler', value: 'none', status: 'problem', mend: 'Install g++.' },
  ]);
  assert.deepEqual(text.split('\n'), [
    'ok       Node      24.21.0',
    'problem  Compiler  none',
    '                   → Install g++.',
  ]);
});

test('every licence on the page is what the package itself states', () => {
  const require = createRequire(import.meta.url);
  for (const { name, package: id, licence } of LICENCES) {
    if (id === null) continue;
    const manifest = new URL(`../../node_modules/${id}/package.json`, import.meta.url);
    assert.equal((require(fileURLToPath(manifest)) as { license: string }).license, licence, name);
  }
});
