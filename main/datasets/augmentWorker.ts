/**
 * A worker thread that fills batches. Images and results lie in shared memory; a job is finished when its state says
 * so, which the loop can see without waiting for a message.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { DONE, fillBatch, type WorkerJob, type WorkerSetup } from './augment.ts';

if (parentPort === null)
  throw new Error('This module fills batches in a worker thread; it cannot run by itself.');

const { images, shape, table } = workerData as WorkerSetup;

parentPort.on('message', ({ split, state, ...job }: WorkerJob) => {
  fillBatch({ images: images[split]!, shape, table, ...job });
  Atomics.store(state, 0, DONE);
  Atomics.notify(state, 0);
});
