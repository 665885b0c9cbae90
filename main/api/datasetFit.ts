/** Whether photographs are there to train on, as far as is known before a run is queued. Packed datasets always are. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigProblem } from '../../preload/contract.ts';
import { DatasetError } from '../datasets/errors.ts';
import { partFile } from '../datasets/manifest.ts';
import { readPhotoCheck } from '../datasets/photographs/photoCheck.ts';
import { judgePhotographs } from '../datasets/photographs/usable.ts';
import type { DatasetRow } from '../store/datasets.ts';
import type { ApiContext } from './context.ts';

const KEY = 'dataset';

/** Problems refuse a run, warnings are kept with it. */
export async function datasetFit(
  { store, libraryFolder }: Pick<ApiContext, 'store' | 'libraryFolder'>,
  { id, name, manifest, folder }: DatasetRow,
): Promise<{ problems: ConfigProblem[]; warnings: ConfigProblem[] }> {
  const nothing = { problems: [], warnings: [] };
  const refuse = (message: string) => ({ problems: [{ key: KEY, message }], warnings: [] });
  const warn = (message: string) => ({ problems: [], warnings: [{ key: KEY, message }] });
  if (manifest.photographs === null) return nothing;
  const root = await stat(manifest.source.path).catch(() => null);
  if (root?.isDirectory() !== true)
    return refuse(
      `The images of “${name}” were in ${manifest.source.path}, and there is no such folder now. Bring it back, or change the root on the dataset's page.`,
    );
  const { verification } = store.datasets.summary(id);
  if (verification.state === 'never')
    return warn(
      `The images of “${name}” have not all been looked at yet: one that can't be read would be found while it trains.`,
    );
  try {
    const datasetFolder = path.join(libraryFolder, folder);
    const check = await readPhotoCheck(datasetFolder);
    const isOfIndex = verification.state === 'verified' || (check?.problems.length ?? 0) > 0;
    // Without a list the check failed as a whole: the index itself is not what was written.
    if (check === null || !isOfIndex)
      return refuse(`“${name}”: ${verification.message ?? 'the check failed.'}`);
    if (check.problems.length === 0) return nothing;
    const bytes = await readFile(partFile(datasetFolder, 'train', 'labels'));
    const labels = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    // A training image that is another one now is trained on as it is.
    const changed = check.problems.filter(({ split, code }) => split === 'train' && code === 'changed');
    const unusable = check.problems.filter((problem) => !changed.includes(problem));
    const { refusal, warning } = judgePhotographs(manifest, unusable, labels);
    if (refusal !== null) return refuse(`“${name}”: ${refusal}`);
    const warnings = [
      ...(warning === null ? [] : [warning]),
      ...(changed.length === 0
        ? []
        : [
            `${changed.length} training images are others than when the dataset was added (${changed[0]!.path}), so runs on it are not comparable with earlier ones.`,
          ]),
    ];
    return warnings.length === 0 ? nothing : warn(`“${name}”: ${warnings.join(' ')}`);
  } catch (error) {
    if (error instanceof DatasetError) return refuse(error.message);
    throw error;
  }
}
