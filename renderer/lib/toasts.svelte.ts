/**
 * Short news in a corner: what happened on another page, or an action with its undo. Errors of a form or a page belong
 * where they happened, not here.
 */
import type { Component } from 'svelte';

export interface Toast {
  id: number;
  tone: 'plain' | 'good' | 'bad';
  icon: Component | null;
  /** Shown strong before the text: the run's title. */
  subject: string;
  text: string;
  action: { label: string; run: () => void } | null;
}

const SHOWN_MS = 7000;
/** Something to undo or to read twice stays longer. */
const SHOWN_WITH_ACTION_MS = 12_000;
const MOST = 4;

class Toasts {
  items: Toast[] = $state.raw([]);
  #nextId = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(toast: Partial<Omit<Toast, 'id'>> & { text: string }): number {
    const id = this.#nextId++;
    const full: Toast = { id, tone: 'plain', icon: null, subject: '', action: null, ...toast };
    for (const dropped of this.items.slice(0, Math.max(0, this.items.length + 1 - MOST)))
      this.dismiss(dropped.id);
    this.items = [...this.items, full];
    this.resume(full);
    return id;
  }

  /** Keeps a toast while the pointer or the focus is on it. */
  hold(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id));
  }

  resume(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id));
    const shownMs = toast.action ? SHOWN_WITH_ACTION_MS : SHOWN_MS;
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), shownMs),
    );
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
