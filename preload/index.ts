/**
 * The bridge: the only thing that the page of the desktop app gets from Electron. It passes requests to the main process
 * and notices back, and exposes neither `ipcRenderer` nor its events (Electron's security checklist, item 20).
 * A sandboxed preload is one CommonJS file: the build bundles it.
 */
import { contextBridge, ipcRenderer } from 'electron';
import type { Bridge, Notice } from './contract.ts';

const bridge: Bridge = {
  invoke: (method, argument) => ipcRenderer.invoke('api', method, argument),
  subscribe(listener) {
    const forward = (_event: unknown, notice: Notice): void => listener(notice);
    ipcRenderer.on('notice', forward);
    return () => {
      ipcRenderer.off('notice', forward);
    };
  },
  choosePath: (options) => ipcRenderer.invoke('choose-path', options),
  showInFolder: (path) => ipcRenderer.invoke('show-in-folder', path),
  answerClose: (answer, remember) => ipcRenderer.invoke('answer-close', answer, remember),
};

contextBridge.exposeInMainWorld('bridge', bridge);
