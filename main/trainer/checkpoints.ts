/**
 * Checkpoints of a run on disk: `checkpoints/epoch-0040.safetensors` (weights under PyTorch's names, optimiser state
 * under `optimizer/…`), notes as JSON beside it, and the logits of the same epoch in `logits/epoch-0040.safetensors`.
 * Each file is whole or not there. A checkpoint counts once its journal record is on disk, and only then is the one that
 * it replaces removed; what a killed process left otherwise is swept by the next attempt.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CheckpointRole } from '../../preload/contract.ts';
import { readSafetensors, writeSafetensors, type SafetensorsEntry } from '../exchange/safetensors.ts';
import { OPTIMIZER_PREFIX, readStateDict } from '../exchange/stateDict.ts';
import type { CheckpointToSave, TensorMap, TrainingState } from '../training/types.ts';
import { sweepTemporaryFiles, writeFileDurably } from '../durableFile.ts';
import {
  notesFile,
  pinMarkerFile,
  type CheckpointNotes,
  type JournalEntry,
  type KeptCheckpoint,
  type LogitsFile,
} from './protocol.ts';

const CHECKPOINTS = 'checkpoints';
const LOGITS = 'logits';

/** Roles that only one checkpoint of a run has at a time. */
const EXCLUSIVE_ROLES: readonly CheckpointRole[] = ['last', 'best'];

/** What of a checkpoint's notes the loop does not know. */
export type NotesFromProcess = Pick<
  CheckpointNotes,
  'appVersion' | 'runId' | 'attempt' | 'activeMs' | 'config' | 'engine' | 'threads' | 'rankLabels'
>;

const logitsFile = (checkpointFile: string): string => `${LOGITS}/${path.posix.basename(checkpointFile)}`;

/**
 * Saves a checkpoint durably, says so in the journal, and removes what it replaces.
 *
 * `kept` are the run's checkpoints, oldest first; returns the new list. A checkpoint without a role serves to resume and
 * is removed with the next one. `record` appends to the journal, `sync` puts it on the disk. Throws what the file system throws (a full disk); then the old checkpoints are all still there.
 */
export async function saveCheckpoint(options: {
  folder: string;
  checkpoint: CheckpointToSave;
  kept: KeptCheckpoint[];
  notes: NotesFromProcess;
  record: (entry: JournalEntry) => void;
  sync: () => void;
}): Promise<KeptCheckpoint[]> {
  const { folder, checkpoint, kept, notes, record, sync } = options;
  const { epoch, step } = checkpoint.state.position;
  const before = kept.find((other) => other.step === step);
  const file = before?.file ?? nameOf(checkpoint.state.position);
  const roles = [...new Set([...(before?.roles ?? []), ...checkpoint.roles])];

  const logits = await writeLogits(folder, logitsFile(file), checkpoint.logits);
  await mkdir(path.join(folder, CHECKPOINTS), { recursive: true });
  const tensors = await writeSafetensors(path.join(folder, file), toTensors(checkpoint.state), {
    format: 'pt',
    epoch: String(epoch),
    step: String(step),
  });
  const written: CheckpointNotes = {
    format: 1,
    ...notes,
    epoch,
    step,
    createdAtMs: Date.now(),
    position: checkpoint.state.position,
    evaluations: checkpoint.evaluations,
    tensors,
    logits,
  };
  const json = JSON.stringify(written, null, 2);
  await writeFileDurably(path.join(folder, notesFile(file)), json);

  record({
    type: 'checkpoint',
    epoch,
    step,
    activeMs: notes.activeMs,
    roles,
    file,
    sizeBytes: tensors.sizeBytes + Buffer.byteLength(json),
    logits,
    evaluated: checkpoint.evaluations.map((evaluation) => evaluation.split),
  });

  const stay: KeptCheckpoint[] = [];
  const gone: KeptCheckpoint[] = [];
  for (const other of kept) {
    if (other.step === step) continue;
    const left = other.roles.filter((role) => !(EXCLUSIVE_ROLES.includes(role) && roles.includes(role)));
    if (left.length > 0 || (await isPinned(folder, other.file))) {
      if (left.length !== other.roles.length)
        record({ type: 'checkpoint-roles', file: other.file, roles: left });
      stay.push({ ...other, roles: left });
    } else {
      record({ type: 'checkpoint-removed', file: other.file });
      gone.push(other);
    }
  }
  sync();
  for (const other of gone) await removeFiles(folder, other.file);
  return [...stay, { epoch, step, roles, file }].sort((a, b) => a.step - b.step);
}

/** Reads a checkpoint back to go on from it. Throws with a sentence when its files are missing or not whole. */
export async function loadCheckpoint(folder: string, file: string): Promise<TrainingState> {
  try {
    const notes = readNotes(folder, file);
    const { tensors } = await readSafetensors(path.join(folder, file));
    return { ...fromTensors(tensors), position: notes.position };
  } catch (error) {
    throw new Error(
      `The checkpoint ${path.join(folder, file)} can't be read: ${(error as Error).message} ` +
        'Restore the file, or duplicate the run to begin anew.',
      { cause: error },
    );
  }
}

