/**
 * Tasks: work that takes a while and is watched, such as adding a dataset or downloading one. They live as long as the
 * owner; a task that has ended stays listed for a while, so that whoever started it can still ask how it went.
 */
import type { ApiError, Notice, Task } from '../preload/contract.ts';
import { StudioError } from './store/errors.ts';

/** Ended tasks that stay listed. */
const KEPT_TASKS = 50;

export interface TaskContext {
  signal: AbortSignal;
  /** share: 0…1, or null while it can't be known. */
  onProgress(share: number | null, message: string): void;
}

/** What a task made. */
export interface TaskOutcome {
  resultId?: number;
  resultPath?: string;
  /** The last word about it. */
  message: string;
}

interface Entry {
  task: Task;
  controller: AbortController;
  ended: Promise<void>;
}

export class Tasks {
  readonly #notify: (notice: Notice) => void;
  readonly #toApiError: (error: unknown) => ApiError;
  readonly #entries = new Map<number, Entry>();
  #nextId = 1;

  constructor(notify: (notice: Notice) => void, toApiError: (error: unknown) => ApiError) {
    this.#notify = notify;
    this.#toApiError = toApiError;
  }

  /** Starts work and returns its task at once. */
  start(kind: Task['kind'], title: string, work: (context: TaskContext) => Promise<TaskOutcome>): Task {
    const id = this.#nextId++;
    const controller = new AbortController();
    const task: Task = {
      id,
      kind,
      title,
      state: 'running',
      progress: null,
      message: '',
      error: null,
      resultId: null,
      resultPath: null,
    };
    const entry: Entry = { task, controller, ended: Promise.resolve() };
    this.#entries.set(id, entry);
    this.#forgetOld();
    const change = (values: Partial<Task>): void => {
      entry.task = { ...entry.task, ...values };
      this.#notify({ type: 'task-changed', task: entry.task });
    };
    change({});
    const context: TaskContext = {
      signal: controller.signal,
      onProgress: (share, message) => change({ progress: share, message }),
    };
    entry.ended = work(context).then(
      ({ resultId, resultPath, message }) =>
        change({
          state: 'done',
          progress: 1,
          message,
          resultId: resultId ?? null,
          resultPath: resultPath ?? null,
        }),
      (error: unknown) =>
        controller.signal.aborted
          ? change({ state: 'cancelled', message: 'Cancelled' })
          : change({ state: 'failed', error: this.#toApiError(error) }),
    );
    return entry.task;
  }

  /** Running ones and the last that ended, newest first. */
  list(): Task[] {
    return [...this.#entries.values()].map(({ task }) => task).reverse();
  }

  /** The task; throws `not-found`. */
  get(id: number): Task {
    return this.#get(id).task;
  }

  /** Asks a task to stop and waits until it has. One that has ended stays as it is. */
  async cancel(id: number): Promise<Task> {
    const entry = this.#get(id);
    entry.controller.abort(new Error('Cancelled'));
    await entry.ended;
    return entry.task;
  }

  isIdle(): boolean {
    return [...this.#entries.values()].every(({ task }) => task.state !== 'running');
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((id) => this.cancel(id)));
  }

  #get(id: number): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw new StudioError(
        'not-found',
        `There is no task ${id}. Tasks are forgotten when ResLT Studio is closed.`,
      );
    return entry;
  }

  #forgetOld(): void {
    const ended = [...this.#entries.values()].filter(({ task }) => task.state !== 'running');
    for (const { task } of ended.slice(0, Math.max(0, ended.length - KEPT_TASKS)))
      this.#entries.delete(task.id);
  }
}
