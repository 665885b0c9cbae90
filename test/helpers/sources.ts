/** Small datasets in the official layouts, for tests: made in a folder, with pixels that tell which image they are. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export const CIFAR_RECORD_BYTES = 3073;

/** The pixel of a plane in made images: differs by image, plane and place. */
export function cifarPixel(record: number, plane: number, place: number): number {
  return (record * 7 + plane * 101 + place) % 256;
}

/** Records of CIFAR-10 with these labels. */
export function cifar10Records(labels: number[], firstRecord = 0): Buffer {
  const bytes = Buffer.alloc(labels.length * CIFAR_RECORD_BYTES);
  labels.forEach((label, i) => {
    bytes[i * CIFAR_RECORD_BYTES] = label;
    fillPixels(bytes, i * CIFAR_RECORD_BYTES + 1, firstRecord + i);
  });
  return bytes;
}

/** Records of CIFAR-100: coarse label, fine label, pixels. The coarse label is a fifth of the fine one. */
export function cifar100Records(labels: number[]): Buffer {
  const bytes = Buffer.alloc(labels.length * (CIFAR_RECORD_BYTES + 1));
  labels.forEach((label, i) => {
    const start = i * (CIFAR_RECORD_BYTES + 1);
    bytes[start] = Math.floor(label / 5);
    bytes[start + 1] = label;
    fillPixels(bytes, start + 2, i);
  });
  return bytes;
}

function fillPixels(bytes: Buffer, start: number, record: number): void {
  for (let plane = 0; plane < 3; plane++) {
    for (let place = 0; place < 1024; place++) {
      bytes[start + plane * 1024 + place] = cifarPixel(record, plane, place);
    }
  }
}

/** The files of a small CIFAR-10: 5 training files of `perFile` records and a test file, labels 0 to 9 in turn. */
export function cifar10Files(perFile = 20, testRecords = 20): Record<string, Buffer> {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => i % 10);
  const files: Record<string, Buffer> = {
    'batches.meta.txt': Buffer.from(
      'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n',
    ),
    'test_batch.bin': cifar10Records(labels(testRecords)),
  };
  for (let n = 1; n <= 5; n++)
    files[`data_batch_${n}.bin`] = cifar10Records(labels(perFile), (n - 1) * perFile);
  return files;
}

/** The files of a small CIFAR-100, `perClass` training records and one test record a class. */
export function cifar100Files(perClass = 3): Record<string, Buffer> {
  const names = Array.from({ length: 100 }, (_, k) => `fine${k}`);
  const labels = (each: number) => Array.from({ length: 100 * each }, (_, i) => i % 100);
  return {
    'fine_label_names.txt': Buffer.from(names.join('\n') + '\n'),
    'coarse_label_names.txt': Buffer.from('aquatic mammals\n'),
    'train.bin': cifar100Records(labels(perClass)),
    'test.bin': cifar100Records(labels(1)),
  };
}

/** An IDX image file: grey images of `side` x `side`, every pixel the index of its image (modulo 256). */
export function idxImages(count: number, side: number): Buffer {
  const bytes = Buffer.alloc(16 + count * side * side);
  [0x803, count, side, side].forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  for (let i = 0; i < count; i++) bytes.fill(i % 256, 16 + i * side * side, 16 + (i + 1) * side * side);
  return bytes;
}

export function idxLabels(labels: number[]): Buffer {
  const bytes = Buffer.alloc(8 + labels.length);
  bytes.writeUInt32BE(0x801, 0);
  bytes.writeUInt32BE(labels.length, 4);
  bytes.set(labels, 8);
  return bytes;
}

/** The files of a small IDX set with labels 0 to `classes` − 1 in turn. */
export function idxFiles({ train = 40, test = 20, side = 6, classes = 4 } = {}): Record<string, Buffer> {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => i % classes);
  return {
    'train-images-idx3-ubyte': idxImages(train, side),
    'train-labels-idx1-ubyte': idxLabels(labels(train)),
    't10k-images-idx3-ubyte': idxImages(test, side),
    't10k-labels-idx1-ubyte': idxLabels(labels(test)),
  };
}

export async function writeFiles(folder: string, files: Record<string, Buffer>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

/** A gzipped tar archive of files in one top folder. */
export async function tarGz(topFolder: string, files: Record<string, Buffer>): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: `${topFolder}/`, type: 'directory' });
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name: `${topFolder}/${name}` }, bytes);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks), { level: 1 });
}
