/**
 * Places in the queue are fractions, so that moving a run writes one row: between two others is the number in the middle.
 * Pure; what it returns is what the store has to write.
 */

export interface QueuePlace {
  runId: number;
  position: number;
}

/** Two places nearer than this are not halved any further; then the whole queue is numbered anew. */
const SMALLEST_GAP = 1e-6;

/**
 * Places that put `runIds`, in their order, before the run `before`, or last when it is null.
 *
 * `queue` is in order, and may hold runs of `runIds`. A `before` that is not in the queue counts as null.
 */
export function placeBefore(
  queue: readonly QueuePlace[],
  runIds: readonly number[],
  before: number | null,
): QueuePlace[] {
  const others = queue.filter(({ runId }) => !runIds.includes(runId));
  const found = others.findIndex(({ runId }) => runId === before);
  const index = found === -1 ? others.length : found;
  const low = others[index - 1]?.position;
  const high = others[index]?.position;
  const from = low ?? (high ?? 1) - runIds.length - 1;
  const gap = high === undefined ? 1 : (high - from) / (runIds.length + 1);
  if (gap >= SMALLEST_GAP) return runIds.map((runId, i) => ({ runId, position: from + gap * (i + 1) }));
  const order = [...others.slice(0, index).map(({ runId }) => runId), ...runIds];
  return [...order, ...others.slice(index).map(({ runId }) => runId)].map((runId, i) => ({
    runId,
    position: i + 1,
  }));
}

/** Places that put `runIds`, in their order, at the head of the queue. */
export function placeFirst(queue: readonly QueuePlace[], runIds: readonly number[]): QueuePlace[] {
  const head = queue.find(({ runId }) => !runIds.includes(runId));
  return placeBefore(queue, runIds, head?.runId ?? null);
}
