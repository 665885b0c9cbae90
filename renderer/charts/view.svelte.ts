/**
 * What the charts of one page share: the hovered x, so that one crosshair runs through all of them, and the zoomed
 * range. Both are in the unit of the x axis, so a page that changes its axis calls `reset`.
 */
import { getContext, setContext } from 'svelte';

const KEY = Symbol('plot view');

export class PlotView {
  /** x under the crosshair, or null when nothing is hovered: the readouts then show the last point. */
  hovered = $state<number | null>(null);
  /** Zoomed part of the x axis, or null for all of it. */
  range = $state.raw<{ min: number; max: number } | null>(null);

  reset(): void {
    this.hovered = null;
    this.range = null;
  }
}

/** Makes a view for the charts below this component. */
export function providePlotView(): PlotView {
  return setContext(KEY, new PlotView());
}

/** The page's view, or one of its own for a chart that stands alone. */
export function usePlotView(): PlotView {
  return getContext<PlotView | undefined>(KEY) ?? new PlotView();
}
