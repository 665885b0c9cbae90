/**
 * Makes a checkout ready: dependencies, native engine, bundles; each only when missing or stale. `npm start` and
 * `npm test` begin with it; `node scripts/setup.mjs` does it alone. What can't be had (an engine without a network) is
 * said in a sentence, and the app goes on without it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildStale } from './build.mjs';
import {
  dependency,
  nodeIn,
  nodePackage,
  readStamp,
  root,
  run,
  runNode,
  say,
  windows,
  writeStamp,
} from './lib.mjs';

/** A failed installation of the engine is tried again after this long; until then the app starts without waiting. */
const ENGINE_RETRY_MS = 24 * 60 * 60_000;

/** Installs what `npm ci` would, when node_modules is missing or is not what package-lock.json says. */
export async function ensureDependencies() {
  const lock = readFileSync(path.join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  // Inside node_modules, so that it goes when they go.
  const stamp = dependency('.reslt-lock-hash');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  if (!matchesInstalled(JSON.parse(lock.toString('utf8')))) {
    say(
      existsSync(dependency())
        ? 'The dependencies changed: installing them with npm ci …'
        : 'Installing the dependencies with npm ci (about 250 MB, once) …',
    );
    const code = await runNpmCi();
    if (code !== 0)
      throw new Error(
        'npm ci failed (its output is above). Check the network and the registry in your npm configuration, then start again.',
      );
  }
  writeFileSync(stamp, hash);
}

/** Whether node_modules holds exactly the locked versions, as after `npm install` by hand. */
function matchesInstalled(lock) {
  let installed;
  try {
    installed = JSON.parse(readFileSync(dependency('.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  if (nodePackage !== undefined && installed[`node_modules/${nodePackage}`] === undefined) return false;
  return Object.entries(lock.packages).every(([name, { version, optional }]) => {
    if (name === '') return true;
    const found = installed[name];
    return found === undefined ? optional === true : found.version === version;
  });
}

/** npm's own output goes to stderr: stdout belongs to the program that is started afterwards. */
async function runNpmCi() {
  const stdio = ['ignore', 2, 2];
  const bootstrap = needsOtherNode() ? await bootstrapNode() : null;
  try {
    const cli = npmCli();
    const command = bootstrap ?? process.execPath;
    const result =
      cli === null
        ? await run(windows ? 'npm.cmd' : 'npm', ['ci', '--include=optional'], { stdio, shell: windows })
        : await run(command, [cli, 'ci', '--include=optional'], { stdio });
    return result.code;
  } finally {
    if (bootstrap !== null) rmSync(path.resolve(bootstrap, '../../../..'), { recursive: true, force: true });
  }
}

/**
 * npm leaves out optional packages whose `engines` the Node that runs npm does not meet, and the build tools' binaries
 * are such packages: they want 20.19 or 22.12.
 */
function needsOtherNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return (
    nodePackage !== undefined &&
    (major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 12))
  );
}

/** Gets the pinned Node into a temporary folder, to run npm with; null when that fails. */
async function bootstrapNode() {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const version = packages[`node_modules/${nodePackage}`]?.version;
  say(`This is Node ${process.version}; getting Node ${version} to install the dependencies with …`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reslt-node-'));
  const args = [
    'install',
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `--prefix=${folder}`,
  ];
  await run(windows ? 'npm.cmd' : 'npm', [...args, `${nodePackage}@${version}`], {
    stdio: ['ignore', 2, 2],
    shell: windows,
  });
  const node = nodeIn(path.join(folder, 'node_modules', nodePackage));
  if (existsSync(node)) return node;
  rmSync(folder, { recursive: true, force: true });
  return null;
}

/** npm's script: the one that runs us, or the one beside this Node; null when it is only a command on PATH. */
function npmCli() {
  const candidates = [
    process.env.npm_execpath,
    path.resolve(process.execPath, '../../lib/node_modules/npm/bin/npm-cli.js'),
    path.resolve(process.execPath, '../node_modules/npm/bin/npm-cli.js'),
  ];
  return (
    candidates.find((file) => file !== undefined && /npm-cli\.c?js$/.test(file) && existsSync(file)) ?? null
  );
}

/** Installs the native engine when there is none. Never fails: without it the app computes with WebAssembly. */
export async function ensureEngine() {
  const key = `${process.env.RESLT_ENGINE_HOME ?? ''}|${process.env.XDG_DATA_HOME ?? ''}|${fingerprintOfBinding()}`;
  const known = readStamp('engine');
  if (known?.key === key) {
    if (known.folder !== null && existsSync(path.join(known.folder, 'engine.json'))) return;
    if (known.folder === null && Date.now() - known.atMs < ENGINE_RETRY_MS) {
      say(
        `No native engine: ${known.reason} WebAssembly is used. \`npm run reslt -- engine install\` tries again.`,
      );
      return;
    }
  }
  const report = path.join(mkdtempSync(path.join(os.tmpdir(), 'reslt-engine-')), 'report.json');
  await runNode(path.join(root, 'main', 'engine', 'setupMain.ts'), [report], { stdio: ['ignore', 2, 2] });
  const result = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { folder: null, reason: 'its installation was broken off.' };
  rmSync(path.dirname(report), { recursive: true, force: true });
  writeStamp('engine', { key, atMs: Date.now(), ...result });
}

function fingerprintOfBinding() {
  return JSON.parse(readFileSync(dependency('@tensorflow', 'tfjs-node-gpu', 'package.json'), 'utf8')).version;
}

/**
 * All of it, for `parts` of the build (see build.mjs). Throws an Error with a sentence when the checkout can't be made
 * ready.
 */
export async function setUp({ parts = ['renderer', 'desktop'], engine = true } = {}) {
  await ensureDependencies();
  if (engine) await ensureEngine();
  await buildStale(parts);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await setUp();
    say('Ready: `npm start` starts ResLT Studio, `npm test` tests it.');
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
