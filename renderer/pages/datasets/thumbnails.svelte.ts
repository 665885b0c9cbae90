/**
 * The images of one class and split, by place in the browser. They are asked for in blocks as they come into view and
 * kept while the class stays the same; an answer that comes after the class changed is dropped.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Split } from '../../../preload/contract.ts';
import { api, resourceUrl, toFailure, type ApiFailure } from '../../lib/api.ts';
import { BLOCK, blocksOf, SHEET_COLUMNS, sheetCell, type SheetCell } from './thumbnailGrid.ts';

export interface ImageSet {
  datasetId: number;
  split: Split;
  classIndex: number;
  /** Of photographs: the side of a cell in device pixels. Null: images have one size, and sheets hold them as they are. */
  cellPx: number | null;
}

export class Thumbnails {
  /** Images in the set; null until the first answer. */
  total: number | null = $state(null);
  failure: ApiFailure | null = $state.raw(null);
  #rows = new SvelteMap<number, number[]>();
  #paths = new Map<number, string[]>();
  #set: ImageSet | null = null;
  #underWay = new Set<number>();

  /** Shows another set and asks for its first block. */
  open(set: ImageSet): void {
    this.#set = set;
    this.#rows.clear();
    this.#paths.clear();
    this.#underWay.clear();
    this.total = null;
    this.failure = null;
    void this.#ask(0);
  }

  /** Row of the split at a place; undefined while it is under way. */
  row(place: number): number | undefined {
    return this.#rows.get(Math.floor(place / BLOCK))?.[place % BLOCK];
  }

  /** Path of the photograph at a place; undefined for an image of a packed dataset. */
  path(place: number): string | undefined {
    return this.row(place) === undefined
      ? undefined
      : this.#paths.get(Math.floor(place / BLOCK))?.[place % BLOCK];
  }

  /** The sheet that shows a place, and where in it; undefined while its rows are under way. */
  sheet(place: number): (SheetCell & { url: string }) | undefined {
    const set = this.#set;
    const block = Math.floor(place / BLOCK);
    const rows = this.#rows.get(block);
    if (!set || !rows || this.total === null) return undefined;
    const cell = sheetCell(place, this.total);
    const shown = rows.slice(cell.from - block * BLOCK, cell.to - block * BLOCK);
    const address = resourceUrl('sheet', set.datasetId, set.split);
    const size = set.cellPx === null ? '' : `&size=${set.cellPx}`;
    return { ...cell, url: `${address}?rows=${shown.join(',')}&columns=${SHEET_COLUMNS}${size}` };
  }

  /** Makes sure that the places in view are there or on their way. */
  need(range: { from: number; to: number }): void {
    for (const block of blocksOf(range)) if (!this.#rows.has(block)) void this.#ask(block);
  }

  retry(): void {
    if (this.#set) this.open(this.#set);
  }

  async #ask(block: number): Promise<void> {
    const set = this.#set;
    if (!set || this.#underWay.has(block)) return;
    this.#underWay.add(block);
    try {
      const { datasetId, split, classIndex } = set;
      const page = { datasetId, split, classIndex, offset: block * BLOCK, limit: BLOCK };
      const { rows, total, paths } = await api.listImages(page);
      if (this.#set !== set) return;
      if (paths !== null) this.#paths.set(block, paths);
      this.#rows.set(block, rows);
      this.total = total;
      this.failure = null;
    } catch (thrown) {
      if (this.#set === set) this.failure = toFailure(thrown);
    } finally {
      if (this.#set === set) this.#underWay.delete(block);
    }
  }
}
