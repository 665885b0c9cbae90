/** Owner and trainers as real processes: what is stored, whatever dies. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import type { RunState } from '../../preload/contract.ts';
import { DEADLINES } from '../../main/scheduler/deadlines.ts';
import { controlSocketPath } from '../../main/scheduler/controlPath.ts';
import type { Store } from '../../main/store/index.ts';
import { readProcessIdentity } from '../../main/trainer/processIdentity.ts';
import type { Flood } from '../helpers/floodTrainer.ts';
import {
  createRun,
  makeLibraryFolder,
  openLibrary,
  openOwner,
  removeLibrary,
  waitFor,
  waitForState,
  type Owner,
} from '../helpers/schedulerLibrary.ts';

let folder: string;
let owners: Owner[];
let pids: (number | null | undefined)[];

beforeEach(() => {
  folder = makeLibraryFolder();
  owners = [];
  pids = [];
});

afterEach(async () => {
  for (const owner of owners) await owner.close();
  removeLibrary(folder, pids);
});

async function startOwner(
  flood: Partial<Flood>,
  options: Parameters<typeof openOwner>[2] = {},
): Promise<Owner> {
  const owner = openOwner(folder, flood, options);
  owners.push(owner);
  await owner.scheduler.start();
  return owner;
}

async function closeOwner(owner: Owner): Promise<void> {
  owners = owners.filter((other) => other !== owner);
  await owner.close();
}

/** Queues a run and waits until its trainer is at work. */
async function startRun({ store, scheduler }: Owner, step = 1): Promise<{ runId: number; pid: number }> {
  const runId = createRun(store);
  scheduler.enqueue([runId], { first: false });
  await waitFor(`run ${runId} at step ${step}`, 15_000, () => (store.runs.get(runId).step ?? 0) >= step);
  const pid = pidOf(store, runId);
  pids.push(pid);
  return { runId, pid };
}

function pidOf(store: Store, runId: number): number {
  const pid = store.scheduling.readSchedulerRun(runId)?.attempt?.process?.pid;
  assert.ok(pid !== undefined, 'the trainer is noted');
  return pid;
}

/** Texts of the log that the flood wrote, by their number. */
function floodLines(store: Store, runId: number): number[] {
  const lines: number[] = [];
  for (let offset = 0; ; offset += 1000) {
    const page = store.log.read(runId, offset, 1000);
    for (const { text } of page.lines) {
      const found = /^line (\d+) at/.exec(text);
      if (found !== null) lines.push(Number(found[1]));
    }
    if (page.lines.length < 1000) return lines;
  }
}

