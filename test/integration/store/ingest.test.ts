/** What a trainer says gets into the store once, whatever dies in between. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { StudioError } from '../../../main/store/errors.ts';
import { openStore, type Store } from '../../../main/store/index.ts';
import type { JournalEntry, JournalRecord } from '../../../main/trainer/protocol.ts';
import type { EvaluationResult } from '../../../main/training/types.ts';
import {
  addDataset,
  exampleManifest,
  exampleRun,
  openTempStore,
  tempLibrary,
} from '../../helpers/library.ts';

const ALL = { maxPoints: 100_000, afterStep: null, untilStep: null };
const PROCESS = { pid: 4242, startedAt: 'boot 1' };

const record = (entry: JournalEntry, atMs = 1_700_000_000_000): JournalRecord => ({ atMs, ...entry });

const attemptRecord = (attempt: number, resumedFromStep: number): JournalRecord =>
  record({
    type: 'attempt',
    attempt,
    kind: 'train',
    resumedFromStep,
    resumedFromEpoch: Math.floor(resumedFromStep / 10),
    activeMs: resumedFromStep * 100,
    process: PROCESS,
    socketPath: null,
  });

const metrics = (step: number, values: Record<string, number>): JournalRecord =>
  record({ type: 'metrics', step, epoch: Math.ceil(step / 10), activeMs: step * 100, values });

const log = (text: string, level: 'info' | 'warn' | 'error' = 'info'): JournalRecord =>
  record({ type: 'log', level, text });

function result(epoch: number, top1: number, change: Partial<EvaluationResult> = {}): EvaluationResult {
  return {
    split: 'test',
    epoch,
    step: epoch * 10,
    loss: 1,
    top1,
    top5: null,
    perClass: Array.from({ length: 10 }, () => top1),
    branches: {},
    seconds: 1,
    ...change,
  };
}

const evaluation = (value: EvaluationResult): JournalRecord =>
  record({ type: 'evaluation', activeMs: value.step * 100, result: value });

/** A store with one run that has begun its first attempt. */
function withRun(t: { after: (f: () => void) => void }, validation = false): { store: Store; runId: number } {
  const { store, close } = openTempStore();
  t.after(close);
  const datasetId = addDataset(store, 'data', exampleManifest({ validation }));
  const runId = store.runs.create(exampleRun(datasetId));
  store.scheduling.beginAttempt(runId, { attempt: 1, startedAtMs: 1, resumedFromStep: 0 });
  return { store, runId };
}

/** Stores records as the next batch of an attempt; each counts 100 bytes. */
function ingest(store: Store, runId: number, attempt: number, records: JournalRecord[]): void {
  const { journalOffset } = store.scheduling.readSchedulerRun(runId)!.attempt!;
  store.scheduling.ingest({
    runId,
    attempt,
    fromOffset: journalOffset,
    toOffset: journalOffset + records.length * 100,
    records,
  });
}

test('a batch is stored with its offset, and cannot be stored again', (t) => {
  const { store, runId } = withRun(t);
  const batch = {
    runId,
    attempt: 1,
    fromOffset: 0,
    toOffset: 500,
    records: [attemptRecord(1, 0), metrics(1, { 'train/loss': 2 }), log('one')],
  };
  assert.deepEqual(store.scheduling.ingest(batch), { step: 1, logLines: 1 });
  assert.equal(store.scheduling.readSchedulerRun(runId)?.attempt?.journalOffset, 500);
  for (const fromOffset of [0, 400, 600])
    assert.throws(
      () => store.scheduling.ingest({ ...batch, fromOffset }),
      (error: unknown) => error instanceof StudioError && error.code === 'conflict',
    );
  assert.equal(store.log.count(runId), 1);
  assert.equal(store.metrics.read(runId, 'train/loss', ALL)?.total, 1);
});

test('a batch that fails in the middle leaves nothing, and goes in when it is right', (t) => {
  const { store, runId } = withRun(t);
  const bad = { ...metrics(2, {}), values: { 'train/new': 1 }, step: 'two' } as unknown as JournalRecord;
  assert.throws(() => ingest(store, runId, 1, [attemptRecord(1, 0), log('one'), bad]));
  assert.equal(store.log.count(runId), 0);
  assert.equal(store.scheduling.readSchedulerRun(runId)?.attempt?.journalOffset, 0);
  // The name was taken back with the rest; its number must not be remembered.
  ingest(store, runId, 1, [
    attemptRecord(1, 0),
    log('one'),
    metrics(2, { 'train/other': 5, 'train/new': 1 }),
  ]);
  assert.deepEqual(store.metrics.read(runId, 'train/new', ALL)?.values, [1]);
  assert.deepEqual(store.metrics.read(runId, 'train/other', ALL)?.values, [5]);
});

