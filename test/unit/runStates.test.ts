/** The transition table of run states: every edge, and that there is no other. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RunState } from '../../preload/contract.ts';
import { findNextState, nextState, TRANSITIONS, type RunEvent } from '../../main/scheduler/runStates.ts';

const EDGES: [RunState, RunEvent, RunState][] = [
  ['queued', 'start', 'preparing'],
  ['queued', 'cancel', 'stopped'],
  ['preparing', 'requeue', 'queued'],
  ['preparing', 'begin', 'running'],
  ['preparing', 'fail', 'failed'],
  ['preparing', 'stop', 'stopped'],
  ['preparing', 'pause', 'paused'],
  ['preparing', 'crash', 'crashed'],
  ['running', 'complete', 'completed'],
  ['running', 'fail', 'failed'],
  ['running', 'stop', 'stopped'],
  ['running', 'pause', 'paused'],
  ['running', 'crash', 'crashed'],
  ['paused', 'resume', 'queued'],
  ['paused', 'cancel', 'stopped'],
  ['stopped', 'resume', 'queued'],
  ['failed', 'resume', 'queued'],
  ['completed', 'evaluate', 'queued'],
  ['stopped', 'evaluate', 'queued'],
  ['crashed', 'evaluate', 'queued'],
  ['failed', 'evaluate', 'queued'],
  ['crashed', 'resume', 'queued'],
];

for (const [from, event, to] of EDGES) {
  test(`a run that is ${from} becomes ${to} by "${event}"`, () => {
    assert.equal(nextState(from, event), to);
  });
}

test('no other transition happens', () => {
  const known = new Set(EDGES.map(([from, event]) => `${from} ${event}`));
  assert.equal(TRANSITIONS.length, EDGES.length);
  for (const from of new Set(EDGES.flatMap(([a, , b]) => [a, b]))) {
    for (const event of new Set(EDGES.map(([, each]) => each))) {
      if (known.has(`${from} ${event}`)) continue;
      assert.equal(findNextState(from, event), null, `${from} ${event}`);
    }
  }
});

test('a refused event says what the run is and what the event is for', () => {
  assert.throws(() => nextState('completed', 'resume'), {
    code: 'conflict',
    message: 'The run is completed; "resume" is for a run that is paused or stopped or crashed or failed.',
  });
});
