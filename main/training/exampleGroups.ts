/**
 * Means of a number that every example has, over all examples and over those of each group of classes, under the
 * names that metrics have.
 */
import { groupScheme } from '../analysis/groups.ts';

/**
 * `values` and `labels` [examples] → { name: mean, "name/many": mean, … }. Groups are by training count; one without
 * examples has no entry.
 */
export function groupMeansOfExamples(
  name: string,
  values: ArrayLike<number>,
  labels: ArrayLike<number>,
  classCounts: readonly number[],
): Record<string, number> {
  const { groups } = groupScheme('count-100-20', classCounts);
  const groupOf = new Map(groups.flatMap(({ id, classes }) => classes.map((index) => [index, id] as const)));
  const sums = new Map<string, { sum: number; count: number }>();
  const add = (key: string, value: number): void => {
    const entry = sums.get(key) ?? { sum: 0, count: 0 };
    sums.set(key, { sum: entry.sum + value, count: entry.count + 1 });
  };
  for (let index = 0; index < labels.length; index++) {
    add(name, values[index]!);
    add(`${name}/${groupOf.get(labels[index]!)!}`, values[index]!);
  }
  return Object.fromEntries([...sums].map(([key, { sum, count }]) => [key, sum / count]));
}
