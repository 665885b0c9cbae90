/**
 * The pages of the window. A page appears in the rail, in the palette and under its shortcut as soon as it stands
 * here; an address of a page that does not is led to the runs.
 */
import ChartColumn from '@lucide/svelte/icons/chart-no-axes-column-decreasing';
import ChartLine from '@lucide/svelte/icons/chart-line';
import Columns2 from '@lucide/svelte/icons/columns-2';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import type { Component } from 'svelte';
import type { PageName, Route } from './lib/routes.ts';
import type { ShortcutId } from './lib/shortcuts.ts';
import ComparePage from './pages/compare/ComparePage.svelte';
import DatasetsPage from './pages/datasets/DatasetsPage.svelte';
import RunPage from './pages/run/RunPage.svelte';
import SettingsPage from './pages/settings/SettingsPage.svelte';
import RunsPage from './runs/RunsPage.svelte';

type PageComponents = {
  [Name in PageName]?:
    Component<{ route: Extract<Route, { page: Name }> }> | Component<Record<string, never>>;
};

/** A page gets its part of the address as `route`. */
export const PAGES: PageComponents = {
  datasets: DatasetsPage,
  runs: RunsPage,
  run: RunPage,
  compare: ComparePage,
  settings: SettingsPage,
};

export interface RailEntry {
  page: PageName;
  /** Pages that stand under the same entry. */
  covers: PageName[];
  label: string;
  icon: Component;
  shortcut: ShortcutId;
  route: Route;
}

const RAIL: RailEntry[] = [
  {
    page: 'datasets',
    covers: ['datasets'],
    label: 'Datasets',
    icon: ChartColumn,
    shortcut: 'page.datasets',
    route: { page: 'datasets', id: null },
  },
  {
    page: 'runs',
    covers: ['runs', 'run'],
    label: 'Runs',
    icon: ChartLine,
    shortcut: 'page.runs',
    route: { page: 'runs' },
  },
  {
    page: 'compare',
    covers: ['compare'],
    label: 'Compare',
    icon: Columns2,
    shortcut: 'page.compare',
    route: { page: 'compare', refs: [] },
  },
  {
    page: 'settings',
    covers: ['settings'],
    label: 'Settings',
    icon: SlidersHorizontal,
    shortcut: 'page.settings',
    route: { page: 'settings', section: null },
  },
];

/** Entries of the rail whose page is built. */
export const railEntries: RailEntry[] = RAIL.filter((entry) => PAGES[entry.page] !== undefined);
