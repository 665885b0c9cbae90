#!/usr/bin/env node
/** The command line from a checkout: `npm run -s reslt -- …`, or this file linked into a folder on PATH. */
import path from 'node:path';
import { root, runNode, say } from './lib.mjs';
import { ensureDependencies } from './dependencies.mjs';

try {
  await ensureDependencies();
  const { code } = await runNode(path.join(root, 'main', 'cli.ts'), process.argv.slice(2), {
    cwd: process.cwd(),
  });
  process.exitCode = code;
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
