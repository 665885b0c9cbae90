/**
 * Serves the page to the window from `app://studio`: the built renderer and the owner's resources (thumbnails, exports).
 * A scheme of our own instead of file:// (checklist 18), so that the page has an origin and a strict CSP as a header.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { protocol } from 'electron';
import { contentType, PAGE_SECURITY_HEADERS } from '../pageFiles.ts';
import type { ResourceReply } from '../resources.ts';
import { APP_SCHEME, isOwnUrl } from './security.ts';

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
    if (!isOwnUrl(request.url)) return plain(404, 'There is no such page.');
    const { pathname, search } = new URL(request.url);
    if (pathname.startsWith('/resource/')) {
      const found = await resource(`${pathname}${search}`);
      if (found === null) return plain(404, 'There is no such resource.');
      return answer(found.status, found.headers, found.body);
    }
    const file = pageFile(rendererFolder, pathname);
    const bytes = file === null ? null : await readFile(file).catch(() => null);
    if (file === null || bytes === null) return plain(404, 'There is no such page.');
    return answer(200, { 'content-type': contentType(file) }, bytes);
  });
}

/** The file behind a path of the page; null for one that leads out of the folder or can't be read. */
function pageFile(rendererFolder: string, pathname: string): string | null {
  try {
    const file = path.join(rendererFolder, decodeURIComponent(pathname));
    return file.startsWith(rendererFolder + path.sep) ? file : null;
  } catch {
    return null;
  }
}

function plain(status: number, text: string): Response {
  return answer(status, { 'content-type': 'text/plain; charset=utf-8' }, Buffer.from(text));
}

function answer(status: number, headers: Record<string, string>, body: Uint8Array): Response {
  return new Response(status === 204 ? null : new Uint8Array(body), {
    status,
    headers: { ...PAGE_SECURITY_HEADERS, ...headers },
  });
}