/** Reads the weights of a checkpoint, ours or an exported one, by its path, with the position that its metadata give, or 0. */
export async function loadWeights(
  checkpointPath: string,
): Promise<{ weights: TensorMap; epoch: number; step: number }> {
  const { metadata, weights } = await readStateDict(checkpointPath);
  return {
    weights,
    epoch: Number(metadata['epoch'] ?? 0),
    step: Number(metadata['step'] ?? 0),
  };
}

/** The JSON beside a checkpoint. Throws when it is missing or of another format. */
export function readNotes(folder: string, file: string): CheckpointNotes {
  const notes = JSON.parse(readFileSync(path.join(folder, notesFile(file)), 'utf8')) as CheckpointNotes;
  if (notes.format !== 1)
    throw new Error(`${notesFile(file)} has format ${String(notes.format)}, expected 1.`);
  return notes;
}

/**
 * Removes what no record speaks of: temporary files, and checkpoints and logits that are not among `kept` (their record
 * was never written, or their removal not finished). Pinned ones stay. Returns the paths that were removed.
 */
export async function sweepCheckpoints(folder: string, kept: KeptCheckpoint[]): Promise<string[]> {
  const removed: string[] = [];
  const known = new Set(kept.map(({ file }) => path.posix.basename(file, '.safetensors')));
  for (const part of [CHECKPOINTS, LOGITS]) {
    const inside = path.join(folder, part);
    removed.push(...(await sweepTemporaryFiles(inside)).map((name) => `${part}/${name}`));
    for (const name of await readdir(inside).catch(() => [] as string[])) {
      const found = /^(epoch-\d+(?:-step-\d+)?)\.(?:safetensors|json)$/.exec(name);
      if (found === null || known.has(found[1] as string)) continue;
      if (await isPinned(folder, `${CHECKPOINTS}/${found[1]}.safetensors`)) continue;
      await rm(path.join(inside, name), { force: true });
      removed.push(`${part}/${name}`);
    }
  }
  return removed;
}

/** Writes logits of one or more splits into one file of the run's folder; null when there are none. */
export async function writeLogits(
  folder: string,
  file: string,
  logits: CheckpointToSave['logits'],
): Promise<LogitsFile | null> {
  if (logits.length === 0) return null;
  const tensors = new Map<string, SafetensorsEntry>();
  for (const { split, outputs, examples, classes } of logits) {
    for (const [output, data] of Object.entries(outputs)) {
      tensors.set(`${split}/${output}`, { dtype: 'F32', shape: [examples, classes], data });
    }
  }
  await mkdir(path.join(folder, LOGITS), { recursive: true });
  const { sizeBytes } = await writeSafetensors(path.join(folder, file), tensors);
  return {
    file,
    sizeBytes,
    dtype: 'float32',
    splits: logits.map(({ split, outputs, examples, classes }) => ({
      split,
      outputs: Object.keys(outputs),
      examples,
      classes,
    })),
  };
}

/** `epoch-0040` after a finished epoch, with the step too in the middle of the next. */
function nameOf({ epoch, step, partialEpoch }: TrainingState['position']): string {
  const name = `${CHECKPOINTS}/epoch-${String(epoch).padStart(4, '0')}`;
  return `${name}${partialEpoch === null ? '' : `-step-${String(step).padStart(7, '0')}`}.safetensors`;
}

async function isPinned(folder: string, file: string): Promise<boolean> {
  return stat(path.join(folder, pinMarkerFile(file))).then(
    () => true,
    () => false,
  );
}

async function removeFiles(folder: string, file: string): Promise<void> {
  for (const part of [file, notesFile(file), logitsFile(file)])
    await rm(path.join(folder, part), { force: true });
}

function toTensors(state: TrainingState): Map<string, SafetensorsEntry> {
  const tensors = new Map<string, SafetensorsEntry>();
  const add = (prefix: string, map: TensorMap) => {
    for (const [name, { shape, data }] of map) {
      tensors.set(prefix + name, { dtype: data instanceof Int32Array ? 'I32' : 'F32', shape, data });
    }
  };
  add('', state.weights);
  add(OPTIMIZER_PREFIX, state.optimizer);
  return tensors;
}

function fromTensors(tensors: Map<string, SafetensorsEntry>): Pick<TrainingState, 'weights' | 'optimizer'> {
  const weights: TensorMap = new Map();
  const optimizer: TensorMap = new Map();
  for (const [name, { shape, data }] of tensors) {
    if (!(data instanceof Float32Array || data instanceof Int32Array)) {
      throw new Error(`tensor "${name}" was expected to be F32 or I32.`);
    }
    if (name.startsWith(OPTIMIZER_PREFIX))
      optimizer.set(name.slice(OPTIMIZER_PREFIX.length), { shape, data });
    else weights.set(name, { shape, data });
  }
  return { weights, optimizer };
}
