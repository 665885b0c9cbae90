/**
 * The toast for background work that has ended where nobody looks: a dataset that was added after its dialog was closed, a
 * download that waits for its subset, an engine that was installed or was not.
 */
import CircleCheck from '@lucide/svelte/icons/circle-check';
import CircleX from '@lucide/svelte/icons/circle-x';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import type { Task } from '../../preload/contract.ts';
import { openAddDataset } from '../lib/dialogs.svelte.ts';
import { navigate, router } from '../lib/router.svelte.ts';
import { tasks } from '../lib/tasks.svelte.ts';
import { toasts, type Toast } from '../lib/toasts.svelte.ts';

const announced = new Set<number>();

/** A wizard that began what ends at once learns of it first, and goes to the dataset's page. */
const AFTER_MS = 400;

export function announceTask(task: Task): void {
  if (task.state === 'running' || task.state === 'cancelled') return;
  if (task.kind === 'add-dataset') setTimeout(() => announce(task), AFTER_MS);
  else announce(task);
}

function announce(task: Task): void {
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
  const isCheck = task.kind === 'verify-dataset';
  toasts.show({
    tone: isCheck ? 'plain' : 'good',
    icon: isCheck ? ShieldCheck : CircleCheck,
    subject: task.title,
    // What a check found is its news, good or bad.
    text: isCheck ? task.message : 'is done',
    action: nextStep(task),
  });
}

/** Its page shows how it ended. */
function isOnItsPage(task: Task): boolean {
  const { route } = router;
  if (task.kind === 'install-engine') return route.page === 'settings';
  if (route.page !== 'datasets' || task.state !== 'done') return false;
  return task.kind === 'verify-dataset' || route.id === task.resultId;
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
