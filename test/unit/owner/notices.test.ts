/** Notices are held to ten a second a run, the last is never lost, and the end of a task never waits. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Notice, Task } from '../../../preload/contract.ts';
import { NOTICE_INTERVAL_MS, coalesceNotices, type After } from '../../../main/owner/notices.ts';

/** Time that passes when it is told to. */
function fakeTime(): { after: After; pass: (ms: number) => void; nowMs: () => number } {
  let now = 0;
  let timers: { atMs: number; call: () => void }[] = [];
  return {
    after: (delayMs, call) => void timers.push({ atMs: now + delayMs, call }),
    nowMs: () => now,
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        now = due.atMs;
        due.call();
      }
      now = end;
    },
  };
}

const grew = (runId: number, step: number): Notice => ({ type: 'run-grew', runId, step, logLines: step });
const task = (state: Task['state'], progress: number): Notice => ({
  type: 'task-changed',
  task: {
    id: 1,
    kind: 'add-dataset',
    title: '',
    state,
    progress,
    message: '',
    error: null,
    resultId: null,
    resultPath: null,
  },
});

test('a run that grows every millisecond is told of ten times a second, and its last step is told', () => {
  const time = fakeTime();
  const told: { atMs: number; notice: Notice }[] = [];
  const push = coalesceNotices((notice) => told.push({ atMs: time.nowMs(), notice }), time.after);
  for (let step = 1; step <= 1000; step++) {
    push(grew(7, step));
    time.pass(1);
  }
  time.pass(1000);
  assert.deepEqual(told[0], { atMs: 0, notice: grew(7, 1) }, 'the first is told at once');
  assert.deepEqual(told.at(-1)?.notice, grew(7, 1000));
  assert.equal(told.length, 11, '1 at once and 10 over the second');
  for (let i = 1; i < told.length; i++)
    assert.ok(told[i]!.atMs - told[i - 1]!.atMs >= NOTICE_INTERVAL_MS, `notice ${i} came too early`);
});

test('runs do not hold each other back, and after a pause the next is told at once', () => {
  const time = fakeTime();
  const told: Notice[] = [];
  const push = coalesceNotices((notice) => told.push(notice), time.after);
  push(grew(1, 1));
  push(grew(2, 1));
  assert.deepEqual(told, [grew(1, 1), grew(2, 1)]);
  time.pass(NOTICE_INTERVAL_MS);
  push(grew(1, 2));
  assert.deepEqual(told.at(-1), grew(1, 2));
});

test('a task that ends is told at once, and no progress comes after it', () => {
  const time = fakeTime();
  const told: Notice[] = [];
  const push = coalesceNotices((notice) => told.push(notice), time.after);
  push(task('running', 0.1));
  push(task('running', 0.9));
  push(task('done', 1));
  assert.deepEqual(told, [task('running', 0.1), task('done', 1)]);
  time.pass(1000);
  assert.equal(told.length, 2);
});

test('what happened once is told each time', () => {
  const time = fakeTime();
  const told: Notice[] = [];
  const push = coalesceNotices((notice) => told.push(notice), time.after);
  const ended: Notice = { type: 'run-ended', runId: 1, title: 'ResLT', state: 'completed', message: null };
  push(ended);
  push({ ...ended, runId: 2 });
  push({ type: 'runs-changed', runIds: [1] });
  push({ type: 'runs-changed', runIds: [2] });
  assert.equal(told.length, 4);
});
