/**
 * Plays trainings into a library, through the same functions by which real ones get there: the sample dataset, a ResLT
 * run and a cross-entropy run with curves, log, checkpoints and stored outputs, and a run that failed. What tests of the
 * run and compare pages need, in a second instead of minutes of training.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ApiMethod, Config, RunState } from '../../preload/contract.ts';
import { readLabels } from '../../main/datasets/images.ts';
import { writeSafetensors } from '../../main/exchange/safetensors.ts';
import { openServices } from '../../main/services.ts';
import { openStore, type Store } from '../../main/store/index.ts';
import type { JournalEntry, JournalRecord } from '../../main/trainer/protocol.ts';

const CLASSES = 10;
const EPOCHS = 8;
const STEPS_PER_EPOCH = 10;
const STEP_MS = 100;
const STARTED_AT_MS = 1_700_000_000_000;
/** Lines that a step writes; the log of a run is long enough to be more than a screen. */
const LINES_PER_STEP = 15;

export interface TrainedRuns {
  datasetId: number;
  reslt: number;
  ce: number;
  failed: number;
}

/** Fills an empty library folder. */
export async function playTrainings(libraryFolder: string): Promise<TrainedRuns> {
  const services = await openServices({ libraryFolder, shell: 'headless', report: () => undefined });
  const call = async (method: ApiMethod, argument: unknown): Promise<unknown> => {
    const reply = await services.dispatch(method, argument);
    if (!reply.ok) throw new Error(`${method}: ${reply.error.message}`);
    return reply.value;
  };
  await call('setQueuePaused', { paused: true });
  let task = (await call('addSampleDataset', null)) as { id: number; state: string; resultId: number | null };
  while (task.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 30));
    task = (await call('getTask', { id: task.id })) as typeof task;
  }
  const datasetId = task.resultId;
  if (datasetId === null) throw new Error(`Adding the sample made no dataset (${task.state}).`);
  const create = async (preset: string, config: Config): Promise<number> => {
    const { runs } = (await call('createRuns', {
      ...{ preset, parentRunId: null, config, datasetId, seeds: [0], name: null, note: '', runNext: false },
    })) as { runs: { id: number }[] };
    return runs[0]!.id;
  };
  const reslt = await create('sample-reslt', { method: 'reslt', epochs: EPOCHS, checkpointEvery: 4 });
  const ce = await create('sample-ce', { method: 'ce', epochs: EPOCHS });
  const failed = await create('sample-ce', { method: 'ce', epochs: EPOCHS, learningRate: 5 });
  const { folder } = (await call('getDataset', { id: datasetId })) as { folder: string };
  await services.close();

  const labels = await readLabels(folder, 'test');
  const store = openStore(path.join(libraryFolder, 'library.db'));
  for (const runId of [reslt, ce, failed]) store.scheduling.setQueuePositions([{ runId, position: null }]);
  await playTraining(store, libraryFolder, reslt, labels, EPOCHS, 'completed');
  await playTraining(store, libraryFolder, ce, labels, EPOCHS, 'completed');
  await playTraining(store, libraryFolder, failed, labels, 2, 'failed');
  store.close();
  return { datasetId, reslt, ce, failed };
}

/** How much of a class is right after an epoch: cross-entropy learns the frequent classes only; epoch 6 is the best. */
function shareRight(method: string, classIndex: number, epoch: number): number {
  const learnt = Math.min(epoch, 6) / 6 - (epoch > 6 ? 0.02 : 0);
  const rare = classIndex / (CLASSES - 1);
  return learnt * (method === 'reslt' ? 0.9 - 0.35 * rare : 0.95 - 0.9 * rare);
}

