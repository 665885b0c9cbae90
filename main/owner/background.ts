/**
 * Runs tasks in child processes, so that a foreign file, a full memory or a native crash costs one task and never the
 * owner. The children are plain Node 24 also under Electron, live on between tasks, and end with their owner. Each has
 * one task at a time: whatever goes wrong in it, and however it must be ended, no other task is lost.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { entry, type EntryName } from '../paths.ts';
import type { FromBackground, TaskTable, ToBackground, WireError } from './backgroundProtocol.ts';
import type { backgroundTasks } from './backgroundTasks.ts';

export interface RunOptions {
  /** Share that is done, 0…1, or null while it can't be known. */
  onProgress?: (share: number | null, message: string) => void;
  /** Ends the task after so long. Default: as long as it takes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface TaskPool<Table extends TaskTable> {
  /**
   * Runs a task and returns its result. Throws BackgroundError, whose code is one of the contract's where the task has
   * a meaning for it, or the signal's reason when aborted.
   */
  run<Name extends keyof Table & string>(
    task: Name,
    args: Parameters<Table[Name]>[0],
    options?: RunOptions,
  ): Promise<Awaited<ReturnType<Table[Name]>>>;
  /** Ends the children; tasks that have not finished fail. */
  close(): Promise<void>;
}

export type Background = TaskPool<typeof backgroundTasks>;

export interface BackgroundOptions {
  /** Limit of the JavaScript heap of each child. */
  memoryMb?: number;
  /** How many tasks may run at once. */
  children?: number;
  /** Limit of all memory that a child may map, its libraries with it, where the system can hold it to that. */
  addressSpaceMb?: number;
  /** How to start a child; tests pass their own. */
  child?: { command: string; args: string[] };
}

/** Codes of the contract that a failed task can have; anything else is `internal`. */
const CODES = [
  'dataset-invalid',
  'file-invalid',
  'invalid-arguments',
  'not-found',
  'conflict',
  'disk-full',
  'engine-missing',
  'cancelled',
] as const;
export type BackgroundErrorCode = (typeof CODES)[number] | 'internal';

/** A task that failed, with the fields of the error it failed with in `details`. */
export class BackgroundError extends Error {
  override readonly name = 'BackgroundError';
  readonly code: BackgroundErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: BackgroundErrorCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Plenty for any dataset that is read here: pixels lie outside the JavaScript heap. */
const DEFAULT_MEMORY_MB = 1024;

/** A task that is asked to stop gets so long before its process is ended. */
const ABORT_GRACE_MS = 2000;

/** Of what a child wrote to stderr, so much is kept for the report of its crash. */
const STDERR_TAIL_CHARACTERS = 2000;

interface Job {
  id: number;
  task: string;
  args: unknown;
  options: RunOptions;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Child {
  process: ChildProcess;
  job: Job | null;
  stderr: string;
  /** Why it is being ended, when we do it. */
  ending: Error | null;
}

/** The pool for the owner's own work. Starts no process yet: children come with the first tasks. */
export function createBackground(options: BackgroundOptions = {}): Background {
  return createTaskPool<typeof backgroundTasks>('background', options);
}

/** A pool of children that run an entry with its own table of tasks. */
export function createTaskPool<Table extends TaskTable>(
  program: EntryName,
  { memoryMb = DEFAULT_MEMORY_MB, children: limit = 2, addressSpaceMb, child: start }: BackgroundOptions = {},
): TaskPool<Table> {
  const children = new Set<Child>();
  const waiting: Job[] = [];
  let nextId = 1;
  let closed = false;

  const run = (task: string, args: unknown, options: RunOptions = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (closed)
        throw new BackgroundError('cancelled', 'ResLT Studio is closing; the task was not started.');
      options.signal?.throwIfAborted();
      const job: Job = { id: nextId++, task, args, options, resolve, reject };
      waiting.push(job);
      options.signal?.addEventListener('abort', () => abort(job), { once: true });
      assign();
    });

  const assign = () => {
    while (waiting.length > 0) {
      const idle = [...children].find((child) => child.job === null && child.ending === null);
      if (idle === undefined && children.size >= limit) return;
      begin(idle ?? startChild(), waiting.shift()!);
    }
  };

