/**
 * Reads CIFAR-10 and CIFAR-100 in their official binary layout, from the unpacked folder or straight from the
 * `.tar.gz`. A record is the label (CIFAR-100: coarse, then fine label), then 3 planes of 32 x 32 bytes: red, green,
 * blue. CIFAR-100 is read with its 100 fine labels.
 *
 * Layout: www.cs.toronto.edu/~kriz/cifar.html.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { extract } from 'tar-stream';
import { DatasetError } from './errors.ts';
import { isGzip, missing, unpacked } from './gzip.ts';
import type { ReadOptions, Source, SourceFile, SourceSplit } from './source.ts';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const PIXELS = 3 * PLANE;

interface Layout {
  kind: 'cifar-10' | 'cifar-100';
  /** The folder inside the official archive. */
  folder: string;
  train: string[];
  test: string;
  names: string;
  /** Label bytes before the pixels, with the number of values each may take; the last is the class. */
  labelRanges: number[];
  /** Records of each file of the official set. */
  officialTrain: number;
  officialTest: number;
}

export const CIFAR_LAYOUTS: Record<'cifar-10' | 'cifar-100', Layout> = {
  'cifar-10': {
    kind: 'cifar-10',
    folder: 'cifar-10-batches-bin',
    train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
    test: 'test_batch.bin',
    names: 'batches.meta.txt',
    labelRanges: [10],
    officialTrain: 10_000,
    officialTest: 10_000,
  },
  'cifar-100': {
    kind: 'cifar-100',
    folder: 'cifar-100-binary',
    train: ['train.bin'],
    test: 'test.bin',
    names: 'fine_label_names.txt',
    labelRanges: [20, 100],
    officialTrain: 50_000,
    officialTest: 10_000,
  },
};

/** No file of either set is larger than 154 MB; an archive member that claims more is not one of them. */
const MAX_MEMBER_BYTES = 200_000_000;

/** The files of a layout by name, with the path that errors name. */
type Files = Map<string, { path: string; bytes: Buffer }>;

/** Reads the set from its folder. `folder` holds the files themselves. Throws DatasetError. */
export async function readCifarFolder(
  kind: 'cifar-10' | 'cifar-100',
  folder: string,
  options: ReadOptions,
): Promise<Source> {
  const layout = CIFAR_LAYOUTS[kind];
  const names = [layout.names, ...layout.train, layout.test];
  const files: Files = new Map();
  for (const [index, name] of names.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.(index / names.length, `Reading ${name}`);
    const path = join(folder, name);
    const bytes = await readFile(path, { signal: options.signal }).catch((error: NodeJS.ErrnoException) => {
      throw missing(path, error);
    });
    files.set(name, { path, bytes });
  }
  return parse(layout, folder, files, options);
}

/** The layouts whose files lie in a folder (or one level down, as the archive unpacks), with that folder. */
export async function findCifarFolders(
  folder: string,
): Promise<{ kind: 'cifar-10' | 'cifar-100'; folder: string }[]> {
  const found = [];
  const names = new Set(await readdir(folder));
  for (const layout of Object.values(CIFAR_LAYOUTS)) {
    if (names.has(layout.folder)) found.push({ kind: layout.kind, folder: join(folder, layout.folder) });
    else if ([...layout.train, layout.test].some((name) => names.has(name)))
      found.push({ kind: layout.kind, folder });
  }
  return found;
}

/**
 * Reads the set from a `.tar.gz` (or `.tar`), streamed: only the members that belong to a layout are kept. Which of the
 * two sets it is follows from its members. Throws DatasetError.
 */
