/**
 * Installs the native engine: wheel → libraries and headers → binding → one gradient step → renamed into place. Every
 * stage leaves something the next try goes on from, and nothing is called installed before it has computed a gradient.
 */
import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { enginesFolder } from '../paths.ts';
import {
  BINDING_FILE,
  bindingSource,
  isTensorflowHeader,
  placeBinding,
  type BindingSource,
} from './binding.ts';
import { EngineError, installFailed, messageOf } from './errors.ts';
import { hasGpu } from './gpu.ts';
import {
  DOWNLOADS_FOLDER,
  findEngine,
  listEngines,
  readEngine,
  RECORD_FILE,
  STAGING_FOLDER,
  type EngineRecord,
  type InstalledEngine,
  type InstalledWheel,
  type NativeDevice,
} from './installed.ts';
import { TENSORFLOW_VERSION } from './knownWheels.ts';
import { withFolderLock } from './lock.ts';
import { downloadFromIndex } from './packageIndex.ts';
import { downloadWithPip, findPip, PIP_FOLDER } from './pip.ts';
import { unsupportedReason } from './platform.ts';
import { hashFile, readMetadata, unpackedSize, unpackWheel } from './unpack.ts';
import { verifyEngine } from './verify.ts';
import {
  checkListing,
  knownVersion,
  normaliseProject,
  parseMetadata,
  parseWheelName,
  type Requirement,
} from './wheel.ts';

