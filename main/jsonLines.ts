/** JSON messages, one a line, over a local socket: an owner's or a trainer's, the same for both ends. */
import type { Socket } from 'node:net';

/** Calls back with each message. A line of more than `maxBytes` or that is no JSON ends the connection. */
export function readMessages(socket: Socket, maxBytes: number, onMessage: (message: unknown) => void): void {
  let chunks: string[] = [];
  let size = 0;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    let rest = chunk;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      const line = chunks.join('') + rest.slice(0, end);
      chunks = [];
      size = 0;
      rest = rest.slice(end + 1);
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        socket.destroy();
        return;
      }
      onMessage(message);
    }
    if (rest === '') return;
    chunks.push(rest);
    size += rest.length;
    if (size > maxBytes) socket.destroy();
  });
}

export function writeMessage(socket: Socket, message: unknown): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
