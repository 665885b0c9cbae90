/**
 * Pushes of the owner, as one stream for the whole page: over the bridge in the desktop app, else server-sent events.
 * A lost stream is opened again with growing pauses; what was missed meanwhile is not replayed, so listeners of
 * `onReconnect` load their data anew.
 */
import type { Notice } from '../../preload/contract.ts';
import { api, bridge, toFailure } from './api.ts';
import { connection } from './connection.svelte.ts';

type NoticeOf<T extends Notice['type']> = Extract<Notice, { type: T }>;

const listeners = new Set<(notice: Notice) => void>();
const reconnectListeners = new Set<() => void>();

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

/** Calls the listener for every notice until the returned function is called. */
export function onAnyNotice(listener: (notice: Notice) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls the listener for notices of one type until the returned function is called. */
export function onNotice<T extends Notice['type']>(
  type: T,
  listener: (notice: NoticeOf<T>) => void,
): () => void {
  return onAnyNotice((notice) => {
    if (notice.type === type) listener(notice as NoticeOf<T>);
  });
}

/** Calls the listener when the owner answers again after a lost connection. */
export function onReconnect(listener: () => void): () => void {
  reconnectListeners.add(listener);
  return () => reconnectListeners.delete(listener);
}

function deliver(notice: Notice): void {
  for (const listener of listeners) listener(notice);
}

function openEventSource(retryMs: number): void {
  const source = new EventSource('./notices');
  source.onopen = () => {
    const wasLost = connection.state !== 'connected';
    retryMs = FIRST_RETRY_MS;
    connection.set('connected');
    if (wasLost) for (const listener of reconnectListeners) listener();
  };
  source.onmessage = (event: MessageEvent<string>) => deliver(JSON.parse(event.data) as Notice);
  source.onerror = () => {
    // The browser's own retry stops at an HTTP error and says nothing about it, so each try is ours.
    source.close();
    if (connection.state === 'connected') connection.set('lost');
    setTimeout(() => void reopen(Math.min(retryMs * 2, LONGEST_RETRY_MS)), retryMs);
  };
}

/** A stream that was refused says nothing of why; a request does, and a page that is signed out need not try again. */
async function reopen(retryMs: number): Promise<void> {
  try {
    await api.getAppInfo();
  } catch (thrown) {
    if (toFailure(thrown).code === 'signed-out') {
      // Perhaps another tab of this browser has signed in meanwhile.
      addEventListener('focus', () => void reopen(FIRST_RETRY_MS), { once: true });
      return;
    }
  }
  openEventSource(retryMs);
}

/** Opens the stream; called once, when the page starts. */
export function startNotices(): void {
  if (bridge) bridge.subscribe(deliver);
  else openEventSource(FIRST_RETRY_MS);
}
