/**
 * Chart.js on a canvas for Svelte: one attachment that builds the chart, follows options and data, and draws at most
 * once per animation frame, without animation. Only the used parts of Chart.js are registered. Data must be plain
 * arrays (never a `$state` proxy, which Chart.js would walk point by point).
 */
import {
  BarController,
  BarElement,
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
} from 'chart.js';
import type { ChartDataset, ChartOptions, Plugin, Scale } from 'chart.js';
import annotationPlugin from 'chartjs-plugin-annotation';
import zoomPlugin from 'chartjs-plugin-zoom';
import type { Attachment } from 'svelte/attachments';
import { drawEndLabels } from './endLabels.ts';
import type { EndLabel } from './endLabels.ts';
import { token, tokenWithOpacity } from './theme.svelte.ts';
import type { Band, Milestone } from './types.ts';

Chart.register(
  BarController,
  BarElement,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  annotationPlugin,
  zoomPlugin,
);

export type Options = ChartOptions<'line' | 'bar' | 'scatter'>;
type AnyChart = Chart<'line' | 'bar' | 'scatter', { x: number; y: number }[]>;
export type Dataset = ChartDataset<'line' | 'bar' | 'scatter', { x: number; y: number }[]>;

/** Where values lie on the canvas, in CSS px, after the last layout. Overlays in HTML use it. */
export interface Geometry {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x(value: number): number;
  y(value: number): number;
  xValue(px: number): number;
}

export interface ChartSource {
  type: 'line' | 'bar' | 'scatter';
  options(): Options;
  datasets(): Dataset[];
  /** Labels at line ends. */
  labels?(): EndLabel[];
  /** Px at the top of the plot that the labels leave free. */
  labelsTop?: number;
  /** Called after every layout. */
  onLayout(geometry: Geometry): void;
  /** Handed the chart once, for exports. */
  onReady?(chart: Chart): void;
}

/** Draws `source` on the canvas for as long as it is attached. */
export function drawn(source: ChartSource): Attachment<HTMLCanvasElement> {
  return (canvas) => {
    let options: Options | null = null;
    let datasets: Dataset[] | null = null;
    let labels: EndLabel[] = [];
    let frame = 0;
    let drawnOptions: Options | null = null;
    let chart: AnyChart | null = null;

    const overlay: Plugin<'line' | 'bar' | 'scatter'> = {
      id: 'overlay',
      afterDatasetsDraw: (drawing) =>
        drawEndLabels(drawing as AnyChart, labels, {
          freeTop: source.labelsTop ?? 0,
          textColor: token('text-1'),
          fontFamily: token('font-ui'),
        }),
      afterUpdate: (updated) => {
        const { left, right, top, bottom } = updated.chartArea;
        const x = updated.scales['x'];
        const y = updated.scales['y'];
        if (!x || !y) return;
        source.onLayout({ left, right, top, bottom, ...pixelMaps(x, y) });
      },
    };

    const draw = () => {
      frame = 0;
      if (!options || !datasets) return;
      if (!chart) {
        chart = new Chart(canvas, { type: source.type, data: { datasets }, options, plugins: [overlay] });
        drawnOptions = options;
        source.onReady?.(chart as unknown as Chart);
        return;
      }
      let isRestyled = options !== drawnOptions;
      if (isRestyled) chart.options = options;
      drawnOptions = options;
      const shown = chart.data.datasets;
      shown.length = datasets.length;
      datasets.forEach((dataset, index) => {
        const old = shown[index];
        if (old === dataset) return;
        if (!old || styleOf(old) !== styleOf(dataset)) isRestyled = true;
        // The dataset object stays, so that Chart.js keeps its controller and elements.
        if (old && old.type === dataset.type) Object.assign(old, dataset);
        else shown[index] = dataset;
      });
      // Mode 'none' is quicker, but leaves the shared options of points as they were (Chart.js 4.6).
      chart.update(isRestyled ? undefined : 'none');
    };
    const schedule = () => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    };

    $effect(() => {
      options = source.options();
      schedule();
    });
    $effect(() => {
      datasets = source.datasets();
      schedule();
    });
    $effect(() => {
      labels = source.labels?.() ?? [];
      schedule();
    });
    return () => {
      cancelAnimationFrame(frame);
      chart?.destroy();
    };
  };
}

/** Everything of a dataset but its points, to compare. */
function styleOf({ data: _points, ...style }: Dataset): string {
  return JSON.stringify(style);
}

/** Frozen copies of the scales' arithmetic: an overlay must not read a scale that is being laid out anew. */
function pixelMaps(x: Scale, y: Scale): Pick<Geometry, 'x' | 'y' | 'xValue'> {
  const map = (scale: Scale, start: number, end: number) => {
    const log = scale.type === 'logarithmic';
    const from = log ? Math.log10(scale.min) : scale.min;
    const to = log ? Math.log10(scale.max) : scale.max;
    const reverse = scale.options.reverse === true;
    const [a, b] = reverse ? [end, start] : [start, end];
    return {
      pixel: (value: number) => a + (((log ? Math.log10(value) : value) - from) / (to - from)) * (b - a),
      value: (px: number) => {
        const raw = from + ((px - a) / (b - a)) * (to - from);
        return log ? 10 ** raw : raw;
      },
    };
  };
  const horizontal = map(x, x.left, x.right);
  const vertical = map(y, y.bottom, y.top);
  return { x: horizontal.pixel, y: vertical.pixel, xValue: horizontal.value };
}

export interface Axis {
  min: number;
  max: number;
  ticks: readonly number[];
  /** A list is drawn as lines. */
  format: (value: number) => string | string[];
  log?: boolean;
  reverse?: boolean;
}

