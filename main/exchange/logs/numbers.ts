/** Numbers as Python prints them, and the small records that the formats share. */

/** A float in a pattern: Python also prints nan, inf and exponents. Captures nothing. */
export const FLOAT = String.raw`[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+|nan|inf)`;

/** A float printed with so many decimals: a cut-off one does not match. */
export function fixedFloat(decimals: number): string {
  return String.raw`-?(?:\d+\.\d{${decimals}}|nan|inf)`;
}

/** null where it is not a number or infinite: a missing value, never 0. */
export function toNumber(text: string | undefined): number | null {
  const value = text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

export function percentToFraction(value: number | null): number | null {
  return value === null ? null : value / 100;
}
