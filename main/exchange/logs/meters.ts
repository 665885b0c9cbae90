/** Progress lines of PyTorch's example programs: fields "name value (average)" separated by tabs. */
import { FLOAT, toNumber } from './numbers.ts';

export interface Meter {
  value: number | null;
  average: number | null;
}

const FIELD = new RegExp(String.raw`^(\S+)\s+(${FLOAT})\s+\(\s*(${FLOAT})\)$`);

/** The fields of a line by their printed names; null when one is not whole. */
export function parseMeters(fields: readonly string[]): Map<string, Meter> | null {
  const meters = new Map<string, Meter>();
  for (const field of fields) {
    const match = FIELD.exec(field.trim());
    if (match === null) return null;
    meters.set(match[1]!, { value: toNumber(match[2]), average: toNumber(match[3]) });
  }
  return meters;
}

/** Share of a step that waits for data. */
export function waitShare(data: Meter | undefined, time: Meter | undefined): number | null {
  if (!data || !time || data.average === null || !time.average) return null;
  return Math.min(1, data.average / time.average);
}
