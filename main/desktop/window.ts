/**
 * The one window: made with every safety default stated, shown when it can paint, asked before it closes, and loaded
 * again when its page crashes.
 */
import { BrowserWindow, screen } from 'electron';
import { APP_ORIGIN } from './security.ts';
import { fitToScreens, MIN_HEIGHT, MIN_WIDTH, readWindowState, writeWindowState } from './windowState.ts';

export interface WindowOptions {
  preload: string;
  icon: string;
  /** Where the window's place is remembered. */
  stateFolder: string;
  dark: boolean;
  /** Returns true when the window may close now; called each time it is asked to. */
  mayClose(): boolean;
  closed(): void;
}

/** Level of the page behind everything (tokens: bg-chrome), so that the first frame is not a flash of white. */
const BACKGROUND = { light: '#eff0f2', dark: '#0f1013' };

/** A page that crashes again this soon is not loaded once more. */
const CRASH_AGAIN_MS = 10_000;

const unresponsive = new WeakSet<BrowserWindow>();

/** Whether the page is there and answers, so that it can be asked something. */
export function isPageUsable(window: BrowserWindow): boolean {
  const { webContents } = window;
  return !webContents.isLoading() && !webContents.isCrashed() && !unresponsive.has(window);
}

export function createWindow(options: WindowOptions): BrowserWindow {
  const place = fitToScreens(
    readWindowState(options.stateFolder),
    screen.getAllDisplays().map((display) => display.workArea),
  );
  const window = new BrowserWindow({
    ...(place.x === null || place.y === null ? {} : { x: place.x, y: place.y }),
    width: place.width,
    height: place.height,
    minWidth: MIN_WIDTH,
    minHeight: MIN_HEIGHT,
    show: false,
    title: 'ResLT Studio',
    icon: options.icon,
    backgroundColor: options.dark ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: options.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (place.maximised) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', (event) => {
    rememberPlace(window, options.stateFolder);
    if (!options.mayClose()) event.preventDefault();
  });
  window.on('closed', options.closed);
  window.on('unresponsive', () => unresponsive.add(window));
  window.on('responsive', () => unresponsive.delete(window));
  reloadAfterCrash(window);
  void window.loadURL(`${APP_ORIGIN}/index.html`);
  return window;
}

export function rememberPlace(window: BrowserWindow, stateFolder: string): void {
  const { x, y, width, height } = window.getNormalBounds();
  writeWindowState(stateFolder, { x, y, width, height, maximised: window.isMaximized() });
}

/** The page holds nothing that the owner does not have, so a new one takes up where the old one was. */
function reloadAfterCrash(window: BrowserWindow): void {
  let crashedAtMs = -Infinity;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return;
    const isFirst = Date.now() - crashedAtMs > CRASH_AGAIN_MS;
    crashedAtMs = Date.now();
    console.error(`The page's process ended (${reason})${isFirst ? '; it is loaded again.' : ' again.'}`);
    if (isFirst) window.webContents.reload();
  });
}
