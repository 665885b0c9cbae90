/** The one state that a seed group's row shows, and what its cells say beside it. Pure. */
import type { RunState, RunSummary } from '../../preload/contract.ts';

/** What is under way first, then what wants attention, then what is done. */
const ORDER: RunState[] = [
  'running',
  'preparing',
  'paused',
  'queued',
  'crashed',
  'failed',
  'stopped',
  'completed',
];

export function stateOfGroup(runs: readonly Pick<RunSummary, 'state'>[]): RunState {
  return ORDER.find((state) => runs.some((run) => run.state === state)) ?? 'completed';
}

/** The sum over the runs that have one; null when none has. */
export function sumOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** The latest point in time; null when there is none. */
export function latestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
