/**
 * The desktop app from a ready Electron to its end: a session with the library, one window, the tray while there is
 * none, and what happens when the window is closed with work running. Training is in processes of its own: quitting
 * here never ends a run.
 */
import path from 'node:path';
import { app, BrowserWindow, dialog, Menu, nativeTheme } from 'electron';
import type { CloseAnswer, Notice, Queue, Reply } from '../../preload/contract.ts';
import { openSession } from '../owner/session.ts';
import { assetsFolder, rendererFolder } from '../paths.ts';
import { createWakeLock, describeQueue, notifyRunEnded, showProgress } from './alerts.ts';
import { decideClose } from './closeQuestion.ts';
import { connectIpc, forwardNotice } from './ipc.ts';
import { buildMenu } from './menu.ts';
import { servePages } from './pageScheme.ts';
import { createTray, type TrayHandle } from './tray.ts';
import { createWindow } from './window.ts';

export interface DesktopOptions {
  libraryFolder: string;
  /** The bundled preload script. */
  preload: string;
}

/** Where the answer "Do this every time" is kept among the interface preferences. */
const CLOSE_PREFERENCE = 'closeWhileTraining';
/** How long the page has to show its close dialog before a native one asks instead. */
const CLOSE_DIALOG_MS = 3000;
/** How often the tray and the taskbar look at the queue; notices in between are enough to wake them. */
const QUEUE_LOOK_MS = 5000;

export async function startDesktop({ libraryFolder, preload }: DesktopOptions): Promise<void> {
  const session = await openSession({ libraryFolder, shell: 'desktop' });
  const icons = path.join(assetsFolder(), 'icons');
  const wakeLock = createWakeLock();
  let window: BrowserWindow | null = null;
  let tray: TrayHandle | null = null;
  /** Set once it is settled that this window or this app goes, so that `close` does not ask again. */
  let leaving = false;
  let closeTimer: NodeJS.Timeout | null = null;
  let queue: Queue | null = null;

  const ask = async <T>(method: string, argument?: unknown): Promise<T> => {
    const reply: Reply = await session.dispatch(method, argument);
    if (!reply.ok) throw new Error(reply.error.message);
    return reply.value as T;
  };

  const openWindow = (hash = ''): BrowserWindow => {
    if (window !== null) {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
      return window;
    }
    leaving = false;
    window = createWindow({
      preload,
      icon: path.join(icons, 'icon.png'),
      stateFolder: app.getPath('userData'),
      hash,
      dark: nativeTheme.shouldUseDarkColors,
      mayClose,
      closed: () => {
        window = null;
        if (tray === null) void quit();
      },
    });
    tray?.destroy();
    tray = null;
    return window;
  };

  /** Hands the page a command, once it can hear it. */
  const command = (name: string): void => {
    const target = openWindow();
    const send = (): void => forwardNotice(target, { type: 'command', command: name });
    if (target.webContents.isLoading()) target.webContents.once('did-finish-load', send);
    else send();
  };

  const lookAtQueue = async (): Promise<void> => {
    queue = await ask<Queue>('getQueue');
    tray?.describe(describeQueue(queue));
    showProgress(window, queue);
    wakeLock.set(queue.running.length > 0);
  };

  const mayClose = (): boolean => {
    if (leaving) return true;
    void settleClose();
    return false;
  };

  const settleClose = async (): Promise<void> => {
    await lookAtQueue();
    const preferences = await ask<{ views: Record<string, unknown> }>('getPreferences');
    const decision = decideClose({
      activeRuns: queue?.running.length ?? 0,
      waitingRuns: queue === null || queue.paused ? 0 : queue.waiting.length,
      remembered: (preferences.views[CLOSE_PREFERENCE] as CloseAnswer | undefined) ?? null,
    });
    if (decision === 'quit') return closeWindow();
    if (decision !== 'ask') return act(decision);
    forwardNotice(window, { type: 'command', command: 'window.confirmClose' });
    closeTimer = setTimeout(() => void askNatively(), CLOSE_DIALOG_MS);
  };

  /** The page is gone or stuck: the question is asked all the same. */
  const askNatively = async (): Promise<void> => {
    if (window === null || !window.webContents.isCrashed()) return;
    const answers: CloseAnswer[] = ['keep', 'pause', 'stop', 'cancel'];
    const { response } = await dialog.showMessageBox(window, {
      message: 'Close while something trains?',
      buttons: ['Keep training in the background', 'Pause after a checkpoint', 'Stop', 'Cancel'],
      cancelId: 3,
    });
    await act(answers[response] ?? 'cancel');
  };

  const act = async (answer: CloseAnswer): Promise<void> => {
    if (closeTimer !== null) clearTimeout(closeTimer);
    if (answer === 'cancel') return;
    if (answer === 'keep') {
      tray ??= createTray(path.join(icons, 'tray.png'), {
        open: () => openWindow(),
        quit: () => void quit(),
      });
      await lookAtQueue();
      return closeWindow();
    }
    for (const run of queue?.running ?? [])
      await ask(answer === 'pause' ? 'pauseRun' : 'stopRun', { id: run.id });
    await ask('setQueuePaused', { paused: true });
    closeWindow();
  };

  const closeWindow = (): void => {
    leaving = true;
    window?.close();
  };

  const quit = async (): Promise<void> => {
    leaving = true;
    tray?.destroy();
    tray = null;
    wakeLock.set(false);
    clearInterval(looking);
    await session.close();
    app.exit(0);
  };

  servePages({ rendererFolder: rendererFolder(), resource: (wanted) => session.resource(wanted) });
  connectIpc({
    dispatch: (method, argument) => session.dispatch(method, argument),
    window: () => window,
    answerClose: (answer, remember) => {
      if (remember && answer !== 'cancel') {
        void ask('updatePreferences', { views: { [CLOSE_PREFERENCE]: answer } }).then(() => act(answer));
      } else {
        void act(answer);
      }
    },
  });
  session.subscribe((notice: Notice) => {
    forwardNotice(window, notice);
    if (notice.type === 'queue-changed' || notice.type === 'run-ended') void lookAtQueue();
    if (notice.type === 'run-ended' && window?.isFocused() !== true) {
      void ask<{ notifications: boolean }>('getSettings').then(({ notifications }) => {
        if (notifications) notifyRunEnded(notice, (runId) => command(`run.open:${runId}`));
      });
    }
  });
  const looking = setInterval(() => void lookAtQueue(), QUEUE_LOOK_MS);

  Menu.setApplicationMenu(buildMenu({ command, quit: () => void quit() }));
  app.on('second-instance', () => openWindow());
  app.on('activate', () => openWindow());
  // Without a window the app lives on in the tray, or leaves through `closed` above.
  app.on('window-all-closed', () => undefined);
  app.on('before-quit', (event) => {
    if (leaving) return;
    event.preventDefault();
    void quit();
  });

  openWindow();
  await lookAtQueue();
}
