/**
 * Key chords as text: "mod+k", "shift+?", "alt+arrowup", "space". `mod` is Cmd on a Mac and Ctrl elsewhere. Pure, so
 * that it can be tested; commands.svelte.ts listens.
 */

export interface KeyPress {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Keys whose shifted character is the chord itself, so that Shift must not be asked for. */
const isSymbol = (key: string): boolean => key.length === 1 && !/[a-z0-9 ]/i.test(key);

/** Whether a key press is the chord. */
export function matchesChord(press: KeyPress, chord: string, isMac: boolean): boolean {
  // "mod++" would split badly; no chord of ours uses the plus key.
  const parts = chord.split('+');
  const key = parts.pop() ?? '';
  const wantsMod = parts.includes('mod');
  const wantsCtrl = parts.includes('ctrl') || (wantsMod && !isMac);
  const wantsMeta = wantsMod && isMac;
  if (press.ctrlKey !== wantsCtrl || press.metaKey !== wantsMeta || press.altKey !== parts.includes('alt')) {
    return false;
  }
  const pressed = press.key === ' ' ? 'space' : press.key.toLowerCase();
  if (isSymbol(key)) return pressed === key;
  if (press.shiftKey !== parts.includes('shift')) return false;
  // By place as well, so that Ctrl+1 works on layouts that need Shift for digits.
  return pressed === key || (/^\d$/.test(key) && press.code === `Digit${key}`);
}

const NAMES: Record<string, string> = {
  space: 'Space',
  enter: '↵',
  escape: 'Esc',
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
  delete: 'Del',
  home: 'Home',
  end: 'End',
};

/** A chord as keycaps: "mod+shift+p" → ["Ctrl", "Shift", "P"], on a Mac ["⌘", "⇧", "P"]. */
export function chordKeys(chord: string, isMac: boolean): string[] {
  return chord.split('+').map((part) => {
    if (part === 'mod') return isMac ? '⌘' : 'Ctrl';
    if (part === 'ctrl') return isMac ? '⌃' : 'Ctrl';
    if (part === 'alt') return isMac ? '⌥' : 'Alt';
    if (part === 'shift') return isMac ? '⇧' : 'Shift';
    return NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part);
  });
}
