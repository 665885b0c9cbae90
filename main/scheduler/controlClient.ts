/** The owner's side of a trainer's control socket. Loses nothing when the connection is lost: data go by the journal. */
import { connect, type Socket } from 'node:net';
import { readMessages } from '../jsonLines.ts';
import { MAX_MESSAGE_BYTES, type ControlMessage, type TrainerMessage } from '../trainer/protocol.ts';

/** How long a trainer may take to accept; one step may block its loop, but the system accepts for it. */
const CONNECT_TIMEOUT_MS = 2000;

export class ControlClient {
  readonly #onMessage: (message: TrainerMessage) => void;
  readonly #onClose: () => void;
  #socket: Socket | null = null;
  #isConnected = false;

  constructor(handlers: { onMessage: (message: TrainerMessage) => void; onClose: () => void }) {
    this.#onMessage = handlers.onMessage;
    this.#onClose = handlers.onClose;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Tries to connect, unless it is connected or trying. Success shows as the trainer's `hello`. */
  connect(socketPath: string): void {
    if (this.#socket !== null) return;
    const socket = connect(socketPath);
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy());
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.#isConnected = true;
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      const wasConnected = this.#isConnected;
      this.#socket = null;
      this.#isConnected = false;
      if (wasConnected) this.#onClose();
    });
    readMessages(socket, MAX_MESSAGE_BYTES, (message) => this.#onMessage(message as TrainerMessage));
  }

  /** Sends a wish; false when nobody is connected. */
  send(message: ControlMessage): boolean {
    if (this.#socket === null || !this.#isConnected) return false;
    this.#socket.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  /** Lets go without a word. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isConnected = false;
    socket?.destroy();
  }
}
