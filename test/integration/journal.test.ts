/** The journal as a file: what is written is read back whole, in pieces, while it grows and when it breaks off. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { JournalReader } from '../../main/scheduler/journalReader.ts';
import { Journal } from '../../main/trainer/journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a reader gets every record once, in bounded pieces, and waits for the rest of an incomplete one', async () => {
  const file = path.join(folder, 'journal-1.jsonl');
  const reader = new JournalReader(file);
  assert.equal(await reader.read(0), null, 'there is no journal yet');

  const journal = new Journal(file);
  for (let i = 0; i < 3000; i++) journal.write({ type: 'log', level: 'info', text: `line ${i} ✓` });
  assert.equal(journal.bytes, statSync(file).size);

  const texts: string[] = [];
  let offset = 0;
  let pieces = 0;
  for (let batch = await reader.read(0); batch !== null; batch = await reader.read(offset)) {
    assert.equal(batch.fromOffset, offset);
    assert.ok(batch.toOffset - batch.fromOffset <= 64 * 1024, 'a piece is bounded');
    for (const record of batch.records) texts.push((record as { text: string }).text);
    offset = batch.toOffset;
    pieces++;
  }
  assert.deepEqual(
    texts,
    Array.from({ length: 3000 }, (_, i) => `line ${i} ✓`),
  );
  assert.ok(pieces > 1);
  assert.equal(offset, journal.bytes);

  appendFileSync(file, '{"atMs":1,"type":"log","level":"info",');
  assert.equal(await reader.read(offset), null, 'half a record is not read');
  appendFileSync(file, '"text":"now whole"}\n');
  assert.deepEqual((await reader.read(offset))?.records, [
    { atMs: 1, type: 'log', level: 'info', text: 'now whole' },
  ]);
  journal.close();
  await reader.close();
});

test('a record larger than a piece is read whole', async () => {
  const journal = new Journal(path.join(folder, 'journal-1.jsonl'));
  const text = 'x'.repeat(1_000_000);
  journal.write({ type: 'log', level: 'info', text });
  journal.write({ type: 'log', level: 'info', text: 'short' });
  const reader = new JournalReader(journal.file);
  const texts: string[] = [];
  let offset = 0;
  for (let batch = await reader.read(0); batch !== null; batch = await reader.read(offset)) {
    for (const record of batch.records) texts.push((record as { text: string }).text);
    offset = batch.toOffset;
  }
  assert.deepEqual(texts, [text, 'short']);
  journal.close();
  await reader.close();
});

test('the journal of an attempt is made once, and its reserve goes with its end', () => {
  const file = path.join(folder, 'journal-1.jsonl');
  const journal = new Journal(file);
  assert.throws(() => new Journal(file), { code: 'EEXIST' });
  assert.ok(existsSync(`${file}.reserve.tmp`));
  journal.close();
  assert.ok(!existsSync(`${file}.reserve.tmp`));
});
