/** Remembers where the window was. Kept beside Electron's own settings, since it belongs to the screen, not the library. */
import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import path from 'node:path';

export interface WindowState {
  x: number | null;
  y: number | null;
  width: number;
  height: number;
  maximised: boolean;
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

const DEFAULT: WindowState = { x: null, y: null, width: 1440, height: 900, maximised: false };
export const MIN_WIDTH = 1120;
export const MIN_HEIGHT = 680;

const fileOf = (folder: string): string => path.join(folder, 'window.json');

export function readWindowState(folder: string): WindowState {
  try {
    const saved = JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Partial<WindowState>;
    return { ...DEFAULT, ...saved };
  } catch {
    return DEFAULT; // Never saved, or unreadable: the default place is as good.
  }
}

export function writeWindowState(folder: string, state: WindowState): void {
  const temporary = `${fileOf(folder)}.tmp`;
  writeFileSync(temporary, JSON.stringify(state));
  renameSync(temporary, fileOf(folder));
}

/** Keeps a remembered window on a screen that still exists, and no larger than it. */
export function fitToScreens(state: WindowState, screens: readonly Area[]): WindowState {
  const { x, y } = state;
  const home = screens[0];
  if (home === undefined) return { ...state, x: null, y: null };
  const holds = (area: Area): boolean =>
    x !== null &&
    y !== null &&
    x >= area.x - 8 &&
    y >= area.y - 8 &&
    x < area.x + area.width - 80 &&
    y < area.y + area.height - 80;
  const screen = screens.find(holds);
  const area = screen ?? home;
  return {
    x: screen ? x : null,
    y: screen ? y : null,
    width: Math.max(MIN_WIDTH, Math.min(state.width, area.width)),
    height: Math.max(MIN_HEIGHT, Math.min(state.height, area.height)),
    maximised: state.maximised,
  };
}
