/**
 * Work that the owner does in the background (adding or checking a dataset, downloads, installing an engine), as it
 * goes. One list for the whole page, read when the page starts and kept by notices; a task that was begun here is put
 * in at once, so that its progress is on screen before the first notice.
 */
import type { Task } from '../../preload/contract.ts';
import { api } from './api.ts';
import { onNotice, onReconnect } from './notices.ts';

class Tasks {
  /** Newest first; ended ones stay until the page is loaded anew. */
  items: Task[] = $state.raw([]);
  #watched = new Set<number>();

  constructor() {
    onNotice('task-changed', ({ task }) => this.put(task));
    onReconnect(() => void this.load());
  }

  async load(): Promise<void> {
    const known = await api.listTasks();
    for (const task of [...known].reverse()) this.put(task);
  }

  put(task: Task): void {
    this.items = this.items.some(({ id }) => id === task.id)
      ? this.items.map((old) => (old.id === task.id ? newer(old, task) : old))
      : [task, ...this.items];
  }

  find(id: number | null): Task | undefined {
    return id === null ? undefined : this.items.find((task) => task.id === id);
  }

  /** Ends a task; one that has ended meanwhile is shown as it is. */
  async cancel(id: number): Promise<void> {
    try {
      this.put(await api.cancelTask({ id }));
    } catch {
      await this.load().catch(() => undefined); // offline: the banner of the window says so
    }
  }

  /** A task whose end is shown in place, until the returned function is called: it needs no toast. */
  watch(id: number): () => void {
    this.#watched.add(id);
    return () => this.#watched.delete(id);
  }

  isWatched(id: number): boolean {
    return this.#watched.has(id);
  }

  running(kind: Task['kind']): Task[] {
    return this.items.filter((task) => task.kind === kind && task.state === 'running');
  }
}

/** An answer that was under way must not bring an ended task back to life. */
function newer(old: Task, next: Task): Task {
  return old.state !== 'running' && next.state === 'running' ? old : next;
}

export const tasks = new Tasks();