export interface InstallOptions {
  /** Absent: GPU when an NVIDIA driver is here, else CPU. */
  device?: NativeDevice | undefined;
  /** Wheel files, or folders that hold them; instead of a download. */
  wheels?: readonly string[] | undefined;
  /** Root address of a PEP 503 index; instead of pip. */
  index?: string | undefined;
  /** Take wheels whose SHA-256 is not in knownWheels.ts. */
  allowUnlisted?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface InstallProgress {
  stage: 'wait' | 'download' | 'check' | 'unpack' | 'compile' | 'verify' | 'done';
  /** What is being done, without its numbers. */
  message: string;
  /** Null where there is nothing to count. */
  doneBytes: number | null;
  totalBytes: number | null;
}

export type OnInstallProgress = (progress: InstallProgress) => void;

interface Installation {
  id: string;
  device: NativeDevice;
  binding: BindingSource;
  staging: string;
  downloads: string;
  options: InstallOptions;
  tell: OnInstallProgress;
}

/** A wheel on disk. */
interface Wheel extends InstalledWheel {
  file: string;
}

const STAGES_FILE = 'stages.json';
/** Beyond what the files take: the compiler's objects, file system overhead. */
const SPACE_MARGIN_BYTES = 64 * 1024 * 1024;

/**
 * Installs the engine and returns it; returns the installed one at once when it is there. Safe to call from several
 * processes: the later ones wait and find it done. Throws an EngineError; then nothing is installed, and the next call
 * goes on from the last finished stage.
 */
export async function installEngine(
  options: InstallOptions,
  onProgress: OnInstallProgress,
): Promise<InstalledEngine> {
  const unsupported = unsupportedReason();
  if (unsupported !== null)
    throw new EngineError(
      'engine-unavailable',
      `${unsupported} WebAssembly works there without an installation.`,
    );
  const binding = await bindingSource();
  if (binding === null)
    throw installFailed(
      'The sources of the binding are missing from node_modules. Run `npm ci` and install again.',
    );
  const device = options.device ?? (await defaultDevice(options.wheels ?? []));
  const id = `tensorflow-${TENSORFLOW_VERSION}-${device}-${binding.hash}`;
  const home = enginesFolder();
  const already = (engine: InstalledEngine) => {
    onProgress({
      stage: 'done',
      message: `${engine.id} is installed already`,
      doneBytes: null,
      totalBytes: null,
    });
    return engine;
  };
  const present = await findEngine(`tensorflow-${device}`);
  if (present !== null) return already(present);
  return withFolderLock(
    home,
    async () => {
      const meanwhile = await findEngine(`tensorflow-${device}`);
      if (meanwhile !== null) return already(meanwhile);
      const staging = path.join(home, STAGING_FOLDER, id);
      const downloads = path.join(home, DOWNLOADS_FOLDER);
      return build({ id, device, binding, staging, downloads, options, tell: onProgress });
    },
    (holder) => {
      const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`;
      onProgress({
        stage: 'wait',
        message: `Waiting for the installation by ${who}`,
        doneBytes: null,
        totalBytes: null,
      });
    },
    options.signal,
  );
}

/** The device that the given wheels are for, else the one that this machine has. */
async function defaultDevice(wheels: readonly string[]): Promise<NativeDevice> {
  const projects = wheels.map((file) => parseWheelName(path.basename(file))?.project);
  if (projects.includes('tensorflow-cpu')) return 'cpu';
  return (await hasGpu()) ? 'gpu' : 'cpu';
}

async function build(installation: Installation): Promise<InstalledEngine> {
  const { id, staging, downloads, binding, options, tell } = installation;
  const { signal } = options;
  const say = (stage: InstallProgress['stage'], message: string) =>
    tell({ stage, message, doneBytes: null, totalBytes: null });
  await mkdir(staging, { recursive: true });
  await removeBrokenDownloads(downloads);
  const relative = await findRelative(installation);
  let wheels: readonly InstalledWheel[];
  if (relative !== null) {
    say('unpack', `Taking TensorFlow from ${relative.id}`);
    await linkFolder(path.join(relative.folder, 'tensorflow'), path.join(staging, 'tensorflow'));
    await linkFolder(path.join(relative.folder, 'nvidia'), path.join(staging, 'nvidia'));
    wheels = relative.wheels;
  } else {
    const files = await collectWheels(installation);
    await unpackAll(installation, files);
    wheels = files;
  }

  const libraryFolder = path.join(staging, 'tensorflow');
  say(
    'compile',
    binding.kind === 'sources' ? 'Building the binding for Node' : 'Placing the binding for Node',
  );
  await linkLibrary(libraryFolder);
  await placeBinding(binding, libraryFolder, path.join(libraryFolder, 'include'), signal);

  say('verify', 'Checking the engine with one gradient step');
  const record: EngineRecord = {
    format: 1,
    id,
    device: installation.device,
    tensorflowVersion: TENSORFLOW_VERSION,
    bindingHash: binding.hash,
    wheels: wheels.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes })),
    builtAtMs: Date.now(),
    sizeBytes: 0,
    verifiedOnGpu: false,
  };
  await writeFile(path.join(staging, RECORD_FILE), JSON.stringify(record));
  const check = await verifyEngine((await readEngine(staging))!, signal);
  if (installation.device === 'gpu' && !check.usesGpu && (await hasGpu()))
    throw installFailed(
      'The engine runs, but TensorFlow does not see the NVIDIA GPU. The driver is probably too old for CUDA 12: update it, or install with --cpu.',
    );

  await rm(path.join(staging, STAGES_FILE), { force: true });
  record.verifiedOnGpu = check.usesGpu;
  record.sizeBytes = await folderSize(staging);
  await writeFile(path.join(staging, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
  const target = path.join(enginesFolder(), id);
  // A folder of that name without its record is what a broken removal leaves.
  await rm(target, { recursive: true, force: true });
  await rename(staging, target);
  for (const { name } of wheels) await rm(path.join(downloads, name), { force: true });
  say('done', `${id} is installed in ${target}`);
  return (await readEngine(target))!;
}

/** What a killed pip leaves. The lock is held, so no other installation is using it. */
async function removeBrokenDownloads(downloads: string): Promise<void> {
  for (const name of await readdir(downloads).catch(() => []))
    if (name.startsWith(PIP_FOLDER)) await rm(path.join(downloads, name), { recursive: true });
}

/** An engine with the same TensorFlow and another binding, as another version of the app has: it spares the download. */
async function findRelative({ device, options }: Installation): Promise<InstalledEngine | null> {
  if (options.wheels !== undefined || options.index !== undefined) return null;
  const engines = await listEngines();
  return (
    engines.find((engine) => engine.device === device && engine.tensorflowVersion === TENSORFLOW_VERSION) ??
    null
  );
}

/** Hard links every file of a folder but the binding, so that both engines share their bytes; copies across disks. */
async function linkFolder(from: string, to: string): Promise<void> {
  const items = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const item of items) {
    if (!item.isFile() || item.name === BINDING_FILE) continue;
    const source = path.join(item.parentPath, item.name);
    const target = path.join(to, path.relative(from, source));
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await link(source, target).catch(() => copyFile(source, target));
  }
}

// ------------------------------------------------------------------------------------------------------------ wheels

async function collectWheels(installation: Installation): Promise<Wheel[]> {
  const { device, options } = installation;
  const given = await expandFolders(options.wheels ?? []);
  const project = tensorflowProject(device, given);
  const tensorflow = await obtainWheel(
    installation,
    { project, specifier: `==${TENSORFLOW_VERSION}` },
    given,
  );
  const metadata = parseMetadata(await readMetadata(tensorflow.file));
  if (metadata.version !== TENSORFLOW_VERSION)
    throw installFailed(
      `${tensorflow.name} holds TensorFlow ${metadata.version}, and ${TENSORFLOW_VERSION} is needed.`,
    );
  if (device === 'cpu') return [tensorflow];
  const requirements = metadata
    .requirementsOf('and-cuda')
    .filter(({ project }) => project.startsWith('nvidia-'));
  if (requirements.length === 0)
    throw installFailed(
      `${tensorflow.name} names no nvidia wheels under its extra "and-cuda": it has no GPU support. Use the wheel "tensorflow", or --cpu.`,
    );
  const wheels = [tensorflow];
  for (const requirement of requirements) wheels.push(await obtainWheel(installation, requirement, given));
  return wheels;
}

/** A CPU engine can be made of either wheel, so the one that the user gives is taken. */
function tensorflowProject(device: NativeDevice, given: readonly string[]): string {
  const projects = given.map((file) => parseWheelName(path.basename(file))?.project);
  if (device === 'gpu') return 'tensorflow';
  return projects.includes('tensorflow') && !projects.includes('tensorflow-cpu')
    ? 'tensorflow'
    : 'tensorflow-cpu';
}

async function expandFolders(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const item of paths) {
    const found = await stat(item).catch(() => null);
    if (found === null) throw installFailed(`The wheel ${item} does not exist.`);
    if (!found.isDirectory()) files.push(path.resolve(item));
    else
      for (const name of await readdir(item)) if (name.endsWith('.whl')) files.push(path.resolve(item, name));
  }
  return files;
}

/** Finds a wheel among those given or kept, or downloads it, and checks that we know it. */
async function obtainWheel(
  installation: Installation,
  requirement: Requirement,
  given: readonly string[],
): Promise<Wheel> {
  const { downloads, options } = installation;
  const here = given.find((file) => parseWheelName(path.basename(file))?.project === requirement.project);
  if (here !== undefined) return checkWheel(installation, here);
  if (given.length > 0 && options.index === undefined && requirement.project.startsWith('tensorflow'))
    throw installFailed(
      `None of the files given with --wheel is a wheel of ${requirement.project} (${given.map((file) => path.basename(file)).join(', ')}).`,
    );

  const version = knownVersion(requirement);
  if (version === null && options.allowUnlisted !== true)
    throw installFailed(
      `TensorFlow's wheel asks for ${requirement.project}${requirement.specifier}, of which no version is known here. Give --allow-unlisted to take the newest.`,
    );
  const kept = (await readdir(downloads).catch(() => [])).find((name) => {
    const wheel = parseWheelName(name);
    return wheel?.project === requirement.project && wheel.version === version;
  });
  if (kept !== undefined) {
    // Found broken, it is fetched anew: it may have been kept for weeks.
    const file = path.join(downloads, kept);
    try {
      return await checkWheel(installation, file);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof EngineError)) throw error;
      await rm(file);
    }
  }
  return checkWheel(installation, await downloadWheel(installation, requirement, version));
}