export async function readCifarArchive(path: string, options: ReadOptions): Promise<Source> {
  const { gzip, sizeBytes } = await isGzip(path);
  const found: Record<Layout['kind'], Files> = { 'cifar-10': new Map(), 'cifar-100': new Map() };
  const archive = extract();
  const members: string[] = [];
  let unpackedBytes = 0;

  const pumping = (async () => {
    for await (const chunk of unpacked(path, gzip)) {
      options.signal?.throwIfAborted();
      unpackedBytes += chunk.length;
      // Pixels hardly shrink (the official archives by 8 %), so the unpacked share is near enough.
      options.onProgress?.(Math.min(0.99, unpackedBytes / (sizeBytes * 1.08)), `Unpacking ${basename(path)}`);
      if (!archive.write(chunk)) await drained(archive);
      if (archive.destroyed) return;
    }
    archive.end(undefined);
  })();
  // A failure of either side must end the other.
  pumping.catch((error: Error) => archive.destroy(error));

  try {
    for await (const entry of archive) {
      const name = basename(entry.header.name);
      members.push(entry.header.name);
      const layout = entry.header.type === 'file' ? layoutOf(entry.header.name) : null;
      if (layout === null) {
        entry.resume();
        continue;
      }
      const member = `${path}/${entry.header.name}`;
      if ((entry.header.size ?? 0) > MAX_MEMBER_BYTES) {
        throw new DatasetError({
          file: member,
          offset: null,
          expected: `at most ${MAX_MEMBER_BYTES} bytes`,
          found: `${entry.header.size}`,
        });
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      found[layout.kind].set(name, { path: member, bytes: Buffer.concat(chunks) });
    }
    await pumping;
  } catch (error) {
    await pumping.catch(() => undefined);
    if (error instanceof DatasetError || (error as Error).name === 'AbortError') throw error;
    throw new DatasetError({
      file: path,
      offset: unpackedBytes,
      expected: 'a tar archive',
      found: `something else (${(error as Error).message})`,
    });
  }

  const kinds = Object.values(CIFAR_LAYOUTS).filter(({ kind }) => found[kind].size > 0);
  const layout = kinds[0];
  if (layout === undefined || kinds.length > 1) {
    throw new DatasetError({
      file: path,
      offset: null,
      expected: 'the binary version of CIFAR-10 (data_batch_1.bin …) or CIFAR-100 (train.bin …)',
      found:
        kinds.length > 1
          ? 'files of both'
          : `${members.slice(0, 4).join(', ') || 'nothing'}${members.length > 4 ? ', …' : ''}`,
    });
  }
  const files = found[layout.kind];
  for (const name of [layout.names, ...layout.train, layout.test]) {
    if (!files.has(name)) {
      throw new DatasetError({ file: path, offset: null, expected: `a member ${name}`, found: 'none' });
    }
  }
  return parse(layout, path, files, options);
}

/** Resolves when the stream takes more, or was destroyed. */
function drained(stream: ReturnType<typeof extract>): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle);
      stream.off('close', settle);
      resolve();
    };
    stream.on('drain', settle);
    stream.on('close', settle);
  });
}

/** The layout that a member of an archive belongs to: at the top, or in the official folder. */
function layoutOf(memberName: string): Layout | null {
  const parts = memberName.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.at(-1) ?? '';
  return (
    Object.values(CIFAR_LAYOUTS).find(
      (layout) =>
        [layout.names, ...layout.train, layout.test].includes(name) &&
        (parts.length === 1 || (parts.length === 2 && parts[0] === layout.folder)),
    ) ?? null
  );
}