function stepsOf(store: Store, runId: number): number[] {
  const options = { maxPoints: 1e9, afterStep: null, untilStep: null };
  return store.metrics.read(runId, 'train/loss', options)?.steps ?? [];
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

async function isGone(pid: number, limitMs = 5000): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if ((await readProcessIdentity(pid)) === null) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

test('a run goes from the queue to completed, with everything it said in the store', async () => {
  const owner = await startOwner({ steps: 60, stepsPerEpoch: 20, linesPerStep: 3, stepMs: 5 });
  const { runId, pid } = await startRun(owner);
  await waitForState(owner.store, runId, 'completed');

  const { store, notices } = owner;
  assert.deepEqual(floodLines(store, runId), upTo(180));
  assert.deepEqual(stepsOf(store, runId), upTo(60));
  const run = store.runs.get(runId);
  assert.equal(run.epoch, 3);
  assert.equal(run.resolved?.['threads'], 2);
  assert.deepEqual(
    store.checkpoints.list(runId).map(({ file, roles }) => ({ file, roles })),
    [{ file: 'checkpoints/epoch-0003.safetensors', roles: ['last', 'best'] }],
  );
  const runFolder = path.join(folder, run.folder);
  assert.deepEqual(readdirSync(path.join(runFolder, 'checkpoints')).sort(), [
    'epoch-0003.json',
    'epoch-0003.safetensors',
  ]);
  assert.equal(
    statSync(path.join(runFolder, 'journal-1.jsonl')).size,
    store.scheduling.readSchedulerRun(runId)?.attempt?.journalOffset,
  );
  assert.deepEqual(
    store.scheduling.attempts(runId).map(({ outcome }) => outcome),
    ['completed'],
  );
  assert.ok(notices.some((notice) => notice.type === 'run-ended' && notice.state === 'completed'));
  assert.ok(await isGone(pid), 'the trainer has left');
  await waitFor('the owner idle', 5000, () => owner.scheduler.isIdle());
  assert.ok(!existsSync(controlSocketPath(folder, runId)), 'the control socket is gone');
});

test('one slot: the second run starts when the first has ended, and the order can be changed', async () => {
  const owner = await startOwner({ steps: 30, stepMs: 10 });
  const { store, scheduler } = owner;
  const [first, second, third] = [createRun(store), createRun(store), createRun(store)];
  scheduler.enqueue([first, second, third], { first: false });
  scheduler.moveInQueue(third, second);
  const order: number[] = [];
  await waitFor('all three to end', 20_000, () => {
    for (const id of [first, second, third]) {
      if (store.runs.get(id).state !== 'queued' && !order.includes(id)) order.push(id);
    }
    const active = [first, second, third].filter((id) =>
      ['preparing', 'running'].includes(store.runs.get(id).state),
    );
    assert.ok(active.length <= 1, `${active.length} runs at once`);
    return [first, second, third].every((id) => store.runs.get(id).state === 'completed');
  });
  assert.deepEqual(order, [first, third, second]);
});

test('a paused queue starts nothing, a cancelled run never starts', async () => {
  const { store, scheduler } = await startOwner({ steps: 2 });
  scheduler.setPaused(true);
  const [first, second] = [createRun(store), createRun(store)];
  scheduler.enqueue([first, second], { first: false });
  await scheduler.stop(first);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(store.runs.get(second).state, 'queued');
  assert.ok(scheduler.isIdle(), 'a paused queue is idle');
  scheduler.setPaused(false);
  await waitForState(store, second, 'completed');
  assert.equal(store.runs.get(first).state, 'stopped');
  assert.equal(store.runs.get(first).attempt, 0);
});

test('kill -9 of the trainer: crashed within 5 s, everything written before is stored', async () => {
  const owner = await startOwner({ steps: 10_000, stepMs: 5, stepsPerEpoch: 10 });
  const { runId, pid } = await startRun(owner, 25);
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await waitForState(owner.store, runId, 'crashed', 5000);
  const tookMs = performance.now() - killedAt;
  assert.ok(tookMs < 5000, `${tookMs} ms`);
  await waitFor('the owner idle', 5000, () => owner.scheduler.isIdle());
  assert.ok(!existsSync(controlSocketPath(folder, runId)), 'its socket does not lie around');
  const run = owner.store.runs.get(runId);
  assert.match(run.stateMessage ?? '', /^The trainer is gone at step \d+ \(signal SIGKILL\)\.$/);
  const journal = readFileSync(path.join(folder, run.folder, 'journal-1.jsonl'), 'utf8');
  const written = journal.split('\n').filter((line) => line.includes('"type":"metrics"')).length;
  assert.deepEqual(stepsOf(owner.store, runId), upTo(written));
  assert.ok(owner.notices.some((notice) => notice.type === 'run-ended' && notice.state === 'crashed'));
});

test('a crashed run resumes from its last checkpoint, and no step is there twice', async () => {
  const owner = await startOwner({ steps: 100, stepMs: 5, stepsPerEpoch: 10 });
  const { store, scheduler } = owner;
  const { runId, pid } = await startRun(owner, 35);
  process.kill(pid, 'SIGKILL');
  await waitForState(store, runId, 'crashed');
  await scheduler.resume(runId);
  await waitForState(store, runId, 'completed');
  assert.deepEqual(stepsOf(store, runId), upTo(100));
  const attempts = store.scheduling.attempts(runId);
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ['crashed', 'completed'],
  );
  assert.ok((attempts[1]?.resumedFromStep ?? 0) >= 30);
  assert.equal((attempts[1]?.resumedFromStep ?? 0) % 10, 0, 'at the end of an epoch');
});

