/**
 * From what the store returns to what charts draw: growing series are appended to, steps become the x that the page
 * counts in, and the plan of a run says how far its axis reaches.
 */
import type { EvaluationSeries, RunDetail, Series } from '../../../preload/contract.ts';
import type { Milestone, XKind } from '../../charts/types.ts';
import { nearestIndex } from '../../charts/lookup.ts';
import { niceDurationMs } from '../../charts/ticks.ts';

/** Points asked for per series; more are reduced by the store without losing the extremes. */
export const MAX_POINTS = 2000;

/**
 * `old` with the points of `grown` behind it. Points at or before the last known step are left out (they came twice).
 * Returns null when the whole series should be asked for again: it got longer than a chart needs.
 */
export function appendSeries(old: Series, grown: Series): Series | null {
  const lastStep = old.steps.at(-1) ?? -1;
  let from = 0;
  while (from < grown.steps.length && grown.steps[from]! <= lastStep) from++;
  if (from === grown.steps.length) return old;
  if (old.steps.length + grown.steps.length - from > 2 * MAX_POINTS) return null;
  return {
    ...old,
    steps: [...old.steps, ...grown.steps.slice(from)],
    epochs: [...old.epochs, ...grown.epochs.slice(from)],
    times: [...old.times, ...grown.times.slice(from)],
    values: [...old.values, ...grown.values.slice(from)],
    total: Math.max(grown.total, old.total),
  };
}

/** How far a run reaches, and how its steps, epochs and times belong together. */
export interface Plan {
  stepsPerEpoch: number;
  totalSteps: number;
  epochs: number;
  /** Training time behind it, and the time expected for all of it. */
  activeMs: number;
  totalMs: number;
}

/** The plan of a run from its progress, or from its settings before there is any. */
export function planOf(run: RunDetail): Plan {
  const epochs = run.progress?.epochs || numberOf(run.config['epochs'], 1);
  const resolvedSteps = Number(run.resolved?.['stepsPerEpoch']);
  const batch = Math.max(1, numberOf(run.config['batchSize'], 128));
  const images = run.splits.train;
  const counted =
    run.config['dropLast'] === false ? Math.ceil(images / batch) : Math.max(1, Math.floor(images / batch));
  const stepsPerEpoch = resolvedSteps > 0 ? resolvedSteps : Math.max(1, counted);
  const totalSteps = run.progress?.totalSteps || epochs * stepsPerEpoch;
  const activeMs = run.activeMs ?? 0;
  const isEnded = run.state === 'completed' || run.endedAtMs !== null;
  const step = run.progress?.step ?? 0;
  const remaining =
    run.progress?.remainingMs ?? (step > 0 ? (activeMs / step) * Math.max(0, totalSteps - step) : 0);
  return {
    stepsPerEpoch,
    totalSteps,
    epochs,
    activeMs,
    totalMs: isEnded && step >= totalSteps ? activeMs : activeMs + remaining,
  };
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

/** The end of the x axis: the planned run. Time is rounded up, so that a new estimate doesn't move the axis. */
export function xMaxOf(kind: XKind, plan: Plan): number {
  if (kind === 'epoch') return plan.totalSteps / plan.stepsPerEpoch;
  if (kind === 'step') return plan.totalSteps;
  return niceDurationMs(Math.max(plan.totalMs, plan.activeMs, 1000));
}

/** x of each point, in the unit of the axis. */
export function xsOf(
  kind: XKind,
  points: Pick<Series, 'steps' | 'times'>,
  plan: Pick<Plan, 'stepsPerEpoch'>,
): number[] {
  if (kind === 'step') return points.steps;
  if (kind === 'time') return points.times;
  return points.steps.map((step) => step / plan.stepsPerEpoch);
}

/** Training time at a step: between known points linearly, beyond them at the mean speed. */
export function timeOfStep(
  step: number,
  known: Pick<EvaluationSeries, 'steps' | 'times'>,
  plan: Plan,
): number {
  const { steps, times } = known;
  let before: [number, number] = [0, 0];
  for (let i = 0; i < steps.length; i++) {
    if (steps[i]! >= step) {
      const span = steps[i]! - before[0];
      return span <= 0 ? times[i]! : before[1] + ((step - before[0]) / span) * (times[i]! - before[1]);
    }
    before = [steps[i]!, times[i]!];
  }
  const rest = plan.totalSteps - before[0];
  return rest <= 0
    ? before[1]
    : before[1] + ((step - before[0]) / rest) * Math.max(0, plan.totalMs - before[1]);
}

/** The run's milestones on the axis of `kind`. */
export function milestonesOn(
  kind: XKind,
  milestones: RunDetail['milestones'],
  known: Pick<EvaluationSeries, 'steps' | 'times'>,
  plan: Plan,
): Milestone[] {
  return milestones.map(({ epoch, label }) => {
    const step = epoch * plan.stepsPerEpoch;
    return { x: kind === 'epoch' ? epoch : kind === 'step' ? step : timeOfStep(step, known, plan), label };
  });
}

/**
 * The rest of the planned learning rate, from where the run is: one point at the present x and one at the end of each
 * epoch to come. `learningRates` has the value of each epoch, index 0 = the first.
 */
export function plannedRest(
  kind: XKind,
  learningRates: readonly number[],
  now: { step: number; value: number | null },
  known: Pick<EvaluationSeries, 'steps' | 'times'>,
  plan: Plan,
): { xs: number[]; ys: number[] } {
  const xOf = (step: number) =>
    kind === 'epoch' ? step / plan.stepsPerEpoch : kind === 'step' ? step : timeOfStep(step, known, plan);
  const done = Math.floor(now.step / plan.stepsPerEpoch + 1e-9);
  const first = now.value ?? learningRates[done];
  if (first === undefined || now.step >= plan.totalSteps) return { xs: [], ys: [] };
  const xs = [xOf(now.step)];
  const ys = [first];
  for (let epoch = done; epoch < learningRates.length; epoch++) {
    const end = Math.min((epoch + 1) * plan.stepsPerEpoch, plan.totalSteps);
    xs.push(xOf(end));
    ys.push(learningRates[epoch]!);
    if (end >= plan.totalSteps) break;
  }
  return { xs, ys };
}

/** The epoch after which the learning rate changes next, or null. */
export function nextMilestone(milestones: RunDetail['milestones'], epoch: number): number | null {
  return milestones.map((m) => m.epoch).find((e) => e > epoch) ?? null;
}

/**
 * The steps of a zoomed part of the axis, with a step of air on both sides so that lines run to the edges. `known` is
 * any series of the run, for the times of its steps.
 */
export function stepsOfRange(
  kind: XKind,
  range: { min: number; max: number },
  known: Pick<Series, 'steps' | 'times'>,
  plan: Pick<Plan, 'stepsPerEpoch'>,
): { afterStep: number; untilStep: number } {
  const stepAt = (x: number, isEnd: boolean): number => {
    if (kind === 'step') return x;
    if (kind === 'epoch') return x * plan.stepsPerEpoch;
    const index = nearestIndex(known.times, x);
    return known.steps[Math.max(0, Math.min(known.steps.length - 1, index + (isEnd ? 1 : -1)))] ?? 0;
  };
  return {
    afterStep: Math.max(0, Math.floor(stepAt(range.min, false)) - 2),
    untilStep: Math.ceil(stepAt(range.max, true)) + 1,
  };
}
