/** A library on a disk that fills up: clear errors, nothing half done, nothing lost. The disk is a small tmpfs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { PLAIN_RUN_QUERY, type Reply, type RunSummary, type Task } from '../../preload/contract.ts';
import { toApiError } from '../../main/apiErrors.ts';
import { openServices, type Services } from '../../main/services.ts';
import { tempLibrary } from '../helpers/library.ts';

const DISK = '24m';

/** An owner of a library on a disk of 24 MiB; null, and the test skipped, where mounting is not allowed. */
async function openOnSmallDisk(t: TestContext): Promise<{ services: Services; folder: string } | null> {
  const { folder, remove } = tempLibrary();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    remove();
    t.skip(`a small disk could not be mounted: ${(error as Error).message.split('\n')[0]}`);
    return null;
  }
  const services = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  t.after(async () => {
    await services.close();
    execFileSync('umount', [folder]);
    remove();
  });
  return { services, folder };
}

const valueOf = <T>(reply: Reply): T => {
  assert.ok(reply.ok, JSON.stringify(reply));
  return reply.value as T;
};

/** Fills the disk up to some bytes that are left. */
function fill(folder: string, leaveBytes: number): () => void {
  const file = path.join(folder, 'filler');
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  return () => rmSync(file);
}

async function done(services: Services, started: Task): Promise<Task> {
  for (;;) {
    const task = valueOf<Task>(await services.dispatch('getTask', { id: started.id }));
    if (task.state !== 'running') return task;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const addSample = async (services: Services): Promise<Task> =>
  done(services, valueOf<Task>(await services.dispatch('addSampleDataset', null)));

const createRuns = (services: Services, datasetId: number, seeds: number[]): Promise<Reply> =>
  services.dispatch('createRuns', {
    preset: 'sample-ce',
    parentRunId: null,
    config: { method: 'ce' },
    datasetId,
    seeds,
    name: null,
    // Some text, so that a handful of runs needs more than is free.
    note: 'x'.repeat(9000),
    runNext: false,
  });

const runNames = async (services: Services): Promise<string[]> =>
  valueOf<{ items: { runs: RunSummary[] }[] }>(
    await services.dispatch('listRuns', {
      ...PLAIN_RUN_QUERY,
      sort: { key: 'created', descending: false },
      limit: 1000,
    }),
  ).items.flatMap((item) => item.runs.map((run) => run.name));

test('adding a dataset to a full disk fails with a sentence, and leaves nothing', async (t) => {
  const opened = await openOnSmallDisk(t);
  if (opened === null) return;
  const { services, folder } = opened;
  const free = fill(folder, 200_000);
  const task = await addSample(services);
  assert.equal(task.state, 'failed');
  assert.equal(task.error?.code, 'disk-full', JSON.stringify(task.error));
  assert.match(task.error?.message ?? '', /disk|space|room/i);
  assert.deepEqual(readdirSync(path.join(folder, 'datasets')), []);
  assert.deepEqual(valueOf(await services.dispatch('listDatasets', null)), []);
  free();
  assert.equal((await addSample(services)).state, 'done', 'with room it goes');
});

test('creating runs on a full disk makes all of them or none, and loses nothing', async (t) => {
  const opened = await openOnSmallDisk(t);
  if (opened === null) return;
  const { services, folder } = opened;
  valueOf(await services.dispatch('setQueuePaused', { paused: true }));
  const datasetId = (await addSample(services)).resultId!;
  valueOf(await createRuns(services, datasetId, [0]));

  const free = fill(folder, 0);
  let refused: Reply | null = null;
  let before: string[] = [];
  // What SQLite has set aside in its log takes a few more.
  for (let turn = 0; turn < 50 && refused === null; turn++) {
    before = await runNames(services);
    const reply = await createRuns(services, datasetId, [turn * 10 + 1, turn * 10 + 2, turn * 10 + 3]);
    if (!reply.ok) refused = reply;
  }
  assert.ok(refused !== null && !refused.ok, 'the disk was to be full at some point');
  assert.equal(refused.error.code, 'disk-full', JSON.stringify(refused.error));
  assert.match(refused.error.message, /nothing that was there is lost/);
  assert.deepEqual(await runNames(services), before, 'none of the three');
  assert.equal(valueOf<unknown[]>(await services.dispatch('listDatasets', null)).length, 1);

  free();
  valueOf(await createRuns(services, datasetId, [1000, 1001]));
  const names = await runNames(services);
  assert.deepEqual(names, [...before, 'sample-ce-s1000', 'sample-ce-s1001']);
  await services.close();
  const again = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  const kept = await runNames(again);
  await again.close();
  assert.deepEqual(kept, names, 'it is all there after a restart');
});

test('a library on a full disk opens or says why not, and is all there when there is room', async (t) => {
  const opened = await openOnSmallDisk(t);
  if (opened === null) return;
  const { services, folder } = opened;
  await services.close();
  const free = fill(folder, 0);
  const outcome = await openServices({
    libraryFolder: folder,
    shell: 'headless',
    report: () => undefined,
  }).then(
    async (again) => {
      await again.close();
      return 'open';
    },
    (error: unknown) => toApiError(error).code,
  );
  free();
  assert.ok(['open', 'disk-full'].includes(outcome), outcome);
  const later = await openServices({ libraryFolder: folder, shell: 'headless', report: () => undefined });
  assert.deepEqual(await runNames(later), []);
  await later.close();
});
