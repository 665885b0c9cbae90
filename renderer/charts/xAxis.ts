/** How the x of a training curve is worded. */
import type { XKind } from './types.ts';

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** What stands before a value: "Epoch 84". */
export function xWord(kind: XKind): string {
  return kind === 'epoch' ? 'Epoch' : kind === 'step' ? 'Step' : 'Time';
}

/** "84", "83.5", "9,492", "4:05", "1:04:05". */
export function formatX(kind: XKind, x: number): string {
  // Within the first epoch one decimal would say 0 for a long time.
  if (kind === 'epoch') return x < 1 ? String(Number(x.toFixed(2))) : number.format(x);
  if (kind === 'step') return number.format(Math.round(x));
  const seconds = Math.round(x / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
