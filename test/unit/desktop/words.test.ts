/** What the tray, a notification and the taskbar say, and what a launch means. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import type { Queue, QueueEntry, RunSummary } from '../../../preload/contract.ts';
import { libraryFromArguments, userDataFor } from '../../../main/desktop/launch.ts';
import { describeEnd, describeQueue, taskbarProgress } from '../../../main/desktop/words.ts';
import { defaultLibraryFolder } from '../../../main/paths.ts';

const running = (share: number | null): RunSummary =>
  ({
    title: 'ResLT',
    detail: 'β 0.998',
    progress: share === null ? null : { share },
  }) as RunSummary;

const queue = (parts: Partial<Queue>): Queue => ({
  paused: false,
  slots: 1,
  running: [],
  waiting: [],
  emptyAtMs: null,
  ...parts,
});

const waiting = [{} as QueueEntry, {} as QueueEntry];

test('the tray says what runs, how far it is and what waits', () => {
  assert.equal(describeQueue(queue({})), 'nothing is running');
  assert.equal(describeQueue(queue({ waiting, paused: true })), 'queue paused, 2 waiting');
  assert.equal(describeQueue(queue({ waiting })), '2 waiting');
  assert.equal(
    describeQueue(queue({ running: [running(0.579)], waiting })),
    'ResLT β 0.998, 57 %, 2 waiting',
  );
  assert.equal(
    describeQueue(queue({ running: [running(null), running(0.1)] })),
    'ResLT β 0.998, 1 more running',
  );
});

test('the taskbar shows the share of the first run, and nothing without one', () => {
  assert.equal(taskbarProgress(queue({ running: [running(0.25), running(0.5)] })), 0.25);
  assert.equal(taskbarProgress(queue({ running: [running(null)] })), -1);
  assert.equal(taskbarProgress(queue({})), -1);
});

test('a notification names the run and how it ended', () => {
  assert.deepEqual(
    describeEnd({
      type: 'run-ended',
      runId: 7,
      title: 'ResLT seed 0',
      state: 'failed',
      message: 'Loss not finite',
    }),
    { title: 'ResLT seed 0 failed', body: 'Loss not finite' },
  );
});

test('a launch takes its library from the words, else the environment, else the default', () => {
  const environment = { RESLT_LIBRARY: '/from/environment' };
  assert.equal(libraryFromArguments(['electron', '.', '--library', 'a'], environment), path.resolve('a'));
  assert.equal(libraryFromArguments(['electron', '.', '--library=a b'], environment), path.resolve('a b'));
  assert.equal(libraryFromArguments(['electron', '.'], environment), path.resolve('/from/environment'));
  assert.equal(libraryFromArguments(['electron', '.'], {}), path.resolve(defaultLibraryFolder()));
});

test('each library but the default has an Electron profile of its own', () => {
  const base = path.resolve('/config');
  assert.equal(userDataFor(base, path.resolve(defaultLibraryFolder())), path.join(base, 'reslt-studio'));
  const first = userDataFor(base, path.resolve('/data/one'));
  assert.notEqual(first, userDataFor(base, path.resolve('/data/two')));
  assert.equal(first, userDataFor(base, path.resolve('/data/one')));
});
