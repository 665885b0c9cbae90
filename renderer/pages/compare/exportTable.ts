/** The comparison as text for papers and spreadsheets: a booktabs table in LaTeX, and CSV of the raw fractions. */
import type { ComparedItem, GroupScheme } from '../../../preload/contract.ts';
import type { DataTable } from '../../charts/types.ts';
import { GROUPS, outcomeOf, type ShownComparison } from './comparison.ts';

/** Escapes what LaTeX would read as a command; Greek letters of our titles become their commands. */
export function latexText(text: string): string {
  const special: Record<string, string> = {
    '\\': '\\textbackslash{}',
    '{': '\\{',
    '}': '\\}',
    $: '\\$',
    '&': '\\&',
    '#': '\\#',
    '%': '\\%',
    _: '\\_',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
    '<': '$<$',
    '>': '$>$',
    β: '$\\beta$',
    τ: '$\\tau$',
    α: '$\\alpha$',
    γ: '$\\gamma$',
    λ: '$\\lambda$',
    '÷': '$\\div$',
    '×': '$\\times$',
    '±': '$\\pm$',
    '−': '$-$',
    '–': '--',
    '≥': '$\\geq$',
    '≤': '$\\leq$',
    '\u00a0': '~',
    '·': '$\\cdot$',
  };
  return [...text].map((char) => special[char] ?? char).join('');
}

const percent = (fraction: number | null): string => (fraction === null ? '--' : (fraction * 100).toFixed(1));

function signed(difference: number | null): string {
  if (difference === null) return '--';
  const text = Math.abs(difference * 100).toFixed(1);
  return Number(text) === 0 ? `$${text}$` : `$${difference < 0 ? '-' : '+'}${text}$`;
}

/** How the epoch of a number was chosen, in words. */
export function selectionText(item: Pick<ComparedItem, 'selection' | 'epoch'>): string {
  switch (item.selection) {
    case 'last':
      return `last, epoch ${item.epoch}`;
    case 'best-val':
      return `best on val, epoch ${item.epoch}`;
    case 'best-test':
      return `best on test, epoch ${item.epoch}`;
    case 'epoch':
      return `epoch ${item.epoch}`;
  }
}

/**
 * A table of accuracies in percent, and below the rule each item's difference to the baseline in points, in bold where
 * the test supports it. Needs `\usepackage{booktabs}`.
 */
export function toLatex(
  shown: ShownComparison,
  names: readonly string[],
  about: { scheme: GroupScheme; images: number; tests: number; split: string },
): string {
  const label = (id: string) => about.scheme.groups.find((group) => group.id === id)?.label ?? id;
  const lines = [
    `% ${about.split} split, ${about.images} images, accuracy in percent; groups: ${about.scheme.label}.`,
    `% Differences in points, bold where p < 0.05 (exact McNemar, Holm over ${about.tests} tests).`,
    ...shown.items.map((item, i) => `% ${names[i]}: ${item.ref} (${selectionText(item)}, seed ${item.seed})`),
    '\\begin{tabular}{lrrrr}',
    '\\toprule',
    ` & All & ${GROUPS.map((group) => latexText(label(group))).join(' & ')} \\\\`,
    '\\midrule',
  ];
  shown.items.forEach((item, i) => {
    const cells = [item.top1, ...GROUPS.map((group) => item.groups[group])].map(percent);
    lines.push(`${latexText(names[i] ?? item.ref)} & ${cells.join(' & ')} \\\\`);
  });
  if (shown.pairs.length > 0) lines.push('\\midrule');
  for (const pair of shown.pairs) {
    const cells = [pair.all, ...GROUPS.map((group) => pair.groups[group])].map((difference) => {
      const outcome = outcomeOf(difference);
      const text = signed(difference.difference);
      return outcome === 'better' || outcome === 'worse' ? `\\textbf{${text}}` : text;
    });
    const name = `${names[pair.item]} $-$ ${names[shown.baseline]}`;
    lines.push(`${name.split(' $-$ ').map(latexText).join(' $-$ ')} & ${cells.join(' & ')} \\\\`);
  }
  lines.push('\\bottomrule', '\\end{tabular}');
  return lines.join('\n') + '\n';
}

/** One row per group and item pair, raw fractions. */
export function toDataTable(
  shown: ShownComparison,
  names: readonly string[],
  about: { scheme: GroupScheme; images: number; imagesByGroup: Record<string, number> },
): DataTable {
  const columns = [
    { label: 'group', isNumber: false },
    { label: 'images', isNumber: true },
    ...names.map((name) => ({ label: name, isNumber: true })),
    ...shown.pairs.flatMap((pair) => {
      const name = `${names[pair.item]} - ${names[shown.baseline]}`;
      return ['difference', 'low', 'high', 'p', 'p Holm', 'only first right', 'only second right'].map(
        (what) => ({
          label: `${name}: ${what}`,
          isNumber: true,
        }),
      );
    }),
  ];
  const rows = (['all', ...GROUPS] as const).map((group): (string | number | null)[] => {
    const label = group === 'all' ? 'All' : (about.scheme.groups.find((g) => g.id === group)?.label ?? group);
    return [
      label,
      group === 'all' ? about.images : (about.imagesByGroup[group] ?? null),
      ...shown.items.map((item) => (group === 'all' ? item.top1 : item.groups[group])),
      ...shown.pairs.flatMap((pair) => {
        const one = group === 'all' ? pair.all : pair.groups[group];
        return [one.difference, one.low, one.high, one.p, one.pHolm, one.onlyA, one.onlyB];
      }),
    ];
  });
  return { columns, rows };
}
