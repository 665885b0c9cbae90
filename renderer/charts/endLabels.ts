/**
 * Labels at the ends of lines, drawn on a chart's canvas: a dash in the line's colour, then name and last value in the
 * text colour, pushed apart so that none covers another. They replace a legend; the space for them is reserved by the
 * chart's layout.
 */
import type { Chart } from 'chart.js';
import { spreadLabels } from './placement.ts';

export interface EndLabel {
  /** Position of the line's end, in values of the axes. */
  x: number;
  y: number;
  text: string;
  /** CSS colour. */
  color: string;
}

const LINE_HEIGHT = 14;
/** From the line's end to the dash, the dash, from the dash to the text. */
const OFFSET = 6;
const DASH = 8;
const GAP = 4;
/** Px from a line's end to its label's text. */
export const END_LABEL_INDENT = OFFSET + DASH + GAP;

export function drawEndLabels(
  chart: Chart<'line' | 'bar' | 'scatter', { x: number; y: number }[]>,
  labels: readonly EndLabel[],
  look: { textColor: string; fontFamily: string; freeTop: number },
): void {
  const x = chart.scales['x'];
  const y = chart.scales['y'];
  if (!x || !y) return;
  const { top, bottom, left, right } = chart.chartArea;
  const shown = labels.filter((label) => label.x >= x.min && label.x <= x.max);
  const centres = spreadLabels(
    shown.map((label) => Math.min(bottom, Math.max(top, y.getPixelForValue(label.y)))),
    LINE_HEIGHT,
    top + LINE_HEIGHT / 2 - 3 + look.freeTop,
    bottom - LINE_HEIGHT / 2,
  );
  const { ctx } = chart;
  ctx.save();
  ctx.font = `11px ${look.fontFamily}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  shown.forEach((label, index) => {
    const start = Math.min(right, Math.max(left, x.getPixelForValue(label.x))) + OFFSET;
    const centre = Math.round(centres[index] ?? 0);
    ctx.fillStyle = label.color;
    ctx.fillRect(start, centre - 1.5, DASH, 3);
    ctx.fillStyle = look.textColor;
    ctx.fillText(label.text, start + DASH + GAP, centre + 0.5);
  });
  ctx.restore();
}
