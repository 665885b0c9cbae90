/** The one window: made with every safety default stated, shown when it can paint, and asked before it closes. */
import { BrowserWindow, screen } from 'electron';
import { APP_ORIGIN } from './security.ts';
import { fitToScreens, MIN_HEIGHT, MIN_WIDTH, readWindowState, writeWindowState } from './windowState.ts';

export interface WindowOptions {
  preload: string;
  icon: string;
  /** Where the window's place is remembered. */
  stateFolder: string;
  /** The page's own path: "" or "#/runs/12". */
  hash: string;
  dark: boolean;
  /** Returns true when the window may close now. */
  mayClose(): boolean;
  closed(): void;
}

/** Level of the page behind everything (tokens: bg-chrome), so that the first frame is not a flash of white. */
const BACKGROUND = { light: '#eff0f2', dark: '#0f1013' };

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
    const { x, y, width, height } = window.getNormalBounds();
    writeWindowState(options.stateFolder, { x, y, width, height, maximised: window.isMaximized() });
    if (!options.mayClose()) event.preventDefault();
  });
  window.on('closed', options.closed);
  void window.loadURL(`${APP_ORIGIN}/index.html${options.hash}`);
  return window;
}
