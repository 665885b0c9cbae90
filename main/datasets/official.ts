/**
 * Where known datasets come from: their official downloads, and places on this machine where they often lie already.
 * A download can be interrupted and goes on where it stopped; what arrives is checked against the published MD5.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TaskOptions } from './newDataset.ts';
import type { DatasetKind } from './source.ts';

export interface OfficialFile {
  url: string;
  name: string;
  md5: string;
  sizeBytes: number;
}

export interface OfficialDataset {
  kind: Extract<DatasetKind, 'cifar-10' | 'cifar-100' | 'fashion-mnist'>;
  title: string;
  description: string;
  host: string;
  sizeBytes: number;
  files: OfficialFile[];
}

const TORONTO = 'www.cs.toronto.edu';
const FASHION = 'fashion-mnist.s3-website.eu-central-1.amazonaws.com';

function official(entry: Omit<OfficialDataset, 'sizeBytes'>): OfficialDataset {
  return { ...entry, sizeBytes: entry.files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

function fashionFile(name: string, md5: string, sizeBytes: number): OfficialFile {
  return { url: `http://${FASHION}/${name}`, name, md5, sizeBytes };
}

export const OFFICIAL_DATASETS: OfficialDataset[] = [
  official({
    kind: 'cifar-10',
    title: 'CIFAR-10',
    description: '60,000 colour images of 32 x 32 in 10 classes, binary version',
    host: TORONTO,
    files: [
      {
        url: `https://${TORONTO}/~kriz/cifar-10-binary.tar.gz`,
        name: 'cifar-10-binary.tar.gz',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        sizeBytes: 170_052_171,
      },
    ],
  }),
  official({
    kind: 'cifar-100',
    title: 'CIFAR-100',
    description: '60,000 colour images of 32 x 32 in 100 classes, binary version',
    host: TORONTO,
    files: [
      {
        url: `https://${TORONTO}/~kriz/cifar-100-binary.tar.gz`,
        name: 'cifar-100-binary.tar.gz',
        md5: '03b5dce01913d631647c71ecec9e9cb8',
        sizeBytes: 168_513_733,
      },
    ],
  }),
  official({
    kind: 'fashion-mnist',
    title: 'Fashion-MNIST',
    description: '70,000 grey images of 28 x 28 in 10 classes',
    host: FASHION,
    files: [
      fashionFile('train-images-idx3-ubyte.gz', '8d4fb7e6c68d591d4c3dfef9ec88bf0d', 26_421_880),
      fashionFile('train-labels-idx1-ubyte.gz', '25c81989df183df01b3e8a0aad5dffbe', 29_515),
      fashionFile('t10k-images-idx3-ubyte.gz', 'bef4ecab320f06d8554ea6380940ec79', 4_422_102),
      fashionFile('t10k-labels-idx1-ubyte.gz', 'bb300cfdad3c16e7a12a480ee83cd310', 5_148),
    ],
  }),
];

/** A download that did not succeed. The sentence says why, and that a path can be given instead. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly code = 'not-found';
}

/** A host that sends nothing for so long is taken for gone. */
const STALL_MS = 30_000;

/** Downloads an official dataset into a folder and returns the path to register. Throws DownloadError. */
export async function downloadOfficial(
  kind: OfficialDataset['kind'],
  folder: string,
  options: TaskOptions = {},
): Promise<{ path: string }> {
  const { files } = OFFICIAL_DATASETS.find((entry) => entry.kind === kind)!;
  await downloadFiles(files, folder, options);
  return { path: files.length === 1 ? join(folder, files[0]!.name) : folder };
}

/**
 * Downloads files into a folder, one after the other, each to `<name>.part` first. A file that is there with the right
 * checksum is not fetched again, and a part is continued where the host allows it. Throws DownloadError.
 */
export async function downloadFiles(
  files: OfficialFile[],
  folder: string,
  { onProgress, signal }: TaskOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let finishedBytes = 0;
  for (const file of files) {
    const report = (bytes: number) =>
      onProgress?.(Math.min(1, (finishedBytes + bytes) / total), `Downloading ${file.name}`);
    report(0);
    const path = join(folder, file.name);
    if ((await md5Of(path)) !== file.md5) await download(file, path, report, signal);
    finishedBytes += file.sizeBytes;
  }
  onProgress?.(1, 'Downloaded');
}

async function download(
  file: OfficialFile,
  path: string,
  report: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const part = `${path}.part`;
  const done = await sizeOf(part);
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALL_MS);
  const signals = [stalled.signal, ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(file.url, {
      headers: done > 0 ? { range: `bytes=${done}-` } : {},
      signal: AbortSignal.any(signals),
    });
    // 416: nothing lies beyond what is here, so it may be whole; the checksum decides.
    if (response.status !== 416) {
      if (!response.ok || response.body === null) {
        throw new DownloadError(
          `${new URL(file.url).host} answered ${response.status} for ${file.name}. ${INSTEAD}`,
        );
      }
      const continued = response.status === 206;
      let received = continued ? done : 0;
      const counted = async function* (source: AsyncIterable<Uint8Array>) {
        for await (const chunk of source) {
          timer.refresh();
          received += chunk.length;
          report(received);
          yield chunk;
        }
      };
      await pipeline(response.body, counted, createWriteStream(part, { flags: continued ? 'a' : 'w' }));
    }
  } catch (error) {
    if (error instanceof DownloadError || signal?.aborted === true) throw error;
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw error;
    const why = stalled.signal.aborted ? `nothing came for ${STALL_MS / 1000} s` : (code ?? message);
    throw new DownloadError(
      `${file.name} could not be downloaded from ${new URL(file.url).host} (${why}). ${INSTEAD} What has arrived is kept.`,
    );
  } finally {
    clearTimeout(timer);
  }
  const md5 = await md5Of(part);
  if (md5 !== file.md5) {
    await rm(part, { force: true });
    throw new DownloadError(
      `${file.name} arrived with the MD5 ${md5}, but ${file.md5} was expected, so it was thrown away. Try again. ${INSTEAD}`,
    );
  }
  await rename(part, path);
}

const INSTEAD = 'You can also download it elsewhere and give its path instead.';

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (file) => file.size,
    () => 0,
  );
}

/** MD5 of a file, null when it does not exist. */
async function md5Of(path: string): Promise<string | null> {
  if ((await sizeOf(path)) === 0) return null;
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Folders and archives of known datasets, looked for in the usual places (a look at names only). */
const USUAL_NAMES: [OfficialDataset['kind'], string[]][] = [
  ['cifar-10', ['cifar-10-batches-bin', 'cifar-10-binary.tar.gz']],
  ['cifar-100', ['cifar-100-binary', 'cifar-100-binary.tar.gz']],
  ['fashion-mnist', ['fashion-mnist']],
];

/** Known datasets that lie on this machine already. `folders` null: the usual places. */
export async function findLocalDatasets(
  folders: string[] | null = null,
): Promise<{ kind: OfficialDataset['kind']; path: string }[]> {
  const home = homedir();
  const places = folders ?? [
    '/usr/share/datasets',
    join(home, 'datasets'),
    join(home, 'data'),
    join(home, 'Downloads'),
  ];
  const found = [];
  for (const [kind, names] of USUAL_NAMES) {
    for (const path of places.flatMap((place) => names.map((name) => join(place, name)))) {
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (!isThere) continue;
      found.push({ kind, path });
      break;
    }
  }
  return found;
}