async function downloadWheel(
  { downloads, options, tell }: Installation,
  { project, specifier }: Requirement,
  version: string | null,
): Promise<string> {
  const onProgress = (message: string, doneBytes: number, totalBytes: number | null) =>
    tell({ stage: 'download', message, doneBytes, totalBytes });
  const { signal } = options;
  try {
    if (options.index !== undefined) {
      const wanted = version ?? TENSORFLOW_VERSION;
      return await downloadFromIndex(options.index, {
        project,
        version: wanted,
        folder: downloads,
        onProgress,
        signal,
      });
    }
    const pip = await findPip();
    if (pip === null)
      throw installFailed('pip was looked for as `python3 -m pip`, `pip3` and `pip`, and none of them runs.');
    const exact = version === null ? `${project}${specifier}` : `${project}==${version}`;
    return await downloadWithPip(pip, { requirement: exact, folder: downloads, onProgress, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw installFailed(`${messageOf(error)}\n${threeWays(project, version ?? specifier)}`, error);
  }
}

function threeWays(project: string, version: string): string {
  return [
    'There are three ways to get it:',
    '  1. with pip (python3 with pip, and an index it can reach, a mirror or a proxy in its configuration): `reslt engine install`',
    `  2. from a file that you bring (${normaliseProject(project).replaceAll('-', '_')}-${version}-…-manylinux…x86_64.whl): \`reslt engine install --wheel FILE\``,
    '  3. from a package index that you name (PEP 503): `reslt engine install --index URL`',
    'Without it, training runs on WebAssembly, many times slower.',
  ].join('\n');
}

async function checkWheel({ options, tell }: Installation, file: string): Promise<Wheel> {
  const name = path.basename(file);
  const metadata = parseMetadata(await readMetadata(file));
  const sha256 = await hashFile(
    file,
    (doneBytes, totalBytes) => tell({ stage: 'check', message: `Checking ${name}`, doneBytes, totalBytes }),
    options.signal,
  );
  const listing = checkListing(name, sha256);
  if (listing !== 'listed' && options.allowUnlisted !== true)
    throw installFailed(
      listing === 'altered'
        ? `${file} has the SHA-256 ${sha256}, which is not the one known for that name: it is damaged or altered. Download it again, or give --allow-unlisted if you trust it.`
        : `${file} (${metadata.project} ${metadata.version}) has the SHA-256 ${sha256}, which is not in the list of known wheels. Give --allow-unlisted if you trust it.`,
    );
  return { name, file, sha256, sizeBytes: (await stat(file)).size };
}

// --------------------------------------------------------------------------------------------------------- unpacking

/**
 * Files of a wheel that the engine needs: TensorFlow's libraries, the headers that a binding is compiled with, and of
 * the nvidia wheels all but headers and static libraries.
 */
function isWanted(name: string): boolean {
  if (/^tensorflow\/libtensorflow_(cc|framework)\.so\.\d+$/.test(name)) return true;
  if (name.startsWith('nvidia/')) return !/\/include\/|\.a$|\.py$/.test(name);
  return isTensorflowHeader(name);
}

async function unpackAll({ staging, options, tell }: Installation, wheels: readonly Wheel[]): Promise<void> {
  const stages = path.join(staging, STAGES_FILE);
  const unpacked = new Set(
    await readFile(stages, 'utf8').then(
      (text) => JSON.parse(text) as string[],
      () => [],
    ),
  );
  const missing = wheels.filter(({ sha256 }) => !unpacked.has(sha256));
  const sizes = await Promise.all(missing.map(({ file }) => unpackedSize(file, isWanted)));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  await checkSpace(staging, totalBytes);
  let before = 0;
  for (const [index, wheel] of missing.entries()) {
    await unpackWheel(
      wheel.file,
      staging,
      isWanted,
      (done) =>
        tell({ stage: 'unpack', message: `Unpacking ${wheel.name}`, doneBytes: before + done, totalBytes }),
      options.signal,
    );
    before += sizes[index]!;
    unpacked.add(wheel.sha256);
    await writeFile(stages, JSON.stringify([...unpacked]));
  }
}

async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes + SPACE_MARGIN_BYTES)
    throw installFailed(
      `The engine takes ${megabytes(neededBytes)} in ${folder}, where ${megabytes(freeBytes)} are free. ` +
        'Free space, or set RESLT_ENGINE_HOME to a folder on another disk.',
    );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** The binding is linked against TensorFlow's C library by its usual name, which the wheel's library takes on. */
async function linkLibrary(libraryFolder: string): Promise<void> {
  const link = path.join(libraryFolder, 'libtensorflow.so.2');
  await rm(link, { force: true });
  await symlink('libtensorflow_cc.so.2', link);
}

async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (item.isFile()) size += (await stat(path.join(item.parentPath, item.name))).size;
  return size;
}
