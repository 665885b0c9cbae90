/** The log as the page shows it: colours, redrawn lines, matches, and the arithmetic of its window. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { collapseReturns, markMatches, parseAnsi, plainText } from '../../renderer/pages/run/ansi.ts';
import {
  logWindow,
  missingRanges,
  OVERSCAN_ROWS,
  PAGE_LINES,
  ROW_HEIGHT_PX,
  scrollTopOf,
} from '../../renderer/pages/run/logWindow.ts';

const ESC = '\u001b';

test('colours become spans and other sequences vanish', () => {
  const spans = parseAnsi(`${ESC}[2Ka ${ESC}[31mred${ESC}[0m b${ESC}[1;92mok${ESC}[22m!`);
  assert.deepEqual(
    spans.map((span) => [span.text, span.color, span.isBold]),
    [
      ['a ', null, false],
      ['red', 'red', false],
      [' b', null, false],
      ['ok', 'green', true],
      ['!', 'green', false],
    ],
  );
  assert.equal(plainText(`${ESC}]0;title\u0007x${ESC}[31my\u0000z`), 'xyz');
});

test('256 and true colours take the nearest of the eight', () => {
  const colors = (text: string) => parseAnsi(text).map((span) => span.color);
  assert.deepEqual(colors(`${ESC}[38;5;196mx`), ['red']);
  assert.deepEqual(colors(`${ESC}[38;2;10;200;20mx`), ['green']);
  // The arguments of a background colour are not taken for colours of their own.
  assert.deepEqual(colors(`${ESC}[48;5;31mx`), [null]);
});

test('an escape sequence that is cut off or hostile stays text without markup', () => {
  assert.equal(plainText(`a${ESC}[31`), 'a[31');
  assert.equal(plainText('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>');
});

test('of a progress bar only the last drawing stays', () => {
  assert.equal(collapseReturns(' 1 %\r 50 %\r100 %'), '100 %');
  assert.equal(collapseReturns('done\r'), 'done');
  assert.equal(collapseReturns('plain'), 'plain');
  assert.equal(plainText(`${ESC}[32m 1\r${ESC}[32m 2`), ' 2');
});

test('matches ignore case and run over spans', () => {
  const marked = markMatches(parseAnsi(`Loss ${ESC}[31mlo${ESC}[0mss`), 'LOSS');
  assert.deepEqual(
    marked.filter((span) => span.isMatch).map((span) => [span.text, span.color]),
    [
      ['Loss', null],
      ['lo', 'red'],
      ['ss', null],
    ],
  );
  assert.equal(marked.map((span) => span.text).join(''), 'Loss loss');
  assert.deepEqual(
    markMatches(parseAnsi('abc'), 'x').map((span) => span.isMatch),
    [false],
  );
});

test('only the rows in view and a few around them are drawn', () => {
  const top = logWindow({ rows: 300_000, scrollTop: 0, viewportPx: 180 });
  assert.deepEqual([top.first, top.end, top.offsetPx], [0, 11 + OVERSCAN_ROWS, 0]);
  assert.equal(top.heightPx, 300_000 * ROW_HEIGHT_PX);
  const middle = logWindow({ rows: 300_000, scrollTop: 1800, viewportPx: 180 });
  assert.equal(middle.first, 100 - OVERSCAN_ROWS);
  assert.equal(middle.offsetPx, middle.first * ROW_HEIGHT_PX);
  const end = logWindow({ rows: 300_000, scrollTop: 1e12, viewportPx: 180 });
  assert.equal(end.end, 300_000);
  assert.deepEqual(logWindow({ rows: 0, scrollTop: 0, viewportPx: 100 }), {
    first: 0,
    end: 0,
    offsetPx: 0,
    heightPx: 0,
  });
});

test('a log longer than a browser can scroll still reaches its end', () => {
  const rows = 5_000_000;
  const end = logWindow({ rows, scrollTop: Infinity, viewportPx: 360 });
  assert.ok(end.heightPx <= 15_000_000);
  assert.equal(end.end, rows);
  const lastTop = end.offsetPx + (rows - end.first) * ROW_HEIGHT_PX;
  assert.ok(Math.abs(lastTop - end.heightPx) < 1, 'the last row ends where the content ends');
  const top = scrollTopOf(2_500_000, rows, 360);
  const shown = logWindow({ rows, scrollTop: top, viewportPx: 360 });
  assert.ok(shown.first <= 2_500_000 && shown.end > 2_500_000);
});

test('missing lines are asked for in few ranges of at most a page', () => {
  const known = new Set([3, 4]);
  const has = (n: number) => known.has(n);
  assert.deepEqual(missingRanges([1, 2, 3, 4, 5, 6], has, 100), [{ offset: 0, limit: 6 }]);
  assert.deepEqual(missingRanges([3, 4], has, 100), []);
  assert.deepEqual(
    missingRanges([99, 100, 101, 102], () => false, 100),
    [{ offset: 98, limit: 2 }],
  );
  assert.deepEqual(
    missingRanges([1, 5000], () => false, 9000),
    [
      { offset: 0, limit: 1 },
      { offset: 4999, limit: 1 },
    ],
  );
  const many = missingRanges(
    Array.from({ length: 1200 }, (_, i) => i + 1),
    () => false,
    5000,
  );
  assert.deepEqual(
    many.map((range) => range.limit),
    [PAGE_LINES, PAGE_LINES, 200],
  );
  assert.deepEqual(
    many.map((range) => range.offset),
    [0, 500, 1000],
  );
});
