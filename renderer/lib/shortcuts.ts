/**
 * Every key chord of the application, once: the palette, the tooltips, the sheet of shortcuts and the key handler all
 * read this list. A page gives a command its action with `useCommands`; a chord without an action does nothing.
 */

export interface Shortcut {
  id: string;
  label: string;
  group: 'Everywhere' | 'Runs' | 'Queue' | 'Run and log' | 'Compare and charts';
  /** The first is the one that is shown. */
  chords: string[];
  /** In a browser the window takes some chords for itself; these are shown and used there instead. */
  browserChords?: string[];
}

export const SHORTCUTS = [
  { id: 'palette', label: 'Command palette', group: 'Everywhere', chords: ['mod+k', 'mod+shift+p'] },
  { id: 'page.datasets', label: 'Datasets', group: 'Everywhere', chords: ['mod+1'] },
  { id: 'page.runs', label: 'Runs', group: 'Everywhere', chords: ['mod+2'] },
  { id: 'page.compare', label: 'Compare', group: 'Everywhere', chords: ['mod+3'] },
  { id: 'page.settings', label: 'Settings', group: 'Everywhere', chords: ['mod+,'] },
  { id: 'shortcuts', label: 'Keyboard shortcuts', group: 'Everywhere', chords: ['mod+/', '?'] },
  // A browser keeps Ctrl+N for its own windows.
  { id: 'run.new', label: 'New run', group: 'Runs', chords: ['mod+n', 'n'], browserChords: ['n'] },
  { id: 'run.duplicate', label: 'Duplicate and edit', group: 'Runs', chords: ['mod+d'] },
  { id: 'run.stop', label: 'Stop run', group: 'Runs', chords: ['mod+.'] },
  { id: 'runs.filter', label: 'Filter', group: 'Runs', chords: ['/', 'mod+f'] },
  { id: 'runs.down', label: 'Next row', group: 'Runs', chords: ['j', 'arrowdown'] },
  { id: 'runs.up', label: 'Previous row', group: 'Runs', chords: ['k', 'arrowup'] },
  { id: 'runs.open', label: 'Open', group: 'Runs', chords: ['enter'] },
  {
    id: 'runs.expand',
    label: 'Open or close a seed group',
    group: 'Runs',
    chords: ['arrowright', 'arrowleft'],
  },
  { id: 'runs.select', label: 'Select', group: 'Runs', chords: ['space', 'x'] },
  { id: 'runs.range', label: 'Select up to here', group: 'Runs', chords: ['shift+space'] },
  { id: 'runs.selectAll', label: 'Select all', group: 'Runs', chords: ['mod+a'] },
  { id: 'runs.archive', label: 'Archive', group: 'Runs', chords: ['delete'] },
  { id: 'runs.queue', label: 'Show or hide the queue', group: 'Queue', chords: ['q'] },
  { id: 'queue.up', label: 'Earlier in the queue', group: 'Queue', chords: ['alt+arrowup'] },
  { id: 'queue.down', label: 'Later in the queue', group: 'Queue', chords: ['alt+arrowdown'] },
  { id: 'log.toggle', label: 'Show or hide the log', group: 'Run and log', chords: ['mod+`'] },
  { id: 'runs.compare', label: 'Compare selected', group: 'Compare and charts', chords: ['c'] },
  { id: 'runs.copy', label: 'Copy table as CSV', group: 'Compare and charts', chords: ['mod+shift+c'] },
] as const satisfies readonly Shortcut[];

export type ShortcutId = (typeof SHORTCUTS)[number]['id'];

/** The chords that work in this shell, the shown one first. */
export function chordsOf(id: ShortcutId, isBrowser: boolean): readonly string[] {
  const shortcut: Shortcut | undefined = SHORTCUTS.find((candidate) => candidate.id === id);
  if (!shortcut) return [];
  return (isBrowser ? shortcut.browserChords : undefined) ?? shortcut.chords;
}
