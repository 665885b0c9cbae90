/**
 * `reslt serve`: owns a library and serves the app to browsers on this machine, until it is asked to end. With
 * `exitWhenIdle` it ends by itself when nothing is queued or running and nobody is connected; that is how the command
 * line starts an owner.
 */
import { connectToOwner } from '../owner/client.ts';
import { libraryId } from '../owner/socketPath.ts';
import { rendererFolder } from '../paths.ts';
import { openServices, type Services } from '../services.ts';
import { StudioError } from '../store/errors.ts';
import { startHttpServer, type HttpServer } from './httpServer.ts';

export interface ServeOptions {
  libraryFolder: string;
  /** 0 for a free one. */
  port: number;
  exitWhenIdle: boolean;
}

/**
 * Nobody is connected for this long: it ends. Long enough for the next command of a script, and for whoever started it to
 * connect.
 */
const IDLE_GRACE_MS = 5000;

/**
 * Serves until SIGINT, SIGTERM or SIGHUP, or until it is idle; trainings go on. Prints the page's address on stdout once it can be
 * opened. Throws StudioError `library-busy`, which says how to reach the owner that the library has.
 */
export async function serve({ libraryFolder, port, exitWhenIdle }: ServeOptions): Promise<void> {
  const services = await openOrExplain(libraryFolder);
  let server: HttpServer;
  try {
    server = await startHttpServer({
      services,
      rendererFolder: rendererFolder(),
      libraryId: libraryId(libraryFolder),
      port,
    });
  } catch (error) {
    await services.close();
    throw explainPort(error, port);
  }
  services.offerPage(server.url, () => server.pageUrl());
  process.stdout.write(`ResLT Studio is at ${server.pageUrl()}\n`);
  await untilTheEnd(services, server, exitWhenIdle);
  await server.close();
  await services.close();
}

async function openOrExplain(libraryFolder: string): Promise<Services> {
  try {
    return await openServices({ libraryFolder, shell: 'headless' });
  } catch (error) {
    if (!(error instanceof StudioError && error.code === 'library-busy')) throw error;
    const owner = await connectToOwner(libraryFolder);
    const page = owner === null ? null : await owner.pageUrl();
    await owner?.close();
    throw page === null
      ? error
      : new StudioError('library-busy', `${error.message}\nResLT Studio is at ${page}`, error.details, {
          cause: error,
        });
  }
}

function explainPort(error: unknown, port: number): unknown {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ? new StudioError(
        'conflict',
        `Port ${port} is taken by another program. Choose another with --port, or 0 for a free one.`,
      )
    : error;
}

function untilTheEnd(services: Services, server: HttpServer, exitWhenIdle: boolean): Promise<void> {
  return new Promise((resolve) => {
    const leave: (() => void)[] = [];
    const end = (): void => {
      for (const step of leave) step();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, end);
      leave.push(() => void process.off(signal, end));
    }
    if (!exitWhenIdle) return;
    let timer: NodeJS.Timeout | null = null;
    const isIdle = (): boolean => services.isIdle() && server.pageCount() === 0;
    const look = (): void => {
      if (timer !== null || !isIdle()) return;
      timer = setTimeout(() => {
        timer = null;
        if (isIdle()) end();
      }, IDLE_GRACE_MS);
    };
    leave.push(services.onIdle(look), () => clearTimeout(timer ?? undefined));
    server.onPageGone(look);
    look();
  });
}
