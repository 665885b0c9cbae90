/**
 * Builds what can't run as source: the page (`renderer` → out/renderer), Electron's main and preload (`desktop` →
 * out/desktop/*.cjs) and the packaged app's Node programs (`node-app` → out/node-app). A part is built again only when
 * one of its inputs was touched. `node scripts/build.mjs [PART…]` builds the parts named, or all, in any case.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';
import { fingerprint, readStamp, root, runNode, say, writeStamp } from './lib.mjs';

const COMMON = ['package.json', 'package-lock.json', 'scripts/bundle.mjs', 'scripts/notices.mjs'];
const PARTS = {
  renderer: {
    title: 'the page',
    inputs: [...COMMON, 'renderer', 'preload/contract.ts', 'vite.config.ts'],
    output: 'out/renderer/index.html',
  },
  desktop: {
    title: 'the desktop shell',
    inputs: [...COMMON, 'main', 'preload'],
    output: 'out/desktop/main.cjs',
  },
  'node-app': {
    title: 'the packaged programs',
    inputs: [...COMMON, 'main', 'preload'],
    output: 'out/node-app/package.json',
  },
};

/** Builds those parts whose inputs changed since they were built. Throws an Error when a build fails. */
export async function buildStale(parts, { force = false } = {}) {
  for (const name of parts) {
    const { title, inputs, output } = PARTS[name];
    const current = fingerprint(...inputs);
    if (!force && readStamp(name) === current && existsSync(path.join(root, output))) continue;
    say(`Building ${title} …`);
    const { code } = await runNode(path.join(root, 'scripts', 'bundle.mjs'), [name], {
      stdio: ['ignore', 2, 2],
    });
    if (code !== 0) throw new Error(`Building ${title} failed (the reason is above).`);
    writeStamp(name, current);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !(name in PARTS));
  try {
    if (unknown !== undefined)
      throw new Error(
        `There is no part "${unknown}" to build: the parts are ${Object.keys(PARTS).join(', ')}.`,
      );
    await ensureDependencies();
    await buildStale(asked.length > 0 ? asked : Object.keys(PARTS), { force: true });
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
