/**
 * Serves the page to the window from `app://studio`: the built renderer and the owner's resources (thumbnails, exports).
 * A scheme of our own instead of file:// (checklist 18), so that the page has an origin and a strict CSP as a header.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { protocol } from 'electron';
import { contentType, PAGE_SECURITY_HEADERS } from '../pageFiles.ts';
import type { ResourceReply } from '../resources.ts';
import { APP_SCHEME } from './security.ts';

/** Must run before the app is ready. */
export function declarePageScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: APP_SCHEME,
      privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true },
    },
  ]);
}

export interface PageSource {
  rendererFolder: string;
  resource(path: string): Promise<ResourceReply | null>;
}

export function servePages({ rendererFolder, resource }: PageSource): void {
  protocol.handle(APP_SCHEME, async (request) => {
    if (request.method !== 'GET') return plain(405, 'Only GET is answered here.');
    const url = new URL(request.url);
    const wanted = decodeURIComponent(url.pathname);
    if (wanted.startsWith('/resource/')) {
      const found = await resource(`${wanted}${url.search}`);
      if (found === null) return plain(404, 'There is no such resource.');
      return new Response(new Uint8Array(found.body), { status: found.status, headers: found.headers });
    }
    const file = path.join(rendererFolder, path.normalize(wanted === '/' ? '/index.html' : wanted));
    if (!file.startsWith(rendererFolder + path.sep)) return plain(404, 'There is no such page.');
    try {
      return new Response(new Uint8Array(await readFile(file)), {
        headers: { 'content-type': contentType(file), ...PAGE_SECURITY_HEADERS },
      });
    } catch {
      return plain(404, 'There is no such page.');
    }
  });
}

function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
