/** Settings, environment and what was worked out at the start of a run, in words. */
import type { ConfigValue } from '../../../preload/contract.ts';
import { DASH, formatCount, formatNumber, formatSetting } from '../../lib/format.ts';

/** "35–99", "3, 5, 7–9": sorted whole numbers as ranges. */
export function rangesText(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    parts.push(end - i >= 2 ? `${sorted[i]}${DASH}${sorted[end]}` : sorted.slice(i, end + 1).join(', '));
    i = end + 1;
  }
  return parts.join(', ');
}

/** "stepsPerEpoch" → "steps per epoch"; "numpyVersion" → "numpy version". */
export function keyText(key: string): string {
  return key
    .replace(/[._-]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/\b([A-Z])([a-z])/g, (_, first: string, rest: string) => first.toLowerCase() + rest);
}

export interface FlatEntry {
  /** Path in words: "method scopes m". */
  label: string;
  text: string;
}

/** A JSON value as rows of words and text, nested names joined; what is empty is left out. */
export function flatten(value: Record<string, unknown>, path: readonly string[] = []): FlatEntry[] {
  return Object.entries(value).flatMap(([key, inner]): FlatEntry[] => {
    const here = [...path, keyText(key)];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      return flatten(inner as Record<string, unknown>, here);
    return [{ label: here.join(' '), text: valueText(inner) }];
  });
}

/** An entry of a list: what is declared (terms, outputs) by its label. */
function itemText(item: unknown): string {
  if (typeof item === 'number') return formatNumber(item);
  if (typeof item === 'object' && item !== null && 'label' in item) return String(item.label);
  return typeof item === 'object' ? JSON.stringify(item) : String(item);
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none';
    if (value.every((item) => Number.isInteger(item))) return rangesText(value as number[]);
    return value.map(itemText).join(', ');
  }
  if (typeof value === 'number') return Number.isInteger(value) ? formatCount(value) : formatNumber(value);
  if (typeof value === 'boolean' || typeof value === 'string') return formatSetting(value);
  return JSON.stringify(value);
}

/** A setting's text with its unit: "1 epoch", "20 epochs"; shares of it (values below 1) are "0.8, 0.9 of epochs". */
export function withUnit(value: ConfigValue | undefined, text: string, unit: string | null): string {
  if (unit === null || value === null || value === undefined) return text;
  if (value === 1 && unit.endsWith('s')) return `${text} ${unit.slice(0, -1)}`;
  const isShare = Array.isArray(value) && value.length > 0 && value.every((item) => item < 1);
  return isShare ? `${text} of ${unit}` : `${text} ${unit}`;
}

/** The value of a key anywhere in nested objects, when it is one that a setting can have. */
export function findKey(value: Record<string, unknown>, key: string): ConfigValue | undefined {
  const found = value[key];
  if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') return found;
  for (const inner of Object.values(value)) {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) continue;
    const deeper = findKey(inner as Record<string, unknown>, key);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
