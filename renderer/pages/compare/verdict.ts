/**
 * The result of a comparison in words. Every sentence that claims something names the interval and the p value; where
 * the test supports no difference it says just that.
 */
import type { GroupId } from '../../../preload/contract.ts';
import { formatDecimal, formatInterval, formatP, formatPoints, NBSP } from '../../lib/format.ts';
import { carryingGroups, outcomeOf, type ShownPair } from './comparison.ts';

export interface VerdictSentence {
  /** The claim, shown strong. */
  claim: string;
  /** Interval, p and where it comes from. */
  evidence: string;
}

/** "p < 0.001", "p = 0.19" */
export function pText(p: number | null): string {
  const text = formatP(p);
  return text.startsWith('<') ? `p${NBSP}${text}` : `p${NBSP}=${NBSP}${text}`;
}

/** One sentence about item minus baseline, over all classes. */
export function verdictOf(
  pair: Pick<ShownPair, 'all' | 'groups'>,
  names: { item: string; baseline: string },
  images: Record<GroupId, number>,
  labels: Record<GroupId, string>,
): VerdictSentence {
  const { all } = pair;
  const outcome = outcomeOf(all);
  if (outcome === 'untested')
    return {
      claim: `${names.item} and ${names.baseline} can't be tested against each other.`,
      evidence: '',
    };
  const measured = `95${NBSP}% interval ${formatInterval(all.low, all.high)}, ${pText(all.pHolm)}`;
  if (outcome === 'none')
    return {
      claim: `No difference shown between ${names.item} and ${names.baseline}:`,
      evidence: `${formatPoints(all.difference)} points, ${measured}.`,
    };
  const points = formatDecimal(Math.abs(all.difference ?? 0) * 100);
  const verb = outcome === 'better' ? `gains ${points} points on` : `loses ${points} points to`;
  const carrying = carryingGroups(pair, images).map((group) => labels[group].toLowerCase());
  const where = carrying.length === 0 ? '' : `, nearly all in ${carrying.join(' and ')}`;
  return { claim: `${names.item} ${verb} ${names.baseline}${where}:`, evidence: `${measured}.` };
}
