import test from 'node:test';
import assert from 'node:assert/strict';
import { isStale, type LockView } from '../../../main/engine/lock.ts';

const fresh: LockView = {
  holder: { id: 'a', pid: 10, startTicks: '500', host: 'here' },
  ageMs: 1_000,
  startTicksNow: '500',
  host: 'here',
};

test('a lock is kept while its holder lives and touches it', () => {
  assert.equal(isStale(fresh), false);
  assert.equal(isStale({ ...fresh, ageMs: 61_000 }), true);
});

test('a lock is stale when its process is gone, or its pid belongs to another process now', () => {
  assert.equal(isStale({ ...fresh, startTicksNow: null }), true);
  assert.equal(isStale({ ...fresh, startTicksNow: '900' }), true);
});

test('pids of another machine say nothing: only its heartbeat counts', () => {
  const elsewhere = { ...fresh, host: 'there', startTicksNow: null };
  assert.equal(isStale(elsewhere), false);
  assert.equal(isStale({ ...elsewhere, ageMs: 61_000 }), true);
});

test('a half-written lock is given a moment', () => {
  assert.equal(isStale({ ...fresh, holder: null, ageMs: 100 }), false);
  assert.equal(isStale({ ...fresh, holder: null, ageMs: 6_000 }), true);
});
