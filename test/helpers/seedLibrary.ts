/**
 * Fills a library with finished runs, through the same functions by which real runs get there: for screenshots, for
 * measuring how the table holds up with ten thousand, and to look at while working on a page. The numbers are made up
 * from a simple model of a long-tailed training; no files of datasets or checkpoints are written.
 *
 * `node test/helpers/seedLibrary.ts DIR [--runs N]`
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Config, RunState } from '../../preload/contract.ts';
import { openStore, type Store } from '../../main/store/index.ts';
import type { JournalEntry, JournalRecord } from '../../main/trainer/protocol.ts';
import type { EvaluationResult } from '../../main/training/types.ts';
import { addDataset, exampleManifest } from './library.ts';

export interface SeedOptions {
  /** How many runs; at least 1. */
  runs: number;
  /** The newest so many runs get a point every epoch of 200 and a full log; the others ten points. */
  detailedRuns?: number;
  /** When the newest run ended. */
  nowMs?: number;
}

const EPOCHS = 200;
const MINUTE_MS = 60_000;
const BATCH_SIZE = 128;

const CIFAR10_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** How a run of the model turns out: accuracy of the most and of the least frequent class at the end. */
const METHODS = {
  reslt: { title: 'ResLT', frequent: 0.86, rare: 0.62, branches: ['h', 'm', 't'] },
  ce: { title: 'Cross-entropy', frequent: 0.95, rare: 0.34, branches: [] },
} as const;

type MethodId = keyof typeof METHODS;

interface SeededDataset {
  id: number;
  name: string;
  benchmark: string;
  classCounts: number[];
  /** How hard: accuracies are multiplied by it. */
  ease: number;
}

/** Fills the store and returns the numbers of the runs, oldest first. */
export function seedLibrary(store: Store, options: SeedOptions): number[] {
  const nowMs = options.nowMs ?? Date.now();
  const detailed = Math.min(options.detailedRuns ?? 40, options.runs);
  const datasets = seedDatasets(store);
  const random = generator(20_26);
  const ids: number[] = [];
  // One transaction a hundred runs: ten thousand would else wait for ten thousand commits.
  while (ids.length < options.runs) {
    store.transaction(() => {
      for (let n = 0; n < 100 && ids.length < options.runs; n++) {
        const dataset = pick(datasets, random);
        const method: MethodId = random() < 0.6 ? 'reslt' : 'ce';
        const beta = pick([0.99, 0.995, 0.998, 0.985, 0.96], random);
        const epochs = EPOCHS;
        const seeds = random() < 0.5 ? [0, 1, 2] : [Math.floor(random() * 10)];
        const left = options.runs - ids.length;
        const chosen = seeds.slice(0, left);
        const createdAtMs = nowMs - left * 17 * MINUTE_MS;
        const preset = `${dataset.benchmark}-${method}`;
        const { title } = METHODS[method];
        const detail = method === 'reslt' ? `β ${beta}` : '';
        const groupId =
          chosen.length > 1
            ? store.runs.createGroup({
                name: preset,
                title,
                detail,
                datasetId: dataset.id,
                method,
                createdAtMs,
              })
            : null;
        for (const seed of chosen) {
          const config: Config = {
            schemaVersion: 1,
            method,
            network: 'resnet32',
            dataset: dataset.name,
            seed,
            epochs,
            batchSize: BATCH_SIZE,
            learningRate: 0.1,
            schedule: 'cifar-step',
            warmupEpochs: 5,
            milestones: [0.8, 0.9],
            decayFactor: 0.1,
            momentum: 0.9,
            nesterov: true,
            weightDecay: 0.0005,
            engine: 'auto',
            ...(method === 'reslt' ? { beta, mediumFrom: 2, tailFrom: 4, fusion: 'h+m+t' } : {}),
          };
          const id = store.runs.create({
            kind: 'train',
            name: `${preset}-s${seed}`,
            title,
            detail,
            slug: `${preset}-s${seed}`,
            groupId,
            seed,
            method,
            network: 'resnet32',
            datasetId: dataset.id,
            preset,
            parentRunId: null,
            note: random() < 0.05 ? 'Baseline of the comparison with the reference program' : '',
            config,
            evaluate: null,
            warnings: [],
            createdAtMs: createdAtMs + seed,
          });
          const isDetailed = options.runs - ids.length <= detailed;
          trainRun(store, {
            id,
            dataset,
            method,
            everyEpochs: isDetailed ? 1 : 20,
            startedAtMs: createdAtMs,
            random,
          });
          ids.push(id);
        }
      }
    });
  }
  return ids;
}

