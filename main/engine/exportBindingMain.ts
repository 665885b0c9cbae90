/**
 * The program that packaging runs: copies the compiled binding of an installed engine, with what it was compiled for,
 * into the folder named by its argument. A package brings it along, so that its users need no compiler.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BINDING_FILE, type PrebuiltBinding } from './binding.ts';
import { findEngine } from './installed.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('The folder to copy the binding into was expected as the only argument.');

// The binding of either engine will do: both are compiled against the same C API.
const engine = (await findEngine('tensorflow-cpu')) ?? (await findEngine('tensorflow-gpu'));
if (engine === null) {
  console.error(
    'No engine is installed, so there is no compiled binding to ship. Run `reslt engine install` first.',
  );
  process.exitCode = 1;
} else {
  await mkdir(folder, { recursive: true });
  await copyFile(engine.bindingPath, path.join(folder, BINDING_FILE));
  const record: PrebuiltBinding = {
    tensorflowVersion: engine.tensorflowVersion,
    bindingHash: engine.bindingHash,
  };
  await writeFile(path.join(folder, 'binding.json'), `${JSON.stringify(record, null, 2)}\n`);
}
