/**
 * Dialogs that any page may open, so that they are drawn once, by App.svelte: the new-run sheet, the palette, the
 * shortcuts, the import of other programs' files, and the wizard that adds a dataset.
 */
import type { DatasetKind, ListFiles, PhotographDetail } from '../../preload/contract.ts';

/** Where a new run starts from: a preset's name, an earlier run ("duplicate and edit"), or the first preset. */
export interface NewRunStart {
  preset?: string;
  runId?: number;
  datasetId?: number;
  /** The checkpoint whose weights it begins with: `12@last`. */
  initFrom?: string;
}

/** Where the wizard starts: at a kind of source, or at a path whose subset is next ("new subset from this"). */
export interface AddDatasetStart {
  kind?: DatasetKind;
  sourcePath?: string;
  /** List files, whose paths start from `sourcePath`. */
  lists?: ListFiles | null;
  /** Leaves out the images that the last check of this dataset listed. */
  leaveOutProblemsOf?: number;
  /** Photographs that are registered already: the same test split, numbering and normalisation are suggested. */
  like?: PhotographDetail | null;
}

class Dialogs {
  newRun: NewRunStart | null = $state.raw(null);
  addDataset: AddDatasetStart | null = $state.raw(null);
  isImportOpen = $state(false);
  isPaletteOpen = $state(false);
  isShortcutsOpen = $state(false);
}

export const dialogs = new Dialogs();

/** Opens the new-run sheet from any page: `openNewRun({ runId: 12 })` is "duplicate and edit". */
export function openNewRun(start: NewRunStart = {}): void {
  dialogs.newRun = start;
}

/** Opens the wizard that adds a dataset, from any page; it stays where it is until the dataset is there. */
export function openAddDataset(start: AddDatasetStart = {}): void {
  dialogs.addDataset = start;
}