function seedDatasets(store: Store): SeededDataset[] {
  const describe = (
    name: string,
    benchmark: string,
    kind: 'cifar-10' | 'cifar-100',
    factor: number,
    ease: number,
  ): SeededDataset => {
    const classes = kind === 'cifar-10' ? 10 : 100;
    const largest = kind === 'cifar-10' ? 5000 : 500;
    const classCounts = Array.from({ length: classes }, (_, index) =>
      Math.trunc(largest * factor ** (index / (classes - 1))),
    );
    const manifest = exampleManifest({
      kind,
      classCounts,
      imbalanceFactor: factor,
      ...(kind === 'cifar-10' ? { classNames: CIFAR10_NAMES } : {}),
    });
    const id = store.datasets.findByName(name) ?? addDataset(store, name, manifest);
    return { id, name, benchmark, classCounts, ease };
  };
  return [
    describe('cifar-10-lt', 'cifar10-lt', 'cifar-10', 0.01, 1),
    describe('cifar-100-lt', 'cifar100-lt', 'cifar-100', 0.01, 0.62),
    describe('cifar-100-lt-if50', 'cifar100-lt-if50', 'cifar-100', 0.02, 0.66),
  ];
}

/** Plays one training into the store: begun, reported in one batch, ended. One in ten does not complete. */
function trainRun(
  store: Store,
  run: {
    id: number;
    dataset: SeededDataset;
    method: MethodId;
    everyEpochs: number;
    startedAtMs: number;
    random: () => number;
  },
): void {
  const { id, dataset, random } = run;
  const { scheduling } = store;
  const outcome: RunState = random() < 0.9 ? 'completed' : pick(['failed', 'stopped', 'crashed'], random);
  const lastEpoch =
    outcome === 'completed' ? EPOCHS : run.everyEpochs * Math.ceil((random() * EPOCHS) / run.everyEpochs);
  const { records, endedAtMs } = journal(run, lastEpoch, outcome);
  scheduling.setRunState(id, { from: 'queued', to: 'preparing', message: null, atMs: run.startedAtMs });
  scheduling.beginAttempt(id, { attempt: 1, startedAtMs: run.startedAtMs, resumedFromStep: 0 });
  scheduling.setRunState(id, { from: 'preparing', to: 'running', message: null, atMs: run.startedAtMs });
  // The journals are not written; two hundred bytes a record is what real ones have.
  scheduling.ingest({ runId: id, attempt: 1, fromOffset: 0, toOffset: records.length * 200, records });
  const message =
    outcome === 'failed'
      ? `Loss not finite at step ${lastEpoch * stepsPerEpoch(dataset) - 3}`
      : outcome === 'crashed'
        ? `Trainer gone at epoch ${lastEpoch}`
        : null;
  scheduling.setRunState(id, { from: 'running', to: outcome, message, atMs: endedAtMs });
  scheduling.finishAttempt(id, 1, { outcome, endedAtMs });
}

function stepsPerEpoch({ classCounts }: SeededDataset): number {
  return Math.floor(classCounts.reduce((sum, count) => sum + count, 0) / BATCH_SIZE);
}

