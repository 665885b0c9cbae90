/** Libraries for tests: a temporary folder, an open store in it, and rows that need no files. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Config, DatasetKind } from '../../preload/contract.ts';
import type { DatasetManifest } from '../../main/datasets/manifest.ts';
import { openStore, type Store, type StoreOptions } from '../../main/store/index.ts';
import type { NewRun } from '../../main/store/runs.ts';

/** An empty folder that `remove` deletes with all that is in it. */
export function tempLibrary(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-test-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A store in a folder of its own. `close` closes it and removes the folder. */
export function openTempStore(options?: StoreOptions): { store: Store; folder: string; close: () => void } {
  const { folder, remove } = tempLibrary();
  const store = openStore(path.join(folder, 'library.db'), options);
  return {
    store,
    folder,
    close: () => {
      store.close();
      remove();
    },
  };
}

/** The manifest of a dataset that is not there: right in form, with these counts, and hashes of nothing. */
export function exampleManifest({
  kind = 'cifar-10',
  classCounts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50],
  classNames = classCounts.map((_, index) => `class ${index}`),
  imbalanceFactor = 0.01,
  validation = false,
  testImages = 10_000,
}: {
  kind?: DatasetKind;
  classCounts?: number[];
  classNames?: string[];
  imbalanceFactor?: number;
  validation?: boolean;
  testImages?: number;
} = {}): DatasetManifest {
  const hash = (digit: string): string => digit.repeat(64);
  const train = classCounts.reduce((sum, count) => sum + count, 0);
  return {
    format: 1,
    source: { kind, path: '/nowhere', files: [{ name: 'train.bin', sizeBytes: 1, sha256: hash('0') }] },
    classNames,
    height: 32,
    width: 32,
    channels: 3,
    subset: { type: 'exp', imbalanceFactor, seed: 0 },
    subsetHash: hash('1'),
    sameAsReference: null,
    val: validation ? { fraction: 0.1, seed: 0 } : null,
    classCounts,
    sourceClassCounts: classCounts.map(() => Math.max(...classCounts)),
    counts: { train, val: validation ? Math.round(train / 10) : 0, test: testImages },
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
    indices: { train: hash('2'), val: validation ? hash('3') : null, test: hash('4') },
    files: {},
    photographs: null,
    manifestHash: hash('a').slice(0, 60) + String(train).padStart(4, '0').slice(-4),
  };
}

/** Writes a dataset row without files and returns its number. */
export function addDataset(store: Store, name = 'cifar-10-lt', manifest = exampleManifest()): number {
  const id = store.datasets.takeNumber();
  store.datasets.add({
    id,
    name,
    manifest,
    sizeBytes: 3072 * manifest.counts.train,
    createdAtMs: 1_700_000_000_000,
  });
  return id;
}

export const EXAMPLE_CONFIG: Config = {
  schemaVersion: 1,
  method: 'reslt',
  network: 'resnet32',
  dataset: 'cifar-10-lt',
  seed: 0,
  epochs: 200,
  batchSize: 128,
  learningRate: 0.1,
  beta: 0.995,
  milestones: [0.8, 0.9],
  engine: 'auto',
};

/** A run as it would be created; `change` overrides. */
export function exampleRun(datasetId: number, change: Partial<NewRun> = {}): NewRun {
  return {
    kind: 'train',
    name: 'cifar10-lt-reslt-s0',
    title: 'ResLT',
    detail: 'β 0.995',
    slug: 'cifar10-lt-reslt-s0',
    groupId: null,
    seed: 0,
    method: 'reslt',
    network: 'resnet32',
    datasetId,
    preset: 'cifar10-lt-reslt',
    parentRunId: null,
    note: '',
    config: EXAMPLE_CONFIG,
    evaluate: null,
    warnings: [],
    createdAtMs: 1_700_000_000_000,
    ...change,
  };
}
