/**
 * The list of runs by pages: only those in view are asked for, again when something changed; pages seen before stay
 * until they are seen again, so that scrolling back shows no gaps.
 */
import type { Notice, RunList, RunListItem, RunQuery } from '../../preload/contract.ts';
import { api } from '../lib/api.ts';
import { onReconnect } from '../lib/notices.ts';
import { resource, type Resource } from '../lib/resource.svelte.ts';

const PAGE_ITEMS = 100;
/** A table that re-sorts itself more often than this can't be read. */
const REFRESH_EVERY_MS = 500;

interface LoadedPages {
  /** Of which query, as text. */
  of: string;
  pages: ReadonlyMap<number, RunListItem[]>;
  list: Omit<RunList, 'items'>;
}

const changesRuns = (notice: Notice): boolean =>
  notice.type === 'runs-changed' || notice.type === 'run-ended' || notice.type === 'queue-changed';

/** An item that came again as it was keeps its object, so that its row is not drawn again. */
function reuse(old: readonly RunListItem[], next: RunListItem[]): RunListItem[] {
  const byKey = new Map(old.map((item) => [item.key, item]));
  return next.map((item) => {
    const known = byKey.get(item.key);
    return known && JSON.stringify(known) === JSON.stringify(item) ? known : item;
  });
}

export class RunPages {
  readonly #loaded: Resource<LoadedPages>;
  #firstPage = $state(0);
  #lastPage = $state(0);
  #cache: LoadedPages | null = null;
  /** Pages that nothing has changed since they were read. */
  #fresh = new Set<number>();
  /** Counts changes: an answer that was asked for before the last one is not fresh. */
  #changes = 0;

  constructor(query: () => RunQuery) {
    this.#loaded = resource(() => this.#load(query(), this.#firstPage, this.#lastPage), {
      refreshOn: (notice) => {
        const isStale = changesRuns(notice);
        if (isStale) this.#spoil();
        return isStale;
      },
      everyMs: REFRESH_EVERY_MS,
    });
    $effect(() => onReconnect(() => this.#spoil()));
  }

  #spoil(): void {
    this.#fresh.clear();
    this.#changes += 1;
  }

  async #load(query: RunQuery, first: number, last: number): Promise<LoadedPages> {
    const of = JSON.stringify(query);
    const old = this.#cache?.of === of ? this.#cache : null;
    if (!old) this.#spoil();
    const wanted = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    const missing = wanted.filter((page) => !this.#fresh.has(page));
    if (old && missing.length === 0) return old;
    const from = missing[0] ?? first;
    const to = missing.at(-1) ?? last;
    const changes = this.#changes;
    const { items, ...list } = await api.listRuns({
      ...query,
      offset: from * PAGE_ITEMS,
      limit: (to - from + 1) * PAGE_ITEMS,
    });
    const pages = new Map(this.#cache?.of === of ? this.#cache.pages : []);
    for (let page = from; page <= to; page += 1) {
      const start = (page - from) * PAGE_ITEMS;
      pages.set(page, reuse(pages.get(page) ?? [], items.slice(start, start + PAGE_ITEMS)));
      if (changes === this.#changes) this.#fresh.add(page);
    }
    this.#cache = { of, pages, list };
    return this.#cache;
  }

  /** Says which items are in view. */
  show(start: number, end: number): void {
    const first = Math.floor(Math.max(0, start) / PAGE_ITEMS);
    const last = Math.floor(Math.max(start, end - 1, 0) / PAGE_ITEMS);
    // Only a view beyond what is asked for asks again; a page more or less in the request is no reason.
    if (first < this.#firstPage || last > this.#lastPage || last - first < this.#lastPage - this.#firstPage) {
      this.#firstPage = first;
      this.#lastPage = last;
    }
  }

  refresh(): Promise<void> {
    this.#spoil();
    return this.#loaded.refresh();
  }

  get list(): Omit<RunList, 'items'> | undefined {
    return this.#loaded.value?.list;
  }
  get error() {
    return this.#loaded.error;
  }
  get isSlow(): boolean {
    return this.#loaded.isSlow;
  }
  get itemCount(): number {
    return this.#loaded.value?.list.itemCount ?? 0;
  }

  /** The item at an index of the list; undefined when it is not loaded. */
  itemAt(index: number): RunListItem | undefined {
    return this.#loaded.value?.pages.get(Math.floor(index / PAGE_ITEMS))?.[index % PAGE_ITEMS];
  }

  /** All loaded items with their indices, in order. */
  *loadedItems(): Generator<[number, RunListItem]> {
    const pages = this.#loaded.value?.pages;
    if (!pages) return;
    for (const page of [...pages.keys()].sort((a, b) => a - b)) {
      for (const [offset, item] of (pages.get(page) ?? []).entries())
        yield [page * PAGE_ITEMS + offset, item];
    }
  }
}
