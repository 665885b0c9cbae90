/** Which runs start, and where a moved run comes to stand: decisions without a store. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { nextToStart } from '../../main/scheduler/nextToStart.ts';
import { placeBefore, placeFirst, type QueuePlace } from '../../main/scheduler/queueOrder.ts';

const STARTS: {
  what: string;
  waiting: [number, string][];
  running: string[];
  paused?: boolean;
  perDevice?: number;
  starts: number[];
}[] = [
  { what: 'nothing waits', waiting: [], running: [], starts: [] },
  { what: 'one waits and nothing runs', waiting: [[1, 'cpu']], running: [], starts: [1] },
  {
    what: 'two wait for one slot',
    waiting: [
      [2, 'cpu'],
      [1, 'cpu'],
    ],
    running: [],
    starts: [2],
  },
  { what: 'the slot is taken', waiting: [[1, 'cpu']], running: ['cpu'], starts: [] },
  { what: 'the queue is paused', waiting: [[1, 'cpu']], running: [], paused: true, starts: [] },
  { what: 'another device is busy', waiting: [[1, 'cpu']], running: ['gpu'], starts: [1] },
  {
    what: 'the first waits for a busy device, the second for a free one',
    waiting: [
      [1, 'gpu'],
      [2, 'cpu'],
    ],
    running: ['gpu'],
    starts: [2],
  },
  {
    what: 'each device has a slot',
    waiting: [
      [1, 'gpu'],
      [2, 'cpu'],
      [3, 'gpu'],
    ],
    running: [],
    starts: [1, 2],
  },
  {
    what: 'two slots a device',
    waiting: [
      [1, 'cpu'],
      [2, 'cpu'],
      [3, 'cpu'],
    ],
    running: [],
    perDevice: 2,
    starts: [1, 2],
  },
  {
    what: 'one of two slots is taken',
    waiting: [
      [1, 'cpu'],
      [2, 'cpu'],
    ],
    running: ['cpu'],
    perDevice: 2,
    starts: [1],
  },
  {
    what: 'the limit was lowered below what runs',
    waiting: [[1, 'cpu']],
    running: ['cpu', 'cpu'],
    starts: [],
  },
  {
    what: 'a device that nobody knows yet',
    waiting: [[1, 'no tensorflow-gpu']],
    running: ['gpu'],
    starts: [1],
  },
];

for (const { what, waiting, running, paused = false, perDevice = 1, starts } of STARTS) {
  test(`starts ${starts.join(', ') || 'nothing'} when ${what}`, () => {
    assert.deepEqual(
      nextToStart(
        waiting.map(([runId, device]) => ({ runId, device })),
        running.map((device) => ({ device })),
        { paused, perDevice },
      ),
      starts,
    );
  });
}

/** Applies changes to a queue and returns its order. */
function orderAfter(queue: QueuePlace[], changes: QueuePlace[]): number[] {
  const positions = new Map([...queue, ...changes].map(({ runId, position }) => [runId, position]));
  assert.equal(new Set(positions.values()).size, positions.size, 'two runs have one place');
  return [...positions].sort(([, a], [, b]) => a - b).map(([runId]) => runId);
}

const QUEUE: QueuePlace[] = [
  { runId: 1, position: 1 },
  { runId: 2, position: 2 },
  { runId: 3, position: 3 },
];

test('new runs go to the end, in their order', () => {
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [5, 4], null)), [1, 2, 3, 5, 4]);
  assert.deepEqual(orderAfter([], placeBefore([], [5, 4], null)), [5, 4]);
});

test('new runs go to the head, in their order', () => {
  assert.deepEqual(orderAfter(QUEUE, placeFirst(QUEUE, [5, 4])), [5, 4, 1, 2, 3]);
  assert.deepEqual(orderAfter([], placeFirst([], [5, 4])), [5, 4]);
});

test('a run moves before another, up and down, and to the end', () => {
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [3], 1)), [3, 1, 2]);
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [3], 2)), [1, 3, 2]);
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [1], 3)), [2, 1, 3]);
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [1], null)), [2, 3, 1]);
  assert.deepEqual(orderAfter(QUEUE, placeBefore(QUEUE, [2], 3)), [1, 2, 3]);
});

test('moving a run writes only its own place', () => {
  assert.deepEqual(
    placeBefore(QUEUE, [3], 2).map(({ runId }) => runId),
    [3],
  );
});

test('a thousand moves into one gap keep the order', () => {
  let queue = [...QUEUE];
  for (let i = 0; i < 1000; i++) {
    const last = queue[queue.length - 1]!.runId;
    const before = queue[1]!.runId;
    const changes = placeBefore(queue, [last], before);
    const expected = [queue[0]!.runId, last, ...queue.slice(1, -1).map(({ runId }) => runId)];
    assert.deepEqual(orderAfter(queue, changes), expected);
    const positions = new Map([...queue, ...changes].map(({ runId, position }) => [runId, position]));
    queue = expected.map((runId) => ({ runId, position: positions.get(runId)! }));
  }
});
