/**
 * Notices to whoever listens, at most ten a second for what changes all the time: a run's growth, a task's progress, one
 * thread each. What is held back is replaced by what comes later, and the last is always delivered.
 */
import type { Notice } from '../../preload/contract.ts';

/** Ten a second: more cannot be seen, and each makes the page ask for what it shows. */
export const NOTICE_INTERVAL_MS = 100;

/** The timer of a coalescer; tests bring their own. */
export type After = (delayMs: number, call: () => void) => void;

const systemAfter: After = (delayMs, call) => void setTimeout(call, delayMs).unref();

/** Passes notices on to `deliver`; returns where to push them. */
export function coalesceNotices(
  deliver: (notice: Notice) => void,
  after: After = systemAfter,
): (notice: Notice) => void {
  /** Threads that had a notice within the last interval, with what is held back since. */
  const held = new Map<string, Notice | null>();

  const open = (thread: string): void => {
    held.set(thread, null);
    after(NOTICE_INTERVAL_MS, () => {
      const notice = held.get(thread) ?? null;
      held.delete(thread);
      if (notice === null) return;
      open(thread);
      deliver(notice);
    });
  };

  return (notice) => {
    const thread = threadOf(notice);
    if (thread === null) {
      deliver(notice);
    } else if (isFinal(notice)) {
      // The end of a task must not wait behind its progress, nor be followed by it.
      if (held.has(thread)) held.set(thread, null);
      deliver(notice);
    } else if (held.has(thread)) {
      held.set(thread, notice);
    } else {
      open(thread);
      deliver(notice);
    }
  };
}

function isFinal(notice: Notice): boolean {
  return notice.type === 'task-changed' && notice.task.state !== 'running';
}

/** Notices of one thread replace each other; null: every one counts. */
function threadOf(notice: Notice): string | null {
  switch (notice.type) {
    case 'run-grew':
      return `run ${notice.runId}`;
    case 'task-changed':
      return `task ${notice.task.id}`;
    case 'queue-changed':
    case 'datasets-changed':
    case 'settings-changed':
      return notice.type;
    default:
      return null;
  }
}
