/** `reslt bench loader`: how fast this machine prepares photographs, beside Pillow where it is installed. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createLoaderBenchmark, findImages, type DecodeMode } from '../datasets/photographs/benchLoader.ts';
import { assetsFolder, entry } from '../paths.ts';
import { CliError, usageError } from './cliError.ts';
import { startLineProcess, type LineProcess } from './lineProcess.ts';
import { count, table, type Output } from './output.ts';

const MODES: readonly DecodeMode[] = ['exact', 'scaled'];
/** The best round counts: what else the machine does can only slow a round down. */
const ROUNDS = 5;
/** Enough for a steady number, and few enough to stay in the system's file cache. */
const MAX_IMAGES = 1000;
/** The Python that is tried when none is named. */
const USUAL_PYTHON = 'python3';

export interface LoaderOptions {
  images: string;
  peer?: string;
}

interface LoaderResult {
  decode: DecodeMode;
  imagesPerSecondPerCore: number;
  peer: { name: string; imagesPerSecondPerCore: number } | null;
  ratio: number | null;
}

/** Ours and Pillow in a process each, taking turns. */
export async function benchLoader(output: Output, options: LoaderOptions): Promise<void> {
  const folder = path.resolve(options.images);
  const files = await findImages(folder, MAX_IMAGES).catch((error: NodeJS.ErrnoException) => {
    throw usageError(
      `--images expects a folder with photographs, and ${folder} cannot be read (${error.code}).`,
    );
  });
  if (files.length === 0)
    throw usageError(`--images expects a folder with .jpg, .png or .webp files, and ${folder} has none.`);
  const results = await measure(files, options.peer, output);
  output.result(results, () =>
    table(
      ['decode', 'images/s per core', 'peer', 'peer images/s per core', 'ratio'],
      results.map((one) => [
        one.decode,
        count(Math.round(one.imagesPerSecondPerCore)),
        one.peer?.name ?? '–',
        one.peer === null ? '–' : count(Math.round(one.peer.imagesPerSecondPerCore)),
        one.ratio === null ? '–' : one.ratio.toFixed(2),
      ]),
    ),
  );
}

async function measure(
  files: readonly string[],
  python: string | undefined,
  output: Output,
): Promise<LoaderResult[]> {
  const { command, args } = entry('cli');
  const list = `${files.join('\n')}\n`;
  const peer = await startPeer(python);
  const own = startLineProcess(command, [...args, 'bench', 'loader-worker'], {});
  try {
    const answer = async (child: LineProcess, line: string): Promise<number> =>
      ((await child.ask(line)) as { imagesPerSecondPerCore: number }).imagesPerSecondPerCore;
    // The first line of each child's work comes after the list, and warms caches and compilers up.
    const best = new Map<DecodeMode, { own: number; peer: number }>(
      MODES.map((mode) => [mode, { own: 0, peer: 0 }]),
    );
    await own.ask(`${list}\n${MODES[0]}`);
    await own.ask(MODES[1]!);
    await peer?.child.ask(`${list}\n${MODES[0]}`);
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const mode of MODES) {
        output.progress(`decode ${mode}: round ${round} of ${ROUNDS}, ${files.length} images`);
        const rates = best.get(mode)!;
        rates.own = Math.max(rates.own, await answer(own, mode));
        if (peer) rates.peer = Math.max(rates.peer, await answer(peer.child, mode));
      }
    }
    output.endProgress();
    return MODES.map((decode) => {
      const rates = best.get(decode)!;
      return {
        decode,
        imagesPerSecondPerCore: rates.own,
        peer: peer && { name: peer.name, imagesPerSecondPerCore: rates.peer },
        ratio: peer && rates.own / rates.peer,
      };
    });
  } catch (error) {
    throw new CliError(`The measurement failed: ${(error as Error).message}`, { code: 'internal' });
  } finally {
    own.end();
    peer?.child.end();
  }
}

/** Pillow's process. A Python that was named must have it; the usual one need not even be there. */
async function startPeer(python: string | undefined): Promise<{ child: LineProcess; name: string } | null> {
  const child = startLineProcess(
    python ?? USUAL_PYTHON,
    [path.join(assetsFolder(), 'bench', 'pillow_loader.py')],
    {},
  );
  try {
    return { child, ...((await child.read()) as { name: string }) };
  } catch (error) {
    child.end();
    if (python === undefined) return null;
    throw new CliError(`${python} cannot run Pillow and NumPy: ${(error as Error).message}`, {
      code: 'internal',
    });
  }
}

/** The child: takes the files, then answers each decode mode on its input with what it measured. */
export async function benchLoaderWorker(): Promise<void> {
  const files: string[] = [];
  let benchmark: ReturnType<typeof createLoaderBenchmark> | null = null;
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      if (benchmark === null) {
        if (line === '') benchmark = createLoaderBenchmark(files);
        else files.push(line);
        continue;
      }
      const measured = await benchmark.run(line as DecodeMode);
      process.stdout.write(`${JSON.stringify(measured)}\n`);
    }
  } finally {
    // Open input and threads would keep the process alive, and whoever waits for an answer waiting.
    process.stdin.destroy();
    await benchmark?.close();
  }
}