export interface FrameOptions {
  x: Axis & {
    /** Px for the tick labels below the plot; 20 unless they have two lines. */
    height?: number;
  };
  y: Axis & {
    /** Px reserved for tick labels, the same for charts that stand above each other. */
    width: number;
    /** Draws the line of this value firmly. */
    zero?: number;
  };
  /** Px right of the plot, for labels at line ends. */
  right?: number;
  top?: number;
  bands?: readonly Band[];
  milestones?: readonly Milestone[];
  /** Called with the new range after a drag; null leaves zooming out. */
  onZoom?: ((range: { min: number; max: number }) => void) | null;
}

/** The furniture every chart has: one axis line, horizontal grid, our own ticks, bands, milestones, drag to zoom. */
export function frame(given: FrameOptions): Options {
  const font = { family: token('font-ui'), size: 11 };
  const tickColor = token('text-3');
  const gridColor = token('chart-grid');
  const zeroColor = token('chart-zero');
  const scale = (axis: Axis) => ({
    type: axis.log ? ('logarithmic' as const) : ('linear' as const),
    min: axis.min,
    max: axis.max,
    reverse: axis.reverse ?? false,
    // Bars of a linear axis would get half a step of air at both ends.
    offset: false,
    afterBuildTicks: (built: Scale) => {
      built.ticks = axis.ticks.map((value) => ({ value }));
    },
  });
  const { zero } = given.y;
  const onZoom = given.onZoom ?? null;
  const options = {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    parsing: false,
    normalized: true,
    events: [],
    font,
    layout: {
      padding: { left: 0, right: given.right ?? 10, top: given.top ?? 6, bottom: 0 },
      autoPadding: false,
    },
    scales: {
      x: {
        ...scale(given.x),
        grid: { display: false, drawTicks: false },
        border: { display: true, color: token('chart-axis'), width: 1 },
        ticks: {
          color: tickColor,
          font,
          padding: 4,
          autoSkip: false,
          maxRotation: 0,
          includeBounds: false,
          callback: (value: string | number) => given.x.format(Number(value)),
        },
        afterFit: (fitted: Scale) => {
          fitted.height = given.x.height ?? 20;
        },
      },
      y: {
        ...scale(given.y),
        grid: {
          color: (context: { tick: { value: number } }) =>
            context.tick?.value === zero ? zeroColor : gridColor,
          drawTicks: false,
          lineWidth: 1,
        },
        border: { display: false },
        ticks: {
          color: tickColor,
          font,
          padding: 6,
          autoSkip: false,
          includeBounds: false,
          callback: (value: string | number) => given.y.format(Number(value)),
        },
        afterFit: (fitted: Scale) => {
          fitted.width = given.y.width;
        },
      },
    },
    plugins: {
      annotation: { clip: true, annotations: annotations(given, font) },
      zoom: {
        zoom: {
          mode: 'x' as const,
          drag: {
            enabled: onZoom !== null,
            threshold: 6,
            backgroundColor: token('chart-band'),
            borderColor: token('accent-line'),
            borderWidth: 1,
          },
          onZoomComplete: ({ chart }: { chart: Chart }) => {
            const x = chart.scales['x'];
            if (x) onZoom?.({ min: x.min, max: x.max });
          },
        },
      },
    },
  };
  return options as unknown as Options;
}

function annotations(given: FrameOptions, font: { family: string; size: number }): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  given.bands?.forEach((band, index) => {
    result[`band${index}`] = {
      type: 'box',
      xMin: band.from,
      xMax: band.to,
      backgroundColor: token(band.color),
      borderWidth: 0,
      drawTime: 'beforeDraw',
      label: {
        display: true,
        drawTime: 'afterDatasetsDraw',
        content: band.label,
        position: { x: 'center', y: 'start' },
        color: token('text-3'),
        textAlign: 'center',
        font: { ...font, weight: 'normal' },
        padding: { top: 2, bottom: 0, left: 0, right: 0 },
      },
    };
  });
  given.milestones?.forEach((milestone, index) => {
    const before = given.milestones?.[index - 1];
    // A label stands left of its line; where the line before is too near, it is left out (its line says enough).
    const room = (milestone.x - (before?.x ?? given.x.min)) / (given.x.max - given.x.min);
    const isLabelled = milestone.label !== '' && (index === 0 || room > 0.25) && room > 0.12;
    result[`milestone${index}`] = {
      type: 'line',
      scaleID: 'x',
      value: milestone.x,
      borderColor: token('chart-axis'),
      borderWidth: 1,
      borderDash: [2, 3],
      drawTime: 'beforeDatasetsDraw',
      label: {
        display: isLabelled,
        content: milestone.label,
        position: 'start',
        xAdjust: -(textWidth(milestone.label, font) / 2 + 5),
        yAdjust: -1,
        backgroundColor: 'transparent',
        color: token('text-3'),
        font: { ...font, weight: 'normal' },
        padding: 0,
        drawTime: 'beforeDatasetsDraw',
      },
    };
  });
  return result;
}

let measuring: CanvasRenderingContext2D | null = null;

/** Width of a text in px, in the font of axis labels unless another is given. */
export function textWidth(text: string, font = { family: token('font-ui'), size: 11 }): number {
  measuring ??= document.createElement('canvas').getContext('2d');
  if (!measuring) return text.length * 6;
  measuring.font = `${font.size}px ${font.family}`;
  return measuring.measureText(text).width;
}

/** A line's colour in front of its smoothed self: pale. */
export function paleColor(name: string): string {
  return tokenWithOpacity(name, 0.32);
}
