/** A stream of batches that are prepared ahead of the one in use, in memory that goes round. */
import type { Batch, BatchStream } from '../training/types.ts';

/** What a stream needs of whoever prepares its batches; a slot is the memory of one batch. */
export interface BatchesAhead<Slot> {
  batches: number;
  /** Batches at the start that are left out, without being prepared. */
  skipped: number;
  /** Batches in preparation ahead of the one in use. */
  depth: number;
  take(): Slot;
  /** Given back when the stream has no more use for it; a batch may still be in preparation in it. */
  release(slot: Slot): void;
  /** Starts to prepare a batch. */
  start(batch: number, slot: Slot): void;
  /** Resolves once it is prepared. A batch that is late is the data wait: the loop measures it around `next`. */
  finish(batch: number, slot: Slot): Promise<Batch>;
}

/** The batches in order. */
export function streamAhead<Slot>({
  batches,
  skipped,
  depth,
  take,
  release,
  start,
  finish,
}: BatchesAhead<Slot>): BatchStream {
  /** Slot of each batch in preparation, oldest first; the first belongs to the batch in use. */
  const ahead: Slot[] = [];
  const firstBatch = Math.min(skipped, batches);
  let started = firstBatch;
  let given = firstBatch;
  let closed = false;

  const startNext = (slot: Slot) => {
    start(started++, slot);
    ahead.push(slot);
  };
  while (started < Math.min(firstBatch + depth, batches)) startNext(take());

  return {
    async next() {
      if (closed || given === batches) return null;
      // The batch in use is given up now: its memory takes the next one to prepare.
      const used = given === firstBatch ? take() : ahead.shift()!;
      if (started < batches) startNext(used);
      else release(used);
      return finish(given++, ahead[0]!);
    },
    close() {
      if (closed) return;
      closed = true;
      for (const slot of ahead) release(slot);
    },
  };
}
