/** Addresses, key chords and the matching of typed words. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { chordKeys, matchesChord, type KeyPress } from '../../../renderer/lib/chords.ts';
import { markWords, matchesWords } from '../../../renderer/lib/match.ts';
import { formatRoute, parseRoute, type Route } from '../../../renderer/lib/routes.ts';
import { chordsOf, SHORTCUTS, type Shortcut } from '../../../renderer/lib/shortcuts.ts';

test('every address parses back to itself', () => {
  const routes: Route[] = [
    { page: 'runs' },
    { page: 'run', id: 12, tab: 'overview' },
    { page: 'run', id: 12, tab: 'log' },
    { page: 'compare', refs: [] },
    { page: 'compare', refs: ['12@best', '13@epoch-40'] },
    { page: 'datasets', id: null },
    { page: 'datasets', id: 3 },
    { page: 'settings', section: null },
    { page: 'settings', section: 'doctor' },
  ];
  for (const route of routes) assert.deepEqual(parseRoute(formatRoute(route)), route);
});

test('what is no address of ours is refused, and an empty one is the runs', () => {
  assert.deepEqual(parseRoute(''), { page: 'runs' });
  assert.deepEqual(parseRoute('#/'), { page: 'runs' });
  for (const hash of [
    '#/nothing',
    '#/runs/zero',
    '#/runs/0',
    '#/runs/-1',
    '#/runs/1/elsewhere',
    '#/runs/1/log/more',
    '#/datasets/x',
    '#/compare/1',
  ]) {
    assert.equal(parseRoute(hash), null, hash);
  }
});

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: '',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

test('mod is Ctrl here and Cmd on a Mac, and nothing else may be held', () => {
  assert.equal(matchesChord(press('k', { ctrlKey: true }), 'mod+k', false), true);
  assert.equal(matchesChord(press('k', { metaKey: true }), 'mod+k', true), true);
  assert.equal(matchesChord(press('k', { metaKey: true }), 'mod+k', false), false);
  assert.equal(matchesChord(press('k', { ctrlKey: true, altKey: true }), 'mod+k', false), false);
  assert.equal(matchesChord(press('P', { ctrlKey: true, shiftKey: true }), 'mod+shift+p', false), true);
  assert.equal(matchesChord(press('p', { ctrlKey: true }), 'mod+shift+p', false), false);
});

test('symbols count as typed, digits by their place, Space by name', () => {
  assert.equal(matchesChord(press('?', { shiftKey: true }), '?', false), true);
  assert.equal(matchesChord(press('/', { shiftKey: true }), '/', false), true);
  assert.equal(matchesChord(press('&', { ctrlKey: true, code: 'Digit1' }), 'mod+1', false), true);
  assert.equal(matchesChord(press(' '), 'space', false), true);
  assert.equal(matchesChord(press(' ', { shiftKey: true }), 'shift+space', false), true);
  assert.equal(matchesChord(press('ArrowUp', { altKey: true }), 'alt+arrowup', false), true);
});

test('keycaps show a chord as the system writes it', () => {
  assert.deepEqual(chordKeys('mod+shift+p', false), ['Ctrl', 'Shift', 'P']);
  assert.deepEqual(chordKeys('mod+k', true), ['⌘', 'K']);
  assert.deepEqual(chordKeys('alt+arrowup', false), ['Alt', '↑']);
});

test('no chord belongs to two commands that can meet', () => {
  const owners = new Map<string, string>();
  for (const { id, chords } of SHORTCUTS as readonly Shortcut[]) {
    for (const chord of chords) {
      assert.equal(owners.get(chord), undefined, `${chord} belongs to ${owners.get(chord)} and ${id}`);
      owners.set(chord, id);
    }
  }
});

test('a browser keeps Ctrl+N, so new run has another chord there', () => {
  assert.deepEqual(chordsOf('run.new', true), ['n']);
  assert.equal(chordsOf('run.new', false)[0], 'mod+n');
});

test('every typed word must occur, in any order', () => {
  assert.equal(matchesWords('ResLT β 0.995 CIFAR-100-LT', 'cifar res'), true);
  assert.equal(matchesWords('ResLT β 0.995', 'res ride'), false);
  assert.equal(matchesWords('anything', '  '), true);
});

test('marked parts join to the text again', () => {
  const parts = markWords('RIDE-ResLT 3 experts', 'resl exp');
  assert.equal(parts.map(({ text }) => text).join(''), 'RIDE-ResLT 3 experts');
  assert.deepEqual(
    parts.filter(({ isMatch }) => isMatch).map(({ text }) => text),
    ['ResL', 'exp'],
  );
  assert.deepEqual(markWords('İstanbul', 'i'), [{ text: 'İstanbul', isMatch: false }]);
});
