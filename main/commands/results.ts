/** What `run`, `runs show` and `eval` say about finished runs, under the names that other programs rely on. */
import type { Api, DetailedResult, MeanStd, RunSummary } from '../../preload/contract.ts';
import { meanStd } from '../analysis/statistics.ts';
import { percent, seconds, table } from './output.ts';

export interface RunReport {
  id: number;
  name: string;
  state: RunSummary['state'];
  message: string | null;
  seed: number;
  /** Last epoch. */
  result: DetailedResult | null;
  best: DetailedResult | null;
  /** Time spent training and evaluating, over all attempts. */
  seconds: number | null;
}

export interface RunsReport {
  runs: RunReport[];
  /** Over the last epoch of the completed runs, sample standard deviation (n − 1). */
  group: Record<'top1' | 'top5' | 'many' | 'medium' | 'few', MeanStd>;
}

export async function reportRun(api: Api, run: RunSummary): Promise<RunReport> {
  const { last, best } = await api.getResults({ runId: run.id });
  return {
    id: run.id,
    name: run.name,
    state: run.state,
    message: run.stateMessage,
    seed: run.seed,
    result: last,
    best,
    seconds: run.activeMs === null ? null : run.activeMs / 1000,
  };
}

export function reportGroup(runs: RunReport[]): RunsReport {
  const done = runs.filter(({ state }) => state === 'completed').flatMap(({ result }) => result ?? []);
  const over = (read: (result: DetailedResult) => number | null): MeanStd =>
    meanStd(done.flatMap((result) => read(result) ?? []));
  return {
    runs,
    group: {
      top1: over(({ top1 }) => top1),
      top5: over(({ top5 }) => top5),
      many: over(({ many }) => many),
      medium: over(({ medium }) => medium),
      few: over(({ few }) => few),
    },
  };
}

export function describeRuns({ runs, group }: RunsReport): string {
  const rows = runs.map((run) => [
    String(run.id),
    run.name,
    run.state,
    run.result === null ? '–' : String(run.result.epoch),
    percent(run.result?.top1),
    percent(run.result?.many),
    percent(run.result?.medium),
    percent(run.result?.few),
    percent(run.best?.top1),
    seconds(run.seconds === null ? null : run.seconds * 1000),
  ]);
  const lines = [
    table(['run', 'name', 'state', 'epoch', 'all %', 'many %', 'medium %', 'few %', 'best %', 'time'], rows),
  ];
  const { mean, std, n } = group.top1;
  if (n > 1) lines.push(`Last epoch, mean ± std (n = ${n}): ${percent(mean)} ± ${percent(std)} %`);
  const splits = new Set(runs.flatMap(({ result }) => result?.split ?? []));
  for (const split of splits)
    lines.push(
      `Accuracy on the ${split} split; groups by training images: many > 100, medium 20–100, few < 20.`,
    );
  for (const run of runs) if (run.message !== null) lines.push(`Run ${run.id}: ${run.message}`);
  return lines.join('\n');
}

export function describeResult(result: DetailedResult, classNames: readonly string[]): string {
  const head = `Epoch ${result.epoch}, ${result.split} split: ${percent(result.top1)} % (many ${percent(result.many)}, medium ${percent(result.medium)}, few ${percent(result.few)})`;
  const branches = Object.entries(result.branches).map(([name, { top1 }]) => [name, percent(top1)]);
  const classes = result.perClass.map((accuracy, index) => [
    String(index),
    classNames[index] ?? '',
    percent(accuracy),
  ]);
  return [
    head,
    ...(branches.length > 0 ? ['', table(['branch', 'all %'], branches)] : []),
    '',
    table(['class', 'name', 'accuracy %'], classes),
  ].join('\n');
}
