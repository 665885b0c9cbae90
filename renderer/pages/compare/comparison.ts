/**
 * A comparison as the page shows it: items in the order of the address, the last one the baseline, and each other item
 * minus the baseline. The owner tests the first reference against each other one, so the baseline is asked for first
 * and the differences are turned round here.
 */
import type {
  CheckpointInfo,
  ComparedItem,
  Comparison,
  GroupId,
  GroupScheme,
  PairedDifference,
} from '../../../preload/contract.ts';

export const GROUPS: readonly GroupId[] = ['many', 'medium', 'few'];
/** Heads of narrow columns; the whole word stands in the table of groups. */
export const GROUP_SHORT: Record<GroupId, string> = { many: 'Ma.', medium: 'Me.', few: 'Few' };
/** Level of the tests, and of the intervals beside them. */
export const ALPHA = 0.05;

/** The order in which the owner is asked: baseline (the last on screen) first. */
export function askingOrder<T>(shown: readonly T[]): T[] {
  return shown.length < 2 ? [...shown] : [shown[shown.length - 1]!, ...shown.slice(0, -1)];
}

/** Item minus baseline. */
export interface ShownPair {
  /** Index into the shown items. */
  item: number;
  all: PairedDifference;
  groups: Record<GroupId, PairedDifference>;
  perClass: (number | null)[];
  bothRight: number;
  bothWrong: number;
}

export interface ShownComparison {
  items: ComparedItem[];
  baseline: number;
  pairs: ShownPair[];
}

/** The difference B − A from A − B. */
export function turnRound(pair: PairedDifference): PairedDifference {
  const negate = (value: number | null) => (value === null ? null : 0 - value);
  return {
    difference: negate(pair.difference),
    low: negate(pair.high),
    high: negate(pair.low),
    p: pair.p,
    pHolm: pair.pHolm,
    onlyA: pair.onlyB,
    onlyB: pair.onlyA,
  };
}

/** The answer to a request in `askingOrder`, back in the order of the screen. */
export function showComparison(answer: Comparison): ShownComparison {
  const count = answer.items.length;
  const items = count < 2 ? [...answer.items] : [...answer.items.slice(1), answer.items[0]!];
  const shownIndex = (asked: number) => (asked === 0 ? count - 1 : asked - 1);
  const pairs = answer.pairs.flatMap((pair): ShownPair[] => {
    const { a, b } = pair;
    if (a !== 0 && b !== 0) return [];
    const isTurned = a === 0;
    const one = (difference: PairedDifference) => (isTurned ? turnRound(difference) : difference);
    return [
      {
        item: shownIndex(isTurned ? b : a),
        all: one(pair.all),
        groups: {
          many: one(pair.groups.many),
          medium: one(pair.groups.medium),
          few: one(pair.groups.few),
        },
        perClass: pair.perClass.map((value) => (value === null ? null : isTurned ? 0 - value : value)),
        bothRight: pair.bothRight,
        bothWrong: pair.bothWrong,
      },
    ];
  });
  pairs.sort((a, b) => a.item - b.item);
  return { items, baseline: count - 1, pairs };
}

/** Names that tell the items apart: the method's word, with what differs where the word alone would not do. */
export function shortNames(
  items: readonly Pick<ComparedItem, 'title' | 'detail' | 'seed' | 'runId' | 'epoch'>[],
): string[] {
  const steps: ((item: (typeof items)[number]) => string)[] = [
    (item) => item.title,
    (item) => [item.title, item.detail].filter((part) => part !== '').join(' '),
    (item) => `${[item.title, item.detail].filter((part) => part !== '').join(' ')}, seed ${item.seed}`,
    (item) => `${item.title}, run ${item.runId}`,
    (item) => `${item.title}, run ${item.runId}, epoch ${item.epoch}`,
  ];
  const names = items.map(steps[0]!);
  for (const step of steps.slice(1)) {
    const seen = new Map<string, number>();
    for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
    if ([...seen.values()].every((n) => n === 1)) break;
    items.forEach((item, index) => {
      if ((seen.get(names[index]!) ?? 0) > 1) names[index] = step(item);
    });
  }
  return names;
}

export type Outcome = 'better' | 'worse' | 'none' | 'untested';

/** What the test supports: a direction only below the level, after correction for all tests of the comparison. */
export function outcomeOf(pair: PairedDifference): Outcome {
  if (pair.difference === null || pair.pHolm === null) return 'untested';
  if (pair.pHolm >= ALPHA || pair.difference === 0) return 'none';
  return pair.difference > 0 ? 'better' : 'worse';
}

/**
 * Groups that carry a supported difference: those with a supported difference of the same sign which together hold at
 * least 80 % of it, fewest first. Empty when it is spread over all groups, or when no group is supported by itself.
 */