async function playTraining(
  store: Store,
  libraryFolder: string,
  runId: number,
  labels: Int32Array,
  epochs: number,
  end: Extract<RunState, 'completed' | 'failed'>,
): Promise<void> {
  const run = store.runs.get(runId);
  const branches = run.method === 'reslt' ? ['h', 'm', 't'] : [];
  const runFolder = path.join(libraryFolder, run.folder);
  for (const part of ['logits', 'checkpoints']) mkdirSync(path.join(runFolder, part), { recursive: true });
  const records: JournalRecord[] = [];
  let atMs = STARTED_AT_MS;
  const say = (entry: JournalEntry): void => void records.push({ atMs, ...entry });
  say({
    ...{ type: 'attempt', attempt: 1, kind: 'train', resumedFromStep: 0, resumedFromEpoch: 0, activeMs: 0 },
    ...{ process: { pid: 1, startedAt: 'test' }, socketPath: null },
  });
  say({
    type: 'environment',
    environment: { node: '24.0.0', tensorflow: '2.21.0' },
    resolved: { threads: 2, stepsPerEpoch: STEPS_PER_EPOCH, method: { mediumFrom: 4, tailFrom: 7 } },
    engine: 'tensorflow-cpu',
    device: 'CPU, 2 threads',
  });
  say({ type: 'log', level: 'info', text: '\u001b[32mready\u001b[0m  10 %\r100 % loaded' });
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let k = 1; k <= STEPS_PER_EPOCH; k++) {
      const step = (epoch - 1) * STEPS_PER_EPOCH + k;
      atMs = STARTED_AT_MS + step * STEP_MS;
      const loss = 2.3 * Math.exp(-step / 30);
      for (let line = 0; line < LINES_PER_STEP; line++)
        say({ type: 'log', level: 'info', text: `Train loss ${loss.toFixed(5)}  step ${step} line ${line}` });
      say({
        ...{ type: 'metrics', step, epoch, activeMs: step * STEP_MS },
        values: {
          'train/loss': loss,
          ...(branches.length > 0 && { 'train/loss/branch': loss, 'train/loss/fusion': loss * 1.3 }),
          ...{ 'train/lr': 0.1, 'train/images-per-second': 500 + (step % 7), 'train/data-wait': 0.01 },
        },
      });
    }
    const step = epoch * STEPS_PER_EPOCH;
    if (epoch === 3)
      say({ type: 'log', level: 'warn', text: 'warning: the checkpoint took 412 ms to write' });
    const perClass = Array.from({ length: CLASSES }, (_, index) => shareRight(run.method, index, epoch));
    const top1 = perClass.reduce((sum, value) => sum + value, 0) / CLASSES;
    say({
      type: 'evaluation',
      activeMs: step * STEP_MS,
      result: {
        ...{
          split: 'test',
          epoch,
          step,
          loss: 2.3 - epoch / 10,
          top1,
          top5: Math.min(1, top1 + 0.2),
          perClass,
        },
        branches: Object.fromEntries(branches.map((id) => [id, { top1: top1 * 0.95, perClass }])),
        seconds: 1,
      },
    });
    const roles = [
      ...(epoch === epochs ? (['last'] as const) : []),
      ...(epoch === Math.min(6, epochs) ? (['best'] as const) : []),
      ...(epoch === 4 ? (['every'] as const) : []),
    ];
    if (roles.length === 0) continue;
    const file = `epoch-000${epoch}.safetensors`;
    const outputs = ['fused', ...branches];
    await writeSafetensors(
      path.join(runFolder, 'logits', file),
      new Map(outputs.map((name) => [`test/${name}`, outputsOf(labels, perClass)])),
    );
    writeFileSync(path.join(runFolder, 'checkpoints', file), 'weights');
    writeFileSync(path.join(runFolder, 'checkpoints', file.replace('.safetensors', '.json')), '{}');
    say({
      ...{ type: 'checkpoint', epoch, step, activeMs: step * STEP_MS, roles: [...roles] },
      ...{ file: `checkpoints/${file}`, sizeBytes: 9, evaluated: ['test'] },
      logits: {
        ...{ file: `logits/${file}`, sizeBytes: 100, dtype: 'float32' },
        splits: [{ split: 'test', outputs, examples: labels.length, classes: CLASSES }],
      },
    });
  }
  const steps = epochs * STEPS_PER_EPOCH;
  say({
    ...{ type: 'progress', step: steps, totalSteps: EPOCHS * STEPS_PER_EPOCH, epoch: epochs, epochs: EPOCHS },
    ...{ activeMs: steps * STEP_MS, imagesPerSecond: 500, waitShare: 0.01, memoryBytes: 1e9 },
  });
  const message = end === 'failed' ? `train/loss became NaN at step ${steps + 1}` : null;
  if (message !== null) {
    say({ type: 'log', level: 'error', text: `NonFiniteLossError: ${message}` });
    say({ type: 'log', level: 'error', text: '    at account (loop.ts:171:13)' });
  }
  const { scheduling } = store;
  scheduling.setRunState(runId, { from: 'queued', to: 'preparing', message: null, atMs: STARTED_AT_MS });
  scheduling.beginAttempt(runId, { attempt: 1, startedAtMs: STARTED_AT_MS, resumedFromStep: 0 });
  scheduling.setRunState(runId, { from: 'preparing', to: 'running', message: null, atMs: STARTED_AT_MS });
  scheduling.ingest({ runId, attempt: 1, fromOffset: 0, toOffset: 1000, records });
  scheduling.setRunState(runId, { from: 'running', to: end, message, atMs });
  scheduling.finishAttempt(runId, 1, { outcome: end, endedAtMs: atMs });
}

/** Outputs [examples, classes] whose first so many examples of each class are right. */
function outputsOf(
  labels: Int32Array,
  perClass: readonly number[],
): { dtype: 'F32'; shape: number[]; data: Float32Array } {
  const data = new Float32Array(labels.length * CLASSES);
  const sizes = new Array<number>(CLASSES).fill(0);
  for (const label of labels) sizes[label]!++;
  const seen = new Array<number>(CLASSES).fill(0);
  labels.forEach((label, i) => {
    const isRight = seen[label]!++ < Math.round(perClass[label]! * sizes[label]!);
    data[i * CLASSES + (isRight ? label : (label + 1) % CLASSES)] = 4;
  });
  return { dtype: 'F32', shape: [labels.length, CLASSES], data };
}