  const begin = (child: Child, job: Job) => {
    child.job = job;
    const { timeoutMs } = job.options;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            end(
              child,
              new BackgroundError(
                'internal',
                `The task took longer than ${timeoutMs / 1000} s and was ended.`,
              ),
            );
          }, timeoutMs);
    const settle =
      <Value>(pass: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer);
        child.job = null;
        pass(value);
        if (!closed) assign();
      };
    job.resolve = settle(job.resolve);
    job.reject = settle(job.reject);
    send(child, { type: 'run', id: job.id, task: job.task, args: job.args });
  };

  const startChild = (): Child => {
    const node = start ?? entry(program);
    const { command, args } = within(addressSpaceMb, node.command, [
      `--max-old-space-size=${memoryMb}`,
      ...node.args,
    ]);
    const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
    const spawned = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env,
    });
    const child: Child = { process: spawned, job: null, stderr: '', ending: null };
    children.add(child);
    spawned.stderr!.setEncoding('utf8').on('data', (text: string) => {
      child.stderr = (child.stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    spawned.on('message', (message: FromBackground) => {
      const { job } = child;
      if (job === null || job.id !== message.id) return;
      if (message.type === 'progress') job.options.onProgress?.(message.share, message.message);
      else if (message.type === 'result') job.resolve(message.value);
      else job.reject(fromWire(message.error, job.options.signal));
    });
    let gone = false;
    const leave = (error: Error) => {
      if (gone) return;
      gone = true;
      children.delete(child);
      child.job?.reject(child.ending ?? error);
      if (!closed) assign();
    };
    spawned.on('error', (error) => {
      leave(
        new BackgroundError('internal', `The background process could not be started: ${error.message}.`),
      );
    });
    spawned.on('exit', (code, signal) => leave(crash(child, memoryMb, code, signal)));
    return child;
  };

  const abort = (job: Job) => {
    const place = waiting.indexOf(job);
    if (place >= 0) {
      waiting.splice(place, 1);
      job.reject(job.options.signal!.reason);
      return;
    }
    const child = [...children].find((one) => one.job === job);
    if (child === undefined) return;
    send(child, { type: 'abort', id: job.id });
    setTimeout(() => {
      if (child.job === job) end(child, job.options.signal!.reason as Error);
    }, ABORT_GRACE_MS).unref();
  };

  return {
    run: run as TaskPool<Table>['run'],
    async close() {
      closed = true;
      const reason = new BackgroundError('cancelled', 'ResLT Studio is closing; the task was not finished.');
      for (const job of waiting.splice(0)) job.reject(reason);
      await Promise.all([...children].map((child) => end(child, reason)));
    },
  };
}

/** The command under a limit of its address space. Windows has none, and macOS keeps to none: there the heap's stands alone. */
function within(
  limitMb: number | undefined,
  command: string,
  args: string[],
): { command: string; args: string[] } {
  if (limitMb === undefined || process.platform !== 'linux') return { command, args };
  return {
    command: '/bin/sh',
    args: ['-c', `ulimit -v ${limitMb * 1024} && exec "$@"`, 'sh', command, ...args],
  };
}

/** Ends a child at once; its task fails with the reason. A task leaves nothing behind that the next start doesn't sweep. */
function end(child: Child, reason: Error): Promise<void> {
  child.ending ??= reason;
  const { process: spawned } = child;
  if (spawned.exitCode !== null || spawned.signalCode !== null || spawned.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    spawned.once('exit', () => resolve());
    spawned.kill('SIGKILL');
  });
}

/** A child that dies between two messages takes no more; its exit is what fails the task. */
function send(child: Child, message: ToBackground): void {
  child.process.send(message, () => undefined);
}

function fromWire({ message, code, details, name }: WireError, signal: AbortSignal | undefined): unknown {
  if (name === 'AbortError' && signal?.aborted === true) return signal.reason;
  if (code === 'ENOSPC') {
    return new BackgroundError(
      'disk-full',
      `The disk is full (${message}). Free some space and try again.`,
      details,
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const where = typeof details['path'] === 'string' ? details['path'] : 'A file';
    return new BackgroundError(
      'invalid-arguments',
      `${where} may not be read or written by you (${code}).`,
      details,
    );
  }
  const isOfEngine = code?.startsWith('engine-') === true;
  const known = isOfEngine ? 'engine-missing' : (CODES.find((candidate) => candidate === code) ?? 'internal');
  return new BackgroundError(known, message, details);
}

function crash(child: Child, memoryMb: number, code: number | null, signal: string | null): BackgroundError {
  const details = { exitCode: code, signal, stderr: child.stderr };
  if (child.stderr.includes('heap out of memory')) {
    return new BackgroundError(
      'internal',
      `The task needed more than ${memoryMb} MB of memory and was ended.`,
      details,
    );
  }
  const how = signal === null ? `exit code ${code}` : signal;
  return new BackgroundError(
    'internal',
    `The background process ended unexpectedly (${how}); try again.`,
    details,
  );
}
