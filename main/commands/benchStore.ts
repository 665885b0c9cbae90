/**
 * `reslt bench store`: how fast this machine's disk and processor make the store. A library of 10,000 runs is filled in
 * a temporary folder through the same calls by which real runs get there; nothing is left behind.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PLAIN_RUN_QUERY, type RunQuery } from '../../preload/contract.ts';
import { openStore, type Store } from '../store/index.ts';
import { benchManifest } from './benchDataset.ts';
import type { JournalRecord } from '../trainer/protocol.ts';

export interface StoreBenchmark {
  /** Metric values stored in batches of 25, one transaction each: what a live run does. */
  liveRowsPerSecond: number;
  /** Metric values stored in batches of 10,000: what catching up after a restart does. */
  bulkRowsPerSecond: number;
  /** First page of 10,000 runs, sorted by accuracy; median of 21. */
  listRunsMs: number;
  /** Curves of 50 runs, one metric of 200 points each; median of 21. */
  curvesMs: number;
}

const RUNS = 10_000;
const CURVES = 50;
const CURVE_POINTS = 200;
const LIVE_BATCHES = 400;
const LIVE_BATCH_ROWS = 25;
const BULK_BATCHES = 10;
const BULK_BATCH_ROWS = 10_000;
const REPEATS = 21;

export async function measureStore(onProgress: (text: string) => void): Promise<StoreBenchmark> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-bench-'));
  const store = openStore(path.join(folder, 'library.db'));
  try {
    onProgress('Measuring live and bulk writes');
    const datasetId = addDataset(store);
    const live = measureWrites(store, datasetId, LIVE_BATCHES, LIVE_BATCH_ROWS);
    const bulk = measureWrites(store, datasetId, BULK_BATCHES, BULK_BATCH_ROWS);
    onProgress(`Filling a library of ${RUNS.toLocaleString('en-US')} runs`);
    const ids = fill(store, datasetId);
    onProgress('Measuring reads');
    return {
      liveRowsPerSecond: live,
      bulkRowsPerSecond: bulk,
      listRunsMs: median(() => store.runLists.list(QUERY, Date.now())),
      curvesMs: median(() => {
        for (const id of ids) {
          store.metrics.read(id, METRIC, { maxPoints: 2000, afterStep: null, untilStep: null });
        }
      }),
    };
  } finally {
    store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const METRIC = 'train/loss';
const QUERY: RunQuery = {
  ...PLAIN_RUN_QUERY,
  grouped: true,
  sort: { key: 'last-top1', descending: true },
};

function median(work: () => void): number {
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? 0;
}

function addDataset(store: Store): number {
  const manifest = benchManifest(12_406, 10_000);
  const id = store.datasets.takeNumber();
  store.datasets.add({ id, name: 'bench', manifest, sizeBytes: 0, createdAtMs: Date.now() });
  return id;
}

function addRun(store: Store, datasetId: number, number: number): number {
  const id = store.runs.create({
    kind: 'train',
    name: `bench-${number}`,
    title: 'ResLT',
    detail: `β 0.${900 + (number % 100)}`,
    slug: `bench-${number}`,
    groupId: null,
    seed: number % 5,
    method: 'reslt',
    network: 'resnet32',
    datasetId,
    preset: null,
    parentRunId: null,
    note: '',
    config: { schemaVersion: 1, method: 'reslt', network: 'resnet32', beta: 0.998, epochs: 200 },
    evaluate: null,
    warnings: [],
    createdAtMs: Date.now() - number * 60_000,
  });
  store.scheduling.beginAttempt(id, { attempt: 1, startedAtMs: Date.now(), resumedFromStep: 0 });
  return id;
}

function points(from: number, count: number): JournalRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'metrics',
    atMs: Date.now(),
    step: from + index,
    epoch: 1,
    activeMs: from + index,
    values: { [METRIC]: 2 + Math.sin(from + index) },
  }));
}

/** Rows a second into one run, `rows` a transaction. */
function measureWrites(store: Store, datasetId: number, batches: number, rows: number): number {
  const runId = addRun(store, datasetId, 0);
  const start = performance.now();
  for (let batch = 0; batch < batches; batch += 1) {
    const records = points(batch * rows, rows);
    store.scheduling.ingest({ runId, attempt: 1, fromOffset: batch, toOffset: batch + 1, records });
  }
  return (batches * rows) / ((performance.now() - start) / 1000);
}

/** 10,000 runs with a result each, the last 50 with a curve. Returns those 50. */
function fill(store: Store, datasetId: number): number[] {
  const withCurve: number[] = [];
  const perTransaction = 500;
  for (let done = 0; done < RUNS; done += perTransaction) {
    store.transaction(() => {
      for (let number = done; number < done + perTransaction; number += 1) {
        const id = addRun(store, datasetId, number);
        const hasCurve = number >= RUNS - CURVES;
        if (hasCurve) withCurve.push(id);
        const top1 = 0.5 + (number % 400) / 1000;
        const evaluation: JournalRecord = {
          type: 'evaluation',
          atMs: Date.now(),
          activeMs: 1000,
          result: {
            split: 'test',
            epoch: 200,
            step: 19_200,
            loss: 1,
            top1,
            top5: 0.95,
            perClass: Array.from({ length: 10 }, () => top1),
            branches: {},
            seconds: 1,
          },
        };
        const records = [...(hasCurve ? points(1, CURVE_POINTS) : []), evaluation];
        store.scheduling.ingest({ runId: id, attempt: 1, fromOffset: 0, toOffset: 1, records });
      }
    });
  }
  return withCurve;
}