test('a new attempt takes back what lies beyond its step, and keeps the log with its attempt', (t) => {
  const { store, runId } = withRun(t);
  ingest(store, runId, 1, [
    attemptRecord(1, 0),
    log('first attempt'),
    ...Array.from({ length: 30 }, (_, i) => metrics(i + 1, { 'train/loss': i + 1, 'train/lr': 0.1 })),
    evaluation(result(1, 0.3)),
    evaluation(result(2, 0.9)),
    evaluation(result(3, 0.4)),
    ...[1, 2, 3].map((epoch) =>
      record({
        type: 'checkpoint',
        epoch,
        step: epoch * 10,
        activeMs: 0,
        roles: ['every'],
        file: `checkpoints/epoch-000${epoch}.safetensors`,
        sizeBytes: 1000,
        logits: null,
        evaluated: ['test'],
      }),
    ),
  ]);
  assert.equal(store.runs.summary(runId).best?.epoch, 2);

  store.scheduling.beginAttempt(runId, { attempt: 2, startedAtMs: 2, resumedFromStep: 10 });
  ingest(store, runId, 2, [attemptRecord(2, 10), log('second attempt'), metrics(11, { 'train/loss': 111 })]);

  const loss = store.metrics.read(runId, 'train/loss', ALL)!;
  assert.deepEqual(loss.steps, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(loss.values.at(-1), 111);
  assert.equal(loss.total, 11);
  assert.equal(store.metrics.read(runId, 'train/lr', ALL)?.total, 10);
  assert.deepEqual(store.evaluations.series(runId, 'test', 'count-100-20').epochs, [1]);
  assert.equal(store.evaluations.read(runId, 'test', 2), null, 'with its vectors');
  assert.equal(store.runs.summary(runId).best?.epoch, 1, 'the best is of what is left');
  assert.deepEqual(
    store.checkpoints.list(runId).map((checkpoint) => checkpoint.step),
    [10],
  );
  assert.deepEqual(
    store.log.read(runId, 0, 10).lines.map(({ number, attempt, text }) => [number, attempt, text]),
    [
      [1, 1, 'first attempt'],
      [2, 2, 'second attempt'],
    ],
  );
});

test('a value that is not finite is not stored, and said aloud', (t) => {
  const { store, runId } = withRun(t);
  const values = { 'train/loss': null, 'train/top1': 0.5, 'train/lr': Number.NaN } as unknown as Record<
    string,
    number
  >;
  ingest(store, runId, 1, [attemptRecord(1, 0), metrics(7, values)]);
  assert.equal(store.metrics.read(runId, 'train/loss', ALL), null);
  assert.deepEqual(store.metrics.read(runId, 'train/top1', ALL)?.values, [0.5]);
  const { lines } = store.log.read(runId, 0, 10);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error', 'error'],
  );
  assert.match(lines[0]!.text, /train\/loss at step 7 is null/);
  assert.equal(store.runs.get(runId).logErrors, 2);
});

test('best is the highest on the selection split, the earliest of equals, told by the test split', (t) => {
  const { store, runId } = withRun(t, true);
  ingest(store, runId, 1, [
    attemptRecord(1, 0),
    ...[
      [1, 0.5, 0.7],
      [2, 0.6, 0.4],
      [3, 0.6, 0.9],
    ].flatMap(([epoch, val, tested]) => [
      evaluation(result(epoch!, val!, { split: 'val' })),
      evaluation(result(epoch!, tested!)),
    ]),
    // The newest epoch's val result is there a moment before its test result.
    evaluation(result(4, 0.99, { split: 'val' })),
  ]);
  const { best, last } = store.runs.summary(runId);
  assert.deepEqual([best?.epoch, best?.top1, best?.selection, best?.split], [2, 0.4, 'best-val', 'test']);
  assert.deepEqual([last?.epoch, last?.top1, last?.selection], [3, 0.9, 'last']);
});

test('groups follow the training counts; an empty one is null, and no class is not zero', (t) => {
  const { store, runId } = withRun(t);
  const perClass = [1, 1, 1, 1, 1, 1, 1, 1, 0.5, null];
  ingest(store, runId, 1, [
    attemptRecord(1, 0),
    evaluation(
      result(1, 0.9, { perClass, branches: { h: { top1: 0.25, perClass: perClass.map(() => 0.25) } } }),
    ),
  ]);
  const { last } = store.runs.summary(runId);
  // Counts 5000 … 139 are many, 83 and 50 medium, none is below 20.
  assert.deepEqual(last?.groups['count-100-20'], { many: 1, medium: 0.5, few: null });
  assert.equal(last?.groups['reslt-ranges'].many, 1);
  const read = store.evaluations.read(runId, 'test', 1)!;
  assert.deepEqual(read.perClass, perClass);
  assert.deepEqual(read.branches['h']?.groups['count-100-20'], { many: 0.25, medium: 0.25, few: null });
  const series = store.evaluations.series(runId, 'test', 'count-100-20');
  assert.deepEqual(series.groups, { many: [1], medium: [0.5], few: [null] });
  assert.deepEqual(series.branches['h']?.top1, [0.25]);
  const classes = store.evaluations.classResult(store.runs.get(runId), null);
  assert.equal(classes?.neverRight, 0, 'a class without images was not wrong');
});

