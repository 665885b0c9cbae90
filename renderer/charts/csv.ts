/** Tables of chart data as text. */
import type { DataTable } from './types.ts';

/** RFC 4180 with line feeds: a cell with a comma, quote or line break is quoted; null is an empty cell. */
export function toCsv(table: DataTable): string {
  const lines = [table.columns.map((column) => cell(column.label)).join(',')];
  for (const row of table.rows)
    lines.push(row.map((value) => cell(value === null ? '' : String(value))).join(','));
  return lines.join('\n') + '\n';
}

function cell(text: string): string {
  // A leading = + - @ would run as a formula in a spreadsheet when it is text; numbers keep their sign.
  const safe =
    /^[=+@]/.test(text) || (text.startsWith('-') && !Number.isFinite(Number(text))) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A file name from a chart's or run's title: lower case, words joined by hyphens. */
export function fileNameOf(...parts: string[]): string {
  return (
    parts
      .join(' ')
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9.]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 80) || 'chart'
  );
}
