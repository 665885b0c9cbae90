/**
 * The one vocabulary of run states: word and icon, the same on every screen. The paths are drawn on a grid of 16.
 */
import type { RunState } from '../../preload/contract.ts';

export const STATE_WORDS: Record<RunState, string> = {
  queued: 'Queued',
  preparing: 'Preparing',
  running: 'Running',
  paused: 'Paused',
  completed: 'Completed',
  failed: 'Failed',
  stopped: 'Stopped',
  crashed: 'Crashed',
};

const RING = 'M8 2.25a5.75 5.75 0 1 0 0 11.5 5.75 5.75 0 0 0 0-11.5z';

export const STATE_PATHS: Record<RunState, string> = {
  queued:
    'M8 2.25v.01M10.9 3v.01M13 5.1v.01M13.75 8v.01M13 10.9v.01M10.9 13v.01M8 13.75v.01M5.1 13v.01M3 10.9v.01M2.25 8v.01M3 5.1v.01M5.1 3v.01',
  preparing:
    'M8 2.25a5.75 5.75 0 0 1 5.75 5.75M13 10.9v.01M10.9 13v.01M8 13.75v.01M5.1 13v.01M3 10.9v.01M2.25 8v.01M3 5.1v.01M5.1 3v.01',
  running: `${RING}M6.75 5.75v4.5L10.25 8z`,
  paused: `${RING}M6.5 6v4M9.5 6v4`,
  completed: `${RING}M5.5 8.25l1.75 1.75 3.25-3.75`,
  failed: `${RING}M6 6l4 4M10 6l-4 4`,
  stopped: `${RING}M6.25 6.25h3.5v3.5h-3.5z`,
  crashed: 'M9 1.75L4 8.75h3.25L6.5 14.25l5.5-7.75H8.5z',
};

/** The order in which filters and sorting list the states. */
export const STATE_ORDER: RunState[] = [
  'running',
  'preparing',
  'queued',
  'paused',
  'completed',
  'failed',
  'stopped',
  'crashed',
];

export const isActiveState = (state: RunState): boolean => state === 'running' || state === 'preparing';
export const canResume = (state: RunState): boolean =>
  state === 'paused' || state === 'stopped' || state === 'crashed' || state === 'failed';
