/** Reading JSON messages, one a line, from a socket: the same for both ends of a trainer's control socket. */
import type { Socket } from 'node:net';
import { MAX_MESSAGE_BYTES } from './protocol.ts';

/** Calls back with each JSON line of a socket. A line that is too long or no JSON ends the connection. */
export function readMessages(socket: Socket, onMessage: (message: unknown) => void): void {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > MAX_MESSAGE_BYTES) {
      socket.destroy();
      return;
    }
    for (const line of lines) {
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        socket.destroy();
        return;
      }
      onMessage(message);
    }
  });
}
