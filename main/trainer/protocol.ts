/**
 * What a trainer and the owner of its library say to each other: the launch file it is started from, the records of its
 * journal, and the messages of its control socket. The journal is the only way for data; the socket only carries wishes
 * down and "the journal grew" up, so a lost socket loses nothing. Everything is JSON, one object a line. Paths inside
 * records are relative to the run's folder, with forward slashes.
 */
import type {
  CheckpointRole,
  Config,
  EngineId,
  LogLine,
  RunProgress,
  RunState,
  Split,
} from '../../preload/contract.ts';
import type { EvaluationResult, TrainingState } from '../training/types.ts';

// ------------------------------------------------------------------------------------------------------ the launch

/** A checkpoint that the run keeps, as it lies in its folder. */
export interface KeptCheckpoint {
  epoch: number;
  step: number;
  roles: CheckpointRole[];
  /** `checkpoints/epoch-0040.safetensors`; the JSON beside it has the same name with `.json`. */
  file: string;
}

/** The engine that the owner chose, so that the trainer only has to load it. */
export interface LaunchEngine {
  name: EngineId;
  /** Why this one, as a sentence. */
  reason: string;
  /** What the installed native engine says of itself (`InstalledEngine` of main/engine); null for wasm. */
  installed: unknown;
}

/** A checkpoint that the run was made from, as it was found when the run was made. */
export interface LaunchOrigin {
  /** How it was named, for messages. */
  ref: string;
  /** Absolute path of its safetensors file, and what it must still hash to. */
  path: string;
  sha256: string;
  /** What it was trained with; null for a file that does not say. */
  config: Config | null;
}

/** `launch-<attempt>.json` in the run's folder: all that a trainer is told. Written by the owner before it starts one. */
export interface LaunchFile {
  format: 1;
  kind: 'train' | 'evaluate';
  runId: number;
  attempt: number;
  /** The whole flat configuration; parsed again by the trainer. */
  config: Config;
  /** Absolute path of the registered dataset, and the manifest hash that it must have. */
  datasetFolder: string;
  manifestHash: string;
  engine: LaunchEngine;
  /** Threads of the computation: resolved once, recorded, and kept for every later attempt. */
  threads: number;
  /** Where the trainer listens: a Unix socket in a folder of ours, or a named pipe. One per run, whatever the attempt. */
  socketPath: string;
  /** Train: the checkpoint to go on from, or null to begin. */
  resume: KeptCheckpoint | null;
  /** Train: what earlier attempts left, for retention. */
  checkpoints: KeptCheckpoint[];
  /** Train: the weights that the run begins with, where it has no checkpoint of its own yet; null for random ones. */
  initFrom: LaunchOrigin | null;
  /** Train: the network that a distilling method learns from. */
  teacher: LaunchOrigin | null;
  /** Evaluate: what of which checkpoint. */
  evaluate: EvaluateJob | null;
  appVersion: string;
}

/** A stored checkpoint that is to be evaluated. */
export interface EvaluateJob {
  /** Absolute path of its safetensors file. */
  checkpointPath: string;
  splits: Split[];
  /**
   * Training images per class of the dataset that the weights were trained on, of which a method's prediction may make
   * use; absent where that is not known.
   */
  trainedCounts?: number[];
}

export const launchFileName = (attempt: number): string => `launch-${attempt}.json`;
export const journalFileName = (attempt: number): string => `journal-${attempt}.jsonl`;

/**
 * An empty file of this name beside a checkpoint pins it: the owner makes it, and the trainer looks for it before it
 * removes anything, so a pin holds whether the two can talk or not.
 */
export const pinMarkerFile = (checkpointFile: string): string =>
  checkpointFile.replace(/\.safetensors$/, '.pin');

// ------------------------------------------------------------------------------------------------- the checkpoints

/** The JSON beside a checkpoint's file. */
export const notesFile = (checkpointFile: string): string =>
  checkpointFile.replace(/\.safetensors$/, '.json');

/** The JSON beside a checkpoint: everything that is needed to go on, or to say what it is, besides the tensors. */
export interface CheckpointNotes {
  format: 1;
  appVersion: string;
  runId: number;
  attempt: number;
  epoch: number;
  step: number;
  activeMs: number;
  createdAtMs: number;
  config: Config;
  /** Engine and thread count: with another, the numbers after it differ in the last bits. */
  engine: string;
  threads: number;
  /** New label of each original one, where the dataset ranks its classes by their images; else null. */
  rankLabels: number[] | null;
  /** Position of the loop with the generators' states. */
  position: TrainingState['position'];
  evaluations: EvaluationResult[];
  /** Size and SHA-256 of the safetensors file. */
  tensors: { sizeBytes: number; sha256: string };
  logits: LogitsFile | null;
}

