import assert from 'node:assert/strict';
import test from 'node:test';
import { decideClose } from '../../../main/desktop/closeQuestion.ts';
import { fitToScreens } from '../../../main/desktop/windowState.ts';

test('closing with nothing to do leaves; with work it asks, once', () => {
  assert.equal(decideClose({ activeRuns: 0, waitingRuns: 0, remembered: null }), 'quit');
  assert.equal(decideClose({ activeRuns: 0, waitingRuns: 0, remembered: 'keep' }), 'quit');
  assert.equal(decideClose({ activeRuns: 1, waitingRuns: 0, remembered: null }), 'ask');
  assert.equal(decideClose({ activeRuns: 0, waitingRuns: 2, remembered: null }), 'ask');
  assert.equal(decideClose({ activeRuns: 1, waitingRuns: 2, remembered: 'keep' }), 'keep');
});

const laptop = { x: 0, y: 0, width: 1440, height: 900 };
const second = { x: 1440, y: 0, width: 2560, height: 1440 };
const saved = { x: 1500, y: 100, width: 2000, height: 1200, maximised: false };

test('a window on a screen that exists stays where it was', () => {
  assert.deepEqual(fitToScreens(saved, [laptop, second]), saved);
});

test('a window whose screen is gone comes back, fitted to the one that is left', () => {
  assert.deepEqual(fitToScreens(saved, [laptop]), {
    x: null,
    y: null,
    width: 1440,
    height: 900,
    maximised: false,
  });
});
