/**
 * Whether class k of one dataset is class k of another. The same photographs can be registered with the classes in other
 * orders (by training count, say, which a validation split changes); a network that learnt one order gives nonsense on
 * the other, without an error.
 */

interface Classes {
  name: string;
  manifest: { classNames: readonly string[] };
}

/** A sentence where two datasets have the same classes in other orders; null where they have not, or one is unknown. */
export function whyOtherOrder(learnt: Classes | null, wanted: Classes): string | null {
  if (learnt === null) return null;
  const [before, now] = [learnt.manifest.classNames, wanted.manifest.classNames];
  const at = before.findIndex((name, index) => name !== now[index]);
  if (at < 0 || !isSameSet(before, now)) return null;
  return (
    `It learnt the classes in the order of “${learnt.name}”, and “${wanted.name}” has the same ones in another order: ` +
    `class ${at} is “${before[at]}” there and “${now[at]}” here. ` +
    `Use “${learnt.name}”, or add the dataset again in that order.`
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const names = new Set(a);
  return a.length === b.length && b.every((name) => names.has(name));
}
