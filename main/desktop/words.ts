/** What the desktop says outside its window, in words and in a number: tray, notification, taskbar. */
import type { Notice, Queue } from '../../preload/contract.ts';

/** The two lines of a notification about an ended run. */
export function describeEnd(notice: Extract<Notice, { type: 'run-ended' }>): { title: string; body: string } {
  return { title: `${notice.title} ${notice.state}`, body: notice.message ?? '' };
}

/** One line on what the queue does, for the tray: "ResLT β 0.998, 57 %, 2 waiting". */
export function describeQueue({ running, waiting, paused }: Queue): string {
  const [first, ...others] = running;
  const rest = waiting.length === 0 ? [] : [`${waiting.length} waiting`];
  if (first === undefined) {
    if (waiting.length === 0) return 'nothing is running';
    return [...(paused ? ['queue paused'] : []), ...rest].join(', ');
  }
  const share = first.progress === null ? [] : [`${Math.floor(first.progress.share * 100)} %`];
  const more = others.length === 0 ? [] : [`${others.length} more running`];
  return [`${first.title} ${first.detail}`.trim(), ...share, ...more, ...rest].join(', ');
}

/** Progress of the first running run for the taskbar: 0…1, or −1 for none. */
export function taskbarProgress({ running }: Queue): number {
  return running[0]?.progress?.share ?? -1;
}
