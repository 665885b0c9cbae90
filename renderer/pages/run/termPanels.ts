/**
 * Which panels a method's declared terms make: one a group, and which numbers an evaluation's terms have by group of
 * classes. Nothing here knows a method.
 */
import type { GroupId, MethodInfo, MethodTerm } from '../../../preload/contract.ts';

export interface TermPanel {
  title: string;
  unit: MethodTerm['unit'];
  terms: MethodTerm[];
}

/** Terms of this group stand beside the total. */
export const TOTAL_GROUP = 'Loss';

/** One panel a group, in the order of the declaration; the group of the total is left out. */
export function termPanels(terms: readonly MethodTerm[]): TermPanel[] {
  const panels = new Map<string, TermPanel>();
  for (const term of terms) {
    if (term.group === TOTAL_GROUP) continue;
    // Numbers of two units can't share an axis.
    const key = `${term.group} ${term.unit}`;
    const panel = panels.get(key) ?? { title: term.group, unit: term.unit, terms: [] };
    panel.terms.push(term);
    panels.set(key, panel);
  }
  return [...panels.values()];
}

/** The metric of an evaluation's term over the classes of a group. */
export function groupMetric(term: MethodTerm, group: GroupId): string {
  return `${term.metric}/${group}`;
}

/** The metrics of a run that are curves: everything of training, and what its method's evaluations log. */
export function curveMetrics(names: readonly string[], info: Pick<MethodInfo, 'evaluationTerms'>): string[] {
  return names.filter(
    (name) =>
      name.startsWith('train/') ||
      info.evaluationTerms.some(({ metric }) => name === metric || name.startsWith(`${metric}/`)),
  );
}

/** Up to three outputs have the colours of branches, more those of series. */
const FEW_OUTPUTS = ['branch-h', 'branch-m', 'branch-t'];
const SERIES_COLORS = 10;

/** Colour token of a branch or expert, by its place among so many. */
export function outputColor(index: number, count: number): string {
  return count <= FEW_OUTPUTS.length
    ? (FEW_OUTPUTS[index] ?? 'branch-h')
    : `series-${(index % SERIES_COLORS) + 1}`;
}

/** Colour token of a term: that of the output it is named after, else the next of the series. */
export function termColor(term: MethodTerm, index: number, outputs: MethodInfo['branches']): string {
  const at = outputs.findIndex(({ label }) => label === term.label);
  return at >= 0 ? outputColor(at, outputs.length) : `series-${(index % SERIES_COLORS) + 1}`;
}

/**
 * A short label for each of the outputs of a method, for rows that hold all of them: "E1" for "Expert 1", else the first
 * word. None where two would be the same.
 */
export function shortLabels(labels: readonly string[]): ReadonlyMap<string, string> {
  const short = labels.map((label) => {
    const numbered = /^(\p{L})\p{L}+ (\d+)$/u.exec(label);
    return numbered ? `${numbered[1]}${numbered[2]}` : (label.split(' ')[0] ?? label);
  });
  if (new Set(short).size < short.length) return new Map();
  return new Map(labels.map((label, index) => [label, short[index]!]));
}
