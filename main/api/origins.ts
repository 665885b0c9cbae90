/**
 * What a run is made from: finds the checkpoints that `initFrom` and `teacher` name, looks whether they fit, and keeps
 * them from being freed. A look reads only headers of weight files; a strange file is hashed when a run is made of it,
 * and the trainer reads the rest and checks the hash.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ConfigProblem, OriginRole } from '../../preload/contract.ts';
import { readSafetensorsHeader } from '../exchange/safetensors.ts';
import { OPTIMIZER_PREFIX } from '../exchange/stateDict.ts';
import type { CheckpointRow } from '../store/checkpoints.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { StudioError } from '../store/errors.ts';
import type { NewOrigin } from '../store/origins.ts';
import { notesFile, pinMarkerFile, type CheckpointNotes } from '../trainer/protocol.ts';
import { parseRunConfig, type RunConfig } from '../training/config.ts';
import { findMethod } from '../training/methods/index.ts';
import { isHeadTensor } from '../training/networks/head.ts';
import { buildNetwork } from '../training/model.ts';
import { planStart, whyUnfit } from '../training/startingWeights.ts';
import { findCheckpointRow } from './checkpoints.ts';
import type { ApiContext } from './context.ts';
import { relativePath } from './retention.ts';
import { whyOtherOrder } from './sameClasses.ts';

export const ORIGIN_ROLES: readonly OriginRole[] = ['initFrom', 'teacher'];

/** A checkpoint of a reference. `sha256` is null for a file that does not say it. */
export type FoundOrigin = Omit<NewOrigin, 'sha256'> & { sha256: string | null };

/**
 * The checkpoints that a configuration is to be made from. Problems are those of a reference that names nothing, and of
 * weights that do not fit the network that the configuration makes with the dataset; warnings say what of a network
 * begins afresh all the same.
 */
export async function findOrigins(
  context: ApiContext,
  config: RunConfig,
  dataset: DatasetRow,
): Promise<{ origins: FoundOrigin[]; problems: ConfigProblem[]; warnings: ConfigProblem[] }> {
  const origins: FoundOrigin[] = [];
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  for (const role of ORIGIN_ROLES) {
    const ref = config[role];
    if (ref === null || ref === '') continue;
    try {
      const origin = await findOrigin(context, role, ref);
      const { problem, remark } = await fitOf(context, origin, config, dataset);
      if (problem === null) origins.push(origin);
      else problems.push({ key: role, message: `${role} ${ref}: ${problem}` });
      if (problem === null && remark !== null)
        warnings.push({ key: role, message: `${role} ${ref}: ${remark}` });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.push({ key: role, message: `${role}: ${error.message}` });
    }
  }
  return { origins, problems, warnings };
}

/**
 * Pins the checkpoints of new runs, so that a run under way which they belong to does not replace them, and gives them
 * with their hashes. Throws `conflict` when one has just been replaced.
 */
export async function pinOrigins(
  { store, libraryFolder, notify }: ApiContext,
  origins: readonly FoundOrigin[],
): Promise<NewOrigin[]> {
  const hashed = await Promise.all(
    origins.map(async (origin) => ({
      ...origin,
      sha256: origin.sha256 ?? (await hashOf(path.resolve(libraryFolder, origin.path))),
    })),
  );
  for (const { checkpointId, ref, path: file } of origins) {
    if (checkpointId === null) continue;
    // The trainer looks for the marker before it removes anything; so it comes before the look at the file.
    await writeFile(path.join(libraryFolder, pinMarkerFile(file)), '');
    const isThere = await stat(path.join(libraryFolder, file)).then(
      () => true,
      () => false,
    );
    if (!isThere)
      throw new StudioError(
        'conflict',
        `The checkpoint ${ref} was replaced by a newer one this moment. Try again; nothing was queued.`,
      );
    store.checkpoints.setPinned(checkpointId, true);
    notify({ type: 'runs-changed', runIds: [store.checkpoints.get(checkpointId).runId] });
  }
  return hashed;
}

