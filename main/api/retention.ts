/** Which checkpoints may be freed, and freeing their files. Never best, last, pinned or referenced ones. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { OriginRole } from '../../preload/contract.ts';
import { pinMarkerFile } from '../trainer/protocol.ts';
import type { CheckpointRow } from '../store/checkpoints.ts';
import { StudioError } from '../store/errors.ts';
import type { Store } from '../store/index.ts';

/**
 * Checkpoints that retention could free now, the oldest first: of runs that have ended, kept only because of "every N"
 * or a request. With a budget in the settings, only as many as bring the checkpoints below it.
 */
export function freeableCheckpoints(store: Store): CheckpointRow[] {
  const referenced = referencedCheckpoints(store);
  const candidates = store.checkpoints
    .expendable()
    .filter((checkpoint) => !referenced.some((used) => used.endsWith(relativePath(checkpoint))));
  const { checkpointBudgetBytes } = store.settings.read();
  if (checkpointBudgetBytes === null) return candidates;
  const { checkpointsBytes, logitsBytes } = store.sizes();
  let over = checkpointsBytes + logitsBytes - checkpointBudgetBytes;
  return candidates.filter(({ sizeBytes }) => {
    const needed = over > 0;
    over -= sizeBytes;
    return needed;
  });
}

/** Absolute paths of the checkpoints that waiting or running evaluations are about. */
export function referencedCheckpoints(store: Store): string[] {
  return store.runs
    .inStates(['queued', 'preparing', 'running', 'paused'])
    .flatMap(({ evaluate }) => (evaluate === null ? [] : [evaluate.checkpointPath.replaceAll('\\', '/')]));
}

/** Throws `in-use` when a run was made from this checkpoint. `what` was to be done with it, and was not. */
export function refuseUsed(store: Store, checkpointId: number, what: string): void {
  const [user] = store.origins.usersOf(checkpointId);
  if (user !== undefined)
    throw new StudioError(
      'in-use',
      `Run ${user.runId} (${user.runName}) ${wordOf(user.role)} this checkpoint. Delete that run first; ${what}.`,
      { runId: user.runId },
    );
}

/** "starts from", "learns from". */
export function wordOf(role: OriginRole): string {
  return role === 'teacher' ? 'learns from' : 'starts from';
}

/** A checkpoint's file, relative to the library. */
export function relativePath({ runFolder, file }: Pick<CheckpointRow, 'runFolder' | 'file'>): string {
  return `${runFolder}/${file}`;
}

/** Deletes a checkpoint's weights, description, logits and pin. Those that are gone already are passed by. */
export async function removeCheckpointFiles(libraryFolder: string, checkpoint: CheckpointRow): Promise<void> {
  const folder = path.join(libraryFolder, checkpoint.runFolder);
  const files = [
    checkpoint.file,
    checkpoint.file.replace(/\.safetensors$/, '.json'),
    pinMarkerFile(checkpoint.file),
    ...(checkpoint.logits === null ? [] : [checkpoint.logits.file]),
  ];
  for (const file of files) await rm(path.join(folder, file), { force: true });
}
