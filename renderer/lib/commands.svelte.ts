/**
 * What the user can do now: each page adds its commands while it is on screen. The palette lists them, their chords
 * run them, and so do `command` notices (menu, notification), by the same id.
 */
import { untrack, type Component } from 'svelte';
import { bridge } from './api.ts';
import { matchesChord } from './chords.ts';
import { chordsOf, SHORTCUTS, type ShortcutId } from './shortcuts.ts';

export interface Command {
  /** One of the shortcuts' ids, or any other unique name for a command without a chord. */
  id: ShortcutId | (string & {});
  /** As the palette lists it; null keeps it out of the palette (moving in a table). */
  label: string | null;
  icon?: Component;
  /** Grey words behind the label. */
  detail?: string;
  run: (event: KeyboardEvent | null) => void;
  /** False while it makes no sense; its chord is then left to others. */
  isAvailable?: () => boolean;
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
export const isBrowser = bridge === null;

const layers: (() => Command[])[] = [];
let version = $state(0);

/**
 * Adds commands while the calling component exists. Those added last are asked first, so a dialog's win over its
 * page's. `commands` is called when the palette opens or a chord is pressed, so labels may depend on state.
 */
export function useCommands(commands: () => Command[]): void {
  $effect(() => {
    layers.push(commands);
    // Counting up reads the count: tracked, the effect would start itself again without end.
    untrack(() => (version += 1));
    return () => {
      const index = layers.indexOf(commands);
      if (index >= 0) layers.splice(index, 1);
      untrack(() => (version += 1));
    };
  });
}

/** All commands that are available now, the page's own first; one of each id. */
export function availableCommands(): Command[] {
  void version;
  const seen = new Set<string>();
  const found: Command[] = [];
  for (const layer of [...layers].reverse()) {
    for (const command of layer()) {
      if (seen.has(command.id) || command.isAvailable?.() === false) continue;
      seen.add(command.id);
      found.push(command);
    }
  }
  return found;
}

/** Runs a command by its id, for menus and notifications; false when it is not available. */
export function runCommand(id: string): boolean {
  const command = availableCommands().find((candidate) => candidate.id === id);
  command?.run(null);
  return command !== undefined;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement);

/** Keys that a focused button, tab or menu item needs for itself. */
const isOwnKey = (event: KeyboardEvent): boolean =>
  event.target instanceof HTMLElement &&
  event.target.closest('button, a, [role="menu"], [role="listbox"], [role="tab"], [role="radio"]') !== null &&
  ['Enter', ' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key) &&
  !event.ctrlKey &&
  !event.metaKey &&
  !event.altKey;

/** The one key handler of the window. */
export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isPlain && isTyping(event.target)) return;
  if (isOwnKey(event)) return;
  const hasDialog = document.querySelector('[role="dialog"], [role="alertdialog"]') !== null;
  for (const command of availableCommands()) {
    const shortcut = SHORTCUTS.find((candidate) => candidate.id === command.id);
    if (!shortcut) continue;
    // Behind an open dialog, the page's own keys rest.
    if (hasDialog && shortcut.group !== 'Everywhere') continue;
    if (!chordsOf(shortcut.id, isBrowser).some((chord) => matchesChord(event, chord, isMac))) continue;
    event.preventDefault();
    command.run(event);
    return;
  }
}
