/** Which runs are marked. Pure functions on a map of runs by id, so that a marked run may be out of view. */
import type { RunListItem, RunSummary } from '../../preload/contract.ts';

export type Selected = ReadonlyMap<number, RunSummary>;

/** The mark of an item: all of its runs, some, or none. */
export function markOf(item: RunListItem, selected: Selected): boolean | 'mixed' {
  const count = item.runs.filter((run) => selected.has(run.id)).length;
  if (count === 0) return false;
  return count === item.runs.length ? true : 'mixed';
}

/** Marks or unmarks runs. */
export function withRuns(selected: Selected, runs: readonly RunSummary[], isMarked: boolean): Selected {
  const next = new Map(selected);
  for (const run of runs) {
    if (isMarked) next.set(run.id, run);
    else next.delete(run.id);
  }
  return next;
}

/** The marked runs with what is known of them now; those that are gone stay as they were. */
export function refreshed(selected: Selected, runs: Iterable<RunSummary>): Selected {
  let next: Map<number, RunSummary> | null = null;
  for (const run of runs) {
    if (selected.has(run.id) && selected.get(run.id) !== run) (next ??= new Map(selected)).set(run.id, run);
  }
  return next ?? selected;
}

export interface SelectionCount {
  /** Rows that stand for what is marked: whole seed groups, and runs by themselves. */
  units: number;
  groups: number;
  runs: number;
  completed: number;
}

/** What the bulk bar says. Only a seed group of which every run is marked counts as a group; `sizes` are runs by group. */
export function countSelection(selected: Selected, sizes: ReadonlyMap<number, number>): SelectionCount {
  const marked = new Map<number, number>();
  let singles = 0;
  let groups = 0;
  let completed = 0;
  for (const run of selected.values()) {
    if (run.groupId === null) singles += 1;
    else marked.set(run.groupId, (marked.get(run.groupId) ?? 0) + 1);
    if (run.state === 'completed') completed += 1;
  }
  for (const [group, count] of marked) {
    // Of a group that is not loaded all runs were marked, for only then it was marked from afar.
    if (count >= (sizes.get(group) ?? 0)) groups += 1;
    else singles += count;
  }
  return { units: groups + singles, groups, runs: selected.size, completed };
}

/**
 * The checkpoints that stand for the marked runs in a comparison: the last epoch of each run, but of a seed group that
 * is marked with several of its runs only one (its first completed seed), because the group's mean stands beside it.
 */
export function comparedRuns(selected: Iterable<RunSummary>): RunSummary[] {
  const chosen: RunSummary[] = [];
  const ofGroup = new Map<number, RunSummary>();
  for (const run of selected) {
    if (run.last === null) continue;
    if (run.groupId === null) {
      chosen.push(run);
      continue;
    }
    const other = ofGroup.get(run.groupId);
    if (other && !isBetterStandIn(run, other)) continue;
    if (other) chosen[chosen.indexOf(other)] = run;
    else chosen.push(run);
    ofGroup.set(run.groupId, run);
  }
  return chosen;
}

function isBetterStandIn(run: RunSummary, other: RunSummary): boolean {
  const isDone = run.state === 'completed';
  const otherIsDone = other.state === 'completed';
  return isDone === otherIsDone ? run.seed < other.seed : isDone;
}
