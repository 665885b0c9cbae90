/**
 * `npm start [-- --headless] [--library DIR] [--port N]`: makes the checkout ready and starts the app: the desktop
 * window when there is a display and an Electron binary, else headless, with a sentence that says why and the address.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root, run, runNode, say } from './lib.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { setUp } from './setup.mjs';
import { downloadElectron, findElectron, hasDisplay, sandboxArguments } from './tools.mjs';

/** An Electron that ends with an error this soon could not show its window at all. */
const START_FAILURE_MS = 5_000;

async function start() {
  const { values } = parseArgs({
    options: {
      headless: { type: 'boolean', default: false },
      library: { type: 'string' },
      port: { type: 'string' },
    },
  });
  const library = values.library === undefined ? [] : ['--library', path.resolve(values.library)];
  await ensureDependencies();
  let whyHeadless = null;
  if (!values.headless) {
    whyHeadless = hasDisplay() ? null : 'There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)';
    const electron = whyHeadless === null ? (findElectron() ?? (await downloadElectron())) : null;
    if (electron !== null) {
      await setUp({ parts: ['renderer', 'desktop'] });
      const startedAtMs = Date.now();
      const { code } = await run(electron, [...sandboxArguments(), root, ...library]);
      if (code === 0 || Date.now() - startedAtMs > START_FAILURE_MS) return code;
      whyHeadless = `The desktop app could not start (Electron ended with code ${code}; its words are above)`;
    }
    whyHeadless ??=
      'Electron’s binary is not here and could not be downloaded (`npx install-electron` tries again)';
    say(`${whyHeadless}: serving the app to your browser instead.`);
  }
  await setUp({ parts: ['renderer'] });
  const port = values.port === undefined ? [] : ['--port', values.port];
  return (await runNode(path.join(root, 'main', 'headless.ts'), [...library, ...port])).code;
}

try {
  process.exitCode = await start();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
