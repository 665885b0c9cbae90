/** The contract's function that gives a checkpoint away: its weights under PyTorch's names, as a file of its own. */
import path from 'node:path';
import type { Api } from '../../preload/contract.ts';
import type { CheckpointRow } from '../store/checkpoints.ts';
import { StudioError } from '../store/errors.ts';
import type { Store } from '../store/index.ts';
import { findCheckpointRow } from './checkpoints.ts';
import type { ApiContext } from './context.ts';
import { relativePath } from './retention.ts';

export function exportApi(context: ApiContext): Pick<Api, 'exportCheckpoint'> {
  const { store, libraryFolder, background, tasks } = context;
  return {
    async exportCheckpoint({ ref, format, path: wanted, overwrite }) {
      const row = findCheckpointRow(context, ref);
      refuseWithoutWeights(store, row);
      const target = path.resolve(wanted);
      return tasks.start('export-checkpoint', `Export ${ref} to ${path.basename(target)}`, async (task) => {
        const { file } = await background.run(
          'exportCheckpoint',
          { source: path.join(libraryFolder, relativePath(row)), target, format, overwrite },
          task,
        );
        return { resultPath: file, message: file };
      });
    },
  };
}

/** An evaluation keeps the logits of a checkpoint and not its weights. */
export function refuseWithoutWeights(store: Store, { runId }: CheckpointRow): void {
  const { kind, name } = store.runs.get(runId);
  if (kind === 'evaluate')
    throw new StudioError(
      'invalid-arguments',
      `Run ${runId} (${name}) is an evaluation and has no weights of its own. Export the checkpoint that it was about.`,
    );
}
