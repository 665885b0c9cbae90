/**
 * Closing the window while something trains asks once what should become of it. The decision is a pure function of
 * what runs and what was answered before; asking is done by the page (it can show the run), and by a native dialog
 * where the page does not answer.
 */

import type { CloseAnswer } from '../../preload/contract.ts';

export const CLOSE_ANSWERS: readonly CloseAnswer[] = ['keep', 'pause', 'stop', 'cancel'];

export interface CloseSituation {
  /** Runs that are preparing or running. */
  activeRuns: number;
  /** Runs that wait and would start by themselves (0 while the queue is paused). */
  waitingRuns: number;
  /** The answer to give without asking, when the person ticked "Do this every time". */
  remembered: CloseAnswer | null;
}

/** What closing the window does: leave at once, act on a remembered answer, or ask. */
export function decideClose(situation: CloseSituation): 'quit' | 'ask' | CloseAnswer {
  if (situation.activeRuns === 0 && situation.waitingRuns === 0) return 'quit';
  return situation.remembered ?? 'ask';
}
