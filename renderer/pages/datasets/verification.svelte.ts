/**
 * Which check belongs to which dataset. A task names what it made only when it is done, so the page remembers what it
 * asked for; after a reload the name in the task's title tells.
 */
import type { DatasetSummary, Task } from '../../../preload/contract.ts';
import { tasks } from '../../lib/tasks.svelte.ts';

class Verification {
  #taskOf: Record<number, number> = $state({});

  start(datasetId: number, task: Task): void {
    this.#taskOf[datasetId] = task.id;
    tasks.put(task);
  }

  /** The check of a dataset that is under way. */
  under(dataset: Pick<DatasetSummary, 'id' | 'name'>): Task | undefined {
    const asked = this.#taskOf[dataset.id];
    return tasks
      .running('verify-dataset')
      .find((task) => task.id === asked || (asked === undefined && task.title.endsWith(dataset.name)));
  }
}

export const verification = new Verification();
