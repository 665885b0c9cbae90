/** `reslt bench …`: what this machine makes of the training step and of the store. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { loadBackend } from '../backends/index.ts';
import { engineEnvironment, findEngine, selectEngine, type EngineName } from '../engine/index.ts';
import { assetsFolder, entry } from '../paths.ts';
import { createStepBenchmark } from '../training/benchStep.ts';
import { openTrainingData } from '../datasets/trainingData.ts';
import { writeBenchDataset } from './benchDataset.ts';
import { measureStore } from './benchStore.ts';
import { CliError, usageError } from './cliError.ts';
import { startLineProcess, type LineProcess } from './lineProcess.ts';
import { count, table, type Output } from './output.ts';

const NETWORK = 'resnet32';
const BATCH_SIZE = 128;
const ROUNDS = 3;
/** Steps a round, by what an engine can do in about ten seconds on two cores. */
const STEPS: Record<EngineName, number> = { 'tensorflow-gpu': 60, 'tensorflow-cpu': 30, wasm: 4 };
const WARM_UP_STEPS: Record<EngineName, number> = { 'tensorflow-gpu': 10, 'tensorflow-cpu': 5, wasm: 1 };

export interface StepOptions {
  engine?: string;
  peer?: string;
  steps?: number;
}

/** What a measuring child answers to a number of steps. */
interface Measured {
  imagesPerSecond: number;
  waitShare: number;
  memoryMB: number;
}

interface StepResult extends Measured {
  engine: EngineName;
  device: string;
  network: string;
  batchSize: number;
  peer: { name: string; imagesPerSecond: number } | null;
  ratio: number | null;
}

/** Each engine in a process of its own, with the peer's rounds between its own; the best round counts. */
export async function benchStep(output: Output, options: StepOptions): Promise<void> {
  const results: StepResult[] = [];
  for (const engine of await enginesToMeasure(options.engine)) {
    results.push(await measureEngine(engine, options, output));
  }
  output.result(results, () =>
    table(
      ['engine', 'device', 'images/s', 'waiting %', 'memory MB', 'peer', 'peer images/s', 'ratio'],
      results.map((one) => [
        one.engine,
        one.device,
        count(Math.round(one.imagesPerSecond)),
        (one.waitShare * 100).toFixed(1),
        String(Math.round(one.memoryMB)),
        one.peer?.name ?? '–',
        one.peer === null ? '–' : count(Math.round(one.peer.imagesPerSecond)),
        one.ratio === null ? '–' : one.ratio.toFixed(2),
      ]),
    ),
  );
}

async function enginesToMeasure(wanted: string | undefined): Promise<EngineName[]> {
  const all: EngineName[] = ['tensorflow-gpu', 'tensorflow-cpu', 'wasm'];
  if (wanted !== undefined) {
    const engine = all.find((one) => one === wanted);
    if (engine === undefined) throw usageError(`--engine expects ${all.join(', ')}, got "${wanted}".`);
    return [(await selectEngine(engine)).name];
  }
  const there = await Promise.all(
    all.map(async (one) => (one === 'wasm' || (await findEngine(one)) !== null ? [one] : [])),
  );
  return there.flat();
}

async function measureEngine(engine: EngineName, options: StepOptions, output: Output): Promise<StepResult> {
  const threads = os.availableParallelism();
  const selected = await selectEngine(engine);
  const { command, args } = entry('cli');
  const variables = await engineEnvironment(
    { engine: selected.engine, hideGpus: engine !== 'tensorflow-gpu' },
    { threads },
  );
  const own = startLineProcess(command, [...args, 'bench', 'step-worker', '--engine', engine], {
    env: { ...process.env, ...variables },
  });
  const peer =
    options.peer === undefined
      ? null
      : startLineProcess(
          options.peer,
          [path.join(assetsFolder(), 'bench', 'pytorch_step.py'), String(BATCH_SIZE), String(threads)],
          {},
        );
  try {
    const { device } = (await own.read()) as { device: string };
    const peerName = peer === null ? null : ((await peer.read()) as { name: string }).name;
    await own.ask(String(WARM_UP_STEPS[engine]));
    await peer?.ask(String(WARM_UP_STEPS['tensorflow-cpu']));
    const steps = options.steps ?? STEPS[engine];
    const rounds: Measured[] = [];
    const peerRounds: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      output.progress(`${engine}: round ${round} of ${ROUNDS}, ${steps} steps`);
      rounds.push((await own.ask(String(steps))) as Measured);
      if (peer) peerRounds.push(await askPeer(peer, STEPS['tensorflow-cpu']));
    }
    output.endProgress();
    const best = rounds.reduce((a, b) => (b.imagesPerSecond > a.imagesPerSecond ? b : a));
    const peerBest = peerRounds.length === 0 ? null : Math.max(...peerRounds);
    return {
      engine,
      device,
      network: NETWORK,
      batchSize: BATCH_SIZE,
      ...best,
      peer: peerName === null || peerBest === null ? null : { name: peerName, imagesPerSecond: peerBest },
      ratio: peerBest === null ? null : best.imagesPerSecond / peerBest,
    };
  } catch (error) {
    throw new CliError(`The measurement of ${engine} failed: ${(error as Error).message}`, {
      code: 'internal',
    });
  } finally {
    own.end();
    peer?.end();
  }
}

async function askPeer(peer: LineProcess, steps: number): Promise<number> {
  return ((await peer.ask(String(steps))) as { imagesPerSecond: number }).imagesPerSecond;
}

/** The child: loads the engine, then answers each number of steps on its input with what it measured. */
export async function benchStepWorker(engine: EngineName): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-bench-'));
  try {
    await writeBenchDataset(folder);
    const selected = await selectEngine(engine);
    const backend = await loadBackend({
      kind: engine,
      bindingPath: selected.engine?.bindingPath ?? null,
      threads: os.availableParallelism(),
    });
    const data = await openTrainingData(folder, { splits: ['train'] });
    const measure = createStepBenchmark({
      backend,
      data,
      batchSize: BATCH_SIZE,
      now: () => performance.now(),
    });
    process.stdout.write(`${JSON.stringify({ device: backend.device })}\n`);
    for await (const line of createInterface({ input: process.stdin })) {
      const measured = await measure.run(Number(line));
      const memoryMB = process.memoryUsage.rss() / 1e6;
      process.stdout.write(`${JSON.stringify({ ...measured, memoryMB })}\n`);
    }
    measure.dispose();
    await data.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function benchStore(output: Output): Promise<void> {
  const measured = await measureStore((text) => output.progress(text));
  output.result(measured, () =>
    table(
      ['measured', 'value'],
      [
        ['live rows/s (batches of 25)', count(Math.round(measured.liveRowsPerSecond))],
        ['bulk rows/s', count(Math.round(measured.bulkRowsPerSecond))],
        ['list 10,000 runs, ms', measured.listRunsMs.toFixed(1)],
        ['curves of 50 runs, ms', measured.curvesMs.toFixed(1)],
      ],
    ),
  );
}