test('a trainer that ends without a word leaves its stderr in the log', async () => {
  const owner = await startOwner({ steps: 100, accident: { at: 5, kind: 'exit' } });
  const { runId } = await startRun(owner);
  await waitForState(owner.store, runId, 'crashed');
  assert.match(owner.store.runs.get(runId).stateMessage ?? '', /exit code 3/);
  const { lines } = owner.store.log.read(runId, 0, 1000);
  assert.ok(lines.some(({ text, level }) => text === 'Last words on stderr.' && level === 'error'));
});

for (const [kind, message] of [
  [
    'not-finite',
    /^train\/loss became not a number at step 45\..* The last checkpoint is that of epoch 4 \(step 40\)\.$/,
  ],
  [
    'exception',
    /^A defect, thrown where nobody catches\. The last checkpoint is that of epoch 4 \(step 40\)\.$/,
  ],
] as const) {
  test(`an error in the trainer (${kind}): failed, with the sentence and the last good checkpoint`, async () => {
    const owner = await startOwner({ steps: 100, stepsPerEpoch: 10, accident: { at: 45, kind } });
    const { runId, pid } = await startRun(owner);
    await waitForState(owner.store, runId, 'failed');
    assert.match(owner.store.runs.get(runId).stateMessage ?? '', message);
    assert.equal(owner.store.checkpoints.list(runId).at(-1)?.step, 40);
    assert.ok(await isGone(pid));
  });
}

test('pause: a checkpoint, the slot freed; resume goes on from there and completes', async () => {
  const owner = await startOwner({ steps: 60, stepMs: 10, stepsPerEpoch: 20 });
  const { store, scheduler } = owner;
  const { runId } = await startRun(owner, 25);
  await scheduler.pause(runId);
  await waitForState(store, runId, 'paused');
  await waitFor('the owner idle', 5000, () => scheduler.isIdle());
  const pausedAt = store.runs.get(runId).step ?? 0;
  const kept = store.checkpoints.list(runId);
  assert.equal(kept.at(-1)?.step, pausedAt);
  assert.deepEqual(kept.at(-1)?.roles, []);
  assert.deepEqual(kept.at(-2)?.roles, ['last', 'best'], 'the evaluated one stays the last');

  await scheduler.resume(runId);
  await waitForState(store, runId, 'completed');
  assert.equal(store.scheduling.attempts(runId)[1]?.resumedFromStep, pausedAt);
  assert.deepEqual(stepsOf(store, runId), upTo(60));
  assert.deepEqual(floodLines(store, runId), upTo(60));
  assert.deepEqual(
    readdirSync(path.join(folder, store.runs.get(runId).folder, 'checkpoints')).sort(),
    ['epoch-0003.json', 'epoch-0003.safetensors'],
    'the checkpoint of the pause is gone',
  );
});

test('stop: the trainer leaves by itself; resume starts from the last checkpoint', async () => {
  const owner = await startOwner({ steps: 60, stepMs: 10, stepsPerEpoch: 20 });
  const { store, scheduler } = owner;
  const { runId, pid } = await startRun(owner, 25);
  await scheduler.stop(runId);
  assert.equal(scheduler.pendingWish(runId), 'stop');
  await waitForState(store, runId, 'stopped');
  assert.equal(store.runs.get(runId).stateMessage, null, 'nothing forced it');
  assert.ok(await isGone(pid));
  await scheduler.resume(runId);
  await waitForState(store, runId, 'completed');
  assert.equal(store.scheduling.attempts(runId)[1]?.resumedFromStep, 20);
  assert.deepEqual(stepsOf(store, runId), upTo(60));
});

