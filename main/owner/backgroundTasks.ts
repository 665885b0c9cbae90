/**
 * The tasks that run outside the owner's process: reading foreign files, hashing, packing, pictures, analysis of stored
 * logits. Arguments and results are JSON; pictures travel as base64.
 */
import { readManifest } from '../datasets/index.ts';
import { listImages, readLabels, sheet, thumbnail, type Picture } from '../datasets/images.ts';
import type { DatasetManifest, Split } from '../datasets/manifest.ts';
import { downloadOfficial, type OfficialDataset } from '../datasets/official.ts';
import { probeDataset, type DatasetProbe } from '../datasets/probe.ts';
import type { RegisteredDataset } from '../datasets/newDataset.ts';
import { checkPhotographs } from '../datasets/photographs/check.ts';
import { listPhotoProblems, type ProblemPage } from '../datasets/photographs/listProblems.ts';
import type { PhotoProblemCode } from '../datasets/photographs/photoCheck.ts';
import { summarisePhotoCheck, type PhotoSummary } from '../datasets/photographs/photoSummary.ts';
import { probePhotographs } from '../datasets/photographs/probe.ts';
import {
  PLAIN_PHOTOGRAPHS,
  registerPhotographs,
  type RegisterPhotographs,
} from '../datasets/photographs/register.ts';
import { relocatePhotographs } from '../datasets/photographs/relocate.ts';
import { isPhotographSource, type PhotographLocation } from '../datasets/photographs/source.ts';
import { registerDataset, type RegisterDataset } from '../datasets/register.ts';
import { isPhotographKind, type DatasetKind, type PackedKind } from '../datasets/source.ts';
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
import type { TaskTable } from './backgroundProtocol.ts';
import { exportCheckpoint } from './exportCheckpoint.ts';

/** One checkpoint by its stored logits, with what its method says about the outputs. */
export interface StoredOutputs {
  /** safetensors with `<split>/fused` and `<split>/<branch>`, [N, C] each, rows in stored order of the split. */
  logitsFile: string;
  /** How the fused output is made, in the labels of the branches: "H+M+T". */
  fusedLabel: string;
  branches: { id: string; label: string }[];
  /** Whether the branches add up to the prediction, so that partial sums (H+M) mean something. */
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

/** A dataset of either sort, before it is known which. */
interface AnyDataset {
  libraryFolder: string;
  id: number;
  source: PhotographLocation & { kind: DatasetKind | null };
  options: RegisterDataset['options'] & {
    /** Null: as photographs are read where nothing was said. */
    photographs: Omit<RegisterPhotographs['options'], keyof RegisterDataset['options']> | null;
  };
}

/** A picture, in base64. */
export type WirePicture = Omit<Picture, 'bytes'> & { data: string };

const toWire = ({ bytes, ...rest }: Picture): WirePicture => ({ ...rest, data: bytes.toString('base64') });

/** A kind that is packed, once photographs are ruled out. */
const packedKind = (kind: DatasetKind | null): PackedKind | null =>
  kind === null || isPhotographKind(kind) ? null : kind;

export const backgroundTasks = {
  async probeDataset(
    { kind, ...location }: PhotographLocation & { kind: DatasetKind | null },
    context,
  ): Promise<DatasetProbe> {
    if (await isPhotographSource(location, kind)) return probePhotographs(location, context);
    return probeDataset(location.path, packedKind(kind), context);
  },

  /** Packs a dataset, or indexes photographs: as it was asked for, else as the files are. */
  async registerDataset(
    { libraryFolder, id, source: { kind, ...location }, options: { photographs, ...options } }: AnyDataset,
    context,
  ): Promise<RegisteredDataset> {
    if (await isPhotographSource(location, kind)) {
      const choices = { ...options, ...(photographs ?? PLAIN_PHOTOGRAPHS) };
      return registerPhotographs({ libraryFolder, id, source: location, options: choices }, context);
    }
    const source = { path: location.path, kind: packedKind(kind) };
    return registerDataset({ libraryFolder, id, source, options }, context);
  },

  async verifyDataset({ folder }: { folder: string }, context): Promise<Verification> {
    const { photographs } = await readManifest(folder);
    return photographs === null ? verifyDataset(folder, context) : checkPhotographs(folder, context);
  },

  relocateDataset({ folder, root }: { folder: string; root: string }, context): Promise<DatasetManifest> {
    return relocatePhotographs(folder, root, context);
  },

  /** What the last check of photographs found. */
  listPhotoProblems({
    folder,
    ...page
  }: {
    folder: string;
    reason: PhotoProblemCode | null;
    offset: number;
    limit: number;
  }): Promise<ProblemPage> {
    return listPhotoProblems(folder, page);
  },

  /** Its summary, made now; null when there was no check. */
  summarisePhotoCheck({ folder }: { folder: string }): Promise<PhotoSummary | null> {
    return summarisePhotoCheck(folder);
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
  }): Promise<{ rows: number[]; labels: number[]; total: number; paths: string[] | null }> {
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
  }): Promise<WirePicture> {
    return toWire(await thumbnail(folder, split, row, sizePx));
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
  }): Promise<WirePicture> {
    return toWire(await sheet(folder, split, layout));
  },

  exportCheckpoint,

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
} satisfies TaskTable;

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
