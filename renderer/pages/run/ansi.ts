/**
 * A log line as a terminal would show it: colours (SGR sequences) become spans, every other control sequence is left
 * out, and of a progress bar that redraws itself with carriage returns only the last drawing stays. Text is never
 * interpreted as HTML: spans go to the page as text.
 */

export type AnsiColor = 'black' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white';

export interface AnsiSpan {
  text: string;
  color: AnsiColor | null;
  isBold: boolean;
  isDim: boolean;
}

const COLORS: readonly AnsiColor[] = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/**
 * One escape sequence: CSI (parameters, then a final byte), OSC (to BEL or ST), or two characters. Written with
 * escapes, so that the pattern itself is readable text.
 */
const ESCAPE =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[([0-9;:<=>?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex
const OTHER_CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** What stays of a line that was redrawn: the last part between carriage returns that is not empty. */
export function collapseReturns(text: string): string {
  if (!text.includes('\r')) return text;
  const parts = text.split('\r');
  for (let i = parts.length - 1; i >= 0; i--) if (parts[i] !== '') return parts[i]!;
  return '';
}

/** The line without colours and controls: what is searched and copied. */
export function plainText(text: string): string {
  return collapseReturns(text).replace(ESCAPE, '').replace(OTHER_CONTROLS, '');
}

/** Spans of equal style, in order; joined they are `plainText(text)`. */
export function parseAnsi(text: string): AnsiSpan[] {
  const line = collapseReturns(text);
  const spans: AnsiSpan[] = [];
  let style: Omit<AnsiSpan, 'text'> = { color: null, isBold: false, isDim: false };
  let from = 0;
  const push = (to: number) => {
    const part = line.slice(from, to).replace(OTHER_CONTROLS, '');
    if (part !== '') spans.push({ text: part, ...style });
  };
  for (const match of line.matchAll(ESCAPE)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = applySgr(style, match[1] ?? '');
  }
  push(line.length);
  return spans;
}

function applySgr(before: Omit<AnsiSpan, 'text'>, parameters: string): Omit<AnsiSpan, 'text'> {
  const codes = parameters.split(/[;:]/).map((part) => (part === '' ? 0 : Number(part)));
  let style = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 0) style = { color: null, isBold: false, isDim: false };
    else if (code === 1) style.isBold = true;
    else if (code === 2) style.isDim = true;
    else if (code === 22) style.isBold = style.isDim = false;
    else if (code >= 30 && code <= 37) style.color = COLORS[code - 30]!;
    else if (code >= 90 && code <= 97) style.color = COLORS[code - 90]!;
    else if (code === 39) style.color = null;
    else if (code === 38 || code === 48) {
      // 256 colours (5;n) and true colour (2;r;g;b): the nearest of the eight, so that both themes stay readable.
      const isForeground = code === 38;
      if (codes[i + 1] === 5) {
        if (isForeground) style.color = nearestOf256(codes[i + 2] ?? 7);
        i += 2;
      } else if (codes[i + 1] === 2) {
        if (isForeground) style.color = nearestOfRgb(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0);
        i += 4;
      }
    }
  }
  return style;
}

function nearestOf256(index: number): AnsiColor | null {
  if (index < 16) return COLORS[index % 8]!;
  if (index >= 232) return index < 244 ? 'black' : 'white';
  const cube = index - 16;
  const level = (n: number) => (n === 0 ? 0 : 55 + 40 * n);
  return nearestOfRgb(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearestOfRgb(red: number, green: number, blue: number): AnsiColor | null {
  const strongest = Math.max(red, green, blue);
  if (strongest - Math.min(red, green, blue) < 40) return strongest < 128 ? 'black' : 'white';
  const isOn = (value: number) => (value > strongest * 0.6 ? 1 : 0);
  return COLORS[isOn(red) + 2 * isOn(green) + 4 * isOn(blue)]!;
}

/** A span with whether it is (part of) a match of the search. */
export interface MarkedSpan extends AnsiSpan {
  isMatch: boolean;
}

/** Cuts spans at the matches of `query` (ignoring case), also where a match runs over several spans. */
export function markMatches(spans: readonly AnsiSpan[], query: string): MarkedSpan[] {
  if (query === '') return spans.map((span) => ({ ...span, isMatch: false }));
  const text = spans
    .map((span) => span.text)
    .join('')
    .toLowerCase();
  const needle = query.toLowerCase();
  const matches: [number, number][] = [];
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length))
    matches.push([at, at + needle.length]);
  const result: MarkedSpan[] = [];
  let start = 0;
  for (const span of spans) {
    const end = start + span.text.length;
    let at = start;
    for (const [from, to] of matches) {
      if (to <= at || from >= end) continue;
      if (from > at)
        result.push({ ...span, text: span.text.slice(at - start, from - start), isMatch: false });
      const stop = Math.min(to, end);
      result.push({
        ...span,
        text: span.text.slice(Math.max(from, at) - start, stop - start),
        isMatch: true,
      });
      at = stop;
    }
    if (at < end) result.push({ ...span, text: span.text.slice(at - start), isMatch: false });
    start = end;
  }
  return result;
}
