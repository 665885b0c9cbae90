/**
 * The trainer's ear: a local socket on which owners send wishes and hear that the journal grew. Nothing here is needed
 * for a run to be right: when no socket can be made, or nobody listens, the journal and signals still do. Messages are
 * JSON, one a line. An owner that stops reading costs nothing: what it would not take is dropped, never kept.
 */
import { lstat, mkdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { readMessages } from '../jsonLines.ts';
import { MAX_MESSAGE_BYTES, type ControlMessage, type TrainerMessage } from './protocol.ts';

/** A "grew" at most this often: a reader is told well under 500 ms after a record, and 2,000 records a second cost 20 writes. */
const GREW_INTERVAL_MS = 50;
const ALIVE_INTERVAL_MS = 1000;
/** Bytes an owner may leave unread before it gets no more. */
const UNREAD_LIMIT_BYTES = 64 * 1024;
/** How long another trainer's socket may take to answer. */
const PROBE_TIMEOUT_MS = 1000;

const CONTROL_TYPES: readonly string[] = ['stop', 'pause', 'checkpoint'] satisfies ControlMessage['type'][];

/** Another trainer answers at the run's socket, so this one must not touch the run. */
export class AnotherTrainerError extends Error {
  override readonly name = 'AnotherTrainerError';
}

export class ControlServer {
  readonly #socketPath: string;
  readonly #onMessage: (message: ControlMessage) => void;
  readonly #hello: { runId: number; attempt: number };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #journalBytes = 0;
  #toldBytes = 0;
  #toldAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #alive: NodeJS.Timeout;

  constructor(options: {
    socketPath: string;
    runId: number;
    attempt: number;
    onMessage: (message: ControlMessage) => void;
  }) {
    this.#socketPath = options.socketPath;
    this.#hello = { runId: options.runId, attempt: options.attempt };
    this.#onMessage = options.onMessage;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#alive = setInterval(() => this.#send({ type: 'alive' }), ALIVE_INTERVAL_MS);
    this.#alive.unref();
  }

  /**
   * Listens. Throws AnotherTrainerError when a living trainer has the socket, and a plain error with a sentence when the
   * folder can't be trusted or the system refuses; the training can go on after the latter.
   */
  async listen(): Promise<void> {
    if (process.platform !== 'win32') await preparePrivateFolder(path.dirname(this.#socketPath));
    if (await answers(this.#socketPath)) {
      throw new AnotherTrainerError(
        `Another trainer already runs run ${this.#hello.runId}: it answers at ${this.#socketPath}. Stop it first.`,
      );
    }
    if (process.platform !== 'win32') await rm(this.#socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#socketPath, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => {});
        resolve();
      });
    });
    this.#server.unref();
  }

  /** The journal is this long now. Tells at once, or, when it has just told, a little later. */
  grew(journalBytes: number): void {
    this.#journalBytes = journalBytes;
    if (this.#sockets.size === 0 || this.#timer !== null) return;
    const waitMs = this.#toldAtMs + GREW_INTERVAL_MS - performance.now();
    if (waitMs <= 0) this.flush();
    else this.#timer = setTimeout(() => this.flush(), waitMs);
  }

  /** Tells the length now, if it is news. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#toldBytes === this.#journalBytes) return;
    this.#toldBytes = this.#journalBytes;
    this.#toldAtMs = performance.now();
    this.#send({ type: 'grew', journalBytes: this.#journalBytes });
  }

  /** Closes the connections after what was sent has gone out, and removes the socket. */
  async close(): Promise<void> {
    this.flush();
    clearInterval(this.#alive);
    for (const socket of this.#sockets) socket.end();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      // An owner that is stopped would keep its side open for ever.
      setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, 200).unref();
    });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.unref();
    this.#write(socket, {
      type: 'hello',
      ...this.#hello,
      pid: process.pid,
      journalBytes: this.#journalBytes,
    });
    readMessages(socket, MAX_MESSAGE_BYTES, (message) => {
      if (isControlMessage(message)) this.#onMessage(message);
    });
  }

  #send(message: TrainerMessage): void {
    for (const socket of this.#sockets) this.#write(socket, message);
  }

  #write(socket: Socket, message: TrainerMessage): void {
    if (socket.writableLength > UNREAD_LIMIT_BYTES) return;
    socket.write(`${JSON.stringify(message)}\n`);
  }
}

function isControlMessage(message: unknown): message is ControlMessage {
  return CONTROL_TYPES.includes((message as { type?: unknown } | null)?.type as string);
}

/** Makes the folder of sockets, or checks that the one there is ours alone: others may write to the temporary folder too. */
async function preparePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new Error(
      `The folder ${folder} for control sockets was expected to be a folder of this user alone (mode 700); ` +
        'it is not. Remove it.',
    );
  }
}

/** Whether somebody listens at a socket. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
