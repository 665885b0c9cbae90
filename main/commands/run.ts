/** `reslt run`, `runs`, `logs`, `stop`, `pause`, `resume`, `eval`: starting runs and following them. */
import { readFile } from 'node:fs/promises';
import {
  PLAIN_RUN_QUERY,
  type Api,
  type Config,
  type DatasetSummary,
  type RunSummary,
} from '../../preload/contract.ts';
import { CliError } from './cliError.ts';
import { POLL_MS, sleep, type Client } from './client.ts';
import { checkpointRef, findDataset, findPreset, isFile, sampleDataset } from './lookup.ts';
import { percent, seconds, table, facts, type Output } from './output.ts';
import { describeResult, describeRuns, reportGroup, reportRun, type RunsReport } from './results.ts';
import { parseSeeds, parseSettings } from './settings.ts';

const ACTIVE: readonly RunSummary['state'][] = ['queued', 'preparing', 'running'];

export interface RunOptions {
  dataset?: string;
  set?: string[];
  seed?: string;
  wait?: boolean;
  name?: string;
  note?: string;
  next?: boolean;
}

/** Queues a preset or a configuration file, a run for each seed; waits for the end with `wait`. */
export async function run(
  client: Client,
  output: Output,
  source: string,
  options: RunOptions,
): Promise<void> {
  const { config, preset } = await readSource(client.api, client, source);
  const settings = withAbsolutePaths(parseSettings(options.set ?? []));
  const wanted = options.dataset ?? (typeof config['dataset'] === 'string' ? config['dataset'] : '');
  const dataset = await chooseDataset(client, output, wanted, preset?.dataset === 'sample', source);
  const seeds =
    options.seed === undefined ? [Number(settings['seed'] ?? config['seed'] ?? 0)] : parseSeeds(options.seed);
  const { runs } = await client.api.createRuns({
    preset: preset?.name ?? null,
    parentRunId: null,
    config: { ...config, ...settings, dataset: dataset.name },
    datasetId: dataset.id,
    seeds,
    name: options.name ?? null,
    note: options.note ?? '',
    runNext: options.next === true,
  });
  if (!options.wait) {
    for (const one of runs) output.line(queuedLine(one), `Queued run ${one.id}: ${one.name}`);
    return;
  }
  const report = await waitForRuns(client, output, runs);
  output.result(report, () => describeRuns(report));
  const unfinished = report.runs.filter(({ state }) => state !== 'completed');
  if (unfinished.length > 0) {
    const said = unfinished.map(
      (one) => `run ${one.id} is ${one.state}${one.message ? `: ${one.message}` : ''}`,
    );
    throw new CliError(`Not every run completed: ${said.join('; ')}`, {
      code: 'run-not-completed',
      details: said,
    });
  }
}

function withAbsolutePaths(settings: Config): Config {
  const changed = { ...settings };
  for (const key of ['initFrom', 'teacher']) {
    const value = changed[key];
    if (typeof value === 'number') changed[key] = String(value);
    else if (typeof value === 'string') changed[key] = checkpointRef(value);
  }
  return changed;
}

const queuedLine = ({ id, name, seed, state }: RunSummary): object => ({ id, name, seed, state });

async function readSource(
  api: Api,
  client: Client,
  source: string,
): Promise<{ config: Config; preset: Awaited<ReturnType<typeof findPreset>> | null }> {
  if (!isFile(source)) {
    const preset = await findPreset(client, source);
    return { config: preset.config, preset };
  }
  // JSON is YAML, so one reader does for both.
  const { config, problems } = await api.parseConfig({ yaml: await readFile(source, 'utf8') });
  if (config === null) {
    const said = problems.map(({ key, message }) => `${key}: ${message}`).join('\n  ');
    throw new CliError(`${source} is not a configuration:\n  ${said}`, {
      code: 'invalid-config',
      details: problems,
    });
  }
  return { config, preset: null };
}

async function chooseDataset(
  client: Client,
  output: Output,
  wanted: string,
  isSample: boolean,
  source: string,
): Promise<DatasetSummary> {
  if (isSample && (wanted === '' || wanted === 'sample')) return sampleDataset(client, output);
  if (wanted === '') {
    const names = (await client.api.listDatasets()).map(({ name }) => name);
    throw new CliError(
      `${source} needs a dataset: give --dataset NAME. Registered: ${names.join(', ') || 'none; `reslt dataset add` adds one'}.`,
      { code: 'usage' },
    );
  }
  return findDataset(client, wanted);
}

/** Waits until each run has ended by itself or another's doing. Ctrl-C ends the waiting, not the runs. */
export async function waitForRuns(
  client: Client,
  output: Output,
  started: RunSummary[],
): Promise<RunsReport> {
  let runs = started;
  const stopWaiting = (): void => {
    output.endProgress();
    process.stderr.write(
      `Not waiting any longer; the runs go on. See \`reslt runs show ${started[0]?.id}\`.\n`,
    );
    process.exit(130);
  };
  process.once('SIGINT', stopWaiting);
  while (runs.some(({ state }) => ACTIVE.includes(state))) {
    output.progress(describeProgress(runs));
    await sleep(POLL_MS);
    runs = await Promise.all(
      runs.map((one) => (ACTIVE.includes(one.state) ? client.api.findRun({ text: String(one.id) }) : one)),
    );
  }
  process.off('SIGINT', stopWaiting);
  output.endProgress();
  return reportGroup(await Promise.all(runs.map((one) => reportRun(client.api, one))));
}

