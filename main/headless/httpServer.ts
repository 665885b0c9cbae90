/**
 * The headless shell's transport: the page's files, `POST /api/<method>`, `GET /notices` as server-sent events and
 * `GET /resource/…`, on 127.0.0.1 only. Every answer carries the headers that hold the page in.
 */
import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { OwnerServices } from '../owner/server.ts';
import { contentType, PAGE_SECURITY_HEADERS } from '../pageFiles.ts';
import { Access, type Refusal } from './access.ts';

/** The largest argument is a configuration as YAML; everything else is small. */
export const MAX_BODY_BYTES = 2 << 20;

/** A comment now and then keeps tunnels from closing a quiet stream, and finds out when the page has gone. */
const HEARTBEAT_MS = 15_000;

/** A page that reads its notices this slowly has stopped; it asks for everything anew when it comes back. */
const MAX_UNREAD_NOTICE_BYTES = 4 << 20;

export interface HttpServerOptions {
  services: OwnerServices;
  /** The built page: `index.html` and its files. */
  rendererFolder: string;
  /** In the cookie's name. */
  libraryId: string;
  /** 0 for a free one. */
  port: number;
}

export interface HttpServer {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  /** The page's address with a token that works once. */
  pageUrl(): string;
  /** Pages that listen for notices now. */
  pageCount(): number;
  /** Calls back when one has gone. */
  onPageGone(listener: () => void): void;
  close(): Promise<void>;
}

/** Listens. Rejects when the port is taken. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const access = new Access(options.libraryId);
  const pages = new Set<ServerResponse>();
  const goneListeners = new Set<() => void>();
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // The client has gone, or the answer could not be built; either way this request is over.
      if (response.headersSent) response.destroy();
      else send(response, 500, { 'content-type': PLAIN }, `The request failed: ${(error as Error).message}`);
    });
  });
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method } = request;
    const { pathname, search, searchParams } = new URL(request.url ?? '/', url);
    if (method === 'POST') {
      const refused = access.refusePost(headers);
      if (refused !== null) return refuse(response, refused);
      return answerCall(request, response, pathname);
    }
    if (method !== 'GET' && method !== 'HEAD')
      return send(
        response,
        405,
        { 'content-type': PLAIN, allow: 'GET, HEAD, POST' },
        'Only GET and POST are answered here.',
      );

    const token = searchParams.get('token');
    if (pathname === '/' && token !== null) {
      const refused = access.refuseHost(headers);
      if (refused !== null) return refuse(response, refused);
      const cookie = access.exchange(token);
      // Opened a second time in the browser that holds the cookie, the address still leads to the page.
      if (cookie !== null || access.refuseGet(headers) === null)
        return send(
          response,
          303,
          { location: '/', ...(cookie === null ? {} : { 'set-cookie': cookie }) },
          '',
        );
    }
    const refused = access.refuseGet(headers);
    if (refused !== null) return refuse(response, refused);
    if (pathname === '/notices') return stream(request, response);
    if (pathname.startsWith('/resource/')) {
      const found = await options.services.resource(`${pathname}${search}`);
      if (found === null) return send(response, 404, { 'content-type': PLAIN }, 'There is no such resource.');
      return send(response, found.status, found.headers, found.body);
    }
    return answerFile(response, pathname);
  }

  async function answerCall(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
  ): Promise<void> {
    const [, root, method, ...rest] = pathname.split('/');
    if (root !== 'api' || method === undefined || method === '' || rest.length > 0)
      return send(response, 404, { 'content-type': PLAIN }, 'POST /api/<method> was expected.');
    // A form of a foreign page can't send this type without asking first.
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      return send(response, 415, { 'content-type': PLAIN }, 'A body of type application/json was expected.');
    const body = await readBody(request);
    if (body === null)
      return send(
        response,
        413,
        { 'content-type': PLAIN, connection: 'close' },
        `The body is larger than the ${MAX_BODY_BYTES} bytes that are taken.`,
      );
    let argument: unknown;
    try {
      argument = body.length === 0 ? null : JSON.parse(body.toString('utf8'));
    } catch {
      return send(response, 400, { 'content-type': PLAIN }, 'The body is not JSON.');
    }
    const reply = await options.services.dispatch(method, argument);
    return send(
      response,
      200,
      { 'content-type': JSON_TYPE, 'cache-control': 'no-store' },
      JSON.stringify(reply),
    );
  }

  function stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, {
      ...PAGE_SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    // Sent at once, so that the page knows that it is connected.
    response.write(': connected\n\n');
    const leave = options.services.subscribe((notice) => {
      if (response.writableLength > MAX_UNREAD_NOTICE_BYTES) response.destroy();
      else response.write(`data: ${JSON.stringify(notice)}\n\n`);
    });
    const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS);
    pages.add(response);
    request.once('close', () => {
      clearInterval(heartbeat);
      leave();
      pages.delete(response);
      for (const listener of goneListeners) listener();
    });
  }

  async function answerFile(response: ServerResponse, pathname: string): Promise<void> {
    const wanted = decode(pathname === '/' ? '/index.html' : pathname);
    const root = path.resolve(options.rendererFolder);
    const file = wanted === null ? root : path.join(root, path.normalize(wanted));
    const bytes = file.startsWith(root + path.sep) ? await readFile(file).catch(() => null) : null;
    if (bytes === null) {
      const message =
        wanted === '/index.html'
          ? `The page was expected in ${root} and is not there. Build it with \`npm run build\`.`
          : 'There is no such page.';
      return send(response, 404, { 'content-type': PLAIN }, message);
    }
    // Files under assets/ have a hash of their content in the name.
    const caching = pathname.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache';
    return send(response, 200, { 'content-type': contentType(file), 'cache-control': caching }, bytes);
  }

  return {
    url,
    pageUrl: () => `${url}?token=${access.mintToken()}`,
    pageCount: () => pages.size,
    onPageGone: (listener) => void goneListeners.add(listener),
    close: () =>
      new Promise((resolve) => {
        goneListeners.clear();
        server.close(() => resolve());
        // Streams never end by themselves.
        server.closeAllConnections();
      }),
  };
}

const PLAIN = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { ...PAGE_SECURITY_HEADERS, ...headers, 'content-length': bytes.byteLength });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

function refuse(response: ServerResponse, { status, message }: Refusal): void {
  send(
    response,
    status,
    { 'content-type': PLAIN, 'cache-control': 'no-store', connection: 'close' },
    message,
  );
}

/** The whole body, or null when it is larger than what is taken; the rest is then left unread. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