function journal(
  run: {
    dataset: SeededDataset;
    method: MethodId;
    everyEpochs: number;
    startedAtMs: number;
    random: () => number;
  },
  lastEpoch: number,
  outcome: RunState,
): { records: JournalRecord[]; endedAtMs: number } {
  const { dataset, method, everyEpochs, startedAtMs, random } = run;
  const { branches } = METHODS[method];
  const steps = stepsPerEpoch(dataset);
  const epochMs = 3200 + random() * 300;
  const skill = 1 + (random() - 0.5) * 0.02;
  const records: JournalRecord[] = [];
  let atMs = startedAtMs;
  const say = (entry: JournalEntry): void => {
    records.push({ atMs, ...entry });
  };
  say({
    type: 'attempt',
    attempt: 1,
    kind: 'train',
    resumedFromStep: 0,
    resumedFromEpoch: 0,
    activeMs: 0,
    process: { pid: 4242, startedAt: 'seeded' },
    socketPath: null,
  });
  say({
    type: 'environment',
    environment: { node: '24.21.0', tensorflow: '2.21.0', host: 'studio', threads: 8, driver: '570.86' },
    resolved: { threads: 8, engine: 'tensorflow-gpu', milestones: [160, 180], stepsPerEpoch: steps },
    engine: 'tensorflow-gpu',
    device: 'NVIDIA RTX 4090',
  });
  say({
    type: 'log',
    level: 'info',
    text: `Dataset ${dataset.name}: ${dataset.classCounts.length} classes.`,
  });
  let best = { epoch: 0, top1: -1 };
  for (let epoch = everyEpochs; epoch <= lastEpoch; epoch += everyEpochs) {
    atMs = Math.round(startedAtMs + epoch * epochMs);
    const activeMs = Math.round(epoch * epochMs);
    const step = epoch * steps;
    const learningRate = epoch <= 5 ? 0.02 * epoch : epoch <= 160 ? 0.1 : epoch <= 180 ? 0.01 : 0.001;
    const loss = 0.05 + 2.1 * Math.exp(-epoch / 30) * (epoch > 160 ? 0.4 : 1) + random() * 0.03;
    const result = evaluate(dataset, method, { epoch, step, skill, random });
    say({
      type: 'metrics',
      step,
      epoch,
      activeMs,
      values: {
        'train/loss': loss,
        'train/top1': Math.min(0.999, 1 - loss / 2.4),
        'train/lr': learningRate,
        'train/images-per-second': 4100 + random() * 200,
        'train/data-wait': 0.01 + random() * 0.01,
        ...(branches.length > 0
          ? { 'train/loss/branch': loss * 1.02, 'train/loss/fusion': loss * 0.61 }
          : {}),
        'test/top1': result.top1,
        'test/top5': result.top5 ?? 0,
        'test/loss': result.loss,
      },
    });
    say({
      type: 'log',
      level: 'info',
      text: `Train epoch=${epoch - 1} loss=${loss.toFixed(5)}  acc=${(1 - loss / 2.4).toFixed(5)}`,
    });
    say({ type: 'evaluation', activeMs, result });
    if (result.top1 > best.top1) best = { epoch, top1: result.top1 };
    say({
      type: 'log',
      level: 'info',
      text: `Test epoch=${epoch - 1} loss=${result.loss.toFixed(5)}  acc=${result.top1.toFixed(5)} best_acc=${best.top1.toFixed(5)}`,
    });
    if (random() < 0.003)
      say({ type: 'log', level: 'warn', text: 'The step waited for data for 41 % of its time.' });
  }
  if (outcome === 'failed')
    say({ type: 'log', level: 'error', text: 'The loss is not a finite number; the run stops here.' });
  const file = (epoch: number): string => `checkpoints/epoch-${String(epoch).padStart(4, '0')}.safetensors`;
  for (const epoch of new Set([best.epoch, lastEpoch].filter((one) => one > 0)))
    say({
      type: 'checkpoint',
      epoch,
      step: epoch * steps,
      activeMs: Math.round(epoch * epochMs),
      roles: [
        ...(epoch === best.epoch ? (['best'] as const) : []),
        ...(epoch === lastEpoch ? (['last'] as const) : []),
      ],
      file: file(epoch),
      sizeBytes: 3_700_000,
      logits: {
        file: file(epoch).replace('checkpoints', 'logits'),
        sizeBytes: 400_000 * (1 + branches.length),
        dtype: 'float32',
        splits: [
          {
            split: 'test',
            outputs: ['fused', ...branches],
            examples: 10_000,
            classes: dataset.classCounts.length,
          },
        ],
      },
      evaluated: ['test'],
    });
  say({
    type: 'progress',
    step: lastEpoch * steps,
    totalSteps: EPOCHS * steps,
    epoch: lastEpoch,
    epochs: EPOCHS,
    activeMs: Math.round(lastEpoch * epochMs),
    imagesPerSecond: 4212,
    waitShare: 0.012,
    memoryBytes: 3_100_000_000,
  });
  return { records, endedAtMs: atMs + 2000 };
}

function evaluate(
  dataset: SeededDataset,
  method: MethodId,
  at: { epoch: number; step: number; skill: number; random: () => number },
): EvaluationResult {
  const { frequent, rare, branches } = METHODS[method];
  const classes = dataset.classCounts.length;
  const perClassImages = 10_000 / classes;
  const grown = (1 - 0.75 * Math.exp(-at.epoch / 25)) * (at.epoch > 180 ? 1 : at.epoch > 160 ? 0.98 : 0.8);
  const accuracies = (tilt: number): number[] =>
    Array.from({ length: classes }, (_, index) => {
      const rarity = index / (classes - 1);
      const expected =
        (frequent + (rare - frequent) * rarity + tilt * (rarity - 0.5)) * dataset.ease * grown * at.skill;
      const noisy = expected + (at.random() - 0.5) * 0.08 + Math.sin(index * 7.3) * 0.05;
      return Math.round(Math.min(1, Math.max(0, noisy)) * perClassImages) / perClassImages;
    });
  const output = (tilt: number): { top1: number; perClass: number[] } => {
    const perClass = accuracies(tilt);
    return { top1: perClass.reduce((sum, value) => sum + value, 0) / classes, perClass };
  };
  const fused = output(0);
  return {
    split: 'test',
    epoch: at.epoch,
    step: at.step,
    loss: 2.3 - 1.6 * fused.top1,
    top1: fused.top1,
    top5: Math.min(1, fused.top1 ** 0.4),
    perClass: fused.perClass,
    branches: Object.fromEntries(branches.map((name, index) => [name, output([-0.5, 0, 0.5][index] ?? 0)])),
    seconds: 1.4,
  };
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)]!;
}

/** mulberry32: the same library every time. */
function generator(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '400' } },
  });
  const [folder] = positionals;
  const runs = Number(values.runs);
  if (folder === undefined || !Number.isInteger(runs) || runs < 1) {
    process.stderr.write(
      'Usage: node test/helpers/seedLibrary.ts DIR [--runs N], N a whole number from 1.\n',
    );
    process.exit(2);
  }
  mkdirSync(folder, { recursive: true });
  const store = openStore(path.join(folder, 'library.db'));
  const started = performance.now();
  const ids = seedLibrary(store, { runs });
  store.close();
  process.stdout.write(`${ids.length} runs in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
}
