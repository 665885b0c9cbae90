/** Entry of the headless app: `node main/headless.ts [--library DIR] [--port N] [--exit-when-idle]`. */
import { parseArgs } from 'node:util';
import { toApiError } from './apiErrors.ts';
import { serve } from './headless/serve.ts';
import { defaultLibraryFolder } from './paths.ts';

const USAGE = 'Usage: headless [--library DIR] [--port N] [--exit-when-idle]';

function readOptions(): { libraryFolder: string; port: number; exitWhenIdle: boolean } | string {
  try {
    const { values } = parseArgs({
      options: {
        library: { type: 'string' },
        port: { type: 'string', default: '0' },
        'exit-when-idle': { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      return `--port must be a whole number from 0 to 65535, not ${values.port}.`;
    return {
      libraryFolder: values.library ?? defaultLibraryFolder(),
      port,
      exitWhenIdle: values['exit-when-idle'],
    };
  } catch (error) {
    return (error as Error).message;
  }
}

const options = readOptions();
if (typeof options === 'string') {
  process.stderr.write(`${options}\n${USAGE}\n`);
  process.exitCode = 2;
} else {
  try {
    await serve(options);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${toApiError(error).message}\n`);
    process.exit(1);
  }
}
