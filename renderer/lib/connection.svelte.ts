/**
 * Whether the owner of the library answers. In the desktop app it always does (same process); over HTTP a server may
 * have been stopped or a tunnel closed. The banner of the window reads this; requests and the notice stream set it.
 */
export type ConnectionState = 'connected' | 'lost' | 'signed-out';

class Connection {
  state: ConnectionState = $state('connected');
  /** Since when the connection has been lost. */
  sinceMs: number | null = $state(null);

  set(state: ConnectionState): void {
    if (state === this.state) return;
    this.state = state;
    this.sinceMs = state === 'lost' ? Date.now() : null;
  }
}

export const connection = new Connection();
