/** What a page hands to a chart. Colours are token names (`group-many`), so that charts follow the theme. */

/** How the x axis of a training curve counts. Time is milliseconds of training time. */
export type XKind = 'epoch' | 'step' | 'time';

export interface LineSeries {
  key: string;
  label: string;
  /** A shorter label for the readout, where room is short. */
  short?: string;
  /** Token name. */
  color: string;
  /** Ascending. */
  xs: readonly number[];
  /** Same length as `xs`; null where there is no value. */
  ys: readonly (number | null)[];
  /** 1.5 unless given; the reference line of a chart takes 2. */
  width?: number;
  /** Dash and gap lengths in px; series from the sixth on get one by themselves. */
  dash?: readonly number[];
  stepped?: boolean;
  /** What is planned but has not happened: drawn dotted. */
  planned?: { xs: readonly number[]; ys: readonly number[] };
}

/** A vertical mark, such as a change of the learning rate. */
export interface Milestone {
  x: number;
  label: string;
}

/** A pale background stripe over part of the x axis. */
export interface Band {
  from: number;
  to: number;
  /** Token name. */
  color: string;
  label: string | string[];
}

/** Data of a chart as a table: for people who can't see the chart, and for CSV. Cells are raw values. */
export interface DataTable {
  columns: { label: string; isNumber: boolean }[];
  rows: (string | number | null)[][];
}

/** Dashes that tell series from the sixth on apart, besides their colour. */
const SERIES_DASHES: readonly (readonly number[])[] = [
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 4],
  [10, 3],
];

/** Colour token and dash of a run's series number, 1…10; higher numbers start over. */
export function seriesStyle(series: number): { color: string; dash: readonly number[] } {
  const number = ((Math.max(1, Math.round(series)) - 1) % 10) + 1;
  return { color: `series-${number}`, dash: number > 5 ? (SERIES_DASHES[number - 6] ?? []) : [] };
}