test('checkpoints keep their pin when they are written again, and go when their files go', (t) => {
  const { store, runId } = withRun(t);
  const file = 'checkpoints/epoch-0001.safetensors';
  const checkpoint = record({
    type: 'checkpoint',
    epoch: 1,
    step: 10,
    activeMs: 0,
    roles: ['last', 'best'],
    file,
    sizeBytes: 1000,
    logits: {
      file: 'logits/epoch-0001.safetensors',
      sizeBytes: 500,
      dtype: 'float32',
      splits: [{ split: 'test', outputs: ['fused'], examples: 10, classes: 10 }],
    },
    evaluated: ['test'],
  });
  ingest(store, runId, 1, [attemptRecord(1, 0), checkpoint]);
  store.checkpoints.setPinned(store.checkpoints.list(runId)[0]!.id, true);
  ingest(store, runId, 1, [checkpoint, record({ type: 'checkpoint-roles', file, roles: ['best'] })]);
  const [row] = store.checkpoints.list(runId);
  assert.deepEqual([row?.pinned, row?.roles, row?.sizeBytes], [true, ['best'], 1500]);
  assert.equal(store.runs.get(runId).sizeBytes, 400 + 1500, 'journal and checkpoint');
  ingest(store, runId, 1, [record({ type: 'checkpoint-removed', file })]);
  assert.deepEqual(store.checkpoints.list(runId), []);
  assert.equal(store.runs.get(runId).sizeBytes, 500);
});

test('a record of a type that this version does not know is passed by', (t) => {
  const { store, runId } = withRun(t);
  ingest(store, runId, 1, [
    attemptRecord(1, 0),
    { atMs: 1, type: 'weather', sun: true } as never,
    log('after'),
  ]);
  assert.equal(store.log.count(runId), 1);
});

test('killed in the middle, again and again, every record is stored once', { timeout: 60_000 }, async (t) => {
  const { folder, remove } = tempLibrary();
  t.after(remove);
  const file = path.join(folder, 'library.db');
  const prepared = openStore(file);
  const runId = prepared.runs.create(exampleRun(addDataset(prepared)));
  prepared.scheduling.beginAttempt(runId, { attempt: 1, startedAtMs: 1, resumedFromStep: 0 });
  prepared.close();

  let stored = 0;
  for (let turn = 0; turn <= KILLS; turn++) {
    const child = spawn(process.execPath, [INGESTER, file, String(runId)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    // Wherever it is by then: between batches, in the middle of a transaction, while it commits. The last may finish.
    if (turn < KILLS) setTimeout(() => child.kill('SIGKILL'), 10 + turn * 9);
    const ended = (await once(child, 'exit')) as [number | null, string | null];
    assert.deepEqual(ended, turn < KILLS ? [null, 'SIGKILL'] : [0, null], `turn ${turn}`);
    const store = openStore(file);
    const now = store.scheduling.readSchedulerRun(runId)!.attempt!.journalOffset / RECORD_BYTES;
    assert.ok(now >= stored, 'nothing that was stored is lost');
    assert.equal(Math.max(0, now - 1), store.log.count(runId), 'offset and rows are of the same moment');
    stored = now;
    store.close();
  }

  const store = openStore(file);
  t.after(() => store.close());
  const loss = store.metrics.read(runId, 'train/loss', { ...ALL, maxPoints: RECORDS })!;
  assert.equal(loss.total, RECORDS);
  assert.deepEqual(
    loss.values,
    Array.from({ length: RECORDS }, (_, index) => index + 1),
  );
  const numbers: number[] = [];
  for (let offset = 0; offset < RECORDS; offset += 10_000)
    numbers.push(...store.log.read(runId, offset, 10_000).lines.map((line) => Number(line.text)));
  assert.deepEqual(
    numbers,
    Array.from({ length: RECORDS }, (_, index) => index + 1),
  );
  assert.deepEqual(store.database.raw.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
});

const INGESTER = path.join(import.meta.dirname, '..', '..', 'helpers', 'ingester.ts');
const KILLS = 6;
const { RECORDS, RECORD_BYTES } = await import('../../helpers/ingester.ts');