/** Throws `not-found` or `invalid-arguments` with a sentence when the reference names no checkpoint. */
async function findOrigin(context: ApiContext, role: OriginRole, ref: string): Promise<FoundOrigin> {
  const { store, libraryFolder } = context;
  if (!path.isAbsolute(ref)) {
    const row = findCheckpointRow(context, ref);
    return describeFile(role, ref, path.join(libraryFolder, relativePath(row)), row);
  }
  const inLibrary = path.relative(libraryFolder, ref).replaceAll('\\', '/');
  return describeFile(role, ref, path.resolve(ref), store.checkpoints.atPath(inLibrary));
}

/** A checkpoint's file, and what the JSON beside it says. */
async function describeFile(
  role: OriginRole,
  ref: string,
  file: string,
  row: CheckpointRow | null,
): Promise<FoundOrigin> {
  if (!file.endsWith('.safetensors'))
    throw new StudioError(
      'invalid-arguments',
      `${file} is no safetensors file. Import other checkpoints first, and name the run that this makes.`,
    );
  const { metadata } = await readHeader(file);
  const notes = await readFile(notesFile(file), 'utf8').then(
    (text) => JSON.parse(text) as Partial<CheckpointNotes>,
    () => null,
  );
  return {
    role,
    ref,
    checkpointId: row?.id ?? null,
    path: row === null ? file : relativePath(row),
    // The notes are written with the file; those beside a stranger's file may be of another.
    sha256: (row === null ? null : notes?.tensors?.sha256) ?? null,
    epoch: row?.epoch ?? Number(metadata['epoch'] ?? 0),
    step: row?.step ?? Number(metadata['step'] ?? 0),
    config: notes?.config ?? null,
  };
}

interface Fit {
  /** Why the checkpoint can't be what it is to be, as a sentence; null: it can. */
  problem: string | null;
  /** What the user should know although it fits. */
  remark: string | null;
}

async function fitOf(
  { store, libraryFolder }: ApiContext,
  origin: FoundOrigin,
  config: RunConfig,
  dataset: DatasetRow,
): Promise<Fit> {
  const shapes = await readShapes(path.resolve(libraryFolder, origin.path));
  const run =
    origin.checkpointId === null ? null : store.runs.get(store.checkpoints.get(origin.checkpointId).runId);
  const learnt = run === null || run.datasetId === null ? null : store.datasets.get(run.datasetId);
  const otherOrder = whyOtherOrder(learnt, dataset);
  // Shapes of tensors do not depend on the size of the images, so that of the dataset will do.
  if (origin.role === 'initFrom') {
    const network = buildNetwork(config, dataset.manifest);
    const { problem, sources, remark } = planStart(network, shapes, findMethod(config.method));
    const keepsClasses = [...sources.keys()].some(isHeadTensor);
    return { problem: problem ?? (keepsClasses ? otherOrder : null), remark };
  }
  if (origin.config === null) origin.config = run?.config ?? null;
  if (origin.config === null)
    return unfit(
      'There is no JSON beside the file that says which network it is. Import the checkpoint instead.',
    );
  const parsed = parseRunConfig(origin.config);
  if (parsed.config === null)
    return unfit(
      `Its configuration is not one of this version: ${parsed.problems.map(({ message }) => message).join(' ')}`,
    );
  return unfit(whyUnfit(buildNetwork(parsed.config, dataset.manifest), shapes) ?? otherOrder);
}

const unfit = (problem: string | null): Fit => ({ problem, remark: null });

/** Shapes of a checkpoint's weights by name. Throws with a sentence when the file is missing or broken. */
export async function readShapes(file: string): Promise<Map<string, number[]>> {
  const { entries } = await readHeader(file);
  return new Map(
    entries.filter(({ name }) => !name.startsWith(OPTIMIZER_PREFIX)).map(({ name, shape }) => [name, shape]),
  );
}

async function readHeader(file: string): ReturnType<typeof readSafetensorsHeader> {
  try {
    return await readSafetensorsHeader(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new StudioError('not-found', `There is no file ${file}.`);
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
