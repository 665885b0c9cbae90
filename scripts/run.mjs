/** `node scripts/run.mjs FILE [ARGUMENT…]`: runs a TypeScript file of ours with the pinned Node, installed when needed. */
import { runNode, say } from './lib.mjs';
import { ensureDependencies } from './dependencies.mjs';

const [file, ...args] = process.argv.slice(2);
try {
  if (file === undefined) throw new Error('A file was expected: node scripts/run.mjs FILE [ARGUMENT…]');
  await ensureDependencies();
  process.exitCode = (await runNode(file, args)).code;
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
