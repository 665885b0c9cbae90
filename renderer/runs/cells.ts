/** Small words of the table's cells. Pure. */
import type { RunState, RunSummary } from '../../preload/contract.ts';
import { formatDuration, formatShare } from '../lib/format.ts';

/** What stands grey behind a run's state, and whether it is words (cut at the end) or numbers (at the right). */
export function stateDetail(run: RunSummary): { text: string; isWords: boolean } {
  const { progress } = run;
  if (run.notResponding) return { text: 'not responding', isWords: true };
  switch (run.state) {
    case 'running': {
      // A wish that it has not followed yet: "Stopping".
      if (run.stateMessage !== null) return { text: run.stateMessage, isWords: true };
      if (!progress) return { text: '', isWords: false };
      if (progress.phase === 'evaluating' || progress.phase === 'saving') {
        return { text: `${formatShare(progress.share)} · ${progress.phase}`, isWords: false };
      }
      const left = progress.remainingMs === null ? '' : ` · ${formatDuration(progress.remainingMs)}`;
      return { text: `${formatShare(progress.share)}${left}`, isWords: false };
    }
    case 'queued':
      return { text: run.queuePosition === null ? '' : `#${run.queuePosition}`, isWords: false };
    case 'paused':
      return progress
        ? { text: `${progress.epoch} / ${progress.epochs}`, isWords: false }
        : { text: run.stateMessage ?? '', isWords: true };
    case 'stopped':
      if (run.stateMessage === null && progress) {
        return { text: `epoch ${progress.epoch} / ${progress.epochs}`, isWords: true };
      }
      return { text: run.stateMessage ?? '', isWords: true };
    case 'completed':
      return { text: '', isWords: false };
    default:
      return { text: run.stateMessage ?? '', isWords: true };
  }
}

/** The line of progress under a state: only where work is under way or waits half done. */
export function stateProgress(run: RunSummary): { share: number; tone: 'running' | 'paused' } | null {
  if (!run.progress) return null;
  const tones: Partial<Record<RunState, 'running' | 'paused'>> = { running: 'running', paused: 'paused' };
  const tone = tones[run.state];
  return tone ? { share: run.progress.share, tone } : null;
}
