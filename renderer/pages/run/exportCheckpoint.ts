/** Giving a checkpoint's weights away: a download in a browser, a save dialog in the desktop app. */
import Download from '@lucide/svelte/icons/download';
import type { CheckpointFormat, CheckpointInfo } from '../../../preload/contract.ts';
import { api, bridge, resourceUrl } from '../../lib/api.ts';
import { tasks } from '../../lib/tasks.svelte.ts';
import { toasts } from '../../lib/toasts.svelte.ts';

/** Resolves when the download has begun, the file is being written (a toast tells of its end), or the dialog was left. */
export async function exportCheckpoint(
  { id, ref, runId, epoch }: CheckpointInfo,
  format: CheckpointFormat,
  runName: string,
): Promise<void> {
  if (bridge === null) {
    const link = document.createElement('a');
    link.href = `${resourceUrl('checkpoint', id)}?format=${format}`;
    link.download = '';
    link.click();
    toasts.show({ icon: Download, text: 'The weights are being put together for the download' });
    return;
  }
  const path = await bridge.choosePath({
    title: 'Export the weights',
    kind: 'save',
    defaultName: `${runId}-${runName.replace(/[^\w.-]+/g, '-')}-epoch-${epoch}.${format}`,
  });
  if (path === null) return;
  // The system's dialog has asked whether a file that is there may be replaced.
  tasks.put(await api.exportCheckpoint({ ref, format, path, overwrite: true }));
}
