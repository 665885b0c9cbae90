/**
 * The toast for background work that has ended where nobody looks: a dataset that was added after its dialog was closed, a
 * download that waits for its subset, an engine that was installed or was not.
 */
import CircleCheck from '@lucide/svelte/icons/circle-check';
import CircleX from '@lucide/svelte/icons/circle-x';
import type { Task } from '../../preload/contract.ts';
import { openAddDataset } from '../lib/dialogs.svelte.ts';
import { navigate, router } from '../lib/router.svelte.ts';
import { tasks } from '../lib/tasks.svelte.ts';
import { toasts, type Toast } from '../lib/toasts.svelte.ts';

const announced = new Set<number>();

export function announceTask(task: Task): void {
  if (task.state === 'running' || task.state === 'cancelled') return;
  if (announced.has(task.id) || tasks.isWatched(task.id) || isOnItsPage(task)) return;
  announced.add(task.id);
  if (task.state === 'failed') {
    toasts.show({
      tone: 'bad',
      icon: CircleX,
      subject: task.title,
      text: `failed: ${task.error?.message ?? task.message}`,
    });
    return;
  }
  toasts.show({
    tone: 'good',
    icon: CircleCheck,
    subject: task.title,
    // What a check found is its news.
    text: task.kind === 'verify-dataset' ? task.message : 'is done',
    action: nextStep(task),
  });
}

/** Its page shows how it ended. */
function isOnItsPage(task: Task): boolean {
  const { page } = router.route;
  if (task.kind === 'install-engine') return page === 'settings';
  return task.kind === 'verify-dataset' && task.state === 'done' && page === 'datasets';
}

function nextStep(task: Task): Toast['action'] {
  const { resultId, resultPath } = task;
  if (task.kind === 'download-dataset' && resultPath !== null)
    return { label: 'Choose a subset', run: () => openAddDataset({ sourcePath: resultPath }) };
  if (resultId !== null && (task.kind === 'import-checkpoint' || task.kind === 'import-log'))
    return { label: 'Open', run: () => navigate({ page: 'run', id: resultId, tab: 'overview' }) };
  if (resultId !== null) return { label: 'Open', run: () => navigate({ page: 'datasets', id: resultId }) };
  return task.kind === 'install-engine'
    ? { label: 'Open', run: () => navigate({ page: 'settings', section: 'engine' }) }
    : null;
}
