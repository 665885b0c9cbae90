/**
 * What the desktop tells outside its window: a notification when a run ends, progress on the taskbar, and that the
 * machine must not fall asleep while something trains. Nothing of it animates.
 */
import { Notification, powerSaveBlocker, type BrowserWindow } from 'electron';
import type { Notice, Queue } from '../../preload/contract.ts';
import { describeEnd, taskbarProgress } from './words.ts';

/** Held until they are gone: a notification that is collected as garbage no longer hears its click. */
const shown = new Set<Notification>();

export function notifyRunEnded(
  notice: Extract<Notice, { type: 'run-ended' }>,
  open: (runId: number) => void,
): void {
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
