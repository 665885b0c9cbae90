/** A headless owner in a process of its own, and a small HTTP client that says which headers it sends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import type { Reply } from '../../preload/contract.ts';

const ENTRY = path.join(import.meta.dirname, '..', '..', 'main', 'headless.ts');

export interface HeadlessOwner {
  process: ChildProcess;
  /** The address that it printed, with its token. */
  url: string;
  /** `127.0.0.1:PORT`. */
  host: string;
  stderr: () => string;
  /** Asks it to end, and waits for its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** Starts one and waits until it prints its address. Rejects with what it said when it ends before that. */
export async function startHeadless(libraryFolder: string, args: string[] = []): Promise<HeadlessOwner> {
  const child = spawn(process.execPath, [ENTRY, '--library', libraryFolder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += String(chunk)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += String(chunk);
      const found = /http:\/\/\S+/.exec(out)?.[0];
      if (found !== undefined && out.includes('\n')) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`It ended with ${code}: ${err}`)));
  });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    process: child,
    url,
    host: new URL(url).host,
    stderr: () => err,
    async stop() {
      child.kill('SIGTERM');
      return (await exit)[0];
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** Runs one that is expected to end by itself. */
export async function runHeadless(
  libraryFolder: string,
  args: string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [ENTRY, '--library', libraryFolder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface HttpReply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request to 127.0.0.1 with exactly these headers; `host` is what the server is told, not where it goes. */
export function request(
  port: number,
  {
    method = 'GET',
    path: target = '/',
    headers = {},
    body = null,
  }: {
    method?: string;
    path?: string;
    headers?: http.OutgoingHttpHeaders;
    body?: string | null;
  } = {},
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { host: '127.0.0.1', port, method, path: target, headers, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        );
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}

/** What a signed-in page of a server sends. */
export interface PageClient {
  cookie: string;
  call(method: string, argument?: unknown): Promise<Reply>;
  get(target: string, headers?: http.OutgoingHttpHeaders): Promise<HttpReply>;
}

/** Exchanges the token in an address for a cookie. */
export async function signIn(url: string): Promise<PageClient> {
  const { host, port, pathname, search } = new URL(url);
  const { status, headers } = await request(Number(port), {
    path: `${pathname}${search}`,
    headers: { host },
  });
  const cookie = headers['set-cookie']?.[0]?.split(';')[0];
  if (status !== 303 || cookie === undefined) throw new Error(`Signing in was answered with ${status}.`);
  return {
    cookie,
    async call(method, argument = null) {
      const { body } = await request(Number(port), {
        method: 'POST',
        path: `/api/${method}`,
        headers: { host, origin: `http://${host}`, cookie, 'content-type': 'application/json' },
        body: JSON.stringify(argument),
      });
      return JSON.parse(body) as Reply;
    },
    get: (target, extra = {}) => request(Number(port), { path: target, headers: { host, cookie, ...extra } }),
  };
}
