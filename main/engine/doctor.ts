/**
 * `reslt doctor`: what this machine has and lacks for training, each with its state and, where something is wrong,
 * what mends it. Data first; the text is made of it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { appVersion, enginesFolder, isPackaged, nodeExecutable, rootFolder } from '../paths.ts';
import { bindingSource, findCompiler } from './binding.ts';
import { messageOf } from './errors.ts';
import { readGpus, readKernelDriver, type GpuReading } from './gpu.ts';
import { findEngine, listEngines, type InstalledEngine } from './installed.ts';
import { TENSORFLOW_VERSION } from './knownWheels.ts';
import { unsupportedReason } from './platform.ts';
import { runProgram } from './process.ts';
import { selectEngine } from './select.ts';
import { verifyEngine } from './verify.ts';

export interface DoctorItem {
  name: string;
  value: string;
  status: 'ok' | 'warning' | 'problem';
  /** What to do about it; null when nothing is to be done. */
  mend: string | null;
}

export interface DoctorReport {
  items: DoctorItem[];
}

export interface DoctorContext {
  libraryFolder: string;
}

/** An ImageNet-LT run with its checkpoints and logits takes a few GB. */
const LOW_SPACE_BYTES = 5e9;
const NO_SPACE_BYTES = 200e6;

/** Looks at everything; runs each installed engine for one gradient step, so it takes a few seconds. */
export async function runDoctor({ libraryFolder }: DoctorContext): Promise<DoctorReport> {
  const [gpus, cpuEngine, gpuEngine] = await Promise.all([
    readGpus(),
    findEngine('tensorflow-cpu'),
    findEngine('tensorflow-gpu'),
  ]);
  const engines = [gpuEngine, cpuEngine].filter((engine) => engine !== null);
  const items = [
    ok('ResLT Studio', `${appVersion()} (${isPackaged() ? 'package' : 'checkout'} in ${rootFolder()})`),
    ok('System', `${os.type()} ${os.release()}, ${process.arch}`),
    await engineItem(gpus),
    ...(await Promise.all(engines.map(tensorflowItem))),
    ...(engines.length === 0 ? [await missingEngineItem()] : []),
    ...(await otherEngineItems(engines)),
    cpuItem(),
    ...gpuItems(gpus),
    driverItem(gpus),
    await nodeItem(),
    electronItem(),
    await folderItem('Library folder', libraryFolder, '--library DIR or RESLT_LIBRARY'),
    await folderItem('Engine folder', enginesFolder(), 'RESLT_ENGINE_HOME'),
    await spaceItem('Free disk (library)', libraryFolder),
    await spaceItem('Free disk (engines)', enginesFolder()),
  ];
  return { items };
}

/** The report as text, one item a line, what mends a problem under it. */
export function formatDoctorReport({ items }: DoctorReport): string {
  const width = Math.max(...items.map(({ name }) => name.length));
  const marks = { ok: ' ok ', warning: 'warn', problem: 'FAIL' };
  const lines = items.flatMap(({ name, value, status, mend }) => [
    `${marks[status]}  ${name.padEnd(width)}  ${value}`,
    ...(mend === null ? [] : [`      ${' '.repeat(width)}  → ${mend}`]),
  ]);
  const problems = items.filter(({ status }) => status === 'problem').length;
  const warnings = items.filter(({ status }) => status === 'warning').length;
  const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  return [...lines, '', `${count(problems, 'problem')}, ${count(warnings, 'warning')}`].join('\n');
}

async function engineItem(gpus: GpuReading[]): Promise<DoctorItem> {
  const selected = await selectEngine('auto');
  const value = `${ENGINE_LABELS[selected.name]}. ${selected.reason}`;
  if (selected.name === 'wasm' && unsupportedReason() === null)
    return warning('Engine', value, 'Run `reslt engine install`.');
  if (gpus.length > 0 && selected.name === 'tensorflow-cpu')
    return warning('Engine', value, 'Run `reslt engine install --gpu`.');
  return ok('Engine', value);
}

const ENGINE_LABELS = {
  'tensorflow-gpu': 'TensorFlow on the GPU',
  'tensorflow-cpu': 'TensorFlow on the CPU',
  wasm: 'WebAssembly',
};

async function tensorflowItem(engine: InstalledEngine): Promise<DoctorItem> {
  const name = `TensorFlow (${engine.device.toUpperCase()})`;
  try {
    const check = await verifyEngine(engine);
    const value = `${check.tensorflowVersion}, computes on the ${check.usesGpu ? 'GPU' : 'CPU'} (${engine.folder})`;
    if (engine.device === 'gpu' && !check.usesGpu)
      return warning(
        name,
        value,
        'TensorFlow sees no GPU: look at the driver below, or install the engine with --cpu.',
      );
    return ok(name, value);
  } catch (error) {
    const mend = `Run \`reslt engine remove ${engine.id}\`, then \`reslt engine install --${engine.device}\`.`;
    return problem(name, messageOf(error), mend);
  }
}

