/**
 * The import dialog's state: a file → what it is → the task that makes a run of it. Looking at a file writes nothing;
 * what is imported is the file that was looked at, by its hash.
 */
import type { ClassOrder, ImportProbe, Task } from '../../preload/contract.ts';
import { api, toFailure, type ApiFailure } from '../lib/api.ts';
import { fromApiError } from '../lib/failure.ts';
import { tasks } from '../lib/tasks.svelte.ts';

export class ImportFlow {
  step: 'file' | 'found' = $state('file');
  path = $state('');
  isProbing = $state(false);
  probe: ImportProbe | null = $state.raw(null);
  failure: ApiFailure | null = $state.raw(null);
  note: string | null = $state(null);

  name = $state('');
  /** Null for none. */
  datasetId: number | null = $state(null);
  classOrder: ClassOrder = $state('as-stored');
  recipe: string | null = $state(null);
  taskId: number | null = $state(null);
  #ticket = 0;

  get task(): Task | undefined {
    return tasks.find(this.taskId);
  }

  /** Registered datasets that the file can be about. */
  get datasets(): ImportProbe['datasets'] {
    return this.probe?.datasets.filter(({ problem }) => problem === null) ?? [];
  }

  /** The chosen one of them. */
  get dataset(): ImportProbe['datasets'][number] | null {
    return this.datasets.find(({ id }) => id === this.datasetId) ?? null;
  }

  get problem(): string | null {
    if (this.probe === null) return null;
    return this.probe.problem ?? (this.name.trim() === '' ? 'Give it a name.' : null);
  }

  /** Looks at the file. A second look, or going back, lets the first one go. */
  async look(): Promise<void> {
    const path = this.path.trim();
    if (path === '' || this.isProbing) return;
    const ticket = ++this.#ticket;
    this.isProbing = true;
    this.failure = null;
    this.note = null;
    try {
      const probe = await api.probeImport({ path, kind: null });
      if (ticket !== this.#ticket) return;
      this.probe = probe;
      this.name = probe.suggestedName;
      const [likely] = this.datasets;
      this.chooseDataset(likely?.id ?? null);
      this.recipe = probe.kind === 'checkpoint' ? (probe.recognised?.recipes[0]?.name ?? null) : null;
      this.step = 'found';
    } catch (thrown) {
      if (ticket === this.#ticket) this.failure = toFailure(thrown);
    } finally {
      if (ticket === this.#ticket) this.isProbing = false;
    }
  }

  chooseDataset(id: number | null): void {
    this.datasetId = id;
    this.classOrder = this.dataset?.classOrders[0] ?? 'as-stored';
  }

  back(): void {
    this.#ticket++;
    this.isProbing = false;
    this.failure = null;
    this.step = 'file';
  }

  async start(): Promise<void> {
    const { probe } = this;
    if (probe === null || this.problem !== null) return;
    this.failure = null;
    this.note = null;
    const options = {
      path: probe.path,
      sha256: probe.sha256,
      name: this.name.trim(),
      datasetId: this.datasetId,
      // The dialog says so where the file was imported before.
      again: true,
    };
    try {
      const task =
        probe.kind === 'log'
          ? await api.importLog(options)
          : await api.importCheckpoint({
              ...options,
              network: null,
              recipe: this.recipe,
              classOrder: this.classOrder,
            });
      tasks.put(task);
      this.taskId = task.id;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  /** The task ended without a run: what it said is shown where it was begun. */
  settle(task: Task): void {
    this.taskId = null;
    if (task.error !== null) this.failure = fromApiError(task.error);
    else this.note = 'Cancelled; nothing was written.';
  }
}
