/**
 * The owner's contract as a typed object: `await api.getRun({ id: 12 })`. In the desktop app it speaks over the bridge
 * that the preload puts on `window`, in a browser over HTTP (POST api/<method>). It throws `ApiFailure` with the
 * owner's code and sentence, or with `disconnected` when nobody answers.
 */
import { API_METHODS, type Api, type ApiMethod, type Bridge, type Reply } from '../../preload/contract.ts';
import { connection } from './connection.svelte.ts';
import { ApiFailure, fromApiError } from './failure.ts';

export { ApiFailure, toFailure } from './failure.ts';

declare global {
  interface Window {
    bridge?: Bridge;
  }
}

/** The desktop app's bridge; null in a browser. */
export const bridge: Bridge | null = window.bridge ?? null;

/** Bytes that the owner serves: `resourceUrl('thumbnail', 3, 'train', 17)`. */
export function resourceUrl(kind: string, ...parts: (string | number)[]): string {
  return `./resource/${[kind, ...parts].map((part) => encodeURIComponent(part)).join('/')}`;
}

async function invokeOverHttp(method: ApiMethod, argument: unknown): Promise<Reply> {
  let response: Response;
  try {
    response = await fetch(`./api/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(argument ?? null),
    });
  } catch (cause) {
    connection.set('lost');
    throw new ApiFailure({
      code: 'disconnected',
      message: 'ResLT Studio does not answer. Trainings go on; the page reconnects by itself.',
      details: String(cause),
    });
  }
  if (response.status === 401) {
    connection.set('signed-out');
    throw new ApiFailure({
      code: 'signed-out',
      message: 'This page is no longer signed in. Open the address that `reslt serve` printed again.',
    });
  }
  try {
    return (await response.json()) as Reply;
  } catch {
    throw new ApiFailure({
      code: 'internal',
      message: `The answer to ${method} was not readable (HTTP ${response.status}). Reload the page; if it stays, see the server's log.`,
    });
  }
}

async function call(method: ApiMethod, argument: unknown): Promise<unknown> {
  const reply = bridge
    ? await bridge.invoke(method, argument ?? null)
    : await invokeOverHttp(method, argument);
  if (!reply.ok) throw fromApiError(reply.error);
  return reply.value;
}

export const api = Object.fromEntries(
  API_METHODS.map((method) => [method, (argument?: unknown) => call(method, argument)]),
) as unknown as Api;
