/**
 * What no page of this app may do. The numbers are those of Electron's security checklist
 * (electronjs.org/docs/latest/tutorial/security); the defaults are stated where they matter, so that a diff shows a change.
 */
import { app, session, type WebContents, type WebFrameMain } from 'electron';

/** The origin that the window is served from; everything else is foreign. */
export const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://studio';

/** True for a message that comes from the main frame of a page of ours (checklist 17). */
export function isTrustedSender(frame: WebFrameMain | null): boolean {
  if (frame === null || frame.parent !== null) return false;
  return isOwnUrl(frame.url);
}

export function isOwnUrl(url: string): boolean {
  return url === APP_ORIGIN || url.startsWith(`${APP_ORIGIN}/`);
}

/** Applies to every page that will ever exist in this process. Call before the first window is made. */
export function restrictPages(): void {
  app.on('web-contents-created', (_event, contents) => restrictContents(contents));
}

/** Nothing the page shows needs camera, location, clipboard reading or the like (checklist 5). */
export function refusePermissions(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, permission, reply) =>
    // Writing to the clipboard is what the Copy buttons do.
    reply(permission === 'clipboard-sanitized-write'),
  );
  session.defaultSession.setPermissionCheckHandler(
    (_contents, permission) => permission === 'clipboard-sanitized-write',
  );
}

function restrictContents(contents: WebContents): void {
  // Checklist 13: the app has one page; following any link out of it would give a stranger the bridge.
  contents.on('will-navigate', (event, url) => {
    if (!isOwnUrl(url)) event.preventDefault();
  });
  contents.on('will-redirect', (event, url) => {
    if (!isOwnUrl(url)) event.preventDefault();
  });
  // Checklist 14: no new windows, whatever asks.
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  // Checklist 12: no <webview>, and none with its own preferences.
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