test('a requested checkpoint is kept beside the last', async () => {
  const owner = await startOwner({ steps: 60, stepMs: 20, stepsPerEpoch: 20 });
  const { store, scheduler } = owner;
  const { runId } = await startRun(owner, 25);
  await scheduler.requestCheckpoint(runId);
  await waitForState(store, runId, 'completed');
  const kept = store.checkpoints.list(runId);
  assert.deepEqual(
    kept.map(({ roles }) => roles),
    [['requested'], ['last', 'best']],
  );
  assert.match(kept[0]!.file, /^checkpoints\/epoch-0001-step-00000\d\d\.safetensors$/);
  await assert.rejects(scheduler.requestCheckpoint(runId), { code: 'conflict' });
});

for (const kind of ['block', 'deaf'] as const) {
  test(`a trainer that does not stop (${kind}) is gone after the deadlines`, async () => {
    const deadlines = { stopMs: 600, terminateMs: 400 };
    const owner = await startOwner({ steps: 10_000, stepMs: 10, accident: { at: 12, kind } }, { deadlines });
    const { runId, pid } = await startRun(owner, 11);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const askedAt = performance.now();
    await owner.scheduler.stop(runId);
    await waitForState(owner.store, runId, 'stopped');
    const tookMs = performance.now() - askedAt;
    assert.ok(tookMs >= 1000, `${tookMs} ms: not before the deadlines`);
    assert.ok(tookMs < 3500, `${tookMs} ms: soon after the deadlines`);
    assert.match(
      owner.store.runs.get(runId).stateMessage ?? '',
      /^Ended by force at step \d+: it did not stop when asked\.$/,
    );
    assert.ok(await isGone(pid));
  });
}

test('a silent trainer is shown as not responding, and not killed', async () => {
  const owner = await startOwner(
    { steps: 10_000, stepMs: 10, accident: { at: 12, kind: 'block' } },
    { deadlines: { silenceMs: 500 } },
  );
  const { runId, pid } = await startRun(owner, 11);
  assert.equal(owner.scheduler.isNotResponding(runId), false);
  await waitFor('not responding', 5000, () => owner.scheduler.isNotResponding(runId));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(owner.store.runs.get(runId).state, 'running');
  assert.notEqual(await readProcessIdentity(pid), null);
});

test('closing the owner leaves the trainer alone; the next owner attaches and misses nothing', async () => {
  const flood = { steps: 200, stepMs: 10, linesPerStep: 2 };
  const first = await startOwner(flood);
  const { runId, pid } = await startRun(first, 20);
  await closeOwner(first);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.notEqual(await readProcessIdentity(pid), null, 'the trainer goes on');
  const second = await startOwner(flood);
  assert.equal(second.store.runs.get(runId).state, 'running');
  await waitForState(second.store, runId, 'completed');
  assert.deepEqual(floodLines(second.store, runId), upTo(400));
  assert.deepEqual(stepsOf(second.store, runId), upTo(200));
  assert.equal(second.store.scheduling.attempts(runId).length, 1);
});

for (const [what, accident, state] of [
  ['completed meanwhile', null, 'completed'],
  ['was killed meanwhile', 'kill', 'crashed'],
  ['failed meanwhile', 'not-finite', 'failed'],
] as const) {
  test(`a run whose trainer ${what} is ${state} at the next start`, async () => {
    const flood: Partial<Flood> = {
      steps: 100,
      stepMs: 10,
      accident: accident === 'not-finite' ? { at: 70, kind: 'not-finite' } : null,
    };
    const first = await startOwner(flood);
    const { runId, pid } = await startRun(first, 20);
    await closeOwner(first);
    if (accident === 'kill') process.kill(pid, 'SIGKILL');
    assert.ok(await isGone(pid));
    const second = await startOwner(flood);
    // The system may need a moment to close the socket of a process that was killed just now.
    if (accident === 'kill') await waitForState(second.store, runId, state, 1000);
    assert.equal(second.store.runs.get(runId).state, state satisfies RunState, 'known when start() resolves');
    const steps = stepsOf(second.store, runId);
    assert.deepEqual(steps, upTo(steps.length));
  });
}

