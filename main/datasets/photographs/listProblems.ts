/** The images that the last check of a dataset found unusable, a page at a time. */
import type { Split } from '../manifest.ts';
import { PHOTO_PROBLEMS, readPhotoCheck, type PhotoProblemCode } from './photoCheck.ts';

export interface ProblemPage {
  /** Of all, by reason. */
  counts: Record<PhotoProblemCode, number>;
  /** Those with the reason that was asked for. */
  total: number;
  /** By split and row. */
  items: { split: Split; row: number; path: string; reason: PhotoProblemCode; message: string }[];
}

/** `reason` null: all. None without a check. Throws DatasetError for a damaged one. */
export async function listPhotoProblems(
  datasetFolder: string,
  { reason, offset, limit }: { reason: PhotoProblemCode | null; offset: number; limit: number },
): Promise<ProblemPage> {
  const all = (await readPhotoCheck(datasetFolder))?.problems ?? [];
  const counts = Object.fromEntries(PHOTO_PROBLEMS.map((code) => [code, 0])) as ProblemPage['counts'];
  for (const { code } of all) counts[code]++;
  const wanted = reason === null ? all : all.filter(({ code }) => code === reason);
  const items = wanted.slice(offset, offset + limit).map(({ code, ...rest }) => ({ ...rest, reason: code }));
  return { counts, total: wanted.length, items };
}
