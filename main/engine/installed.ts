/**
 * The engines folder: which engines are installed, where their parts are, and taking one away. An engine is a folder
 * named after its TensorFlow, device and binding, complete from the moment it has that name:
 *
 *   tensorflow-2.21.0-cpu-1a2b3c4d/engine.json
 *   tensorflow-2.21.0-cpu-1a2b3c4d/tensorflow/   libtensorflow_cc.so.2, libtensorflow_framework.so.2, include/, tfjs_binding.node
 *   tensorflow-2.21.0-gpu-1a2b3c4d/nvidia/       libraries of the nvidia wheels, where TensorFlow itself looks for them
 */
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { enginesFolder } from '../paths.ts';
import { BINDING_FILE, bindingSource } from './binding.ts';
import { EngineError } from './errors.ts';
import { TENSORFLOW_VERSION } from './knownWheels.ts';

export type NativeEngineName = 'tensorflow-gpu' | 'tensorflow-cpu';
export type NativeDevice = 'gpu' | 'cpu';

export interface InstalledWheel {
  name: string;
  /** Lower-case hex. */
  sha256: string;
  sizeBytes: number;
}

/** What engine.json holds. */
export interface EngineRecord {
  format: 1;
  id: string;
  device: NativeDevice;
  tensorflowVersion: string;
  bindingHash: string;
  wheels: InstalledWheel[];
  builtAtMs: number;
  sizeBytes: number;
  /** Whether the gradient step that checked it ran on a GPU. */
  verifiedOnGpu: boolean;
}

export interface InstalledEngine extends EngineRecord {
  kind: NativeEngineName;
  folder: string;
  /** The N-API module. */
  bindingPath: string;
  /** Holds TensorFlow's libraries and the binding. */
  libraryFolder: string;
}

export const RECORD_FILE = 'engine.json';
/** Unfinished installations and downloaded wheels, inside the engines folder. */
export const STAGING_FOLDER = '.staging';
export const DOWNLOADS_FOLDER = '.downloads';

/** The id of the engine that this version of the app uses for a device; null when it has no binding for one. */
export async function engineId(device: NativeDevice): Promise<string | null> {
  const source = await bindingSource();
  return source === null ? null : `tensorflow-${TENSORFLOW_VERSION}-${device}-${source.hash}`;
}

/** The installed engine that this version of the app uses for a device, or null. */
export async function findEngine(kind: NativeEngineName): Promise<InstalledEngine | null> {
  const id = await engineId(kind === 'tensorflow-gpu' ? 'gpu' : 'cpu');
  return id === null ? null : readEngine(path.join(enginesFolder(), id));
}

/** Every installed engine, also those of other versions of the app, by id. */
export async function listEngines(): Promise<InstalledEngine[]> {
  const names = await readdir(enginesFolder()).catch(() => []);
  const engines = await Promise.all(
    names
      .filter((name) => name.startsWith('tensorflow-'))
      .map((name) => readEngine(path.join(enginesFolder(), name))),
  );
  return engines.filter((engine) => engine !== null).sort((a, b) => a.id.localeCompare(b.id));
}

/**
 * Deletes an engine. Runs that use it go on, as the system keeps open files; the next start needs another engine. With
 * the last engine go the downloaded wheels and unfinished installations. Throws an EngineError for an unknown id.
 */
export async function removeEngine(id: string): Promise<{ id: string; freedBytes: number }> {
  const engines = await listEngines();
  const engine = engines.find((candidate) => candidate.id === id);
  if (engine === undefined)
    throw new EngineError(
      'engine-not-found',
      engines.length === 0
        ? `There is no engine "${id}": none is installed in ${enginesFolder()}.`
        : `There is no engine "${id}". Installed are: ${engines.map((candidate) => candidate.id).join(', ')}.`,
    );
  // Renamed first, so that an engine that is half deleted is never found.
  const doomed = path.join(enginesFolder(), `.removed-${engine.id}-${process.pid}`);
  await rename(engine.folder, doomed);
  await rm(doomed, { recursive: true });
  if (engines.length === 1) {
    await rm(path.join(enginesFolder(), STAGING_FOLDER), { recursive: true, force: true });
    await rm(path.join(enginesFolder(), DOWNLOADS_FOLDER), { recursive: true, force: true });
  }
  return { id, freedBytes: engine.sizeBytes };
}

/** Reads an engine's folder; null when there is no finished engine in it. */
export async function readEngine(folder: string): Promise<InstalledEngine | null> {
  const text = await readFile(path.join(folder, RECORD_FILE), 'utf8').catch(() => null);
  if (text === null) return null;
  const record = JSON.parse(text) as EngineRecord;
  const libraryFolder = path.join(folder, 'tensorflow');
  return {
    ...record,
    kind: `tensorflow-${record.device}`,
    folder,
    libraryFolder,
    bindingPath: path.join(libraryFolder, BINDING_FILE),
  };
}
