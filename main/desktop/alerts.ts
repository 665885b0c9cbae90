/**
 * What the desktop tells outside its window: a notification when a run ends, progress on the taskbar, and that the
 * machine must not fall asleep while something trains. Nothing of it animates.
 */
import { Notification, powerSaveBlocker, type BrowserWindow } from 'electron';
import type { Notice, Queue } from '../../preload/contract.ts';

type RunEnded = Extract<Notice, { type: 'run-ended' }>;

/** The two lines of a notification about an ended run. */
export function describeEnd(notice: RunEnded): { title: string; body: string } {
  const words: Partial<Record<RunEnded['state'], string>> = {
    completed: 'completed',
    failed: 'failed',
    crashed: 'crashed',
    stopped: 'stopped',
    paused: 'paused',
  };
  return { title: `${notice.title} ${words[notice.state] ?? notice.state}`, body: notice.message ?? '' };
}

/** Held until they are gone: a notification that is collected as garbage no longer hears its click. */
const shown = new Set<Notification>();

export function notifyRunEnded(notice: RunEnded, open: (runId: number) => void): void {
  if (!Notification.isSupported()) return;
  const { title, body } = describeEnd(notice);
  const notification = new Notification({ title, body });
  shown.add(notification);
  notification.on('click', () => {
    shown.delete(notification);
    open(notice.runId);
  });
  notification.on('close', () => shown.delete(notification));
  notification.on('failed', () => shown.delete(notification));
  notification.show();
}

/** One line on what the queue does, for the tray. */
export function describeQueue(queue: Queue): string {
  const first = queue.running[0];
  const waiting = queue.waiting.length === 0 ? '' : `, ${queue.waiting.length} waiting`;
  if (first === undefined)
    return queue.waiting.length === 0 ? 'nothing is running' : `queue paused${waiting}`;
  const share = first.progress === null ? '' : `, ${Math.floor(first.progress.share * 100)} %`;
  const more = queue.running.length > 1 ? ` and ${queue.running.length - 1} more` : '';
  return `${first.title} ${first.detail}`.trim() + `${share}${more}${waiting}`;
}

/** Taskbar progress of the running run: 0…1, or −1 for none. */
export function taskbarProgress(queue: Queue): number {
  return queue.running[0]?.progress?.share ?? -1;
}

export function showProgress(window: BrowserWindow | null, queue: Queue): void {
  if (window !== null && !window.isDestroyed()) window.setProgressBar(taskbarProgress(queue));
}

/** Holds the machine awake while `active`, and only then. */
export function createWakeLock(): { set(active: boolean): void } {
  let id: number | null = null;
  return {
    set(active) {
      if (active && id === null) id = powerSaveBlocker.start('prevent-app-suspension');
      if (!active && id !== null) {
        powerSaveBlocker.stop(id);
        id = null;
      }
    },
  };
}