export function carryingGroups(
  pair: Pick<ShownPair, 'all' | 'groups'>,
  images: Record<GroupId, number>,
): GroupId[] {
  const total = pair.all.difference;
  const count = GROUPS.reduce((sum, group) => sum + images[group], 0);
  if (total === null || total === 0 || count === 0) return [];
  const parts = GROUPS.map((group) => ({
    group,
    share: ((pair.groups[group].difference ?? 0) * images[group]) / count / total,
    isSupported: outcomeOf(pair.groups[group]) === (total > 0 ? 'better' : 'worse'),
  }))
    .filter((part) => part.isSupported && part.share > 0)
    .sort((a, b) => b.share - a.share);
  const filled = GROUPS.filter((group) => images[group] > 0).length;
  const chosen: GroupId[] = [];
  let held = 0;
  for (const part of parts) {
    chosen.push(part.group);
    held += part.share;
    if (held >= 0.8) break;
  }
  if (held < 0.8 || chosen.length === filled) return [];
  return GROUPS.filter((group) => chosen.includes(group));
}

/** The range of an axis for whiskers: holds all intervals and zero, rounded out to whole steps of `stepPoints`. */
export function whiskerRange(pairs: readonly PairedDifference[]): {
  min: number;
  max: number;
  ticks: number[];
} {
  let low = 0;
  let high = 0;
  for (const pair of pairs) {
    for (const value of [pair.low, pair.high, pair.difference]) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const span = Math.max(high - low, 0.01);
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((s) => span / s <= 4) ?? 1;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks: number[] = [];
  for (let k = first; k <= last; k++) ticks.push(Number((k * step).toFixed(6)));
  // Air outside the outermost ticks, so that neither their labels nor a whisker's dot touch the next column.
  return { min: (first - 0.35) * step, max: (last + 0.35) * step, ticks };
}

/** Series numbers that tell the items apart: each keeps its run's number, a later one with the same takes a free one. */
export function distinctSeries(items: readonly { series: number }[]): number[] {
  const used = new Set<number>();
  const wanted = new Set(items.map((item) => item.series));
  return items.map(({ series }) => {
    let number = series;
    if (used.has(number)) {
      const free = Array.from({ length: 10 }, (_, i) => i + 1).filter((n) => !used.has(n));
      number = free.find((n) => !wanted.has(n)) ?? free[0] ?? series;
    }
    used.add(number);
    return number;
  });
}

/** Mean difference of the classes of each group; null for an empty one. */
export function groupMeansOf(
  scheme: GroupScheme,
  differences: readonly (number | null)[],
): Record<GroupId, number | null> {
  const mean = (id: GroupId) => {
    const known = (scheme.groups.find((group) => group.id === id)?.classes ?? [])
      .map((index) => differences[index] ?? null)
      .filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return { many: mean('many'), medium: mean('medium'), few: mean('few') };
}

/** "12@best" → run 12, "best"; null for what is no reference. */
export function parseRef(ref: string): { runId: number; which: string } | null {
  const match = /^([1-9]\d*)@(last|best|epoch-\d+)$/.exec(ref);
  return match ? { runId: Number(match[1]), which: match[2]! } : null;
}

/** The choices of the epoch selector of one run: by role first, then by epoch, newest first. */
export function checkpointChoices(
  runId: number,
  checkpoints: readonly Pick<CheckpointInfo, 'ref' | 'epoch' | 'step' | 'roles' | 'selection' | 'logits'>[],
  current: string,
): { value: string; label: string }[] {
  const usable = checkpoints
    .filter((checkpoint) => checkpoint.logits.length > 0)
    .sort((a, b) => b.step - a.step);
  const choices: { value: string; label: string }[] = [];
  for (const { epoch, roles } of usable)
    if (roles.includes('last')) choices.push({ value: `${runId}@last`, label: `last, epoch ${epoch}` });
  for (const { epoch, roles, selection } of usable) {
    if (!roles.includes('best')) continue;
    const on = selection === 'best-val' ? ' on val' : selection === 'best-test' ? ' on test' : '';
    choices.push({ value: `${runId}@best`, label: `best${on}, epoch ${epoch}` });
  }
  for (const { epoch, roles, ref } of usable)
    if (!roles.includes('last') && !roles.includes('best'))
      choices.push({ value: ref, label: `epoch ${epoch}` });
  if (!choices.some((choice) => choice.value === current)) {
    const which = parseRef(current)?.which ?? current;
    choices.unshift({ value: current, label: which.replace('epoch-', 'epoch ') });
  }
  return choices;
}

/** "Branches", "Experts", or "Branches and experts", as what is compared has them. */
export function outputsTitle(items: readonly Pick<ComparedItem, 'outputWord' | 'branches'>[]): string {
  // An item without branches has its one output only.
  const words = new Set(
    items.filter(({ branches }) => branches.length > 1).map(({ outputWord }) => outputWord),
  );
  const plurals = [...words].map((word) => (word.endsWith('ch') ? `${word}es` : `${word}s`));
  const text = plurals.length === 0 ? 'outputs' : plurals.join(' and ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
