/** Lines of a journal that are not what they should be. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRecord } from '../../main/scheduler/journalReader.ts';

test('a record is read as it was written', () => {
  const record = { atMs: 5, type: 'log', level: 'info', text: 'ä\u2028"' };
  assert.deepEqual(parseRecord(JSON.stringify(record), 0), record);
});

test('a record of a type that is not known is handed on', () => {
  assert.deepEqual(parseRecord('{"atMs":5,"type":"later"}', 0), { atMs: 5, type: 'later' });
});

for (const line of ['', '\0\0\0', '{"atMs":5,"ty', 'null', '5', '{"type":"log"}', '{"atMs":1}']) {
  test(`the line ${JSON.stringify(line)} becomes an error in the log`, () => {
    const record = parseRecord(line, 1234);
    assert.equal(record.type, 'log');
    assert.match((record as { text: string }).text, /^The record at byte 1234 of the journal can't be read/);
  });
}
