/** Installs the npm packages when they are missing or are not what package-lock.json says. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dependency, nodeIn, nodePackage, root, run, say, windows } from './lib.mjs';

/** Only errors: warnings about the engines of single packages say nothing to the user. */
const NPM_CI = ['ci', '--include=optional', '--loglevel=error'];

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
        : 'Installing the dependencies with npm ci (850 MB on disk, once) …',
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
        ? await run(windows ? 'npm.cmd' : 'npm', NPM_CI, { stdio, shell: windows })
        : await run(command, [cli, ...NPM_CI], { stdio });
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
