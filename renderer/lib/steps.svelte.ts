/** Dialogs of several steps by keyboard: Enter goes on, and each step begins at its first field. */
import { tick } from 'svelte';

/** A key handler with which Enter goes on from a field or a list, as in any form; buttons keep their own Enter. */
export function goOnWithEnter(next: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' || event.defaultPrevented || event.isComposing) return;
    const isOwn = event.target instanceof Element && event.target.matches('input, [data-autofocus]');
    if (!isOwn && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    next();
  };
}

/**
 * Moves the focus to what has `data-autofocus` within `body` when `step` changes; the dialog itself cares for the first
 * step. To be called while a component is made.
 */
export function focusEachStep(step: () => string, body: () => HTMLElement | undefined): void {
  let shown: string | null = null;
  $effect(() => {
    const current = step();
    if (shown !== null && shown !== current)
      void tick().then(() =>
        body()?.querySelector<HTMLElement>('[data-autofocus]')?.focus({ preventScroll: true }),
      );
    shown = current;
  });
}