function parse(layout: Layout, path: string, files: Files, options: ReadOptions): Source {
  const classes = layout.labelRanges.at(-1)!;
  const names = files.get(layout.names)!;
  const classNames = names.bytes
    .toString('utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (classNames.length !== classes) {
    throw new DatasetError({
      file: names.path,
      offset: null,
      expected: `${classes} class names, one a line`,
      found: `${classNames.length}`,
    });
  }
  const recordBytes = layout.labelRanges.length + PIXELS;
  const counts = [...layout.train, layout.test].map((name) => countRecords(files.get(name)!, recordBytes));
  const firstTrain = counts[0]!;
  counts.slice(0, -1).forEach((count, index) => {
    if (count === firstTrain) return;
    const file = files.get(layout.train[index]!)!;
    throw new DatasetError({
      file: file.path,
      offset: file.bytes.length,
      expected: `${firstTrain} records, as in ${layout.train[0]}`,
      found: `${count}`,
    });
  });
  requireOfficialPair(layout, files, firstTrain, counts.at(-1)!);

  const split = (splitNames: string[]): SourceSplit => {
    const total = splitNames.reduce((sum, name) => sum + files.get(name)!.bytes.length / recordBytes, 0);
    const result = {
      images: new Uint8Array(options.pixels ? total * PIXELS : 0),
      labels: new Int32Array(total),
    };
    let first = 0;
    for (const name of splitNames)
      first += unpackRecords(layout, files.get(name)!, result, first, options.pixels);
    return result;
  };
  const sourceFiles: SourceFile[] = [...files].map(([name, { bytes }]) => ({
    name,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  sourceFiles.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    kind: layout.kind,
    path,
    classNames,
    height: SIDE,
    width: SIDE,
    channels: 3,
    train: split(layout.train),
    test: split([layout.test]),
    files: sourceFiles,
  };
}

function countRecords(file: { path: string; bytes: Buffer }, recordBytes: number): number {
  const records = Math.floor(file.bytes.length / recordBytes);
  const rest = file.bytes.length - records * recordBytes;
  if (rest > 0 || records === 0) {
    throw new DatasetError({
      file: file.path,
      offset: records * recordBytes,
      expected: `records of ${recordBytes} bytes`,
      found: rest > 0 ? `only ${rest} bytes at the end` : 'an empty file',
    });
  }
  return records;
}

/** A file cut at a record's end can only be told by the official counts: when one split has them, the other must. */
function requireOfficialPair(layout: Layout, files: Files, train: number, test: number): void {
  const wrong =
    train === layout.officialTrain && test !== layout.officialTest
      ? { name: layout.test, expected: layout.officialTest, found: test }
      : test === layout.officialTest && train !== layout.officialTrain
        ? { name: layout.train[0]!, expected: layout.officialTrain, found: train }
        : null;
  if (wrong === null) return;
  const file = files.get(wrong.name)!;
  throw new DatasetError({
    file: file.path,
    offset: file.bytes.length,
    expected: `${wrong.expected} records, as in the official set`,
    found: `${wrong.found}`,
  });
}

/** Copies records into `into` from example `first` on, planes to channels-last; returns how many there were. */
function unpackRecords(
  layout: Layout,
  { path, bytes }: { path: string; bytes: Buffer },
  into: SourceSplit,
  first: number,
  pixels: boolean,
): number {
  const labelBytes = layout.labelRanges.length;
  const recordBytes = labelBytes + PIXELS;
  const records = bytes.length / recordBytes;
  for (let record = 0; record < records; record++) {
    const start = record * recordBytes;
    for (let i = 0; i < labelBytes; i++) {
      const label = bytes[start + i]!;
      if (label < layout.labelRanges[i]!) continue;
      const which = labelBytes === 2 ? (i === 0 ? 'a coarse label' : 'a fine label') : 'a label';
      throw new DatasetError({
        file: path,
        offset: start + i,
        expected: `${which} from 0 to ${layout.labelRanges[i]! - 1} (record ${record})`,
        found: `${label}`,
      });
    }
    into.labels[first + record] = bytes[start + labelBytes - 1]!;
    if (!pixels) continue;
    const red = start + labelBytes;
    let out = (first + record) * PIXELS;
    for (let p = red; p < red + PLANE; p++) {
      into.images[out++] = bytes[p]!;
      into.images[out++] = bytes[p + PLANE]!;
      into.images[out++] = bytes[p + 2 * PLANE]!;
    }
  }
  return records;
}
