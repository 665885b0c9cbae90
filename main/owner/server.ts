/**
 * The owner's local socket: the contract for other processes of the same user (CLI, a second window). One JSON object a
 * line: `{id, method, argument}` is answered by `{id, reply}`; `{id, resource}` by `{id, status, headers, body}` with the
 * body in base64; `{id, page: true}` by `{id, pageUrl}`; `{subscribe: true}` adds `{notice}` lines from then on.
 */
import { rmSync } from 'node:fs';
import net, { type Server, type Socket } from 'node:net';
import type { Notice, Reply } from '../../preload/contract.ts';
import type { ResourceReply } from '../resources.ts';
import { readMessages, writeMessage } from '../jsonLines.ts';

/** The longest message either side takes: a page of log lines or a comparison fits many times over. */
export const MAX_MESSAGE_BYTES = 64 << 20;

/** What an owner offers, over whatever transport. */
export interface OwnerServices {
  dispatch(method: string, argument: unknown): Promise<Reply>;
  /** Returns the way to leave. */
  subscribe(listener: (notice: Notice) => void): () => void;
  /** Bytes of `/resource/…`, or null where there are none. */
  resource(path: string): Promise<ResourceReply | null>;
  /** A fresh address of the page, for a browser of this user; null where it is not served over HTTP. */
  pageUrl(): Promise<string | null>;
}

/** What a client may send. */
export type ClientMessage =
  | { id: number; method: string; argument: unknown }
  | { id: number; resource: string }
  | { id: number; page: true }
  | { subscribe: true };

/** What an owner sends. */
export type OwnerMessage =
  | { id: number; reply: Reply }
  | { id: number; resource: { status: number; headers: Record<string, string>; body: string } | null }
  | { id: number; pageUrl: string | null }
  | { notice: Notice };

export interface OwnerServer {
  /** Connected clients. */
  clientCount(): number;
  /** Calls back when a client has gone; returns the way to leave. */
  onClientGone(listener: () => void): () => void;
  close(): Promise<void>;
}

/**
 * Listens on the socket. Only a process that holds the library's lock may call it: a socket file that is there already
 * belonged to a dead owner and is removed.
 */
export async function serveOwner(socketPath: string, services: OwnerServices): Promise<OwnerServer> {
  const clients = new Set<Socket>();
  const goneListeners = new Set<() => void>();
  const server = net.createServer((socket) => {
    clients.add(socket);
    let leave: (() => void) | null = null;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clients.delete(socket);
      leave?.();
      for (const listener of goneListeners) listener();
    });
    readMessages(socket, MAX_MESSAGE_BYTES, (message) => {
      const parsed = parseMessage(message);
      if (parsed === null) socket.destroy();
      else if ('subscribe' in parsed)
        leave ??= services.subscribe((notice) => writeMessage(socket, { notice } satisfies OwnerMessage));
      else void answer(socket, parsed, services);
    });
  });
  if (process.platform !== 'win32') rmSync(socketPath, { force: true });
  await listen(server, socketPath);
  return {
    clientCount: () => clients.size,
    onClientGone: (listener) => {
      goneListeners.add(listener);
      return () => void goneListeners.delete(listener);
    },
    close: () =>
      new Promise((resolve) => {
        goneListeners.clear();
        server.close(() => resolve());
        for (const socket of clients) socket.destroy();
      }),
  };
}

async function answer(
  socket: Socket,
  message: Exclude<ClientMessage, { subscribe: true }>,
  services: OwnerServices,
): Promise<void> {
  if ('method' in message) {
    const reply = await services.dispatch(message.method, message.argument);
    writeMessage(socket, { id: message.id, reply } satisfies OwnerMessage);
    return;
  }
  if ('page' in message) {
    writeMessage(socket, { id: message.id, pageUrl: await services.pageUrl() } satisfies OwnerMessage);
    return;
  }
  const found = await services.resource(message.resource);
  const resource =
    found === null
      ? null
      : { status: found.status, headers: found.headers, body: Buffer.from(found.body).toString('base64') };
  writeMessage(socket, { id: message.id, resource } satisfies OwnerMessage);
}

function parseMessage(message: unknown): ClientMessage | null {
  if (typeof message !== 'object' || message === null) return null;
  const { id, method, argument, resource, page, subscribe } = message as Record<string, unknown>;
  if (subscribe === true) return { subscribe };
  if (typeof id !== 'number') return null;
  if (typeof method === 'string') return { id, method, argument };
  if (typeof resource === 'string') return { id, resource };
  if (page === true) return { id, page };
  return null;
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
