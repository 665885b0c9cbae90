/**
 * A trainer without an engine, for tests of everything around training: a real child process that writes through the
 * real journal, checkpoints and control socket, at a rate and with an ending that `RESLT_FLOOD` (JSON, see Flood) sets.
 * Log lines carry the time at which they were written: `line 12 at 1700000000000`.
 */
import { runAttempt, type Attempt, type Ending } from '../../main/trainer/attempt.ts';
import { loadCheckpoint } from '../../main/trainer/checkpoints.ts';
import { NonFiniteLossError } from '../../main/training/errors.ts';
import type { EvaluationResult } from '../../main/training/types.ts';

export interface Flood {
  /** Steps of the whole run, the resumed ones included. */
  steps: number;
  stepsPerEpoch: number;
  /** Time of one step. */
  stepMs: number;
  linesPerStep: number;
  classes: number;
  /** A checkpoint after each epoch, and how many weights it has. */
  checkpoints: boolean;
  weights: number;
  /** What happens at step `at`, before it counts; null: nothing. */
  accident: {
    at: number;
    /** `block`: the loop hangs for ever; `deaf`: it goes on and heeds no wish and no SIGTERM. */
    kind: 'not-finite' | 'exception' | 'exit' | 'block' | 'deaf';
  } | null;
}

const DEFAULTS: Flood = {
  steps: 100,
  stepsPerEpoch: 20,
  stepMs: 10,
  linesPerStep: 1,
  classes: 10,
  checkpoints: true,
  weights: 2,
  accident: null,
};

const [folder, number] = process.argv.slice(2);
await runAttempt(folder as string, Number(number), flood);

async function flood(attempt: Attempt): Promise<Ending> {
  const options: Flood = {
    ...DEFAULTS,
    ...(JSON.parse(process.env['RESLT_FLOOD'] ?? '{}') as Partial<Flood>),
  };
  const { launch } = attempt;
  if (launch.resume !== null) await loadCheckpoint(attempt.folder, launch.resume.file);
  attempt.record({
    type: 'environment',
    environment: { node: process.versions.node },
    resolved: { engine: launch.engine.name, device: 'none', threads: launch.threads },
    engine: launch.engine.name,
    device: 'none',
  });
  attempt.emit({ type: 'phase', phase: 'training' });
  const startedAt = performance.now();
  const first = launch.resume?.step ?? 0;
  let isDeaf = false;
  let line = first * options.linesPerStep;
  for (let step = first + 1; step <= options.steps; step++) {
    // Paced by the clock, so that a late timer does not lower the rate.
    const dueMs = (step - first) * options.stepMs - (performance.now() - startedAt);
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    if (options.accident?.at === step) {
      isDeaf = options.accident.kind === 'deaf';
      happen(options.accident.kind, step);
    }
    for (let i = 0; i < options.linesPerStep; i++) attempt.log('info', `line ${++line} at ${Date.now()}`);
    const epoch = Math.ceil(step / options.stepsPerEpoch);
    attempt.emit({ type: 'metrics', step, epoch, values: { 'train/loss': 2 / step, 'train/lr': 0.1 } });
    attempt.emit({
      type: 'progress',
      step,
      totalSteps: options.steps,
      epoch,
      epochs: Math.ceil(options.steps / options.stepsPerEpoch),
      imagesPerSecond: 128_000 / options.stepMs,
      waitShare: 0,
    });
    if (step % options.stepsPerEpoch === 0) await closeEpoch(attempt, options, { epoch, step });
    await attempt.yieldToEvents();
    const request = isDeaf ? null : attempt.takeRequest();
    if (request === 'stop') return { state: 'stopped', message: null };
    if (request !== null) {
      await saveState(attempt, options, { epoch: epoch - 1, step, roles: ['requested'], evaluations: [] });
    }
    if (request === 'pause') return { state: 'paused', message: null };
  }
  return { state: 'completed', message: null };
}

function happen(kind: NonNullable<Flood['accident']>['kind'], step: number): void {
  switch (kind) {
    case 'not-finite':
      throw new NonFiniteLossError('train/loss', step, NaN);
    case 'exception':
      setImmediate(() => {
        throw new TypeError('A defect, thrown where nobody catches.');
      });
      return;
    case 'exit':
      console.error('Last words on stderr.');
      process.exit(3);
      return;
    case 'block':
      for (;;);
    case 'deaf':
      process.removeAllListeners('SIGTERM').on('SIGTERM', () => {});
  }
}

async function closeEpoch(
  attempt: Attempt,
  options: Flood,
  { epoch, step }: { epoch: number; step: number },
): Promise<void> {
  const { classes, checkpoints } = options;
  const perClass = Array.from({ length: classes }, (_, index) => (1 - 0.5 ** epoch) * 0.8 ** index);
  const result: EvaluationResult = {
    split: 'test',
    epoch,
    step,
    loss: 2 / epoch,
    top1: perClass.reduce((sum, value) => sum + value, 0) / classes,
    top5: null,
    perClass,
    branches: {},
    seconds: 0,
  };
  attempt.emit({ type: 'evaluation', result });
  if (checkpoints) {
    await saveState(attempt, options, { epoch, step, roles: ['last', 'best'], evaluations: [result] });
  }
}

async function saveState(
  attempt: Attempt,
  { weights }: Flood,
  parts: {
    epoch: number;
    step: number;
    roles: ('last' | 'best' | 'requested')[];
    evaluations: EvaluationResult[];
  },
): Promise<void> {
  const { epoch, step, roles, evaluations } = parts;
  await attempt.saveCheckpoint({
    state: {
      weights: new Map([['weight', { shape: [weights], data: new Float32Array(weights).fill(step) }]]),
      optimizer: new Map(),
      position: {
        epoch,
        step,
        random: null,
        best: null,
        partialEpoch: evaluations.length > 0 ? null : { batches: 1, sums: {} },
      },
    },
    roles,
    evaluations,
    logits: [],
  });
}
