/**
 * Data of the owner that a component shows. It loads at once, again when something reactive that `load` read has
 * changed, and again when a matching notice arrives, at most once per `everyMs`; never while the window is hidden.
 * Old data stays on screen while new data loads; a skeleton is due only after 150 ms without any; an error is kept
 * beside the old data, to be shown in place.
 *
 *   const run = resource(() => api.getRun({ id }), { refreshOn: (n) => n.type === 'run-grew' && n.runId === id });
 *   {#if run.value} … {:else if run.error} … {:else if run.isSlow} skeleton {/if}
 */
import { untrack } from 'svelte';
import type { Notice } from '../../preload/contract.ts';
import { toFailure, type ApiFailure } from './api.ts';
import { onAnyNotice, onReconnect } from './notices.ts';

const SKELETON_AFTER_MS = 150;
const DEFAULT_EVERY_MS = 250;

export interface ResourceOptions {
  /** Whether a notice makes the data stale. */
  refreshOn?: (notice: Notice) => boolean;
  /** Shortest time between two loads that notices ask for. */
  everyMs?: number;
  /**
   * What the data is of (a run's id). When it changes, the old data is dropped instead of kept on screen; must be
   * reactive.
   */
  of?: () => unknown;
  /** False: nothing is loaded, and the last data stays. Must be reactive. */
  when?: () => boolean;
}

export class Resource<T> {
  #value: T | undefined = $state.raw(undefined);
  #error: ApiFailure | null = $state.raw(null);
  #isLoading = $state(false);
  #isSlow = $state(false);
  #load: () => Promise<T>;
  #everyMs: number;
  #latest = 0;
  #isStale = false;
  #lastStartMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;
  #isEnabled = true;

  constructor(load: () => Promise<T>, options: ResourceOptions) {
    this.#load = load;
    this.#everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
    let subject: unknown = untrack(() => options.of?.());

    $effect(() => {
      const next = options.of?.();
      this.#isEnabled = options.when?.() ?? true;
      if (next !== subject) {
        subject = next;
        untrack(() => this.#forget());
      }
      // Run inside the effect, so that what `load` reads before its first await is tracked.
      if (this.#isEnabled) void this.#start();
    });

    $effect(() => {
      const stops = [
        onAnyNotice((notice) => {
          if (options.refreshOn?.(notice)) this.#refreshSoon();
        }),
        onReconnect(() => this.#refreshSoon()),
      ];
      const whenShown = () => {
        if (!document.hidden && this.#isStale) this.#refreshSoon();
      };
      document.addEventListener('visibilitychange', whenShown);
      return () => {
        for (const stop of stops) stop();
        document.removeEventListener('visibilitychange', whenShown);
        clearTimeout(this.#timer);
        clearTimeout(this.#slowTimer);
        this.#timer = undefined;
        this.#latest += 1;
      };
    });
  }

  /** The data; undefined before the first answer. */
  get value(): T | undefined {
    return this.#value;
  }
  /** Why the last load failed; null when it did not. */
  get error(): ApiFailure | null {
    return this.#error;
  }
  get isLoading(): boolean {
    return this.#isLoading;
  }
  /** No data yet, and it has taken longer than 150 ms: show the skeleton. */
  get isSlow(): boolean {
    return this.#isSlow && this.#value === undefined;
  }

  /** Loads now. */
  refresh(): Promise<void> {
    return untrack(() => this.#start());
  }

  /** Puts data in place that a request has just returned, without asking again. */
  set(value: T): void {
    this.#latest += 1;
    this.#value = value;
    this.#error = null;
    this.#settle();
  }

  #forget(): void {
    this.#latest += 1;
    this.#value = undefined;
    this.#error = null;
  }

  #refreshSoon(): void {
    if (!this.#isEnabled) return;
    if (document.hidden) {
      this.#isStale = true;
      return;
    }
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastStartMs + this.#everyMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A load under way is waited for: replacing it again and again would never show anything.
      if (this.#isLoading) this.#isStale = true;
      else void this.refresh();
    }, wait);
  }

  #settle(): void {
    clearTimeout(this.#slowTimer);
    this.#isSlow = false;
    this.#isLoading = false;
    if (this.#isStale) this.#refreshSoon();
  }

  async #start(): Promise<void> {
    const ticket = ++this.#latest;
    this.#isStale = false;
    this.#lastStartMs = performance.now();
    const answer = this.#load();
    untrack(() => {
      this.#isLoading = true;
      if (this.#value === undefined) {
        clearTimeout(this.#slowTimer);
        this.#slowTimer = setTimeout(() => (this.#isSlow = true), SKELETON_AFTER_MS);
      }
    });
    try {
      const value = await answer;
      if (ticket !== this.#latest) return;
      this.#value = value;
      this.#error = null;
      this.#settle();
    } catch (thrown) {
      if (ticket !== this.#latest) return;
      this.#error = toFailure(thrown);
      this.#settle();
    }
  }
}

/** Makes a resource; call it while a component is being set up. */
export function resource<T>(load: () => Promise<T>, options: ResourceOptions = {}): Resource<T> {
  return new Resource(load, options);
}
