/**
 * Worker threads that prepare photographs. A thread that dies is replaced and its work given to the next one, a few
 * times; images that cannot be used are told to whoever ordered them.
 */
import { Worker } from 'node:worker_threads';
import { workerModule } from '../../paths.ts';
import type { DecodeJob, DecodeSetup, FromWorker, ToWorker } from './decodeProtocol.ts';

/** Deaths of threads that are made up for; what kills more has a cause that a new thread does not remove. */
const MAX_DEATHS = 3;
/** A thread that is asked to end finishes the images in hand; after this it is ended by force. */
const CLOSE_DEADLINE_MS = 5000;

export interface DecodePoolOptions extends DecodeSetup {
  workers: number;
  /** An image cannot be used, and why: a sentence. */
  onImageFailed(job: DecodeJob, example: DecodeJob['examples'][number], message: string): void;
  /** Something that the user should know of; a sentence. */
  onWarning(text: string): void;
  /** The pool cannot go on. */
  onFailed(error: Error): void;
}

interface Member {
  thread: Worker;
  ended: Promise<void>;
  /** Jobs that it has not said to be through with. */
  jobs: Map<number, DecodeJob>;
}

export class DecodePool {
  readonly #options: DecodePoolOptions;
  readonly #members: Member[];
  #next = 0;
  #lastId = 0;
  #deaths = 0;
  #closed = false;

  constructor(options: DecodePoolOptions) {
    this.#options = options;
    this.#members = Array.from({ length: options.workers }, () => this.#member());
  }

  get workers(): number {
    return this.#members.length;
  }

  /** Orders some images; threads take jobs in turn and do them in order. */
  submit(job: Omit<DecodeJob, 'id'>): void {
    if (this.#closed) return;
    const member = this.#members[this.#next++ % this.#members.length]!;
    this.#give(member, { ...job, id: ++this.#lastId });
  }

  /** Ends the threads; jobs in hand are dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      this.#members.map(async ({ thread, ended }) => {
        thread.postMessage({ kind: 'close' } satisfies ToWorker);
        const force = setTimeout(() => void thread.terminate(), CLOSE_DEADLINE_MS);
        await ended;
        clearTimeout(force);
      }),
    );
  }

  #give(member: Member, job: DecodeJob): void {
    member.jobs.set(job.id, job);
    member.thread.postMessage({ kind: 'job', job } satisfies ToWorker);
  }

  #member(): Member {
    const { table, retryDelaysMs } = this.#options;
    const thread = new Worker(workerModule('decode'), {
      workerData: { table, retryDelaysMs } satisfies DecodeSetup,
    });
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    const member: Member = { thread, ended, jobs: new Map() };
    let error: Error | null = null;
    thread.on('error', (cause: Error) => {
      error = cause;
    });
    thread.on('exit', (code) => this.#died(member, error ?? new Error(`it ended with code ${code}`)));
    thread.on('message', (message: FromWorker) => {
      const job = member.jobs.get(message.id);
      if (job === undefined) return;
      if (message.kind === 'done') {
        member.jobs.delete(message.id);
        return;
      }
      const example = job.examples.find(({ index }) => index === message.index)!;
      // Another one takes its place from here on, also if this thread dies.
      job.examples = job.examples.filter((one) => one !== example);
      this.#options.onImageFailed(job, example, message.message);
    });
    return member;
  }

  #died(member: Member, error: Error): void {
    if (this.#closed) return;
    this.#deaths++;
    if (this.#deaths > MAX_DEATHS) {
      this.#options.onFailed(
        new Error(
          `Threads that decode images died ${this.#deaths} times, the last one because: ${error.message}.`,
          {
            cause: error,
          },
        ),
      );
      return;
    }
    this.#options.onWarning(
      `A thread that decodes images died (${error.message}); another one takes over its work.`,
    );
    const replacement = this.#member();
    this.#members[this.#members.indexOf(member)] = replacement;
    for (const job of member.jobs.values()) this.#give(replacement, job);
  }
}
