/** What the parts of a library take on the disk, from what the store knows of them. */
import type { Database } from './database.ts';

export interface Sizes {
  datasetsBytes: number;
  checkpointsBytes: number;
  logitsBytes: number;
  journalsBytes: number;
  trashBytes: number;
}

/** Sums over the library; what lies in the trash counts there only. */
export function readSizes(database: Database): Sizes {
  return database
    .statement<[], Sizes>(
      'sum sizes',
      `WITH live AS (
         SELECT c.size_bytes - coalesce(c.logits ->> 'sizeBytes', 0) AS weights, coalesce(c.logits ->> 'sizeBytes', 0) AS logits
         FROM checkpoints c JOIN runs r ON r.id = c.run_id WHERE c.trash_token IS NULL AND r.trash_token IS NULL
       )
       SELECT
         (SELECT coalesce(sum(size_bytes), 0) FROM datasets WHERE trash_token IS NULL) AS datasetsBytes,
         (SELECT coalesce(sum(weights), 0) FROM live) AS checkpointsBytes,
         (SELECT coalesce(sum(logits), 0) FROM live) AS logitsBytes,
         (SELECT coalesce(sum(a.journal_offset), 0) FROM attempts a JOIN runs r ON r.id = a.run_id
          WHERE r.trash_token IS NULL) AS journalsBytes,
         (SELECT coalesce(sum(size_bytes), 0) FROM datasets WHERE trash_token IS NOT NULL)
           + (SELECT coalesce(sum(size_bytes), 0) FROM runs WHERE trash_token IS NOT NULL)
           + (SELECT coalesce(sum(size_bytes), 0) FROM checkpoints WHERE trash_token IS NOT NULL) AS trashBytes`,
    )
    .get([])!;
}
