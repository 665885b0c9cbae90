/** Entries of a menu, as Menu.svelte and the context menu of the runs table draw them. */
import type { Component } from 'svelte';
import type { ShortcutId } from '../lib/shortcuts.ts';

export interface MenuAction {
  label: string;
  icon?: Component | undefined;
  /** Grey words at the right. */
  detail?: string | undefined;
  shortcut?: ShortcutId | undefined;
  danger?: boolean;
  disabled?: boolean;
  /** A choice that stays open: with a tick when true, with its space when false. */
  checked?: boolean | undefined;
  run: () => void;
}

export interface Submenu {
  label: string;
  icon?: Component | undefined;
  entries: MenuEntry[];
}

export type MenuEntry = MenuAction | Submenu | { heading: string } | { separator: true };
