/**
 * What the Settings page decides without the page: reading typed values, the parts of the storage bar, and the
 * doctor's list as text. Pure.
 */
import type { DoctorItem, StorageReport } from '../../../preload/contract.ts';

export type Typed<T> = { ok: true; value: T } | { ok: false; message: string };

/** A whole number in [min, max]; empty text is null where `nullable`, and an error otherwise. */
export function parseWhole(
  text: string,
  { min, max, nullable = false }: { min: number; max: number; nullable?: boolean },
): Typed<number | null> {
  const cleaned = text.trim();
  if (cleaned === '' && nullable) return { ok: true, value: null };
  const value = /^\d{1,9}$/.test(cleaned) ? Number(cleaned) : NaN;
  if (!(value >= min && value <= max))
    return {
      ok: false,
      message: `Expected a whole number from ${min} to ${max}${cleaned ? `, but this is ${cleaned}` : ''}.`,
    };
  return { ok: true, value };
}

const GIGABYTE = 1e9;
const SMALLEST_BUDGET_GB = 0.1;

/** A budget typed in gigabytes (10^9 bytes), with a decimal comma allowed → bytes; empty is null, "no limit". */
export function parseBudget(text: string): Typed<number | null> {
  const cleaned = text.trim().replace(',', '.');
  if (cleaned === '') return { ok: true, value: null };
  const value = /^(\d+\.?\d*|\.\d+)$/.test(cleaned) ? Number(cleaned) : NaN;
  if (!(value >= SMALLEST_BUDGET_GB && value <= 1e6))
    return {
      ok: false,
      message: `Expected gigabytes from ${SMALLEST_BUDGET_GB} and up, or nothing for no limit, but this is ${text.trim()}.`,
    };
  return { ok: true, value: Math.round(value * GIGABYTE) };
}

/** The text of a budget in its field: 20000000000 → "20", null → "". */
export function budgetText(bytes: number | null): string {
  return bytes === null ? '' : String(Number((bytes / GIGABYTE).toFixed(2)));
}

export interface StoragePart {
  id: 'datasets' | 'checkpoints' | 'logits' | 'journals' | 'database' | 'trash';
  label: string;
  /** What it holds, in a few words. */
  detail: string;
  bytes: number;
}

/** What the library's folder holds, in a fixed order, so that a part keeps its place and shade in the bar. */
export function storageParts(report: StorageReport): StoragePart[] {
  return [
    { id: 'datasets', label: 'Datasets', detail: 'packed images and labels', bytes: report.datasetsBytes },
    {
      id: 'checkpoints',
      label: 'Checkpoints',
      detail: 'weights and optimiser state',
      bytes: report.checkpointsBytes,
    },
    { id: 'logits', label: 'Logits', detail: 'outputs kept with each checkpoint', bytes: report.logitsBytes },
    {
      id: 'journals',
      label: 'Journals and logs',
      detail: 'what trainers wrote',
      bytes: report.journalsBytes,
    },
    { id: 'database', label: 'Database', detail: 'runs, metrics and log lines', bytes: report.databaseBytes },
    { id: 'trash', label: 'Trash', detail: 'deleted, can be undone', bytes: report.trashBytes },
  ];
}

/** The doctor's list as it is pasted into a message: one line an item, its mend below. */
export function doctorText(items: DoctorItem[]): string {
  const width = Math.max(0, ...items.map(({ name }) => name.length));
  return items
    .flatMap(({ name, value, status, mend }) => [
      `${{ ok: 'ok      ', warning: 'warning ', problem: 'problem ' }[status]} ${name.padEnd(width)}  ${value}`,
      ...(mend ? [`${' '.repeat(9 + width)}  → ${mend}`] : []),
    ])
    .join('\n');
}
