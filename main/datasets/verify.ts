/** Checks that what lies in the library of a registered dataset is still what its manifest says, byte for byte. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './errors.ts';
import {
  computeManifestHash,
  MANIFEST_FILE,
  partFile,
  partsOf,
  readManifest,
  splitsOf,
  type DatasetManifest,
  type Part,
  type Split,
} from './manifest.ts';
import type { TaskOptions } from './newDataset.ts';

export interface Verification {
  ok: boolean;
  /** A sentence: what was checked, or the first thing that is wrong. */
  message: string;
  /** Examples of all splits. */
  examples: number;
}

/**
 * Hashes every packed file and the manifest of a packed dataset again. A difference is a result (`ok` false), not an exception; only the
 * signal's reason and errors of the disk are thrown.
 */
export async function verifyDataset(
  folder: string,
  { onProgress, signal }: TaskOptions = {},
): Promise<Verification> {
  try {
    const examples = await check(folder, { onProgress, signal });
    return {
      ok: true,
      message: `All ${examples} images are as they were when the dataset was added.`,
      examples,
    };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { ok: false, message: error.message, examples: 0 };
  }
}

async function check(folder: string, { onProgress, signal }: TaskOptions): Promise<number> {
  const manifest = await readManifest(folder);
  await hashStoredFiles(folder, manifest, { onProgress, signal });
  return manifest.counts.train + manifest.counts.val + manifest.counts.test;
}

/**
 * Compares the manifest with its hash, and every file that it names in the dataset's folder with its own. Throws
 * DatasetError at the first difference.
 */
export async function hashStoredFiles(
  folder: string,
  manifest: DatasetManifest,
  { onProgress, signal }: TaskOptions,
): Promise<void> {
  const hash = computeManifestHash(manifest);
  if (hash !== manifest.manifestHash) {
    throw new DatasetError({
      file: join(folder, MANIFEST_FILE),
      offset: null,
      expected: `the manifest hash ${manifest.manifestHash}`,
      found: hash,
    });
  }
  const imageBytes = manifest.height * manifest.width * manifest.channels;
  /** Null where each row has a length of its own. */
  const bytesOf: Record<Part, number | null> = {
    images: imageBytes,
    labels: 4,
    rows: 4,
    stats: 16,
    paths: null,
  };
  const parts = splitsOf(manifest).flatMap((split) =>
    partsOf(manifest).map((part): [Split, Part] => [split, part]),
  );
  const total = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
  let hashed = 0;
  for (const [split, part] of parts) {
    const path = partFile(folder, split, part);
    const stored = manifest.files[`${split}.${part}`];
    const rowBytes = bytesOf[part];
    const sizeBytes = rowBytes === null ? stored?.sizeBytes : manifest.counts[split] * rowBytes;
    if (stored === undefined || stored.sizeBytes !== sizeBytes) {
      throw new DatasetError({
        file: join(folder, MANIFEST_FILE),
        offset: null,
        expected: `${sizeBytes ?? 'some'} bytes for ${split}.${part}`,
        found: `${stored?.sizeBytes ?? 'no entry'}`,
      });
    }
    const found = await stat(path).then(
      (file) => file.size,
      () => null,
    );
    if (found !== sizeBytes) {
      throw new DatasetError({
        file: path,
        offset: found,
        expected: `${sizeBytes} bytes`,
        found: found === null ? 'no file' : `${found}`,
      });
    }
    const digest = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) {
      signal?.throwIfAborted();
      digest.update(chunk as Buffer);
      hashed += (chunk as Buffer).length;
      onProgress?.(hashed / total, `Hashing ${split}.${part}`);
    }
    const sha256 = digest.digest('hex');
    const expected = part === 'rows' ? (manifest.indices[split] ?? stored.sha256) : stored.sha256;
    if (sha256 !== expected) {
      throw new DatasetError({
        file: path,
        offset: null,
        expected: `content with SHA-256 ${expected.slice(0, 16)}…`,
        found: `${sha256.slice(0, 16)}…, so the file was changed`,
      });
    }
  }
}
