/**
 * A worker thread that prepares photographs. Two are under way at a time, so that one is transformed here while libvips
 * decodes the other in a thread of its own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { PhotographError, readImageFile } from './decode.ts';
import {
  STATE_HEAD,
  type DecodeJob,
  type DecodeSetup,
  type FromWorker,
  type ToWorker,
} from './decodeProtocol.ts';
import { SEED_WORDS } from './exampleRandom.ts';
import { preparePhotograph } from './prepare.ts';

const AT_A_TIME = 2;

if (parentPort === null)
  throw new Error('This module prepares photographs in a worker thread; it cannot run by itself.');
const port = parentPort;
const { table, retryDelaysMs } = workerData as DecodeSetup;

const queue: DecodeJob[] = [];
/** The first job of the queue: images that are taken, and that are through. */
let taken = 0;
const open = new Map<number, number>();
let working = 0;
let closing = false;

port.on('message', (message: ToWorker) => {
  if (message.kind === 'job') {
    queue.push(message.job);
    open.set(message.job.id, message.job.examples.length);
  } else closing = true;
  work();
});

/** Takes up images while there are any and fewer than AT_A_TIME are under way. */
function work(): void {
  if (closing) {
    queue.length = 0;
    if (working === 0) port.close();
    return;
  }
  while (working < AT_A_TIME && queue.length > 0) {
    const job = queue[0]!;
    const example = job.examples[taken++]!;
    if (taken === job.examples.length) {
      queue.shift();
      taken = 0;
    }
    working++;
    void prepare(job, example).then(() => {
      working--;
      const left = open.get(job.id)! - 1;
      open.set(job.id, left);
      if (left === 0) {
        open.delete(job.id);
        port.postMessage({ kind: 'done', id: job.id } satisfies FromWorker);
      }
      work();
    });
  }
}

async function prepare(job: DecodeJob, { index, file }: DecodeJob['examples'][number]): Promise<void> {
  const { state, seeds, out, preparation } = job;
  // A job that comes twice, because the worker that had it died, finds some of its images done.
  if (!isWanted(job) || Atomics.load(state, STATE_HEAD + index) === 1) return;
  const length = preparation.size * preparation.size * 3;
  try {
    await preparePhotograph(
      await readPatiently(file, job),
      file,
      preparation,
      seeds.subarray(index * SEED_WORDS, (index + 1) * SEED_WORDS),
      table,
      out.subarray(index * length, (index + 1) * length),
    );
  } catch (error) {
    if (!(error instanceof PhotographError)) throw error;
    port.postMessage({ kind: 'failed', id: job.id, index, message: error.message } satisfies FromWorker);
    return;
  }
  if (Atomics.compareExchange(state, STATE_HEAD + index, 0, 1) === 0 && Atomics.sub(state, 0, 1) === 1)
    Atomics.notify(state, 0);
}

/** Whether somebody still waits for the batch of a job. */
function isWanted({ state, generation }: DecodeJob): boolean {
  return !closing && Atomics.load(state, 0) > 0 && Atomics.load(state, 1) === generation;
}

/** False after a wait that was in vain, until the disk gives something again: nothing else is waited for then. */
let isPatient = true;

/**
 * Network disks fail for moments: what they do not give is asked for again, unless nobody waits any more. A file that is
 * not there does not come by waiting.
 */
async function readPatiently(file: string, job: DecodeJob): Promise<Buffer> {
  for (let attempt = 0; ; attempt++) {
    try {
      const bytes = await readImageFile(file);
      isPatient = true;
      return bytes;
    } catch (error) {
      if (!(error instanceof PhotographError) || error.reason === 'missing' || !isPatient) throw error;
      const delay = retryDelaysMs[attempt];
      if (delay === undefined) isPatient = false;
      if (delay === undefined || !isWanted(job)) throw error;
      await sleep(delay);
    }
  }
}