// ----------------------------------------------------------------------------------------------------- the journal

/** Which process wrote a journal, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Boot id and start time as the system words them; equal only for the same process. */
  startedAt: string;
}

/** Logits on disk: tensors `<split>/<output>`, [examples, classes], rows in stored order of the split. */
export interface LogitsFile {
  /** `logits/epoch-0040.safetensors` */
  file: string;
  sizeBytes: number;
  dtype: 'float32' | 'float16';
  splits: { split: Split; outputs: string[]; examples: number; classes: number }[];
}

/** How an attempt can end by its own word. A run whose trainer vanished without one is `crashed`. */
export type EndState = Extract<RunState, 'completed' | 'stopped' | 'paused' | 'failed'>;

export type JournalEntry =
  /**
   * First record of every journal. Metrics, evaluations and checkpoints beyond `resumedFromStep` are deleted when it is
   * ingested; log lines of earlier attempts stay.
   */
  | {
      type: 'attempt';
      attempt: number;
      kind: 'train' | 'evaluate';
      /** 0 when it begins anew. */
      resumedFromStep: number;
      resumedFromEpoch: number;
      /** Training time that the resumed checkpoint had behind it. */
      activeMs: number;
      process: ProcessIdentity;
      /** Where it listens; null when no socket could be made, and signals and the journal must do. */
      socketPath: string | null;
    }
  /** Once, when the engine is loaded and the data are open: what the run page shows as environment, and what was worked out. */
  | {
      type: 'environment';
      environment: Record<string, string | number | null>;
      resolved: Record<string, unknown>;
      engine: EngineId;
      device: string;
    }
  /** Preparing is over; sent once an attempt. */
  | { type: 'running' }
  | { type: 'phase'; phase: NonNullable<RunProgress['phase']> }
  | { type: 'log'; level: LogLine['level']; text: string }
  /** `activeMs`: training time since the run's first step, over all attempts, pauses left out. A value that is not finite arrives as null. */
  | { type: 'metrics'; step: number; epoch: number; activeMs: number; values: Record<string, number | null> }
  | {
      type: 'progress';
      step: number;
      totalSteps: number;
      epoch: number;
      epochs: number;
      activeMs: number;
      imagesPerSecond: number | null;
      waitShare: number | null;
      memoryBytes: number;
    }
  | { type: 'evaluation'; activeMs: number; result: EvaluationResult }
  /** A checkpoint is on disk, durably. `sizeBytes` counts the safetensors and its JSON, not the logits. */
  | {
      type: 'checkpoint';
      epoch: number;
      step: number;
      activeMs: number;
      roles: CheckpointRole[];
      file: string;
      sizeBytes: number;
      logits: LogitsFile | null;
      /** Splits that were evaluated with these weights. */
      evaluated: Split[];
    }
  /** What a kept checkpoint is kept for has changed; an empty list: it is pinned, or serves to resume until the next. */
  | { type: 'checkpoint-roles'; file: string; roles: CheckpointRole[] }
  /** A checkpoint and its logits are no longer on disk. */
  | { type: 'checkpoint-removed'; file: string }
  /** Evaluate jobs: logits of a checkpoint, in the job's own folder. */
  | { type: 'logits'; checkpointPath: string; epoch: number; step: number; logits: LogitsFile }
  /** Last record of an attempt that ended by itself. */
  | {
      type: 'end';
      state: EndState;
      /** A sentence for `failed`; null when there is nothing to say. */
      message: string | null;
      step: number;
      epoch: number;
      activeMs: number;
      lastCheckpoint: { epoch: number; step: number; file: string } | null;
    };

/** One line of a journal. */
export type JournalRecord = { atMs: number } & JournalEntry;

/** Process exit codes. The journal's `end` decides; these are for people who start a trainer by hand. */
export const EXIT_CODES: Record<EndState, number> = { completed: 0, failed: 1, stopped: 10, paused: 11 };

// ------------------------------------------------------------------------------------------------------ the control

/** Down the socket: what the trainer is asked to do between two steps. */
export type ControlMessage = { type: 'stop' } | { type: 'pause' } | { type: 'checkpoint' };

/** Up the socket. `hello` comes first; `grew` at most every 50 ms; `alive` every second while the loop runs. */
export type TrainerMessage =
  | { type: 'hello'; runId: number; attempt: number; pid: number; journalBytes: number }
  | { type: 'grew'; journalBytes: number }
  | { type: 'alive' };

/** Longest message either side accepts; a longer line is an error and ends the connection. */
export const MAX_MESSAGE_BYTES = 4096;
