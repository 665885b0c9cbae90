/**
 * The program that scripts/setup.mjs runs when it knows of no engine: installs the one for this machine, with progress
 * on stderr, and writes to the file named by its argument where it is, or why there is none. It always ends with code
 * 0: an app without native engine computes with WebAssembly.
 */
import { writeFileSync } from 'node:fs';
import { enginesFolder } from '../paths.ts';
import { messageOf } from './errors.ts';
import { installEngine } from './install.ts';
import { listEngines } from './installed.ts';
import { createProgressText } from './progressText.ts';
import { selectEngine } from './select.ts';

interface SetupReport {
  /** Where engines are installed, so that the script notices one that is installed later. */
  home: string;
  /** Null when there is no native engine. */
  folder: string | null;
  /** Why there is none, as a sentence. */
  reason: string | null;
}

const [reportFile] = process.argv.slice(2);
if (reportFile === undefined)
  throw new Error('The file to write the report to was expected as the only argument.');

writeFileSync(reportFile, JSON.stringify(await provide()));

async function provide(): Promise<SetupReport> {
  const home = enginesFolder();
  try {
    const selected = await selectEngine('auto');
    if (selected.engine !== null) return { home, folder: selected.engine.folder, reason: null };
    if ((await listEngines()).length === 0)
      process.stderr.write('Installing the native engine (TensorFlow, once for all checkouts) …\n');
    const engine = await installEngine({}, createProgressText(process.stderr));
    return { home, folder: engine.folder, reason: null };
  } catch (error) {
    const message = messageOf(error);
    process.stderr.write(`\nThe native engine was not installed: ${message}\n`);
    return { home, folder: null, reason: message.split('\n', 1)[0]! };
  }
}
