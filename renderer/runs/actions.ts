/**
 * What can be done with runs, from the table, the menu of a row, the queue and the palette alike. Each tells by a toast
 * what it did and how to undo it; a refusal of the owner is thrown, for the caller to show where it was asked for.
 */
import Archive from '@lucide/svelte/icons/archive';
import Copy from '@lucide/svelte/icons/copy';
import Trash from '@lucide/svelte/icons/trash';
import type { DataTable } from '../charts/types.ts';
import { toCsv } from '../charts/csv.ts';
import type { GroupSchemeId, RunSummary } from '../../preload/contract.ts';
import { api } from '../lib/api.ts';
import { copyText, saveText } from '../lib/clipboard.ts';
import { formatQuantity } from '../lib/format.ts';
import { navigate } from '../lib/router.svelte.ts';
import { toasts } from '../lib/toasts.svelte.ts';
import { runsTable } from './runsTableCsv.ts';
import { comparedRuns } from './selection.ts';

const ids = (runs: readonly RunSummary[]): number[] => runs.map((run) => run.id);
/** More side by side can't be told apart. */
const MOST_COMPARED = 20;

export async function archiveRuns(runs: readonly RunSummary[], archived: boolean): Promise<void> {
  await api.archiveRuns({ ids: ids(runs), archived });
  toasts.show({
    icon: Archive,
    text: `${formatQuantity(runs.length, 'run')} ${archived ? 'archived' : 'taken out of the archive'}`,
    action: { label: 'Undo', run: () => void api.archiveRuns({ ids: ids(runs), archived: !archived }) },
  });
}

export async function deleteRuns(runs: readonly RunSummary[]): Promise<void> {
  const { count, undo } = await api.deleteRuns({ ids: ids(runs) });
  toasts.show({
    icon: Trash,
    text: `${formatQuantity(count, 'run')} moved to the trash`,
    action: { label: 'Undo', run: () => void api.undo({ token: undo }) },
  });
}

/** Opens the comparison of what stands for the runs; false when none of them has a result yet. */
export function compareRuns(runs: Iterable<RunSummary>): boolean {
  const compared = comparedRuns(runs).slice(0, MOST_COMPARED);
  if (compared.length === 0) return false;
  navigate({ page: 'compare', refs: compared.map((run) => `${run.id}@last`) });
  return true;
}

export async function copyRuns(runs: readonly RunSummary[], scheme: GroupSchemeId): Promise<void> {
  await copyText(toCsv(runsTable(runs, scheme)));
  toasts.show({ icon: Copy, text: `${formatQuantity(runs.length, 'run')} copied as CSV` });
}

export function saveRuns(runs: readonly RunSummary[], scheme: GroupSchemeId, name: string): void {
  const table: DataTable = runsTable(runs, scheme);
  saveText(`${name}-runs.csv`, toCsv(table), 'text/csv');
}

/** Puts a waiting run at the head of the queue. */
export async function runNext(runId: number): Promise<void> {
  const queue = await api.getQueue();
  const first = queue.waiting[0];
  if (first && first.runId !== runId) await api.moveInQueue({ runId, before: first.runId });
}
