/** A packed dataset of random pixels in CIFAR-10's shape, so that a benchmark reads and augments as a real run does. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST_FILE, partFile, type DatasetManifest } from '../datasets/manifest.ts';

const IMAGES = 4096;
const CLASSES = 10;
const SIDE = 32;
const CHANNELS = 3;

/** The manifest of such a dataset; its hashes are of nothing, since nobody verifies it. */
export function benchManifest(train: number, test: number): DatasetManifest {
  const nothing = createHash('sha256').digest('hex');
  const classCounts = Array.from({ length: CLASSES }, (_, index) =>
    Math.floor(train / CLASSES + (index < train % CLASSES ? 1 : 0)),
  );
  return {
    format: 1,
    source: { kind: 'cifar-10', path: '', files: [] },
    classNames: classCounts.map((_count, index) => `class ${index}`),
    height: SIDE,
    width: SIDE,
    channels: CHANNELS,
    subset: { type: 'full', imbalanceFactor: 1, seed: 0 },
    subsetHash: nothing,
    sameAsReference: null,
    val: null,
    classCounts,
    sourceClassCounts: classCounts,
    counts: { train, val: 0, test },
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    indices: { train: nothing, val: null, test: nothing },
    files: {},
    photographs: null,
    manifestHash: nothing,
  };
}

export async function writeBenchDataset(folder: string): Promise<void> {
  const labels = Int32Array.from({ length: IMAGES }, (_, index) => index % CLASSES);
  await writeFile(partFile(folder, 'train', 'images'), randomBytes(IMAGES * SIDE * SIDE * CHANNELS));
  await writeFile(partFile(folder, 'train', 'labels'), new Uint8Array(labels.buffer));
  await writeFile(path.join(folder, MANIFEST_FILE), JSON.stringify(benchManifest(IMAGES, 0)));
}
