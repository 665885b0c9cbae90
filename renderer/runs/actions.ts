/**
 * What can be done with runs, from the table, the menu of a row, the queue and the palette alike. Each tells by a toast
 * what it did and how to undo it; a refusal of the owner is thrown, for the caller to show where it was asked for.
 */
import Archive from '@lucide/svelte/icons/archive';
import Copy from '@lucide/svelte/icons/copy';
import Trash from '@lucide/svelte/icons/trash';
import { fileNameOf, toCsv } from '../charts/csv.ts';
import type { RunQuery, RunSummary } from '../../preload/contract.ts';
import { api, resourceUrl, toFailure } from '../lib/api.ts';
import { copyText, saveText } from '../lib/clipboard.ts';
import { formatQuantity } from '../lib/format.ts';
import { navigate } from '../lib/router.svelte.ts';
import { toasts } from '../lib/toasts.svelte.ts';
import { runsTable } from './runsTableCsv.ts';
import { comparedRuns } from './selection.ts';

const ids = (runs: readonly RunSummary[]): number[] => runs.map((run) => run.id);
/** More side by side can't be told apart. */
const MOST_COMPARED = 20;

/** A toast is gone when its undo fails, so another one says why. */
function undo(request: () => Promise<unknown>): void {
  request().catch((thrown: unknown) => toasts.show({ tone: 'bad', text: toFailure(thrown).message }));
}

export async function archiveRuns(runs: readonly RunSummary[], archived: boolean): Promise<void> {
  await api.archiveRuns({ ids: ids(runs), archived });
  toasts.show({
    icon: Archive,
    text: `${formatQuantity(runs.length, 'run')} ${archived ? 'archived' : 'taken out of the archive'}`,
    action: {
      label: 'Undo',
      run: () => undo(() => api.archiveRuns({ ids: ids(runs), archived: !archived })),
    },
  });
}

export async function deleteRuns(runs: readonly RunSummary[]): Promise<void> {
  const { count, undo: token } = await api.deleteRuns({ ids: ids(runs) });
  toasts.show({
    icon: Trash,
    text: `${formatQuantity(count, 'run')} moved to the trash`,
    action: { label: 'Undo', run: () => undo(() => api.undo({ token })) },
  });
}

/** Opens the comparison of what stands for the runs; false when none of them has a result yet. */
export function compareRuns(runs: Iterable<RunSummary>): boolean {
  const compared = comparedRuns(runs).slice(0, MOST_COMPARED);
  if (compared.length === 0) return false;
  navigate({ page: 'compare', refs: compared.map((run) => `${run.id}@last`) });
  return true;
}

export async function copyRuns(runs: readonly RunSummary[]): Promise<void> {
  await copyText(toCsv(runsTable(runs)));
  toasts.show({ icon: Copy, text: `${formatQuantity(runs.length, 'run')} copied as CSV` });
}

/** Saves all runs that match as CSV, which the owner writes. */
export async function exportRuns(query: RunQuery, name: string): Promise<void> {
  const asked = encodeURIComponent(JSON.stringify({ ...query, limit: 1 }));
  const response = await fetch(`${resourceUrl('runs')}?query=${asked}`);
  if (!response.ok) throw new Error(`The table could not be exported (HTTP ${response.status}). Try again.`);
  saveText(`${fileNameOf(name)}-runs.csv`, await response.text(), 'text/csv');
}

/** Puts a waiting run at the head of the queue. */
export async function runNext(runId: number): Promise<void> {
  const queue = await api.getQueue();
  const first = queue.waiting[0];
  if (first && first.runId !== runId) await api.moveInQueue({ runId, before: first.runId });
}
