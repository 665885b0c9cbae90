/**
 * Dialogs that any page may open, so that they are drawn once, by App.svelte: the new-run sheet, the palette, the
 * shortcuts, and "repeat with seeds".
 */
import type { RunSummary } from '../../preload/contract.ts';

/** Where a new run starts from: a preset's name, an earlier run ("duplicate and edit"), or the first preset. */
export interface NewRunStart {
  preset?: string;
  runId?: number;
  datasetId?: number;
}

class Dialogs {
  newRun: NewRunStart | null = $state.raw(null);
  /** One run of each seed group that is to be repeated. */
  repeat: RunSummary[] | null = $state.raw(null);
  isPaletteOpen = $state(false);
  isShortcutsOpen = $state(false);
}

export const dialogs = new Dialogs();

/** Opens the new-run sheet from any page: `openNewRun({ runId: 12 })` is "duplicate and edit". */
export function openNewRun(start: NewRunStart = {}): void {
  dialogs.newRun = start;
}
