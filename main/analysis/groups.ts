/**
 * Groups of classes by training frequency, as schemes: a scheme is a named way to group, and numbers under different
 * schemes never share a column. Many, medium and few are evaluation groups; the branches of a method have scopes of
 * their own.
 */

export interface ClassGroup<GroupId extends string = string> {
  id: GroupId;
  label: string;
  /** "> 100", "classes 0–2". */
  rule: string;
  /** Ascending class indices; may be empty. */
  classes: number[];
  /** Training images of these classes. */
  images: number;
}

export interface GroupScheme<Id extends string = string, GroupId extends string = string> {
  id: Id;
  label: string;
  groups: ClassGroup<GroupId>[];
}

export type StandardSchemeId = 'count-100-20' | 'reslt-ranges';
export type StandardGroupId = 'many' | 'medium' | 'few';
export type StandardScheme = GroupScheme<StandardSchemeId, StandardGroupId>;

export const STANDARD_SCHEMES: readonly StandardSchemeId[] = ['count-100-20', 'reslt-ranges'];

/** The field's limits: many-shot has more training images than the first, few-shot fewer than the second. */
const MANY_ABOVE = 100;
const FEW_BELOW = 20;

/** Ranks where medium and tail begin in ResLT's evaluation, by number of classes: CIFAR-10, CIFAR-100, ImageNet-LT, iNaturalist 2018. */
const RESLT_RANGES: Record<number, [number, number]> = {
  10: [3, 6],
  100: [36, 71],
  1000: [390, 835],
  8142: [842, 4543],
};

/** Shares of the classes for sets that ResLT has no ranges for, after its CIFAR-100. */
const RESLT_SHARES = [0.36, 0.71] as const;

/**
 * Class indices by descending training count, ties by class index.
 *
 * classCounts [C] → [C]
 */
export function rankByCount(classCounts: readonly number[]): number[] {
  return [...classCounts.keys()].sort((a, b) => classCounts[b]! - classCounts[a]! || a - b);
}

/** One of the two schemes that every result is reported in. */
export function groupScheme(id: StandardSchemeId, classCounts: readonly number[]): StandardScheme {
  return id === 'count-100-20' ? countScheme(classCounts) : resltScheme(classCounts);
}

function countScheme(classCounts: readonly number[]): StandardScheme {
  const having = (test: (count: number) => boolean) =>
    [...classCounts.keys()].filter((k) => test(classCounts[k]!));
  const group = groupMaker(classCounts);
  return {
    id: 'count-100-20',
    label: 'By count',
    groups: [
      group(
        'many',
        'Many',
        `> ${MANY_ABOVE}`,
        having((count) => count > MANY_ABOVE),
      ),
      group(
        'medium',
        'Medium',
        `${FEW_BELOW}–${MANY_ABOVE}`,
        having((count) => count <= MANY_ABOVE && count >= FEW_BELOW),
      ),
      group(
        'few',
        'Few',
        `< ${FEW_BELOW}`,
        having((count) => count < FEW_BELOW),
      ),
    ],
  };
}

function resltScheme(classCounts: readonly number[]): StandardScheme {
  const classes = classCounts.length;
  const [mediumFrom, tailFrom] = RESLT_RANGES[classes] ?? [
    Math.round(RESLT_SHARES[0] * classes),
    Math.round(RESLT_SHARES[1] * classes),
  ];
  const ranks = rankByCount(classCounts);
  const group = groupMaker(classCounts);
  const range = (id: StandardGroupId, label: string, from: number, to: number) =>
    group(id, label, rangeRule(ranks.slice(from, to), from, to), ranks.slice(from, to));
  return {
    id: 'reslt-ranges',
    label: 'ResLT index ranges',
    groups: [
      range('many', 'Head', 0, mediumFrom),
      range('medium', 'Medium', mediumFrom, tailFrom),
      range('few', 'Tail', tailFrom, classes),
    ],
  };
}

