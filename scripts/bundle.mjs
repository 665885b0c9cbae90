/** Builds one part (see build.mjs), under the pinned Node, once dependencies are installed. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build as esbuild } from 'esbuild';
import { BUNDLED_MODULES } from '../main/paths.ts';
import { dependency, root } from './lib.mjs';
import { writeNotices } from './notices.mjs';

/** Packages with native parts are shipped as they are (electron-builder.yml); everything else goes into the bundles. */
const EXTERNAL = ['electron', 'better-sqlite3', 'sharp'];

const NOTICES = 'third-party-licences.txt';

/** What the sources use and CommonJS, or the Node 16 of the oldest Electron that the app runs in, does not have. */
const DESKTOP_BANNER = `
const importMetaUrl = typeof __filename === 'undefined' ? '' : require('url').pathToFileURL(__filename).href;
if (process.type === 'browser') require('os').availableParallelism ??= () => require('os').cpus().length;
`;

const builders = { renderer: buildRenderer, desktop: buildDesktop, 'node-app': buildNodeApp };

async function buildRenderer() {
  const { build } = await import('vite');
  const { output } = await build({
    root: path.join(root, 'renderer'),
    configFile: path.join(root, 'vite.config.ts'),
    logLevel: 'warn',
  });
  await writeNotices(
    output.flatMap(({ moduleIds }) => moduleIds ?? []).map((id) => id.replace(/^\0|\?.*$/g, '')),
    path.join(root, 'out', 'renderer', NOTICES),
  );
}

/** CommonJS, which every Electron takes; the sandboxed preload has to be one such file. */
async function buildDesktop() {
  await esbuild({
    absWorkingDir: root,
    entryPoints: { main: 'main/index.ts', preload: 'preload/index.ts' },
    outdir: 'out/desktop',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node16',
    external: EXTERNAL,
    sourcemap: true,
    logLevel: 'warning',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: DESKTOP_BANNER },
  });
}

async function buildNodeApp() {
  const folder = path.join(root, 'out', 'node-app');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile } = await esbuild({
    absWorkingDir: root,
    entryPoints: BUNDLED_MODULES,
    outdir: 'out/node-app/dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Of tfjs' packages, which build for Node counts; all of them must see the same tfjs-core.
    mainFields: ['main'],
    external: EXTERNAL,
    metafile: true,
    logLevel: 'warning',
    // Bundled CommonJS packages use what an ES module does not have by itself.
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; globalThis.require ??= createBundleRequire(import.meta.url); globalThis.__dirname ??= import.meta.dirname;",
    },
  });
  // The desktop's bundle holds a part of these.
  await writeNotices(
    Object.keys(metafile.inputs).map((file) => path.join(root, file)),
    path.join(folder, NOTICES),
  );
  // Loaded from beside the code that asks for it.
  const wasm = 'tfjs-backend-wasm-simd.wasm';
  await copyFile(
    dependency('@tensorflow', 'tfjs-backend-wasm', 'dist', wasm),
    path.join(folder, 'dist', wasm),
  );
  const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  await writeFile(
    path.join(folder, 'package.json'),
    `${JSON.stringify({ name, version, license, private: true, type: 'module' }, null, 2)}\n`,
  );
  await writeFile(path.join(folder, 'reslt'), LAUNCHER);
  await chmod(path.join(folder, 'reslt'), 0o755);
  await writeFile(path.join(folder, 'reslt.cmd'), '@"%~dp0bin\\node.exe" "%~dp0dist\\cli.mjs" %*\r\n');
}

/** Works through links, so that it can be linked into a folder on PATH. */
const LAUNCHER = `#!/bin/sh
file=$0
while [ -h "$file" ]; do
  target=$(readlink "$file")
  case $target in /*) file=$target ;; *) file=$(dirname "$file")/$target ;; esac
done
here=$(cd "$(dirname "$file")" && pwd)
exec "$here/bin/node" "$here/dist/cli.mjs" "$@"
`;

try {
  await builders[process.argv[2]]();
} catch (error) {
  // esbuild has printed its errors already.
  if (error.errors === undefined || process.argv[2] === 'renderer') console.error(error.message);
  process.exitCode = 1;
}
