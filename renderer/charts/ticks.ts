/**
 * Round ticks for chart axes: four to six of them, so that two charts side by side read alike. All functions are
 * pure; a range that is empty, reversed or not finite gives the ticks of [0, 1].
 */

export interface Domain {
  min: number;
  max: number;
}

/** The largest of 1, 2, 2.5, 5 × 10^k that gives at most `count` intervals over `span`. */
export function niceStep(span: number, count: number): number {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  for (const factor of [1, 2, 2.5, 5, 10]) if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/** Multiples of a nice step inside [min, max]. */
export function linearTicks({ min, max }: Domain, count = 5): number[] {
  const domain = sane({ min, max });
  const step = niceStep(domain.max - domain.min, count);
  const first = Math.ceil(domain.min / step - 1e-9);
  const last = Math.floor(domain.max / step + 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)) + 1);
  const ticks: number[] = [];
  for (let k = first; k <= last; k++) ticks.push(Number((k * step).toFixed(decimals)));
  return ticks;
}

/** Whole numbers only, for epochs and steps. */
export function integerTicks(domain: Domain, count = 5): number[] {
  const ticks = linearTicks(domain, count);
  if (ticks.every(Number.isInteger)) return ticks;
  const { min, max } = sane(domain);
  const whole: number[] = [];
  for (let k = Math.ceil(min); k <= Math.floor(max); k++) whole.push(k);
  return whole;
}

/**
 * The range that holds [min, max] with a little air above, in whole half steps of the ticks. A curve that never goes below zero gets an axis that starts
 * there when it comes near (`fromZero`, always for accuracies and counts).
 */
export function niceDomain({ min, max }: Domain, { fromZero = false, count = 5 } = {}): Domain {
  let { min: low, max: high } = sane({ min, max });
  if (fromZero || (low > 0 && low < 0.25 * high)) low = Math.min(0, low);
  const half = niceStep(high - low, count) / 2;
  return { min: floorTo(low, half), max: ceilTo(high + (high - low) * 0.02, half) };
}

/** Range and ticks of a logarithmic axis: powers of ten, with 2 and 5 between them when there are few. */
export function logTicks({ min, max }: Domain): number[] {
  if (!(min > 0) || !(max > min) || !Number.isFinite(max)) return [1, 10];
  const decades = Math.log10(max) - Math.log10(min);
  const factors = decades <= 1 ? [1, 2, 3, 5] : decades <= 2.6 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / 6));
  const ticks: number[] = [];
  for (let k = Math.floor(Math.log10(min)); k <= Math.ceil(Math.log10(max)); k++) {
    if (k % stride !== 0) continue;
    for (const factor of factors) {
      const tick = Number((factor * 10 ** k).toPrecision(12));
      if (tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks;
}

/** A logarithmic range around positive values: rounded out to 1, 2 or 5 × 10^k with a little air. */
export function logDomain({ min, max }: Domain): Domain {
  if (!(min > 0) || !Number.isFinite(max)) return { min: 0.1, max: 1 };
  return { min: roundDown(min / 1.05), max: roundUp(Math.max(max, min) * 1.05) };
}

const DURATION_STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800,
].map((seconds) => seconds * 1000);

/** Ticks of an axis of durations in milliseconds, at seconds, minutes, hours or days. */
export function durationTicks(domain: Domain, count = 5): number[] {
  const { min, max } = sane(domain);
  const step = DURATION_STEPS_MS.find((s) => (max - min) / s <= count) ?? niceStep(max - min, count);
  const ticks: number[] = [];
  for (let k = Math.ceil(min / step); k * step <= max; k++) ticks.push(k * step);
  return ticks;
}

/** The next round duration at or above `milliseconds`, for an axis that must not move with every estimate. */
export function niceDurationMs(milliseconds: number): number {
  const step = DURATION_STEPS_MS.find((s) => milliseconds / s <= 8) ?? niceStep(milliseconds, 8);
  return Math.max(step, Math.ceil(milliseconds / step - 1e-9) * step);
}

/** "0", "30 s", "5 min", "1 h 30", "2 d": a tick of `durationTicks`. */
export function formatDurationTick(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds === 0) return '0';
  if (seconds < 60) return `${seconds}\u00a0s`;
  if (seconds < 3600) {
    const rest = seconds % 60;
    return rest === 0
      ? `${seconds / 60}\u00a0min`
      : `${Math.floor(seconds / 60)}:${String(rest).padStart(2, '0')}`;
  }
  if (seconds % 86_400 === 0) return `${seconds / 86_400}\u00a0d`;
  const minutes = Math.round((seconds % 3600) / 60);
  const hours = Math.floor(seconds / 3600);
  return minutes === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h\u00a0${String(minutes).padStart(2, '0')}`;
}

function sane({ min, max }: Domain): Domain {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return { min: 0, max: 1 };
  if (min < max) return { min, max };
  if (min > max) return { min: 0, max: 1 };
  // A flat curve: some air on both sides, none below zero for a value that has none.
  const air = min === 0 ? 1 : Math.abs(min) * 0.1;
  return { min: min >= 0 && min - air < 0 ? 0 : min - air, max: max + air };
}

function floorTo(value: number, step: number): number {
  return Number((Math.floor(value / step + 1e-9) * step).toPrecision(12));
}

function ceilTo(value: number, step: number): number {
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(12));
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [5, 2, 1].find((f) => f * power <= value * (1 + 1e-9)) ?? 1;
  return Number((factor * power).toPrecision(12));
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((f) => f * power >= value * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(12));
}
