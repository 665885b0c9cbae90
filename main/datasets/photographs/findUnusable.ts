/**
 * Which images of a dataset of photographs cannot be used, found before a run starts, so that it does not come out in
 * the middle of epoch 40: files that are not there now, and what the last check of the dataset found in them.
 */
import type { Split } from '../manifest.ts';
import { readPhotoCheck, type PhotoCheck } from './photoCheck.ts';
import { statAll, type PhotoIndex } from './photoIndex.ts';

/** The problems of some splits, as a check lists them. Throws DatasetError for a damaged check. */
export async function findUnusable(
  datasetFolder: string,
  root: string,
  indices: Partial<Record<Split, PhotoIndex>>,
): Promise<PhotoCheck['problems']> {
  const check = await readPhotoCheck(datasetFolder);
  const problems: PhotoCheck['problems'] = [];
  for (const [split, { paths, sizes }] of Object.entries(indices) as [Split, PhotoIndex][]) {
    const now = await statAll(root, paths);
    const known = new Map(
      check?.problems
        .filter((problem) => problem.split === split && problem.path === paths[problem.row])
        // What was written after the check may be right again; sizes and presence are looked at now.
        .filter(({ row, code }) => !FOUND_NOW.has(code) && now.mtimes[row]! <= check.checkedAtMs)
        .map((problem) => [problem.row, problem]),
    );
    for (const [row, path] of paths.entries()) {
      const before = known.get(row);
      const add = (code: 'missing' | 'changed', message: string) =>
        problems.push({ split, row, path, code, message });
      if (Number.isNaN(now.sizes[row]!)) add('missing', 'There is no file.');
      else if (before !== undefined) problems.push(before);
      // A training image may have been replaced: it is trained on as it is now.
      else if (split !== 'train' && !Number.isNaN(sizes[row]!) && now.sizes[row] !== sizes[row])
        add('changed', `It has ${now.sizes[row]} bytes and had ${sizes[row]} when the dataset was added.`);
    }
  }
  return problems;
}

const FOUND_NOW: ReadonlySet<string> = new Set(['missing', 'changed']);
