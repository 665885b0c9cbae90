/** JSON messages, one a line, over the owner's local socket: the same for both ends. */
import type { Socket } from 'node:net';

/** The longest message either side takes: a page of log lines or a comparison fits many times over. */
export const MAX_LINE_BYTES = 64 << 20;

/** Calls back with each message. A line that is too long or no JSON ends the connection. */
export function readLines(socket: Socket, onMessage: (message: unknown) => void): void {
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
    if (size > MAX_LINE_BYTES) socket.destroy();
  });
}

export function writeLine(socket: Socket, message: unknown): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
