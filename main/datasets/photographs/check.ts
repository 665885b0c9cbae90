/**
 * Checks registered photographs one by one: whether each is there, has the size it had, and can be read whole by the
 * decoder that training uses. What is wrong is listed beside the index, where the dataset's page and the trainer read it.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatasetError } from '../errors.ts';
import { MANIFEST_FILE, readManifest, splitsOf, type DatasetManifest, type Split } from '../manifest.ts';
import type { TaskOptions } from '../newDataset.ts';
import { hashStoredFiles, type Verification } from '../verify.ts';
import { decodePhotograph, PhotographError, readImageFile } from './decode.ts';
import { writePhotoCheck, type PhotoCheck, type PhotoProblemCode } from './photoCheck.ts';
import { openPhotoIndex, type PhotoIndex } from './photoIndex.ts';
import { summarisePhotoCheck } from './photoSummary.ts';
import { requireRoot, resolveInRoot } from './root.ts';

type PhotoProblem = PhotoCheck['problems'][number];

/** Images in work at once: one is read while another is decoded. More would take the processor from a training. */
const AT_ONCE = 2;
/** How often it is told how far the check is. */
const TOLD_EVERY_MS = 250;

/**
 * Checks a dataset of photographs and writes what was found into its folder. A difference is a result (`ok` false), not
 * an exception; an index that is not what was written is one too, and the list of problems stays as it was then.
 *
 * Throws DatasetError when the root is gone, before or in the middle: that says nothing of the images, and nothing is
 * written.
 */
export async function checkPhotographs(
  folder: string,
  { onProgress, signal }: TaskOptions = {},
): Promise<Verification> {
  const opened = await openIndices(folder, signal).catch((error: unknown) => {
    if (error instanceof DatasetError) return error;
    throw error;
  });
  if (opened instanceof DatasetError) return { ok: false, message: opened.message, examples: 0 };
  const { manifest, indices } = opened;
  const { counts, classNames } = manifest;
  await requireRoot(manifest.source.path);
  const problems = await checkAll(manifest, indices, { onProgress, signal });
  await writePhotoCheck(folder, { format: 1, checkedAtMs: Date.now(), complete: true, counts, problems });
  const trainLabels = indices.get('train')!.labels;
  await summarisePhotoCheck(folder, { problems, trainLabels, classes: classNames.length });
  const examples = counts.train + counts.val + counts.test;
  return { ok: problems.length === 0, message: verdict(examples, problems), examples };
}

/** Throws DatasetError when what was written is not as it was. */
async function openIndices(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ manifest: DatasetManifest; indices: Map<Split, PhotoIndex> }> {
  const manifest = await readManifest(folder);
  await hashStoredFiles(folder, manifest, { signal });
  const indices = new Map<Split, PhotoIndex>();
  for (const split of splitsOf(manifest)) indices.set(split, await openPhotoIndex(folder, split));
  requireSizes(folder, manifest, indices);
  return { manifest, indices };
}

/** The sizes in the index are part of what the manifest's hash stands for. */
function requireSizes(
  folder: string,
  { photographs }: DatasetManifest,
  indices: ReadonlyMap<Split, PhotoIndex>,
): void {
  const hash = createHash('sha256');
  for (const { sizes } of indices.values())
    hash.update(new Uint8Array(sizes.buffer, sizes.byteOffset, sizes.byteLength));
  const found = hash.digest('hex');
  const expected = photographs!.sizesHash;
  if (found === expected) return;
  throw new DatasetError({
    file: join(folder, MANIFEST_FILE),
    offset: null,
    expected: `sizes with SHA-256 ${expected.slice(0, 16)}…`,
    found: `${found.slice(0, 16)}…, so the index was changed`,
  });
}

async function checkAll(
  manifest: DatasetManifest,
  indices: ReadonlyMap<Split, PhotoIndex>,
  { onProgress, signal }: TaskOptions,
): Promise<PhotoProblem[]> {
  const rows = [...indices].flatMap(([split, index]) =>
    index.paths.map((path, row) => ({ split, row, path, sizeBytes: index.sizes[row]! })),
  );
  const problems: PhotoProblem[] = [];
  let next = 0;
  let done = 0;
  let toldAtMs = -Infinity;
  const work = async (): Promise<void> => {
    while (next < rows.length) {
      signal?.throwIfAborted();
      const { split, row, path, sizeBytes } = rows[next++]!;
      const problem = await checkOne(manifest.source.path, path, sizeBytes);
      if (problem !== null) {
        // Of a disk that is gone every image would be missing.
        await requireRoot(manifest.source.path);
        problems.push({ split, row, path, ...problem });
      }
      done++;
      const now = performance.now();
      if (now - toldAtMs < TOLD_EVERY_MS && done < rows.length) continue;
      toldAtMs = now;
      onProgress?.(
        done / rows.length,
        `${done} of ${rows.length} images${problems.length === 0 ? '' : `, ${problems.length} with a problem`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(() => {
    // Where one fails, the others end too.
    next = rows.length;
  });
  const order = new Map([...indices.keys()].map((split, place) => [split, place]));
  return problems.sort((a, b) => order.get(a.split)! - order.get(b.split)! || a.row - b.row);
}

/** sizeBytes: as registered; NaN for a file that was not there then. */
async function checkOne(
  root: string,
  path: string,
  sizeBytes: number,
): Promise<Pick<PhotoProblem, 'code' | 'message'> | null> {
  const file = resolveInRoot(root, path);
  try {
    const bytes = await readImageFile(file);
    await decodePhotograph(bytes, file);
    if (Number.isNaN(sizeBytes) || bytes.length === sizeBytes) return null;
    return {
      code: 'changed',
      message: `${file}: expected ${sizeBytes} bytes, as when the dataset was added, found ${bytes.length}: it is another file now.`,
    };
  } catch (error) {
    if (!(error instanceof PhotographError)) throw error;
    return { code: error.reason, message: error.message };
  }
}

const REASON_WORDS: Record<PhotoProblemCode, string> = {
  missing: 'missing',
  changed: 'changed since they were added',
  truncated: 'cut short',
  'not-an-image': 'no images',
  unsupported: 'of a kind that is not read',
  unreadable: 'unreadable',
};

/** "12 of 2300 images can't be used: 10 missing, 2 cut short. …" */
function verdict(examples: number, problems: readonly PhotoProblem[]): string {
  if (problems.length === 0)
    return `All ${examples} images are there, have the size they had, and can be read.`;
  const reasons = Object.entries(REASON_WORDS).flatMap(([code, words]) => {
    const count = problems.filter((problem) => problem.code === code).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return `${problems.length} of ${examples} images can't be used: ${reasons.join(', ')}. Bring them back and check again, or add the dataset again without them.`;
}
