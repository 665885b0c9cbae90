/**
 * Measures the training step itself: ResLT's loss on ResNet-32, forward, backward and update, fed by a real stream of
 * batches, without evaluations and checkpoints.
 */
import { parseRunConfig } from './config.ts';
import { createModel } from './model.ts';
import type { Backend } from './ops.ts';
import { createRandom } from './random.ts';
import { TrainingSession } from './session.ts';
import type { BatchStream, TrainingData } from './types.ts';
import { initialWeights } from './weights.ts';

export interface StepBenchmarkOptions {
  backend: Backend;
  /** Not closed by the benchmark. */
  data: TrainingData;
  batchSize: number;
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

export interface StepBenchmark {
  /** Takes so many steps; `waitShare` is the share of that time spent waiting for data. */
  run(steps: number): Promise<{ imagesPerSecond: number; waitShare: number }>;
  dispose(): void;
}

/** Sets a training up. Its first run pays for kernels and memory: warm it up before measuring. */
export function createStepBenchmark({ backend, data, batchSize, now }: StepBenchmarkOptions): StepBenchmark {
  const { config } = parseRunConfig({ method: 'reslt', batchSize });
  if (!config) throw new RangeError(`A step cannot be measured with a batch size of ${batchSize}.`);
  const random = createRandom(config.seed);
  const model = createModel(config, data);
  const weights = initialWeights(model.network, random);
  const session = new TrainingSession({ model, backend, config, weights });
  let epoch = 0;
  let stream: BatchStream | null = null;
  const openStream = (): BatchStream =>
    data.trainStream({ ...config, random: random.fork(`epoch-${epoch++}`) });

  return {
    async run(steps) {
      let [images, waitMs] = [0, 0];
      const startedAt = now();
      for (let step = 0; step < steps; step++) {
        const askedAt = now();
        stream ??= openStream();
        let batch = await stream.next();
        if (!batch) {
          stream.close();
          stream = openStream();
          batch = await stream.next();
        }
        waitMs += now() - askedAt;
        if (!batch) throw new Error('The training split has no examples.');
        const values = session.step(batch, config.learningRate, epoch);
        await values.data();
        values.dispose();
        images += batch.size;
      }
      const elapsedMs = now() - startedAt;
      return { imagesPerSecond: (1000 * images) / elapsedMs, waitShare: waitMs / elapsedMs };
    },
    dispose() {
      stream?.close();
      session.dispose();
      model.bound.dispose();
    },
  };
}
