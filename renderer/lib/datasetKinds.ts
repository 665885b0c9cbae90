/** What kinds of datasets there are to the page. Pure. */
import type { DatasetKind } from '../../preload/contract.ts';

/** Photographs lie in a folder of the user's and are cut to a size; everything else is packed, and of one size. */
export function isPhotographKind(kind: DatasetKind): boolean {
  return kind === 'list' || kind === 'folder';
}