function describeProgress(runs: RunSummary[]): string {
  const current =
    runs.find(({ state }) => state === 'running') ?? runs.find(({ state }) => state === 'preparing');
  if (!current) return `Waiting in the queue (${runs.filter(({ state }) => state === 'queued').length} runs)`;
  const { progress } = current;
  if (!progress) return `${current.name}: preparing`;
  const speed = progress.imagesPerSecond === null ? '' : `, ${Math.round(progress.imagesPerSecond)} images/s`;
  const left = progress.remainingMs === null ? '' : `, ${seconds(progress.remainingMs)} left`;
  const top1 = current.last === null ? '' : `, ${percent(current.last.top1)} %`;
  return `${current.name}: epoch ${progress.epoch} of ${progress.epochs}, ${Math.floor(progress.share * 100)} %${speed}${left}${top1}`;
}

/** How many runs `runs ls` shows. */
const SHOWN_RUNS = 50;

export async function runsList(
  client: Client,
  output: Output,
  options: { search?: string; limit?: number; archived?: boolean },
): Promise<void> {
  const list = await client.api.listRuns({
    ...PLAIN_RUN_QUERY,
    search: options.search ?? '',
    archived: options.archived === true,
    limit: options.limit ?? SHOWN_RUNS,
  });
  const runs = list.items.flatMap((item) => item.runs);
  output.result(runs, () => {
    if (runs.length === 0) return 'No runs.';
    const rows = runs.map((one) => [
      String(one.id),
      one.name,
      one.state,
      one.datasetName ?? '–',
      percent(one.last?.top1),
      percent(one.last?.groups['count-100-20'].many),
      percent(one.last?.groups['count-100-20'].medium),
      percent(one.last?.groups['count-100-20'].few),
      percent(one.best?.top1),
      one.best === null ? '–' : one.best.selection === 'best-val' ? 'val' : 'test',
    ]);
    const head = ['run', 'name', 'state', 'dataset', 'all %', 'many %', 'medium %', 'few %', 'best %', 'on'];
    const hidden = list.matchingRuns - runs.length;
    return table(head, rows) + (hidden > 0 ? `\nShowing ${runs.length} of ${list.matchingRuns} runs.` : '');
  });
}

export async function runsShow(client: Client, output: Output, text: string): Promise<void> {
  const { id } = await client.api.findRun({ text });
  const detail = await client.api.getRun({ id });
  const report = await reportRun(client.api, detail);
  output.result({ ...detail, ...report }, () => {
    const lines = [
      facts([
        ['run', `${detail.id}  ${detail.name}`],
        ['state', detail.stateMessage ? `${detail.state}: ${detail.stateMessage}` : detail.state],
        ['dataset', detail.datasetName ?? '–'],
        ['engine', [detail.engine, detail.device].filter(Boolean).join(', ') || '–'],
        ['time', seconds(detail.activeMs)],
        ...detail.origins.map(({ role, ref, runId, epoch }): [string, string] => [
          role === 'teacher' ? 'teacher' : 'starts from',
          runId === null ? ref : `${ref}: epoch ${epoch} of run ${runId}`,
        ]),
        ['folder', detail.folder],
      ]),
    ];
    if (report.result) lines.push('', describeResult(report.result, detail.classNames));
    return lines.join('\n');
  });
}

export async function logs(client: Client, output: Output, text: string, follow: boolean): Promise<void> {
  const { id } = await client.api.findRun({ text });
  const page = 2000;
  let offset = 0;
  for (;;) {
    // The state is read before the lines, so that the last lines of an ended run are not missed.
    const { state } = await client.api.findRun({ text: String(id) });
    const { lines, total } = await client.api.getLog({ runId: id, offset, limit: page });
    for (const line of lines) {
      const time = new Date(line.atMs).toISOString().slice(11, 23);
      output.line(line, `${time} ${line.level === 'info' ? '' : `${line.level}: `}${line.text}`);
    }
    offset += lines.length;
    if (offset < total) continue;
    if (!follow || !ACTIVE.includes(state)) return;
    await sleep(POLL_MS);
  }
}

export async function changeRun(
  client: Client,
  output: Output,
  action: 'stopRun' | 'pauseRun' | 'resumeRun',
  text: string,
): Promise<void> {
  const { id } = await client.api.findRun({ text });
  const changed = await client.api[action]({ id });
  output.result(queuedLine(changed), () => `Run ${changed.id} (${changed.name}) is ${changed.state}.`);
}

/** Evaluates a checkpoint again, as a job of the queue, and prints its result. */
export async function evaluate(
  client: Client,
  output: Output,
  ref: string,
  { dataset, set = [] }: { dataset?: string; set?: string[] },
): Promise<void> {
  const datasetId = dataset === undefined ? null : (await findDataset(client, dataset)).id;
  const job = await client.api.evaluateCheckpoint({
    ref: checkpointRef(ref),
    datasetId,
    settings: parseSettings(set),
  });
  const [done] = (await waitForRuns(client, output, [job])).runs;
  if (!done?.result) {
    throw new CliError(
      `The evaluation of ${ref} is ${done?.state ?? 'gone'}${done?.message ? `: ${done.message}` : ' and has no result'}.`,
      { code: 'run-not-completed' },
    );
  }
  const { classNames } = await client.api.getRun({ id: done.id });
  const { result } = done;
  output.result(result, () => describeResult(result, classNames));
}
