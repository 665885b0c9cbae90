/** `reslt import …` and `reslt export …`: checkpoints and logs of other programs, and ours for them. */
import path from 'node:path';
import type {
  CheckpointFormat,
  CheckpointProbe,
  ClassOrder,
  ImportProbe,
  LogProbe,
  RunSummary,
} from '../../preload/contract.ts';
import { CliError, usageError } from './cliError.ts';
import { waitForTask, type Client } from './client.ts';
import { findDataset } from './lookup.ts';
import { bytes, count, facts, percent, type Output } from './output.ts';
import { describeResult, reportRun, type RunReport } from './results.ts';
import { waitForRuns } from './run.ts';

export interface ImportCommandOptions {
  dataset?: string;
  name?: string;
  again?: boolean;
  dryRun?: boolean;
}

export interface ImportCheckpointOptions extends ImportCommandOptions {
  network?: string;
  recipe?: string;
  classesOrder?: string;
}

const CLASS_ORDERS: readonly ClassOrder[] = ['as-stored', 'ascending-count', 'source-order'];

/** Makes a run of a checkpoint, and evaluates it where a dataset is named. `--dry-run` only says what the file is. */
export async function importCheckpoint(
  client: Client,
  output: Output,
  file: string,
  options: ImportCheckpointOptions,
): Promise<void> {
  const { classesOrder: given } = options;
  const asked = CLASS_ORDERS.find((one) => one === given);
  if (given !== undefined && asked === undefined)
    throw usageError(`--classes-order expects ${CLASS_ORDERS.join(', ')}, got "${given}".`);
  const absolute = path.resolve(file);
  const probe = await client.api.probeImport({ path: absolute, kind: 'checkpoint' });
  if (options.dryRun === true) return printProbe(output, probe);
  const wanted = await common(client, absolute, options);
  const dataset = probe.datasets.find(({ id }) => id === wanted.datasetId);
  const classOrder = asked ?? dataset?.classOrders[0] ?? 'as-stored';
  const task = await client.api.importCheckpoint({
    ...wanted,
    sha256: probe.sha256,
    network: options.network ?? null,
    recipe: options.recipe ?? null,
    classOrder,
  });
  const { resultId } = await waitForTask(client, task, output);
  await printImported(client, output, resultId, probe, {
    classOrder,
    why: asked === undefined ? (dataset?.whyOrder ?? null) : 'It was asked for.',
  });
}

/** Makes a run with curves of a training log. */
export async function importLog(
  client: Client,
  output: Output,
  file: string,
  options: ImportCommandOptions,
): Promise<void> {
  const absolute = path.resolve(file);
  const probe = await client.api.probeImport({ path: absolute, kind: 'log' });
  if (options.dryRun === true) return printProbe(output, probe);
  const task = await client.api.importLog({
    ...(await common(client, absolute, options)),
    sha256: probe.sha256,
  });
  await printImported(client, output, (await waitForTask(client, task, output)).resultId, probe);
}

async function common(
  client: Client,
  file: string,
  options: ImportCommandOptions,
): Promise<{ path: string; name: string | null; datasetId: number | null; again: boolean }> {
  return {
    path: file,
    name: options.name ?? null,
    datasetId: options.dataset === undefined ? null : (await findDataset(client, options.dataset)).id,
    again: options.again === true,
  };
}

/** Waits for the evaluation of a run that has one, and prints the run; exit code 1 when the evaluation failed. */
async function printImported(
  client: Client,
  output: Output,
  id: number | null,
  probe: ImportProbe,
  order: { classOrder: ClassOrder; why: string | null } | null = null,
): Promise<void> {
  if (id === null) throw new CliError('The file was imported but has no run.', { code: 'internal' });
  const created = await client.api.getRun({ id });
  const evaluated = probe.kind === 'checkpoint' && created.datasetId !== null;
  const report: RunReport = evaluated
    ? (await waitForRuns(client, output, [created])).runs[0]!
    : await reportRun(client.api, created);
  const run = await client.api.getRun({ id });
  output.result(
    {
      ...report,
      kind: run.kind,
      network: run.network,
      method: run.method,
      dataset: run.datasetName,
      imported: run.imported,
      folder: run.folder,
      order,
      probe,
    },
    () =>
      [
        ...probeLines(probe),
        '',
        `Imported as run ${id}: ${run.name}`,
        ...(order === null || order.why === null
          ? []
          : [`Order of classes: ${order.classOrder}. ${order.why}`]),
        ...(report.result === null ? [] : ['', describeResult(report.result, run.classNames)]),
        ...nextSteps(run, probe, report),
      ].join('\n'),
  );
  if (evaluated && report.state !== 'completed')
    throw new CliError(
      `The checkpoint was imported, and its evaluation is ${report.state}${report.message === null ? '' : `: ${report.message}`}`,
      { code: 'run-not-completed' },
    );
}

