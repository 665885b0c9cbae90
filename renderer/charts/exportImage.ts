/** A chart as a picture: its canvas on the page's background with the title above, as a PNG file. */
import type { Chart } from 'chart.js';
import { token } from './theme.svelte.ts';

const MARGIN_PX = 12;
const HEAD_PX = 28;

/** Saves the chart as a PNG in the resolution of the screen. */
export async function savePng(
  chart: Chart,
  about: { title: string; unit: string; name: string },
): Promise<void> {
  const source = chart.canvas;
  const scale = chart.currentDevicePixelRatio;
  const picture = document.createElement('canvas');
  picture.width = source.width + 2 * MARGIN_PX * scale;
  picture.height = source.height + (2 * MARGIN_PX + HEAD_PX) * scale;
  const context = picture.getContext('2d');
  if (!context) throw new Error('This window has no canvas to draw the picture on. Reload it and try again.');
  context.fillStyle = token('bg-surface');
  context.fillRect(0, 0, picture.width, picture.height);
  context.scale(scale, scale);
  context.textBaseline = 'middle';
  context.fillStyle = token('text-1');
  context.font = `600 13px ${token('font-ui')}`;
  context.fillText(about.title, MARGIN_PX, MARGIN_PX + 8);
  const after = MARGIN_PX + context.measureText(about.title).width + 8;
  context.fillStyle = token('text-3');
  context.font = `12px ${token('font-ui')}`;
  context.fillText(about.unit, after, MARGIN_PX + 8);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(source, MARGIN_PX * scale, (MARGIN_PX + HEAD_PX) * scale);
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('The picture could not be made. Try the data as CSV instead.');
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${about.name}.png`;
  link.click();
  // The download has its own hold on the data once it has started.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
