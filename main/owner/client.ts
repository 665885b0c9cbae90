/**
 * The way to a library's owner from another process: over its local socket, for the contract, its notices and its
 * resources. Where nobody owns the library, an owner can be started in the background.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import type { Notice, Reply } from '../../preload/contract.ts';
import { entry } from '../paths.ts';
import type { ResourceReply } from '../resources.ts';
import { StudioError } from '../store/errors.ts';
import { readMessages, writeMessage } from '../jsonLines.ts';
import { readOwner } from './lock.ts';
import { MAX_MESSAGE_BYTES, type ClientMessage, type OwnerMessage, type OwnerServices } from './server.ts';

/** A connection to an owner. Everything that is open when it is lost fails with `library-busy`. */
export interface OwnerConnection extends OwnerServices {
  /** Settles when the owner has gone or `close` was called. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** An owner that is started has its socket within a second; on a busy machine it may take longer. */
const START_DEADLINE_MS = 30_000;
const LOOK_INTERVAL_MS = 50;

/** Connects to the owner of a library. Null when there is none (or the one that was has died). */
export async function connectToOwner(libraryFolder: string): Promise<OwnerConnection | null> {
  const owner = readOwner(path.resolve(libraryFolder));
  if (owner?.socketPath == null) return null;
  const socket = await connect(owner.socketPath);
  return socket === null ? null : createConnection(socket);
}

/**
 * Starts an owner in the background, which ends by itself when nothing is queued or running and nobody is connected, and
 * connects to it. What it reports goes to `owner.log` in the library. Throws when it does not come up.
 */
export async function startBackgroundOwner(libraryFolder: string): Promise<OwnerConnection> {
  const folder = path.resolve(libraryFolder);
  mkdirSync(folder, { recursive: true });
  const logFile = path.join(folder, 'owner.log');
  // The address that it prints lets in whoever reads it first.
  const log = openSync(logFile, 'a', 0o600);
  const { command, args } = entry('headless');
  const child = spawn(command, [...args, '--library', folder, '--port', '0', '--exit-when-idle'], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  child.unref();
  for (const deadline = Date.now() + START_DEADLINE_MS; Date.now() < deadline;) {
    const connection = await connectToOwner(folder);
    if (connection !== null) return connection;
    // It may have found that another one was quicker; that one is connected to in the next turn.
    if (ended && readOwner(folder) === null) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  throw new StudioError(
    'library-busy',
    `The owner of the library ${folder} did not come up. What it said is in ${logFile}.`,
  );
}

function connect(socketPath: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    // A dead owner's socket file refuses, or is gone.
    socket.once('error', () => resolve(null));
  });
}

function createConnection(socket: Socket): OwnerConnection {
  const waiting = new Map<number, (message: Exclude<OwnerMessage, { notice: Notice }> | null) => void>();
  const listeners = new Set<(notice: Notice) => void>();
  let nextId = 1;
  let isSubscribed = false;

  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const settle of waiting.values()) settle(null);
      waiting.clear();
      resolve();
    });
  });
  socket.on('error', () => socket.destroy());
  readMessages(socket, MAX_MESSAGE_BYTES, (message) => {
    const received = message as OwnerMessage;
    if ('notice' in received) {
      for (const listener of listeners) listener(received.notice);
      return;
    }
    const settle = waiting.get(received.id);
    waiting.delete(received.id);
    settle?.(received);
  });

  function ask(
    build: (id: number) => ClientMessage,
  ): Promise<Exclude<OwnerMessage, { notice: Notice }> | null> {
    const id = nextId++;
    return new Promise((resolve) => {
      if (socket.destroyed) {
        resolve(null);
        return;
      }
      waiting.set(id, resolve);
      writeMessage(socket, build(id));
    });
  }

  return {
    closed,
    async dispatch(method, argument): Promise<Reply> {
      const message = await ask((id) => ({ id, method, argument: argument ?? null }));
      if (message !== null && 'reply' in message) return message.reply;
      return {
        ok: false,
        error: {
          code: 'library-busy',
          message: 'ResLT Studio, which has this library open, was closed. Trainings go on; try again.',
          details: null,
        },
      };
    },
    subscribe(listener) {
      if (!isSubscribed) writeMessage(socket, { subscribe: true } satisfies ClientMessage);
      isSubscribed = true;
      const own = (notice: Notice): void => listener(notice);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    async resource(wanted): Promise<ResourceReply | null> {
      const message = await ask((id) => ({ id, resource: wanted }));
      if (message === null || !('resource' in message) || message.resource === null) return null;
      const { status, headers, body } = message.resource;
      return { status, headers, body: Buffer.from(body, 'base64') };
    },
    async pageUrl() {
      const message = await ask((id) => ({ id, page: true }));
      return message !== null && 'pageUrl' in message ? message.pageUrl : null;
    },
    async close() {
      socket.end();
      await closed;
    },
  };
}