async function missingEngineItem(): Promise<DoctorItem> {
  const unsupported = unsupportedReason();
  if (unsupported !== null) return ok('TensorFlow', `none. ${unsupported}`);
  const source = await bindingSource();
  if (source?.kind === 'sources' && (await findCompiler()) === null)
    return warning(
      'TensorFlow',
      `${TENSORFLOW_VERSION} is not installed, and there is no C++ compiler to build its binding with`,
      'Install g++ (Debian, Ubuntu: `sudo apt install g++`; Fedora: `sudo dnf install gcc-c++`; Arch: `sudo pacman -S gcc`), then run `reslt engine install`.',
    );
  return warning('TensorFlow', `${TENSORFLOW_VERSION} is not installed`, 'Run `reslt engine install`.');
}

async function otherEngineItems(used: InstalledEngine[]): Promise<DoctorItem[]> {
  const others = (await listEngines()).filter(({ id }) => !used.some((engine) => engine.id === id));
  return others.map(({ id, sizeBytes }) =>
    warning(
      'Other engine',
      `${id}, ${gigabytes(sizeBytes)}, of another version of the app`,
      `Run \`reslt engine remove ${id}\` if no other checkout uses it.`,
    ),
  );
}

function cpuItem(): DoctorItem {
  const cpus = os.cpus();
  const cores = os.availableParallelism();
  return ok(
    'CPU',
    `${cpus[0]?.model.trim() ?? 'unknown'}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${gigabytes(os.totalmem())} memory`,
  );
}

function gpuItems(gpus: GpuReading[]): DoctorItem[] {
  if (gpus.length === 0) return [ok('GPU', 'no NVIDIA GPU found')];
  return gpus.map(({ name, memoryTotalBytes }, index) =>
    ok(
      `GPU ${index}`,
      `${name}, ${memoryTotalBytes === null ? 'unknown' : gigabytes(memoryTotalBytes)} memory`,
    ),
  );
}

function driverItem(gpus: GpuReading[]): DoctorItem {
  const [gpu] = gpus;
  if (gpu !== undefined) return ok('NVIDIA driver', gpu.driverVersion);
  const kernel = readKernelDriver();
  return kernel === null
    ? ok('NVIDIA driver', 'none')
    : warning(
        'NVIDIA driver',
        `${kernel} is loaded, but nvidia-smi lists no GPU`,
        'Install the driver’s tools (nvidia-smi), or give this container a GPU.',
      );
}

async function nodeItem(): Promise<DoctorItem> {
  try {
    const node = nodeExecutable();
    const { stdout } = await runProgram(node, ['--version']);
    return ok('Node', `${stdout.trim()} (${node})`);
  } catch (error) {
    return problem('Node', messageOf(error), 'Run `npm ci --include=optional`.');
  }
}

/** Whether the desktop app can start from here: the npm package fetches Electron's binary at its first use only. */
function electronItem(): DoctorItem {
  if (isPackaged()) return ok('Electron', 'part of the package');
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const folder = path.join(rootFolder(), 'node_modules', 'electron');
  const dist = override !== undefined && override !== '' ? override : path.join(folder, 'dist');
  const pathFile = path.join(folder, 'path.txt');
  const binary = path.join(dist, existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : 'electron');
  if (existsSync(binary) && statSync(binary).isFile()) return ok('Electron', binary);
  return warning(
    'Electron',
    `its binary is not in ${dist}: \`npm start\` serves the app to a browser instead`,
    'Run `npx install-electron` where the network allows, or set ELECTRON_OVERRIDE_DIST_PATH to a folder with Electron.',
  );
}

async function folderItem(name: string, folder: string, setting: string): Promise<DoctorItem> {
  const existing = nearestExisting(folder);
  try {
    await access(existing, constants.W_OK);
  } catch {
    return problem(
      name,
      `${folder} can't be written`,
      `Change the permissions of ${existing}, or choose another folder with ${setting}.`,
    );
  }
  return ok(name, existing === path.resolve(folder) ? folder : `${folder} (made at first use)`);
}

async function spaceItem(name: string, folder: string): Promise<DoctorItem> {
  const { bavail, bsize, blocks } = await statfs(nearestExisting(folder));
  const freeBytes = bavail * bsize;
  const value = `${gigabytes(freeBytes)} of ${gigabytes(blocks * bsize)}`;
  if (freeBytes < NO_SPACE_BYTES)
    return problem(name, value, 'Free space: a run can’t write its checkpoints.');
  if (freeBytes < LOW_SPACE_BYTES)
    return warning(name, value, 'Free space before training with many checkpoints.');
  return ok(name, value);
}

function nearestExisting(folder: string): string {
  let current = path.resolve(folder);
  while (!existsSync(current)) current = path.dirname(current);
  return current;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function ok(name: string, value: string): DoctorItem {
  return { name, value, status: 'ok', mend: null };
}

function warning(name: string, value: string, mend: string): DoctorItem {
  return { name, value, status: 'warning', mend };
}

function problem(name: string, value: string, mend: string): DoctorItem {
  return { name, value, status: 'problem', mend };
}
