/** Rounding as Python's `round` does it, which decides sizes and offsets of crops. */

/** The nearest integer; of two as near, the even one. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
