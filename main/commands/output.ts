/**
 * How commands print. With --json stdout holds exactly one JSON value (or one a line where a command streams); otherwise
 * text for a person. Progress goes to stderr, and only to a terminal, so that pipes stay clean.
 */
export interface Output {
  readonly json: boolean;
  /** The result of the command: as JSON, or as the text that `text` makes of it. */
  result(value: unknown, text: () => string): void;
  /** One line of a stream. */
  line(value: unknown, text: string): void;
  /** A passing line on a terminal's stderr; the next one replaces it. */
  progress(text: string): void;
  endProgress(): void;
}

export function createOutput(json: boolean): Output {
  let shown = false;
  const endProgress = (): void => {
    if (shown) process.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    json,
    result(value, text) {
      endProgress();
      process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text()}\n`);
    },
    line(value, text) {
      endProgress();
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
    },
    progress(text) {
      if (!process.stderr.isTTY) return;
      const width = process.stderr.columns || 80;
      process.stderr.write(`\r\x1b[K${text.slice(0, width - 1)}`);
      shown = true;
    },
    endProgress,
  };
}

/** A table with aligned columns; numbers (and dashes) to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumber = (text: string): boolean => /^[−+-]?[\d,.]+( ?%| ± [\d.]+)?$|^–$/.test(text);
  const widths = head.map((word, column) =>
    Math.max(word.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const right = head.map(
    (_word, column) => rows.length > 0 && rows.every((row) => isNumber(row[column] ?? '')),
  );
  const render = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [render(head), ...rows.map(render)].join('\n');
}

/** A list of names and values, names aligned. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

export const percent = (fraction: number | null | undefined): string =>
  fraction === null || fraction === undefined ? '–' : (fraction * 100).toFixed(1);

/** A signed difference in points with a true minus: +8.7, −0.8. */
export function points(difference: number | null): string {
  if (difference === null) return '–';
  const text = (Math.abs(difference) * 100).toFixed(1);
  if (text === '0.0') return text;
  return `${difference < 0 ? '−' : '+'}${text}`;
}

export const pValue = (p: number | null): string =>
  p === null ? '–' : p < 0.001 ? '< 0.001' : p < 0.1 ? p.toFixed(3) : p.toFixed(2);

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function seconds(ms: number | null): string {
  if (ms === null) return '–';
  const total = Math.round(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

export const count = (value: number): string => value.toLocaleString('en-US');