/** Groups of (nearly) equal numbers of classes, most frequent first. `groups` from 2 to the number of classes. */
export function quantileScheme(classCounts: readonly number[], groups: number): GroupScheme {
  const classes = classCounts.length;
  if (!Number.isInteger(groups) || groups < 2 || groups > classes) {
    throw new RangeError(`Quantile groups must number from 2 to ${classes}, but got ${groups}.`);
  }
  const ranks = rankByCount(classCounts);
  const group = groupMaker(classCounts);
  return {
    id: `quantiles-${groups}`,
    label: `${groups} quantiles`,
    groups: Array.from({ length: groups }, (_, q) => {
      const [from, to] = [Math.round((q * classes) / groups), Math.round(((q + 1) * classes) / groups)];
      return group(
        `q${q + 1}`,
        `Quantile ${q + 1}`,
        rangeRule(ranks.slice(from, to), from, to),
        ranks.slice(from, to),
      );
    }),
  };
}

/**
 * A scheme of the user's own. Groups may leave classes out, but no class may be in two. Throws RangeError for a class
 * that does not exist or stands twice.
 */
export function customScheme(
  id: string,
  label: string,
  groups: { id: string; label: string; classes: number[] }[],
  classCounts: readonly number[],
): GroupScheme {
  const owner = new Map<number, string>();
  for (const { label: name, classes } of groups) {
    for (const k of classes) {
      if (classCounts[k] === undefined) {
        throw new RangeError(
          `Group "${name}" names class ${k}, but classes are 0 to ${classCounts.length - 1}.`,
        );
      }
      const other = owner.get(k);
      if (other !== undefined) throw new RangeError(`Class ${k} is in the groups "${other}" and "${name}".`);
      owner.set(k, name);
    }
  }
  const group = groupMaker(classCounts);
  return {
    id,
    label,
    groups: groups.map((one) => group(one.id, one.label, classesRule(one.classes), one.classes)),
  };
}

/**
 * Accuracy of each group: the unweighted mean over its classes. Classes without examples (null) are left out; a group
 * with none left is null.
 */
export function groupMeans<GroupId extends string>(
  perClass: readonly (number | null)[],
  scheme: GroupScheme<string, GroupId>,
): Record<GroupId, number | null> {
  const means = scheme.groups.map(({ id, classes }) => [id, meanOf(classes.map((k) => perClass[k] ?? null))]);
  return Object.fromEntries(means) as Record<GroupId, number | null>;
}

/** Mean of what is there; null for nothing. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

function groupMaker(classCounts: readonly number[]) {
  return <GroupId extends string>(
    id: GroupId,
    label: string,
    rule: string,
    classes: number[],
  ): ClassGroup<GroupId> => ({
    id,
    label,
    rule,
    classes: [...classes].sort((a, b) => a - b),
    images: classes.reduce((sum, k) => sum + classCounts[k]!, 0),
  });
}

/** A range of ranks in words: by class where the classes are a range too (as in CIFAR-LT), else by rank from 1. */
function rangeRule(classes: number[], from: number, to: number): string {
  const sorted = [...classes].sort((a, b) => a - b);
  const contiguous = sorted.every((k, i) => i === 0 || k === sorted[i - 1]! + 1);
  return contiguous ? classesRule(sorted) : span('rank', from + 1, to);
}

function classesRule(classes: number[]): string {
  const sorted = [...classes].sort((a, b) => a - b);
  if (sorted.length === 0) return 'no class';
  const contiguous = sorted.at(-1)! - sorted[0]! === sorted.length - 1;
  return contiguous ? span('class', sorted[0]!, sorted.at(-1)!) : `${sorted.length} classes`;
}

function span(word: 'class' | 'rank', from: number, to: number): string {
  return from === to ? `${word} ${from}` : `${word === 'class' ? 'classes' : 'ranks'} ${from}–${to}`;
}
