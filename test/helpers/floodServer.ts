/**
 * Headless mode whose trainers are floods (floodTrainer.ts): everything between a trainer's journal and the page is real,
 * only nothing is computed. `node test/helpers/floodServer.ts --library DIR`; RESLT_FLOOD says what the trainers do.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startHttpServer } from '../../main/headless/httpServer.ts';
import { libraryId } from '../../main/owner/socketPath.ts';
import { rendererFolder } from '../../main/paths.ts';
import { openServices } from '../../main/services.ts';

const { library } = parseArgs({ options: { library: { type: 'string' } } }).values;
if (library === undefined) throw new Error('floodServer expects --library DIR.');

const services = await openServices({
  libraryFolder: library,
  shell: 'headless',
  trainer: { command: process.execPath, args: [path.join(import.meta.dirname, 'floodTrainer.ts')] },
});
const server = await startHttpServer({
  services,
  rendererFolder: rendererFolder(),
  libraryId: libraryId(library),
  port: 0,
});
process.stdout.write(`ResLT Studio is at ${server.pageUrl()}\n`);
process.once('SIGTERM', () => void server.close().then(() => services.close()));
