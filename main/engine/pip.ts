/**
 * Takes a wheel through the user's own pip, which brings the user's configuration along: mirrors, proxies,
 * certificates, offline folders. pip downloads to a temporary folder of ours, whose growth is the progress, because
 * its progress bar differs from version to version.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { installFailed } from './errors.ts';
import { lastLines, runProgram } from './process.ts';

const PIP_COMMANDS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['python', '-m', 'pip'],
];

/** CPythons that TensorFlow has wheels for: only the libraries in them are used, so any will do. */
const PYTHON_VERSIONS = ['3.13', '3.12', '3.11', '3.10'];
const PLATFORM = 'manylinux_2_27_x86_64';
const WATCH_INTERVAL_MS = 500;
/** Start of the name of pip's working folders, inside the downloads folder. */
export const PIP_FOLDER = '.pip-';

export interface PipDownload {
  /** `tensorflow-cpu==2.21.0`. */
  requirement: string;
  /** The wheel is put here under its own name, only once it is whole. */
  folder: string;
  onProgress: (message: string, doneBytes: number, totalBytes: number | null) => void;
  signal: AbortSignal | undefined;
}

/** A pip that runs, as a command, or null. */
export async function findPip(): Promise<readonly string[] | null> {
  for (const command of PIP_COMMANDS) {
    const result = await runProgram(command[0]!, [...command.slice(1), '--version'], { timeoutMs: 30_000 });
    if (result.code === 0) return command;
  }
  return null;
}

/** Downloads one wheel and returns its path. Throws an EngineError with pip's own last words. */
export async function downloadWithPip(pip: readonly string[], download: PipDownload): Promise<string> {
  await mkdir(download.folder, { recursive: true });
  const work = await mkdtemp(path.join(download.folder, PIP_FOLDER));
  try {
    let output = await runPip(pip, [], work, download);
    // pip's own Python may be one that TensorFlow has no wheel for: then ask for another's.
    for (const version of PYTHON_VERSIONS) {
      if (output === null || !hasOtherVersions(output)) break;
      const target = ['--python-version', version, '--implementation', 'cp', '--platform', PLATFORM];
      output = await runPip(pip, target, work, download);
    }
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    if (output !== null || wheel === undefined)
      throw installFailed(
        `pip could not download ${download.requirement}. It said:\n${lastLines(output ?? '', 4)}`,
      );
    const target = path.join(download.folder, wheel);
    await rename(path.join(work, wheel), target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Runs one `pip download`; null when it worked, else what pip said. */
async function runPip(
  pip: readonly string[],
  target: readonly string[],
  work: string,
  { requirement, onProgress, signal }: PipDownload,
): Promise<string | null> {
  const temporary = path.join(work, 'tmp');
  await mkdir(temporary, { recursive: true });
  let totalBytes: number | null = null;
  const watch = setInterval(() => {
    folderSize(temporary).then(
      (size) => onProgress(`Downloading ${requirement} with pip`, size, totalBytes),
      () => undefined,
    );
  }, WATCH_INTERVAL_MS);
  try {
    const result = await runProgram(
      pip[0]!,
      [
        ...pip.slice(1),
        'download',
        '--no-deps',
        '--only-binary=:all:',
        '--progress-bar=off',
        `--dest=${work}`,
        ...target,
        requirement,
      ],
      {
        env: {
          ...process.env,
          TMPDIR: temporary,
          PIP_NO_INPUT: '1',
          PYTHONUNBUFFERED: '1',
          LC_ALL: 'C.UTF-8',
        },
        signal,
        onOutput: (text) => {
          totalBytes = announcedSize(text) ?? totalBytes;
        },
      },
    );
    return result.code === 0 ? null : result.stderr;
  } finally {
    clearInterval(watch);
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The size in pip's line "Downloading x.whl (273.8 MB)", in bytes (pip's units are decimal); null without one. */
export function announcedSize(output: string): number | null {
  const match = /\((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)/.exec(output);
  if (match === null) return null;
  const unit = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] as 'bytes' | 'kB' | 'MB' | 'GB'];
  return Math.round(Number(match[1]) * unit);
}

/** Whether pip reached an index but found no wheel for its own Python. Unreachable indexes say "from versions: none". */
export function hasOtherVersions(output: string): boolean {
  if (/connection|timed? ?out|name resolution|proxy/i.test(output)) return false;
  return /No matching distribution found/.test(output);
}

async function folderSize(folder: string): Promise<number> {
  let size = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await stat(path.join(folder, name)).catch(() => null);
    if (found?.isFile() === true) size += found.size;
  }
  return size;
}
