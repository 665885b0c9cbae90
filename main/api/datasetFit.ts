/** Whether photographs are there to train on, as far as is known before a run is queued. Packed datasets always are. */
import path from 'node:path';
import type { ConfigProblem } from '../../preload/contract.ts';
import { readPhotoSummary, type PhotoSummary } from '../datasets/photographs/photoSummary.ts';
import { isRootThere } from '../datasets/photographs/root.ts';
import { judgePhotographs } from '../datasets/photographs/usable.ts';
import type { BackgroundError } from '../owner/background.ts';
import type { DatasetRow } from '../store/datasets.ts';
import type { ApiContext } from './context.ts';

const KEY = 'dataset';

/** Problems refuse a run, warnings are kept with it. */
export async function datasetFit(
  { store, libraryFolder, background }: Pick<ApiContext, 'store' | 'libraryFolder' | 'background'>,
  { id, name, manifest, folder }: DatasetRow,
): Promise<{ problems: ConfigProblem[]; warnings: ConfigProblem[] }> {
  const nothing = { problems: [], warnings: [] };
  const refuse = (message: string) => ({ problems: [{ key: KEY, message }], warnings: [] });
  const warn = (message: string) => ({ problems: [], warnings: [{ key: KEY, message }] });
  if (manifest.photographs === null) return nothing;
  if (!(await isRootThere(manifest.source.path)))
    return refuse(
      `The images of “${name}” were in ${manifest.source.path}, and there is no such folder now, or an empty one. Bring it back (is its disk still there?), or change the root on the dataset's page.`,
    );
  const { verification } = store.datasets.summary(id);
  if (verification.state === 'never')
    return warn(
      `The images of “${name}” have not all been looked at yet: one that can't be read would be found while it trains.`,
    );
  try {
    const check = await lastPhotoCheck(background, path.join(libraryFolder, folder));
    const isOfIndex = verification.state === 'verified' || (check?.problems ?? 0) > 0;
    // Without a list the check failed as a whole: the index itself is not what was written.
    if (check === null || !isOfIndex)
      return refuse(`“${name}”: ${verification.message ?? 'the check failed.'}`);
    const { refusal, warning } = judgePhotographs(manifest, check.faults);
    if (refusal !== null) return refuse(`“${name}”: ${refusal}`);
    const { images, first } = check.faults.changed;
    const warnings = [
      ...(warning === null ? [] : [warning]),
      ...(images === 0
        ? []
        : [
            `${images} training images are others than when the dataset was added (${first}), so runs on it are not comparable with earlier ones.`,
          ]),
    ];
    return warnings.length === 0 ? nothing : warn(`“${name}”: ${warnings.join(' ')}`);
  } catch (error) {
    const { code, message } = error as Partial<BackgroundError>;
    if (code === 'dataset-invalid') return refuse(message!);
    throw error;
  }
}

/**
 * The summary of the last check of photographs, null when there was none. Only that of an older version's check takes a
 * while, once. Throws BackgroundError (`dataset-invalid`) for a damaged check.
 */
export async function lastPhotoCheck(
  background: ApiContext['background'],
  datasetFolder: string,
): Promise<PhotoSummary | null> {
  const summary = await readPhotoSummary(datasetFolder);
  if (summary !== undefined) return summary;
  return background.run('summarisePhotoCheck', { folder: datasetFolder });
}
