/**
 * Makes a checkout ready: dependencies, native engine, bundles; each only when missing or stale. `npm start` and
 * `npm test` begin with it; `node scripts/setup.mjs` does it alone. What can't be had (an engine without a network) is
 * said in a sentence, and the app goes on without it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildStale } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { dependency, readStamp, root, runNode, say, writeStamp } from './lib.mjs';

/** A failed installation of the engine is tried again after this long; until then the app starts without waiting. */
const ENGINE_RETRY_MS = 24 * 60 * 60_000;

/** Installs the native engine when there is none. Never fails: without it the app computes with WebAssembly. */
export async function ensureEngine() {
  const key = `${process.env.RESLT_ENGINE_HOME ?? ''}|${process.env.XDG_DATA_HOME ?? ''}|${fingerprintOfBinding()}`;
  const known = readStamp('engine');
  if (known?.key === key) {
    if (known.folder !== null && existsSync(path.join(known.folder, 'engine.json'))) return;
    const isRecent = Date.now() - known.atMs < ENGINE_RETRY_MS;
    if (known.folder === null && isRecent && !hasEngine(known.home)) {
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
    : { home: '', folder: null, reason: 'Its installation was broken off.' };
  rmSync(path.dirname(report), { recursive: true, force: true });
  writeStamp('engine', { key, atMs: Date.now(), ...result });
}

/** Whether any engine was installed since, by the command line or another checkout. */
function hasEngine(home) {
  if (!existsSync(home)) return false;
  return readdirSync(home).some(
    (name) => name.startsWith('tensorflow-') && existsSync(path.join(home, name, 'engine.json')),
  );
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
