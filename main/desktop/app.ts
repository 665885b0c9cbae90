/**
 * The desktop app from a ready Electron to its end: a session with the library, one window, the tray while there is
 * none. Training is in processes of its own: quitting here never ends a run.
 */
import path from 'node:path';
import { app, BrowserWindow, Menu, nativeTheme } from 'electron';
import type { Notice, Preferences, Queue, Reply, Settings } from '../../preload/contract.ts';
import { openSession } from '../owner/session.ts';
import { assetsFolder, rendererFolder } from '../paths.ts';
import { createWakeLock, notifyRunEnded, showProgress } from './alerts.ts';
import { createClosing } from './closing.ts';
import { connectIpc, forwardNotice } from './ipc.ts';
import { buildMenu } from './menu.ts';
import { servePages } from './pageScheme.ts';
import { createTray, type TrayHandle } from './tray.ts';
import { createWindow, isPageUsable, rememberPlace } from './window.ts';
import { describeQueue } from './words.ts';

export interface DesktopOptions {
  libraryFolder: string;
  /** The bundled preload script. */
  preload: string;
}

/** How often the tray and the taskbar look at the queue; notices in between are enough to wake them. */
const QUEUE_LOOK_MS = 5000;
/** Letting go of the library takes milliseconds; nothing of it is worth holding the system's shutdown up. */
const QUIT_DEADLINE_MS = 5000;

export async function startDesktop({ libraryFolder, preload }: DesktopOptions): Promise<void> {
  const session = await openSession({ libraryFolder, shell: 'desktop' });
  const icons = path.join(assetsFolder(), 'icons');
  /** Where the window was belongs to the screen, not to the library. */
  const stateFolder = app.getPath('userData');
  const wakeLock = createWakeLock();
  let window: BrowserWindow | null = null;
  let tray: TrayHandle | null = null;
  /** Set once it is settled that the window goes, so that `close` does not ask again. */
  let mayClose = false;
  let isQuitting = false;

  const ask = async <T>(method: string, argument?: unknown): Promise<T> => {
    const reply: Reply = await session.dispatch(method, argument ?? null);
    if (!reply.ok) throw new Error(reply.error.message);
    return reply.value as T;
  };

  // ------------------------------------------------------------------------------------------------------- window

  const openWindow = (): BrowserWindow => {
    if (window !== null) {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
      return window;
    }
    mayClose = false;
    window = createWindow({
      preload,
      icon: path.join(icons, 'icon.png'),
      stateFolder,
      dark: nativeTheme.shouldUseDarkColors,
      mayClose: () => {
        if (!mayClose) void closing.requested();
        return mayClose;
      },
      closed: () => {
        window = null;
        if (tray === null) void quit();
      },
    });
    tray?.destroy();
    tray = null;
    return window;
  };

  const closeWindow = (): void => {
    mayClose = true;
    window?.close();
  };

  /** Hands the page a command, once it can hear it. */
  const command = (name: string): void => {
    const target = openWindow();
    const send = (): void => forwardNotice(target, { type: 'command', command: name });
    if (target.webContents.isLoading()) target.webContents.once('did-finish-load', send);
    else send();
  };

  const quit = async (): Promise<void> => {
    if (isQuitting) return;
    isQuitting = true;
    mayClose = true;
    clearInterval(looking);
    setTimeout(() => app.exit(0), QUIT_DEADLINE_MS);
    tray?.destroy();
    tray = null;
    if (window !== null) rememberPlace(window, stateFolder);
    window?.destroy();
    wakeLock.set(false);
    await session.close();
    app.exit(0);
  };

  const closing = createClosing({
    isOwner: () => session.role === 'owner',
    ask,
    window: () => window,
    isPageUsable: () => window !== null && isPageUsable(window),
    askInPage: () => forwardNotice(window, { type: 'command', command: 'window.confirmClose' }),
    keepInTray: async () => {
      tray ??= createTray(path.join(icons, 'tray.png'), {
        open: () => openWindow(),
        quit: () => void quit(),
      });
      closeWindow();
      await lookAtQueue();
    },
    quit,
  });

  // ------------------------------------------------------------------------------------------- what is shown outside

  const lookAtQueue = async (): Promise<void> => {
    const queue = await ask<Queue>('getQueue');
    tray?.describe(describeQueue(queue));
    showProgress(window, queue);
    wakeLock.set(queue.running.length > 0);
  };

  const followTheme = async (): Promise<void> => {
    const { theme } = await ask<Preferences>('getPreferences');
    nativeTheme.themeSource = theme;
  };

  const announceEnd = async (notice: Extract<Notice, { type: 'run-ended' }>): Promise<void> => {
    if (window?.isFocused() === true) return;
    const { notifications } = await ask<Settings>('getSettings');
    if (notifications) notifyRunEnded(notice, (runId) => command(`run.open:${runId}`));
  };

  /** Nobody waits for these: what the owner could not tell now is asked again at the next look. */
  const inBackground = (work: Promise<void>): void => void work.catch(() => undefined);

  session.subscribe((notice) => {
    forwardNotice(window, notice);
    if (notice.type === 'queue-changed' || notice.type === 'run-ended') inBackground(lookAtQueue());
    if (notice.type === 'settings-changed') inBackground(followTheme());
    if (notice.type === 'run-ended') inBackground(announceEnd(notice));
  });
  const looking = setInterval(() => inBackground(lookAtQueue()), QUEUE_LOOK_MS);

  // --------------------------------------------------------------------------------------------------------- wiring

  servePages({ rendererFolder: rendererFolder(), resource: (wanted) => session.resource(wanted) });
  connectIpc({
    dispatch: (method, argument) => session.dispatch(method, argument),
    window: () => window,
    answerClose: (answer, remember) => void closing.answered(answer, remember),
  });
  Menu.setApplicationMenu(buildMenu({ command, quit: () => void quit() }));
  app.on('second-instance', () => openWindow());
  app.on('activate', () => openWindow());
  // Without a window the app lives on in the tray, or leaves through `closed` above.
  app.on('window-all-closed', () => undefined);
  app.on('before-quit', (event) => {
    if (isQuitting) return;
    event.preventDefault();
    void quit();
  });

  await followTheme();
  openWindow();
  await lookAtQueue();
}
