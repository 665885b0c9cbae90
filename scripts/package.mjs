/**
 * `npm run package [-- ARGUMENT…]`: packages the app for this system with electron-builder, to which all arguments go
 * (`--dir`: an unpacked folder only). electron-builder.yml says what is in the package and calls the hooks below.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildStale } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { dependency, root, runNode, say } from './lib.mjs';
import { ensureEngine } from './setup.mjs';

/** Native engines exist for Linux on x64 only; elsewhere there is no binding to ship. */
const hasBinding = process.platform === 'linux' && process.arch === 'x64';

/** Makes the parts that are built. False: the node_modules that ship are those that electron-builder.yml lists. */
export async function beforeBuild() {
  await buildStale(['renderer', 'desktop', 'node-app']);
  if (hasBinding) await shipBinding();
  return false;
}

/** The compiled binding, so that users of the package need no compiler. */
async function shipBinding() {
  await ensureEngine();
  const { code } = await runNode(
    path.join(root, 'main', 'engine', 'exportBindingMain.ts'),
    [path.join(root, 'out', 'node-app', 'engine-binding')],
    { stdio: ['ignore', 2, 2] },
  );
  if (code !== 0)
    throw new Error('The package needs the compiled binding of an engine (the reason is above).');
}

/**
 * Pages come from app:// only, so file:// gets no extra rights. Not in electron-builder.yml, since Electron knows this
 * fuse from version 29 on, and electron-builder refuses to set one that is not there.
 */
export async function afterPack({ appOutDir, electronPlatformName, packager }) {
  const { flipFuses, FuseV1Options, FuseVersion, getCurrentFuseWire } = await import('@electron/fuses');
  const name = packager.appInfo.productFilename;
  const binaries = { darwin: `${name}.app`, win32: `${name}.exe`, linux: packager.executableName };
  const binary = path.join(appOutDir, binaries[electronPlatformName]);
  const fuse = FuseV1Options.GrantFileProtocolExtraPrivileges;
  if (fuse in (await getCurrentFuseWire(binary)))
    await flipFuses(binary, { version: FuseVersion.V1, [fuse]: false });
}

/** Another Electron than the npm package's own, as for `npm start`: its folder says which version it is. */
function electronOverride() {
  const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (!folder) return [];
  const file = path.join(folder, 'version');
  const version = existsSync(file) ? readFileSync(file, 'utf8').trim() : path.basename(folder);
  if (!/^v?\d+\.\d+\.\d+/.test(version))
    throw new Error(
      `ELECTRON_OVERRIDE_DIST_PATH is ${folder}, and its version was expected in ${file} or as the folder’s name.`,
    );
  say(`Packaging with Electron ${version} from ${folder}, as ELECTRON_OVERRIDE_DIST_PATH says.`);
  return [`-c.electronDist=${folder}`, `-c.electronVersion=${version.replace(/^v/, '')}`];
}

async function main() {
  await ensureDependencies();
  const args = process.argv.slice(2);
  const names = args.some((word) => word.startsWith('-c.electronDist')) ? [] : electronOverride();
  const { code } = await runNode(dependency('electron-builder', 'cli.js'), [
    ...args,
    ...names,
    '--publish=never',
  ]);
  return code;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.exitCode = await main();
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
