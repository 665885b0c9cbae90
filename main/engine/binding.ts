/**
 * The N-API binding between Node and TensorFlow's C API. Its sources are those inside @tensorflow/tfjs-node-gpu, whose
 * own build wants a libtensorflow that no longer fits current GPUs; the C API is stable, so they compile against the
 * pinned TensorFlow as they are. A package ships the binding compiled, so its users need no compiler.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { nodeExecutable, rootFolder } from '../paths.ts';
import { installFailed } from './errors.ts';
import { TENSORFLOW_VERSION } from './knownWheels.ts';
import { lastLines, runProgram } from './process.ts';

const COMPILERS = ['g++', 'c++', 'clang++'];
const COMPILE_FLAGS = ['-std=c++17', '-O2', '-fPIC', '-w', '-DNAPI_VERSION=8'];
/** Beside the libraries, so that the loader finds them wherever the engine folder is. */
const LINK_FLAGS = [
  '-shared',
  '-Wl,-rpath,$ORIGIN',
  '-l:libtensorflow.so.2',
  '-l:libtensorflow_framework.so.2',
];

export const BINDING_FILE = 'tfjs_binding.node';

/** Where a binding comes from: compiled here, or shipped with the package. */
export type BindingSource =
  | { kind: 'sources'; hash: string; folder: string; files: string[] }
  | { kind: 'prebuilt'; hash: string; file: string };

/** What scripts/build.mjs writes beside a shipped binding. */
export interface PrebuiltBinding {
  tensorflowVersion: string;
  bindingHash: string;
}

let known: Promise<BindingSource | null> | null = null;

/** This app's binding, or null when it has neither sources nor a compiled one. Read once. */
export function bindingSource(): Promise<BindingSource | null> {
  return (known ??= findBindingSource());
}

async function findBindingSource(): Promise<BindingSource | null> {
  const shipped = path.join(rootFolder(), 'engine-binding');
  if (existsSync(path.join(shipped, 'binding.json'))) {
    const text = await readFile(path.join(shipped, 'binding.json'), 'utf8');
    const { tensorflowVersion, bindingHash } = JSON.parse(text) as PrebuiltBinding;
    if (tensorflowVersion === TENSORFLOW_VERSION)
      return { kind: 'prebuilt', hash: bindingHash, file: path.join(shipped, BINDING_FILE) };
  }
  const folder = path.join(rootFolder(), 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'binding');
  if (!existsSync(folder)) return null;
  const names = (await readdir(folder)).sort();
  const hash = createHash('sha256').update(JSON.stringify([COMPILE_FLAGS, LINK_FLAGS]));
  for (const name of names) hash.update(name).update(await readFile(path.join(folder, name)));
  return {
    kind: 'sources',
    hash: hash.digest('hex').slice(0, 8),
    folder,
    files: names.filter((name) => name.endsWith('.cc')),
  };
}

/** Whether a file of TensorFlow's wheel is a header that the binding is compiled with. */
export function isTensorflowHeader(name: string): boolean {
  return /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|xla\/tsl|tsl)\//.test(name);
}

/** Puts the binding into `libraryFolder`, beside TensorFlow's libraries. `includeFolder` holds the wheel's headers. */
export async function placeBinding(
  source: BindingSource,
  libraryFolder: string,
  includeFolder: string,
  signal?: AbortSignal,
): Promise<void> {
  const target = path.join(libraryFolder, BINDING_FILE);
  if (source.kind === 'prebuilt') {
    await copyFile(source.file, target);
    return;
  }
  const compiler = await findCompiler();
  if (compiler === null) throw installFailed(NO_COMPILER);
  const objects = path.join(libraryFolder, 'objects');
  await mkdir(objects, { recursive: true });
  const includes = [path.dirname(source.folder), await nodeHeaders(), includeFolder].map(
    (folder) => `-I${folder}`,
  );
  await Promise.all(
    source.files.map((name) =>
      compile(
        compiler,
        [
          ...COMPILE_FLAGS,
          ...includes,
          '-c',
          path.join(source.folder, name),
          '-o',
          path.join(objects, `${name}.o`),
        ],
        signal,
      ),
    ),
  );
  const compiled = source.files.map((name) => path.join(objects, `${name}.o`));
  await compile(compiler, [...compiled, `-L${libraryFolder}`, ...LINK_FLAGS, '-o', target], signal);
  await rm(objects, { recursive: true });
}

const NO_COMPILER =
  `A C++ compiler is needed once, to build the binding between Node and TensorFlow; none of ${COMPILERS.join(', ')} was found. ` +
  'Install one (Debian, Ubuntu: `sudo apt install g++`; Fedora: `sudo dnf install gcc-c++`; Arch: `sudo pacman -S gcc`; ' +
  'or set CXX to the path of yours) and install the engine again: what was downloaded is kept.';

/** The first C++ compiler that runs: `$CXX`, then the usual names. */
export async function findCompiler(): Promise<string | null> {
  const chosen = process.env.CXX;
  for (const name of chosen !== undefined && chosen !== '' ? [chosen, ...COMPILERS] : COMPILERS)
    if ((await runProgram(name, ['--version'], { timeoutMs: 30_000 })).code === 0) return name;
  return null;
}

async function compile(compiler: string, args: string[], signal: AbortSignal | undefined): Promise<void> {
  const result = await runProgram(compiler, args, { signal });
  if (result.code !== 0)
    throw installFailed(
      `${compiler} could not build the binding between Node and TensorFlow (C++17 is needed). It said:\n${lastLines(result.stderr, 6)}`,
    );
}

/** The N-API headers that come with Node's npm package and with Node's own installation. */
async function nodeHeaders(): Promise<string> {
  const folders = [nodeExecutable(), process.execPath].map((node) =>
    path.resolve(path.dirname(node), '..', 'include', 'node'),
  );
  const found = folders.find((folder) => existsSync(path.join(folder, 'node_api.h')));
  if (found === undefined)
    throw installFailed(
      `Node's header node_api.h was expected in ${folders[0]}. Run \`npm ci\` to restore it.`,
    );
  return found;
}
