/** How runs are looked at: x axis, smoothing, logarithmic axes, height of the log. Kept in the library. */
import type { GroupSchemeId } from '../../../preload/contract.ts';
import type { XKind } from '../../charts/types.ts';
import { preferences } from '../../lib/preferences.svelte.ts';
import { isSchemeId } from '../../lib/schemes.ts';

/** Shares that the past keeps in the moving average. */
export const SMOOTHINGS = [0, 0.6, 0.8, 0.9, 0.95] as const;

const isXKind = (value: unknown): value is XKind => value === 'epoch' || value === 'step' || value === 'time';
const isSmoothing = (value: unknown): value is number => SMOOTHINGS.some((known) => known === value);
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');
const isHeight = (value: unknown): value is number | null =>
  value === null || (typeof value === 'number' && value >= 0 && value <= 4000);

class RunView {
  get xKind(): XKind {
    return preferences.view<XKind>('run.x', 'epoch', isXKind);
  }
  set xKind(kind: XKind) {
    preferences.setView('run.x', kind);
  }
  get smoothing(): number {
    return preferences.view('run.smoothing', 0, isSmoothing);
  }
  set smoothing(weight: number) {
    preferences.setView('run.smoothing', weight);
  }
  get scheme(): GroupSchemeId {
    return preferences.view<GroupSchemeId>('groupScheme', 'count-100-20', isSchemeId);
  }
  set scheme(id: GroupSchemeId) {
    preferences.setView('groupScheme', id);
  }
  /** Charts with a logarithmic axis, by their key. The learning rate has one unless it was switched off. */
  isLog(chart: string): boolean {
    const isListed = preferences.view<string[]>('run.log', [], isNames).includes(chart);
    return chart === 'learning-rate' ? !isListed : isListed;
  }
  toggleLog(chart: string): void {
    const listed = preferences.view<string[]>('run.log', [], isNames);
    preferences.setView(
      'run.log',
      listed.includes(chart) ? listed.filter((other) => other !== chart) : [...listed, chart],
    );
  }
  /** Px that the reader gave the log below the charts; null for what is left, 0 when it is folded. */
  get logHeightPx(): number | null {
    return preferences.view<number | null>('run.logHeight', null, isHeight);
  }
  set logHeightPx(height: number | null) {
    preferences.setView('run.logHeight', height);
  }
}

export const runView = new RunView();
