/**
 * Rows of a two-level list: items, some of them opened with their children below. Pure arithmetic on indices, because
 * of ten thousand items only those in view are loaded.
 */

/** An opened item: where it is, and how many rows it adds. */
export interface Opened {
  item: number;
  children: number;
}

export interface RowPlace {
  item: number;
  /** Index of the child, null for the item's own row. */
  child: number | null;
}

/** How many rows there are. */
export function countRows(itemCount: number, opened: readonly Opened[]): number {
  return itemCount + opened.reduce((sum, { children }) => sum + children, 0);
}

/** What stands in a row. `opened` is in the order of the items. */
export function placeOfRow(row: number, opened: readonly Opened[]): RowPlace {
  let extra = 0;
  for (const { item, children } of opened) {
    const own = item + extra;
    if (row <= own) break;
    if (row <= own + children) return { item, child: row - own - 1 };
    extra += children;
  }
  return { item: row - extra, child: null };
}

/** The row in which something stands; the inverse of `placeOfRow`. */
export function rowOfPlace(place: RowPlace, opened: readonly Opened[]): number {
  let row = place.item;
  for (const { item, children } of opened) {
    if (item >= place.item) break;
    row += children;
  }
  return place.child === null ? row : row + 1 + place.child;
}