test('an owner that died before it started the trainer: the run waits again, at the head', async () => {
  const store = openLibrary(folder);
  const [lost, other] = [createRun(store), createRun(store)];
  store.scheduling.setQueuePositions([{ runId: other, position: 5 }]);
  store.scheduling.setRunState(lost, { from: 'queued', to: 'preparing', message: null, atMs: 1 });
  store.scheduling.beginAttempt(lost, { attempt: 1, startedAtMs: 1, resumedFromStep: 0 });
  store.close();
  const owner = await startOwner({ steps: 3 }, { deadlines: { firstRecordMs: 300 } });
  await waitForState(owner.store, lost, 'completed');
  assert.deepEqual(
    owner.store.scheduling.attempts(lost).map(({ outcome }) => outcome),
    ['crashed', 'completed'],
  );
  await waitForState(owner.store, other, 'completed');
});

test('an engine that is not there: the run fails with the sentence, and the next one starts', async () => {
  const owner = await startOwner(
    { steps: 3 },
    {
      selectEngine: async (choice) => {
        if (choice === 'tensorflow-gpu') throw new Error("TensorFlow on the GPU can't be used.");
        return {
          name: 'wasm',
          reason: '',
          installed: null,
          environment: async () => ({ RESLT_FLOOD: '{"steps":3}' }),
        };
      },
    },
  );
  const [missing, other] = [createRun(owner.store, 'tensorflow-gpu'), createRun(owner.store)];
  owner.scheduler.enqueue([missing, other], { first: false });
  await waitForState(owner.store, missing, 'failed');
  assert.equal(owner.store.runs.get(missing).stateMessage, "TensorFlow on the GPU can't be used.");
  await waitForState(owner.store, other, 'completed');
});

test('a trainer whose program is missing: failed with a sentence', async () => {
  const owner = await startOwner({}, { trainer: { command: path.join(folder, 'no-node'), args: [] } });
  const runId = createRun(owner.store);
  owner.scheduler.enqueue([runId], { first: false });
  await waitForState(owner.store, runId, 'failed');
  assert.match(
    owner.store.runs.get(runId).stateMessage ?? '',
    /^The trainer could not be started with .*no-node/,
  );
});

test('a second trainer for a run that has one ends at once', async () => {
  const owner = await startOwner({ steps: 10_000, stepMs: 10 });
  const { runId, pid } = await startRun(owner, 3);
  const runFolder = path.join(folder, owner.store.runs.get(runId).folder);
  const launch = JSON.parse(readFileSync(path.join(runFolder, 'launch-1.json'), 'utf8')) as object;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(path.join(runFolder, 'launch-2.json'), JSON.stringify({ ...launch, attempt: 2 }));
  const second = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../helpers/floodTrainer.ts'), runFolder, '2'],
    { stdio: 'ignore' },
  );
  const code = await new Promise((resolve) => second.once('exit', resolve));
  assert.equal(code, 1);
  const last = readFileSync(path.join(runFolder, 'journal-2.jsonl'), 'utf8').trimEnd().split('\n').at(-1)!;
  assert.match((JSON.parse(last) as { message: string }).message, /^Another trainer already runs run 1/);
  assert.notEqual(await readProcessIdentity(pid), null);
  assert.equal(owner.store.runs.get(runId).state, 'running');
  rmSync(path.join(runFolder, 'launch-2.json'));
});

test('without a control socket the journal is followed all the same, and SIGTERM stops', async () => {
  const owner = await startOwner(
    { steps: 10_000, stepMs: 10 },
    { deadlines: { stopMs: 300, terminateMs: 5000 } },
  );
  const { runId, pid } = await startRun(owner, 3);
  rmSync(controlSocketPath(folder, runId));
  await closeOwner(owner);
  const next = await startOwner({});
  const step = next.store.runs.get(runId).step ?? 0;
  await waitFor('the run to go on', 5000, () => (next.store.runs.get(runId).step ?? 0) > step + 20);
  await closeOwner(next);
  const last = await startOwner({}, { deadlines: { stopMs: 300, terminateMs: 5000 } });
  await last.scheduler.stop(runId);
  await waitForState(last.store, runId, 'stopped');
  assert.equal(last.store.runs.get(runId).stateMessage, null, 'it left by its own word');
  assert.ok(await isGone(pid));
});