function nextSteps(run: RunSummary, probe: ImportProbe, report: RunReport): string[] {
  if (probe.kind !== 'checkpoint' || report.result !== null) return [];
  return [`\`reslt eval ${run.id}@last --dataset DATASET\` evaluates it.`];
}

function printProbe(output: Output, probe: ImportProbe): void {
  output.result(probe, () => probeLines(probe).join('\n'));
  if (probe.problem !== null) throw new CliError(`${probe.path}: ${probe.problem}`, { code: 'file-invalid' });
}

function probeLines(probe: ImportProbe): string[] {
  const lines = [facts(probe.kind === 'checkpoint' ? checkpointFacts(probe) : logFacts(probe))];
  for (const { runId, name } of probe.existing.slice(0, 1))
    lines.push(`It was imported before, as run ${runId} (${name}).`);
  lines.push(...probe.notes);
  return lines;
}

function checkpointFacts(probe: CheckpointProbe): [string, string][] {
  const { recognised } = probe;
  return [
    ['file', `${probe.path}, ${bytes(probe.sizeBytes)}`],
    ['SHA-256', probe.sha256],
    ['format', probe.container === null ? probe.format : `${probe.format}, weights in “${probe.container}”`],
    ['tensors', `${count(probe.tensors)} with ${count(probe.values)} values`],
    [
      'network',
      recognised === null
        ? 'not known'
        : `${recognised.networkLabel}, ${recognised.methodLabel}: ${recognised.head}`,
    ],
    ['classes', probe.classes === null ? '–' : count(probe.classes)],
    ...optional('recipe', recognised?.recipes[0]?.name),
    ...optional('prefix', probe.prefix),
    ...optional('epoch', probe.epoch),
    ...optional('arch', probe.arch),
    ...optional(
      'best top-1',
      probe.bestTop1 === null ? null : `${percent(probe.bestTop1)} % by the file's own word`,
    ),
    ...optional('missing', probe.missing.join(', ')),
    ...optional('left over', probe.leftOver.join(', ')),
  ];
}

function logFacts(probe: LogProbe): [string, string][] {
  return [
    ['file', `${probe.path}, ${bytes(probe.sizeBytes)}, ${count(probe.lines)} lines`],
    ['SHA-256', probe.sha256],
    ['program', probe.program],
    ...optional('method', probe.method),
    ...optional('classes', probe.classes),
    ['epochs', count(probe.epochs)],
    ['evaluations', count(probe.evaluations)],
    ['curves', probe.metrics.join(', ')],
    ...optional('best top-1', probe.bestTop1 === null ? null : `${percent(probe.bestTop1)} %`),
  ];
}

const optional = (name: string, value: string | number | null | undefined): [string, string][] =>
  value === null || value === undefined || value === '' ? [] : [[name, String(value)]];

const FORMATS: readonly CheckpointFormat[] = ['pth', 'safetensors'];

/** Writes the weights of a checkpoint into a file of the current folder, or the one named. */
export async function exportCheckpoint(
  client: Client,
  output: Output,
  ref: string,
  options: { format?: string; output?: string; force?: boolean },
): Promise<void> {
  const format = formatOf(options);
  const { runId, epoch } = await client.api.findCheckpoint({ ref });
  const { name } = await client.api.getRun({ id: runId });
  const file = path.resolve(options.output ?? `${name.replace(/[^\w.-]+/g, '-')}-epoch-${epoch}.${format}`);
  const task = await client.api.exportCheckpoint({
    ref,
    format,
    path: file,
    overwrite: options.force === true,
  });
  const { resultPath } = await waitForTask(client, task, output);
  output.result({ ref, runId, epoch, format, path: resultPath }, () => `Wrote ${resultPath}`);
}

/** As asked for, else by the ending of the file's name, else PyTorch's. */
function formatOf({ format, output: file }: { format?: string; output?: string }): CheckpointFormat {
  if (format === undefined) return file?.endsWith('.safetensors') === true ? 'safetensors' : 'pth';
  const known = FORMATS.find((one) => one === format);
  if (known === undefined) throw usageError(`--format expects ${FORMATS.join(' or ')}, got "${format}".`);
  return known;
}
