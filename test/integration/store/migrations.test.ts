/** Upgrades of a library's database: from every released schema, with a copy first, all or nothing, never backwards. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { PLAIN_RUN_QUERY } from '../../../preload/contract.ts';
import { StudioError } from '../../../main/store/errors.ts';
import { openStore } from '../../../main/store/index.ts';
import type { Migration } from '../../../main/store/migrate.ts';
import { MIGRATIONS } from '../../../main/store/schema.ts';
import { tempLibrary } from '../../helpers/library.ts';

const FIXTURES = path.join(import.meta.dirname, '..', '..', 'fixtures', 'libraries');

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function schemaVersion(file: string): number {
  const database = new SqliteDatabase(file, { readonly: true });
  try {
    return database.pragma('user_version', { simple: true }) as number;
  } finally {
    database.close();
  }
}

const addColumn: Migration = (database) => database.exec('ALTER TABLE runs ADD COLUMN colour TEXT');

test('there is a fixture of every released schema', () => {
  const versions = readdirSync(FIXTURES).map((name) => Number(/^schema-(\d+)\.db$/.exec(name)?.[1]));
  assert.deepEqual(
    versions.sort((a, b) => a - b),
    MIGRATIONS.map((_, index) => index + 1),
    'make one with `node test/fixtures/makeLibrary.ts` when a schema is released',
  );
});

for (const name of readdirSync(FIXTURES)) {
  test(`${name} opens, and what was in it is there`, (t) => {
    const { folder, remove } = tempLibrary();
    t.after(remove);
    const file = path.join(folder, 'library.db');
    copyFileSync(path.join(FIXTURES, name), file);
    const store = openStore(file);
    t.after(() => store.close());
    assert.deepEqual(
      store.datasets.list().map((dataset) => dataset.name),
      ['cifar-10-lt', 'cifar-100-lt', 'cifar-100-lt-if50'],
    );
    const [run] = store.runs.inStates(['completed']);
    assert.ok(run !== undefined);
    assert.equal(run.config['epochs'], 200);
    const { last } = store.runs.summary(run.id);
    assert.ok(last !== null);
    const evaluation = store.evaluations.read(run.id, 'test', last.epoch);
    assert.equal(evaluation?.top1, last.top1);
    assert.equal(evaluation?.perClass.length, store.datasets.facts(run.datasetId!).classCounts.length);
    assert.equal(store.log.read(run.id, 0, 5).lines.length, 5);
    assert.ok((store.metrics.read(run.id, 'train/loss', ALL)?.values.length ?? 0) > 0);
    assert.equal(store.checkpoints.list(run.id).at(-1)?.epoch, 200);
    assert.deepEqual(store.database.raw.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  });
}

const ALL = { maxPoints: 1000, afterStep: null, untilStep: null };

test('a library that was upgraded has the schema of a new one', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const schemaOf = (file: string): unknown[] => {
    const store = openStore(file);
    const rows = store.database.raw
      .prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name')
      .all();
    store.close();
    return rows;
  };
  const fresh = schemaOf(path.join(folder, 'fresh.db'));
  for (const name of readdirSync(FIXTURES)) {
    const file = path.join(folder, name);
    copyFileSync(path.join(FIXTURES, name), file);
    // Differs when a step was edited after its release: libraries that have had it would never get the change.
    assert.deepEqual(schemaOf(file), fresh, name);
  }
});

test('an upgrade leaves a copy of what was there before it', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  copyFileSync(path.join(FIXTURES, 'schema-1.db'), file);
  const messages: string[] = [];
  const migrations = [...MIGRATIONS, addColumn];
  const store = openStore(file, { migrations, report: (message) => messages.push(message) });
  assert.equal(store.runs.get(2).id, 2);
  store.close();
  const copy = `${file}.before-schema-${migrations.length}`;
  assert.ok(
    messages.some((message) => message.includes(copy)),
    messages.join('\n'),
  );
  assert.equal(schemaVersion(copy), 1);
  assert.equal(schemaVersion(file), migrations.length);
  const again: string[] = [];
  openStore(file, { migrations, report: (message) => again.push(message) }).close();
  assert.deepEqual(again, [], 'nothing is done twice');
});

test('runs of a library from before imports keep all that they had, and imported ones fit beside them', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  copyFileSync(path.join(FIXTURES, 'schema-1.db'), file);
  const old = new SqliteDatabase(file, { readonly: true });
  const before = old.prepare('SELECT * FROM runs ORDER BY id').all();
  old.close();
  assert.ok(before.length > 0);
  const store = openStore(file);
  t.after(() => store.close());
  assert.deepEqual(store.database.raw.prepare('SELECT * FROM runs ORDER BY id').all(), before);
  const imported = {
    kind: 'checkpoint',
    fileName: 'model_best.pth.tar',
    sizeBytes: 12,
    sha256: 'ab'.repeat(32),
    importedAtMs: 1,
    format: 'PyTorch (zip)',
    classes: 10,
    epoch: 200,
    bestTop1: null,
    recipe: null,
    classOrder: 'as-stored',
  } as const;
  const id = store.runs.create({
    kind: 'import',
    name: 'authors',
    title: 'ResLT',
    detail: '',
    slug: 'authors',
    groupId: null,
    seed: 0,
    method: 'reslt',
    network: 'resnet32',
    datasetId: null,
    preset: null,
    parentRunId: null,
    note: '',
    config: { method: 'reslt' },
    evaluate: null,
    imported,
    warnings: [],
    createdAtMs: 1,
  });
  assert.deepEqual(store.runs.get(id).imported, imported);
  const summary = store.runs.summary(id);
  assert.deepEqual([summary.kind, summary.datasetId, summary.datasetName], ['import', null, null]);
  assert.deepEqual(store.runs.importedFrom(imported.sha256), [{ id, name: 'authors' }]);
  const found = store.runLists.list({ ...PLAIN_RUN_QUERY, kinds: ['import'] }, 2);
  assert.deepEqual(
    found.items.flatMap(({ runs }) => runs.map((run) => run.id)),
    [id],
  );
  assert.equal(found.filters.kinds.find(({ kind }) => kind === 'train')?.count, before.length);
});

test('a step that fails leaves the file in the version before it', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  openStore(file, { migrations: MIGRATIONS.slice(0, 1) }).close();
  const broken: Migration = (database) => {
    database.exec('CREATE TABLE half (x INTEGER)');
    database.exec('CREATE TABLE half (x INTEGER)');
  };
  assert.throws(
    () => openStore(file, { migrations: [...MIGRATIONS.slice(0, 1), addColumn, broken] }),
    /half/,
  );
  assert.equal(schemaVersion(file), 2, 'the step before it is kept');
  const database = new SqliteDatabase(file);
  t.after(() => database.close());
  assert.equal(
    database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").pluck().get(),
    0,
  );
});

test('a step that would leave rows which refer to nothing is refused', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  copyFileSync(path.join(FIXTURES, 'schema-1.db'), file);
  const orphaning: Migration = (database) => database.exec('DELETE FROM datasets WHERE id = 1');
  assert.throws(
    () => openStore(file, { migrations: [...MIGRATIONS.slice(0, 1), orphaning] }),
    /rows that refer to nothing/,
  );
  assert.equal(schemaVersion(file), 1);
});

test('a file of a newer version is refused, and neither it nor its folder is touched', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  openStore(file, { migrations: [...MIGRATIONS, addColumn] }).close();
  const before = { hash: hashOf(file), names: readdirSync(folder) };
  assert.throws(
    () => openStore(file),
    (error: unknown) =>
      error instanceof StudioError &&
      error.code === 'not-allowed' &&
      error.message.includes(`schema ${MIGRATIONS.length + 1}`) &&
      /Nothing was changed/.test(error.message),
  );
  assert.deepEqual({ hash: hashOf(file), names: readdirSync(folder) }, before);
});

test('a newer version that a dying process left in the write-ahead log is noticed too', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  openStore(file).close();
  // Copied while it is open, the log is not in the file yet: as after a SIGKILL.
  const database = new SqliteDatabase(file);
  database.pragma('journal_mode = WAL');
  database.pragma(`user_version = ${MIGRATIONS.length + 1}`);
  const left = path.join(folder, 'left.db');
  copyFileSync(file, left);
  copyFileSync(`${file}-wal`, `${left}-wal`);
  database.close();
  const hash = hashOf(left);
  assert.throws(() => openStore(left), /newer ResLT Studio/);
  assert.equal(hashOf(left), hash);
});

test('a file that is something else is refused and stays as it is', (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  writeFileSync(file, 'This is a text that somebody called library.db. '.repeat(10));
  const hash = hashOf(file);
  assert.throws(() => openStore(file), /some other file/);
  assert.equal(hashOf(file), hash);
  assert.deepEqual(readdirSync(folder), ['library.db']);
});