/** Starts an owner as a process of its own, with one run queued. */
function spawnOwner(flood: Partial<Flood>): ChildProcess {
  return spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../helpers/ownerProcess.ts'), folder, JSON.stringify(flood)],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

test('kill -9 of the owner in mid-run: the trainer goes on, the next owner attaches, nothing is missing or there twice', async () => {
  const flood = { steps: 300, stepMs: 10, linesPerStep: 5 };
  const process_ = spawnOwner(flood);
  const store = openLibrary(folder);
  await waitFor('the run under way', 15_000, () => (store.runs.read(1)?.step ?? 0) >= 30);
  const pid = pidOf(store, 1);
  pids.push(pid);
  process_.kill('SIGKILL');
  await new Promise((resolve) => process_.once('exit', resolve));
  store.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.notEqual(await readProcessIdentity(pid), null, 'the trainer goes on');

  const owner = await startOwner(flood);
  assert.equal(owner.store.runs.get(1).state, 'running');
  await waitForState(owner.store, 1, 'completed');
  assert.deepEqual(floodLines(owner.store, 1), upTo(1500));
  assert.deepEqual(stepsOf(owner.store, 1), upTo(300));
});

test('an owner that is stopped for seconds catches up with each event once, and the trainer did not wait', async () => {
  const flood = { steps: 400, stepMs: 10, linesPerStep: 20 };
  const process_ = spawnOwner(flood);
  const store = openLibrary(folder);
  try {
    await waitFor('the run under way', 15_000, () => (store.runs.read(1)?.step ?? 0) >= 30);
    pids.push(pidOf(store, 1));
    process_.kill('SIGSTOP');
    const journal = path.join(folder, store.runs.get(1).folder, 'journal-1.jsonl');
    const stored = store.runs.get(1).step ?? 0;
    await waitFor('the trainer to end meanwhile', 15_000, () =>
      readFileSync(journal, 'utf8').includes('"type":"end"'),
    );
    assert.ok((store.runs.get(1).step ?? 0) <= stored + 30, 'nobody stored anything meanwhile');
    process_.kill('SIGCONT');
    await waitForState(store, 1, 'completed', 10_000);
    assert.deepEqual(floodLines(store, 1), upTo(8000));
    assert.deepEqual(stepsOf(store, 1), upTo(400));
  } finally {
    process_.kill('SIGKILL');
    store.close();
  }
});

test('a line is told to the owner well under 500 ms after it was written', async () => {
  const owner = await startOwner({ steps: 400, stepMs: 10, linesPerStep: 20 });
  const { store } = owner;
  const delays: number[] = [];
  const runId = createRun(store);
  let seen = 0;
  owner.scheduler.enqueue([runId], { first: false });
  await waitFor('the end', 30_000, () => {
    const page = store.log.read(runId, seen, 5000);
    const now = Date.now();
    for (const { text } of page.lines) {
      const found = /at (\d+)$/.exec(text);
      if (found !== null) delays.push(now - Number(found[1]));
    }
    seen += page.lines.length;
    return store.runs.get(runId).state === 'completed';
  });
  delays.sort((a, b) => a - b);
  const p95 = delays[Math.floor(delays.length * 0.95)] ?? Infinity;
  assert.equal(delays.length, 8000);
  assert.ok(p95 < 300, `95th percentile ${p95} ms`);
});

test('the deadlines of the stop ladder leave time for a step, an evaluation and a checkpoint', () => {
  assert.ok(DEADLINES.stopMs >= 20_000 && DEADLINES.terminateMs >= 5_000);
});
