/**
 * The desktop's transport: one channel for requests, one for notices, a few for what only a desktop can do. Each
 * message is taken from our page's main frame only (checklist 17), so nothing that gets into the window by other ways
 * can speak to the library.
 */
import { dialog, ipcMain, shell, type BrowserWindow, type IpcMainInvokeEvent } from 'electron';
import type { CloseAnswer, Notice, Reply } from '../../preload/contract.ts';
import { CLOSE_ANSWERS } from './closeQuestion.ts';
import { isTrustedSender } from './security.ts';

export interface IpcHandlers {
  dispatch(method: string, argument: unknown): Promise<Reply>;
  answerClose(answer: CloseAnswer, remember: boolean): void;
  window(): BrowserWindow | null;
}

const REFUSED: Reply = {
  ok: false,
  error: {
    code: 'not-allowed',
    message: 'This message did not come from the page of ResLT Studio, so it was refused.',
    details: null,
  },
};

export function connectIpc({ dispatch, answerClose, window }: IpcHandlers): void {
  const handle = <T>(
    channel: string,
    refused: T,
    act: (event: IpcMainInvokeEvent, ...values: unknown[]) => Promise<T> | T,
  ): void => {
    ipcMain.handle(channel, (event, ...values: unknown[]) =>
      isTrustedSender(event.senderFrame) ? act(event, ...values) : refused,
    );
  };

  handle<Reply>('api', REFUSED, (_event, method, argument) => dispatch(String(method), argument));

  handle<string | null>('choose-path', null, async (_event, options) => {
    const parent = window();
    const wanted = options as { title?: unknown; kind?: unknown; defaultName?: unknown };
    if (wanted.kind === 'save') {
      const question: Electron.SaveDialogOptions = {
        title: String(wanted.title ?? 'Save'),
        properties: ['showOverwriteConfirmation', 'createDirectory'],
        ...(typeof wanted.defaultName === 'string' ? { defaultPath: wanted.defaultName } : {}),
      };
      const answer = parent
        ? await dialog.showSaveDialog(parent, question)
        : await dialog.showSaveDialog(question);
      return answer.canceled || answer.filePath === '' ? null : answer.filePath;
    }
    const question: Electron.OpenDialogOptions = {
      title: String(wanted.title ?? 'Choose'),
      properties: [wanted.kind === 'folder' ? 'openDirectory' : 'openFile'],
    };
    const answer = parent
      ? await dialog.showOpenDialog(parent, question)
      : await dialog.showOpenDialog(question);
    return answer.canceled ? null : (answer.filePaths[0] ?? null);
  });

  handle<void>('show-in-folder', undefined, (_event, path) => {
    if (typeof path === 'string') shell.showItemInFolder(path);
  });

  handle<void>('answer-close', undefined, (_event, answer, remember) => {
    const known = CLOSE_ANSWERS.find((candidate) => candidate === answer);
    if (known !== undefined) answerClose(known, remember === true);
  });
}

/** Notices go to the window that is there; with none, nobody is looking and the page asks again when it opens. */
export function forwardNotice(window: BrowserWindow | null, notice: Notice): void {
  if (window !== null && !window.isDestroyed() && !window.webContents.isDestroyed()) {
    window.webContents.send('notice', notice);
  }
}
