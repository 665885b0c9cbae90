/**
 * The tasks that run outside the owner's process: reading foreign files, hashing, packing, pictures, analysis of stored
 * logits. Arguments and results are JSON; pictures travel as base64.
 */
import { readManifest } from '../datasets/index.ts';
import { listImages, readLabels, sheet, thumbnail } from '../datasets/images.ts';
import type { Split } from '../datasets/manifest.ts';
import { downloadOfficial, type OfficialDataset } from '../datasets/official.ts';
import { probeDataset, type DatasetProbe } from '../datasets/probe.ts';
import { registerDataset, type RegisterDataset, type RegisteredDataset } from '../datasets/register.ts';
import type { DatasetKind } from '../datasets/source.ts';
import { verifyDataset, type Verification } from '../datasets/verify.ts';
import {
  analyseCheckpoint,
  compareCheckpoints,
  type AnalysedCheckpoint,
  type CheckpointComparison,
  type CheckpointOutputs,
} from '../analysis/compare.ts';
import { groupScheme, type StandardSchemeId } from '../analysis/groups.ts';
import { installEngine, type NativeDevice } from '../engine/index.ts';
import { readSafetensors, SafetensorsError } from '../exchange/safetensors.ts';

export interface TaskContext {
  /** Share that is done, 0…1, or null while it can't be known. */
  onProgress(share: number | null, message: string): void;
  signal: AbortSignal;
}

/** One checkpoint by its stored logits, with what its method says about the outputs. */
export interface StoredOutputs {
  /** safetensors with `<split>/fused` and `<split>/<branch>`, [N, C] each, rows in stored order of the split. */
  logitsFile: string;
  /** How the fused output is made, in the labels of the branches: "H+M+T". */
  fusedLabel: string;
  branches: { id: string; label: string }[];
  /** Whether the branches are residual, so that partial sums (H+M) mean something. */
  residual: boolean;
}

interface LogitsArguments {
  datasetFolder: string;
  split: Split;
  schemes: StandardSchemeId[];
}

/** An analysis without its confusion matrix, which is large and not asked for by any page. */
export type WireAnalysis = Omit<AnalysedCheckpoint, 'report'> & {
  report: Omit<AnalysedCheckpoint['report'], 'confusion'>;
};
export type WireComparison = Omit<CheckpointComparison, 'items'> & { items: WireAnalysis[] };

export const backgroundTasks = {
  probeDataset({ path, kind }: { path: string; kind: DatasetKind | null }, context): Promise<DatasetProbe> {
    return probeDataset(path, kind, context);
  },

  registerDataset(args: RegisterDataset, context): Promise<RegisteredDataset> {
    return registerDataset(args, context);
  },

  verifyDataset({ folder }: { folder: string }, context): Promise<Verification> {
    return verifyDataset(folder, context);
  },

  downloadDataset(
    { kind, folder }: { kind: OfficialDataset['kind']; folder: string },
    context,
  ): Promise<{ path: string }> {
    return downloadOfficial(kind, folder, context);
  },

  /** Downloads, unpacks, compiles and checks; `device` null takes what the machine has. */
  async installEngine(
    { device }: { device: NativeDevice | null },
    { onProgress, signal },
  ): Promise<{ id: string }> {
    const { id } = await installEngine(
      { ...(device === null ? {} : { device }), signal },
      ({ message, doneBytes, totalBytes }) =>
        onProgress(doneBytes === null || !totalBytes ? null : doneBytes / totalBytes, message),
    );
    return { id };
  },

  listImages({
    folder,
    ...page
  }: {
    folder: string;
    split: Split;
    classIndex: number | null;
    offset: number;
    limit: number;
  }): Promise<{ rows: number[]; labels: number[]; total: number }> {
    return listImages(folder, page);
  },

  async thumbnail({
    folder,
    split,
    row,
    sizePx,
  }: {
    folder: string;
    split: Split;
    row: number;
    sizePx: number | null;
  }): Promise<{ png: string }> {
    return { png: (await thumbnail(folder, split, row, sizePx)).toString('base64') };
  },

  async sheet({
    folder,
    split,
    ...layout
  }: {
    folder: string;
    split: Split;
    rows: number[];
    columns: number;
    sizePx: number | null;
  }): Promise<{ png: string }> {
    return { png: (await sheet(folder, split, layout)).toString('base64') };
  },

  async analyseCheckpoint({
    checkpoint,
    ...args
  }: LogitsArguments & { checkpoint: StoredOutputs }): Promise<WireAnalysis> {
    const { labels, classes, schemes } = await readTruth(args);
    const outputs = await readOutputs(checkpoint, args.split, labels.length, classes);
    return withoutConfusion(analyseCheckpoint(outputs, labels, classes, schemes));
  },

  async compareCheckpoints({
    checkpoints,
    ...args
  }: LogitsArguments & { checkpoints: StoredOutputs[] }): Promise<WireComparison> {
    const { labels, classes, schemes } = await readTruth(args);
    const outputs = [];
    for (const checkpoint of checkpoints)
      outputs.push(await readOutputs(checkpoint, args.split, labels.length, classes));
    const comparison = compareCheckpoints(outputs, labels, classes, schemes);
    return { ...comparison, items: comparison.items.map(withoutConfusion) };
  },
} satisfies Record<string, (args: never, context: TaskContext) => Promise<unknown>>;

type Tasks = typeof backgroundTasks;
export type TaskName = keyof Tasks;
export type TaskArguments<Name extends TaskName> = Parameters<Tasks[Name]>[0];
export type TaskResult<Name extends TaskName> = Awaited<ReturnType<Tasks[Name]>>;

async function readTruth({ datasetFolder, split, schemes }: LogitsArguments) {
  const { classCounts, classNames } = await readManifest(datasetFolder);
  return {
    labels: await readLabels(datasetFolder, split),
    classes: classNames.length,
    schemes: schemes.map((id) => groupScheme(id, classCounts)),
  };
}

/** Reads the outputs of a split; a file of another size than the dataset's split is an error that says both. */
async function readOutputs(
  { logitsFile, fusedLabel, branches, residual }: StoredOutputs,
  split: Split,
  examples: number,
  classes: number,
): Promise<CheckpointOutputs> {
  const nameOf = (output: string) => `${split}/${output}`;
  const { tensors } = await readSafetensors(
    logitsFile,
    ['fused', ...branches.map(({ id }) => id)].map(nameOf),
  );
  const logitsOf = (output: string): Float32Array => {
    const { shape, data } = tensors.get(nameOf(output))!;
    if (shape.length === 2 && shape[0] === examples && shape[1] === classes && data instanceof Float32Array)
      return data;
    throw new SafetensorsError(
      logitsFile,
      null,
      `expected logits [${examples}, ${classes}] for ${nameOf(output)}, as the dataset has, but it holds [${shape.join(', ')}]`,
    );
  };
  return {
    fused: logitsOf('fused'),
    fusedLabel,
    branches: branches.map(({ id, label }) => ({ id, label, logits: logitsOf(id) })),
    residual,
  };
}

function withoutConfusion({ report, ...rest }: AnalysedCheckpoint): WireAnalysis {
  const { confusion: _, ...kept } = report;
  return { ...rest, report: kept };
}
