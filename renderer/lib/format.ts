/**
 * How every number and time reads on screen. Missing is an en dash, never 0; minus is U+2212; the unit stands behind a
 * no-break space or in the column's head. Accuracies come as fractions 0…1 and leave as percent; all functions are pure
 * and take the present time and the time zone's clock from the caller or the system, so that they can be tested.
 */

export const MINUS = '\u2212';
export const NBSP = '\u00a0';
export const DASH = '\u2013';

const DAY_MS = 86_400_000;

const isMissing = (value: number | null | undefined): value is null | undefined =>
  value === null || value === undefined || !Number.isFinite(value);

/** A plain number with a fixed count of decimals: "−0.8". */
export function formatDecimal(value: number | null | undefined, digits = 1): string {
  if (isMissing(value)) return DASH;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** A count with thousands separators: "12,406". */
export function formatCount(value: number | null | undefined): string {
  if (isMissing(value)) return DASH;
  const digits = Math.round(Math.abs(value)).toString();
  return (value < 0 ? MINUS : '') + digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "1 run", "12,406 runs". The plural defaults to the singular with an s. */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** An accuracy (fraction) as percent without its unit, which stands in the head: 0.476 → "47.6". */
export function formatPercent(fraction: number | null | undefined, digits = 1): string {
  return formatDecimal(isMissing(fraction) ? null : fraction * 100, digits);
}

/** The same with its unit, for running text: "47.6 %". */
export function formatPercentUnit(fraction: number | null | undefined, digits = 1): string {
  return isMissing(fraction) ? DASH : `${formatPercent(fraction, digits)}${NBSP}%`;
}

/** A share of work done, whole percent: 0.565 → "57 %". Below the end it never says 100. */
export function formatShare(share: number | null | undefined): string {
  if (isMissing(share)) return DASH;
  const percent = Math.round(share * 100);
  return `${share < 1 ? Math.min(percent, 99) : percent}${NBSP}%`;
}

/** The part behind a mean of fractions: "± 0.4"; empty when there is no deviation (n < 2). */
export function formatDeviation(std: number | null | undefined, digits = 1): string {
  return isMissing(std) ? '' : `±${NBSP}${formatPercent(std, digits)}`;
}

/** "47.6 ± 0.4 (3)" for running text; without the deviation for one run. */
export function formatMean(value: { mean: number | null; std: number | null; n: number }): string {
  if (isMissing(value.mean)) return DASH;
  const deviation = formatDeviation(value.std);
  return `${formatPercent(value.mean)}${deviation === '' ? '' : ` ${deviation}`} (${value.n})`;
}

/** How many of a seed group's runs stand behind its mean: "n = 3", "n = 2 of 3". */
export function formatSeedCount(completed: number, total: number): string {
  return completed === total ? `n = ${total}` : `n = ${completed} of ${total}`;
}

/** A signed difference of fractions in points: "+8.7", "−0.8", "0.0". */
export function formatPoints(difference: number | null | undefined, digits = 1): string {
  if (isMissing(difference)) return DASH;
  const text = Math.abs(difference * 100).toFixed(digits);
  if (Number(text) === 0) return text;
  return (difference < 0 ? MINUS : '+') + text;
}

/** An interval of differences: "[−1.7, 0.0]". */
export function formatInterval(low: number | null, high: number | null, digits = 1): string {
  return isMissing(low) || isMissing(high)
    ? DASH
    : `[${formatPoints(low, digits)}, ${formatPoints(high, digits)}]`;
}

/** p: three decimals below 0.1, two above, "< 0.001" at the end. */
export function formatP(p: number | null | undefined): string {
  if (isMissing(p)) return DASH;
  if (p < 0.001) return `<${NBSP}0.001`;
  return p.toFixed(p < 0.1 ? 3 : 2);
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

function byteUnit(bytes: number): number {
  let unit = 0;
  // 999.5 of a unit would round to "1000", so the next unit begins there.
  while (unit < BYTE_UNITS.length - 1 && bytes >= 999.5 * 1000 ** unit) unit += 1;
  return unit;
}

function inByteUnit(bytes: number, unit: number): string {
  const value = bytes / 1000 ** unit;
  return value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1);
}

/** A size in decimal units: "3.8 MB", "175 MB", "512 B". */
export function formatBytes(bytes: number | null | undefined): string {
  if (isMissing(bytes)) return DASH;
  const unit = byteUnit(Math.abs(bytes));
  return `${inByteUnit(bytes, unit)}${NBSP}${BYTE_UNITS[unit]}`;
}

/** A part of a whole in the whole's unit: "3.1 / 24.0 GB". */
export function formatBytesOf(used: number | null, total: number | null): string {
  if (isMissing(total)) return formatBytes(used);
  const unit = byteUnit(total);
  const part = isMissing(used) ? DASH : inByteUnit(used, unit);
  return `${part} / ${inByteUnit(total, unit)}${NBSP}${BYTE_UNITS[unit]}`;
}

/** A duration of two units at most: "9 s", "4 min 50 s", "1 h 29 min", "3 d 4 h". `pad` keeps a column's seconds at two digits. */
export function formatDuration(ms: number | null | undefined, options: { pad?: boolean } = {}): string {
  if (isMissing(ms)) return DASH;
  if (ms < 1000) return `<${NBSP}1${NBSP}s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => (options.pad ? String(value).padStart(2, '0') : String(value));
  const join = (a: number, unitA: string, b: number, unitB: string) =>
    b === 0 && !options.pad ? `${a}${NBSP}${unitA}` : `${a}${NBSP}${unitA} ${two(b)}${NBSP}${unitB}`;
  if (seconds < 60) return `${seconds}${NBSP}s`;
  if (seconds < 3600) return join(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** The time of day: "14:02". */
export function formatClock(atMs: number | null | undefined): string {
  if (isMissing(atMs)) return DASH;
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

function startOfDay(atMs: number): number {
  const at = new Date(atMs);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function day(at: Date, now: Date): string {
  const text = `${at.getDate()} ${MONTHS[at.getMonth()]}`;
  return at.getFullYear() === now.getFullYear() ? text : `${text} ${at.getFullYear()}`;
}

/** A point in time as tables show it: "14:02" today, "Yesterday", "19 Nov", "19 Nov 2024" in another year. */
export function formatWhen(atMs: number | null | undefined, nowMs: number = Date.now()): string {
  if (isMissing(atMs)) return DASH;
  // Half a day of slack, because a day with a change of clocks has 23 or 25 hours.
  const days = Math.round((startOfDay(nowMs) - startOfDay(atMs)) / DAY_MS);
  if (days === 0) return formatClock(atMs);
  if (days === 1) return 'Yesterday';
  return day(new Date(atMs), new Date(nowMs));
}

/** A point ahead, for "empty at about": "15:42", "tomorrow 02:10", "21 Nov 02:10". */
export function formatAhead(atMs: number | null | undefined, nowMs: number = Date.now()): string {
  if (isMissing(atMs)) return DASH;
  const days = Math.round((startOfDay(atMs) - startOfDay(nowMs)) / DAY_MS);
  if (days === 0) return formatClock(atMs);
  return `${days === 1 ? 'tomorrow' : day(new Date(atMs), new Date(nowMs))} ${formatClock(atMs)}`;
}

/** In full, for hovers and details: "19 Nov 2025, 14:02:11". */
export function formatDateTime(atMs: number | null | undefined): string {
  if (isMissing(atMs)) return DASH;
  const at = new Date(atMs);
  return `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}, ${formatClock(atMs)}:${two(at.getSeconds())}`;
}

/** The time of a log line: "14:08:04.730". */
export function formatLogTime(atMs: number): string {
  const at = new Date(atMs);
  return `${formatClock(atMs)}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** A number of any size in few digits, for settings, losses and axes: "0.1", "5e-4", "12,406", "1.833". */
export function formatNumber(value: number | null | undefined, significant = 6): string {
  if (isMissing(value)) return DASH;
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 0.001 || magnitude >= 1e9) {
    const [mantissa = '', exponent = ''] = value.toExponential(Math.max(0, significant - 1)).split('e');
    return `${String(Number(mantissa)).replace('-', MINUS)}e${String(Number(exponent))}`;
  }
  const rounded = Number(value.toPrecision(significant));
  const [whole = '', part] = Math.abs(rounded).toString().split('.');
  const grouped = magnitude >= 10_000 ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole;
  return (value < 0 ? MINUS : '') + grouped + (part === undefined ? '' : `.${part}`);
}

/** A setting's value as forms and differences show it: "5e-4", "on", "0.8, 0.9"; "none" where there is none. */
export function formatSetting(value: string | number | boolean | null | number[] | undefined): string {
  if (value === undefined) return DASH;
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((v) => formatNumber(v)).join(', ');
  return typeof value === 'number' ? formatNumber(value) : value;
}

/** Speed: "4,212 img/s", "8.4 img/s". */
export function formatSpeed(imagesPerSecond: number | null | undefined): string {
  if (isMissing(imagesPerSecond)) return DASH;
  return `${imagesPerSecond < 100 ? imagesPerSecond.toFixed(1) : formatCount(imagesPerSecond)}${NBSP}img/s`;
}

/** Imbalance as the papers word it: "IF 100"; "balanced" for 1. */
export function formatImbalance(ratio: number | null | undefined): string {
  if (isMissing(ratio)) return DASH;
  if (ratio < 1.05) return 'balanced';
  return `IF ${ratio < 10 ? formatNumber(Number(ratio.toFixed(1))) : formatCount(ratio)}`;
}
