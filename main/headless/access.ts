/**
 * Who may speak to the headless server. Being on 127.0.0.1 is no access control: every page in the user's browser and
 * every user of the machine can send requests there. So the page's address carries a token that works once and is
 * exchanged for a cookie; requests must name a loopback host (DNS rebinding), come from our own page, and bear the cookie.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const SECRET_BYTES = 32;

/** Addresses that were printed and not yet opened; the oldest stops working when there are more. */
const MAX_OPEN_TOKENS = 16;

/** Pages that are signed in: tabs share one, browsers and reloaded addresses add one each. */
const MAX_SESSIONS = 64;

/** Why a request is turned away. */
export interface Refusal {
  status: 401 | 403;
  message: string;
}

export class Access {
  readonly #cookieName: string;
  readonly #tokens: string[] = [];
  readonly #sessions: string[] = [];

  /** libraryId: part of the cookie's name, since cookies are shared by all ports of a host. */
  constructor(libraryId: string) {
    this.#cookieName = `reslt-${libraryId}`;
  }

  /** A token for an address that is about to be printed. It works once. */
  mintToken(): string {
    const token = randomBytes(SECRET_BYTES).toString('base64url');
    this.#tokens.push(token);
    if (this.#tokens.length > MAX_OPEN_TOKENS) this.#tokens.shift();
    return token;
  }

  /** The `Set-Cookie` that a token is exchanged for, or null when it is not one, or was used. */
  exchange(token: string): string | null {
    const index = this.#tokens.findIndex((open) => sameText(open, token));
    if (index === -1) return null;
    this.#tokens.splice(index, 1);
    const session = randomBytes(SECRET_BYTES).toString('base64url');
    this.#sessions.push(session);
    if (this.#sessions.length > MAX_SESSIONS) this.#sessions.shift();
    return `${this.#cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Why a request without a cookie yet may not even try its token, or null: the host must be this machine. */
  refuseHost(headers: IncomingHttpHeaders): Refusal | null {
    const host = hostOf(headers);
    return host !== null && isLoopback(host.hostname)
      ? null
      : {
          status: 403,
          message:
            `This server answers as localhost or 127.0.0.1 only, and was asked as “${headers.host ?? ''}”. ` +
            'From another machine, forward a port over SSH and open localhost there.',
        };
  }

  /** Why a request for the page, a resource or the notices is refused, or null. */
  refuseGet(headers: IncomingHttpHeaders): Refusal | null {
    // Browsers say where a request comes from. An address typed by hand is `none`; what is no browser sends nothing.
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return {
        status: 403,
        message: `Requests from other pages are refused (Sec-Fetch-Site: ${String(site)}).`,
      };
    return this.refuseHost(headers) ?? this.#refuseStranger(headers);
  }

  /** Why a request that may change something is refused, or null. */
  refusePost(headers: IncomingHttpHeaders): Refusal | null {
    const refused = this.refuseHost(headers);
    if (refused !== null) return refused;
    if (originHost(headers.origin) !== headers.host?.toLowerCase())
      return {
        status: 403,
        message: `The request must come from this server's own page (Origin: ${headers.origin ?? 'none'}).`,
      };
    return this.#refuseStranger(headers);
  }

  #refuseStranger(headers: IncomingHttpHeaders): Refusal | null {
    const given = readCookie(headers.cookie, this.#cookieName);
    if (given !== null && this.#sessions.some((session) => sameText(session, given))) return null;
    return {
      status: 401,
      message:
        'This page is not signed in. Open the address that ResLT Studio printed; each works once, ' +
        'and `reslt serve` prints a fresh one.',
    };
  }
}

function hostOf({ host }: IncomingHttpHeaders): URL | null {
  return host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
}

/** Names that a browser never asks a foreign name server for, and the addresses of the loopback interface. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}

function originHost(origin: string | undefined): string | null {
  return origin !== undefined && URL.canParse(origin) ? originAuthority(new URL(origin)) : null;
}

/** As a browser writes it into Host. `null` and other schemes have none. */
function originAuthority({ protocol, host }: URL): string | null {
  return protocol === 'http:' ? host : null;
}

function readCookie(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
}

/** Takes the same time whatever differs; only the length shows. */
function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
