/**
 * A process that stores a made-up journal into a library, to be killed while it does: `node ingester.ts FILE RUN`. It
 * goes on from the offset that is stored, in batches of varying size, and prints "storing" when it begins.
 */
import { openStore } from '../../main/store/index.ts';
import type { JournalRecord } from '../../main/trainer/protocol.ts';

/** Records after the first, each with a log line and a metric of its number. */
export const RECORDS = 20_000;
/** Each record counts as many bytes of a journal. */
export const RECORD_BYTES = 100;

function recordAt(index: number): JournalRecord[] {
  if (index === 0)
    return [
      {
        atMs: 0,
        type: 'attempt',
        attempt: 1,
        kind: 'train',
        resumedFromStep: 0,
        resumedFromEpoch: 0,
        activeMs: 0,
        process: { pid: 1, startedAt: 'test' },
        socketPath: null,
      },
    ];
  return [
    { atMs: index, type: 'log', level: 'info', text: String(index) },
    { atMs: index, type: 'metrics', step: index, epoch: 1, activeMs: index, values: { 'train/loss': index } },
  ];
}

if (import.meta.main) {
  const [file, run] = process.argv.slice(2);
  const runId = Number(run);
  const store = openStore(file!);
  let index = store.scheduling.readSchedulerRun(runId)!.attempt!.journalOffset / RECORD_BYTES;
  process.stdout.write('storing\n');
  while (index <= RECORDS) {
    const size = Math.min(1 + ((index * 7) % 60), RECORDS + 1 - index);
    store.scheduling.ingest({
      runId,
      attempt: 1,
      fromOffset: index * RECORD_BYTES,
      toOffset: (index + size) * RECORD_BYTES,
      records: Array.from({ length: size }, (_, offset) => recordAt(index + offset)).flat(),
    });
    index += size;
  }
  store.close();
}
