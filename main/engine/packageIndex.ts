/**
 * Takes a wheel from a package index that the user names: the HTML page of PEP 503, whose links carry the file's
 * checksum as a fragment. A broken-off download goes on where it stopped.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { installFailed, messageOf } from './errors.ts';
import { KNOWN_WHEELS } from './knownWheels.ts';
import { normaliseProject, parseWheelName } from './wheel.ts';

export interface IndexFile {
  fileName: string;
  url: string;
  /** From the link's fragment; null when it has none. */
  checksum: { algorithm: string; hex: string } | null;
}

export interface IndexDownload {
  project: string;
  version: string;
  folder: string;
  onProgress: (message: string, doneBytes: number, totalBytes: number | null) => void;
  signal: AbortSignal | undefined;
}

const RANGE_NOT_SATISFIABLE = 416;
const CHECKSUMS = ['sha256', 'sha384', 'sha512'];

/** The files that a project's page links to, in its order. `pageUrl` resolves relative links. Pure. */
export function parseIndexPage(html: string, pageUrl: string): IndexFile[] {
  const files: IndexFile[] = [];
  for (const [, attributes] of html.matchAll(/<a\s([^>]*)>/gi)) {
    const href = /(?:^|\s)href\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes!);
    const link = href?.[1] ?? href?.[2];
    if (link === undefined || !URL.canParse(decodeEntities(link), pageUrl)) continue;
    const url = new URL(decodeEntities(link), pageUrl);
    const [algorithm = '', hex = ''] = url.hash.slice(1).split('=', 2);
    url.hash = '';
    files.push({
      fileName: decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)),
      url: url.href,
      checksum: CHECKSUMS.includes(algorithm) && hex !== '' ? { algorithm, hex: hex.toLowerCase() } : null,
    });
  }
  return files;
}

/** The wheel to take: of that project and version, for Linux x64 or any platform; one we know before one we don't. */
export function chooseWheel(files: readonly IndexFile[], project: string, version: string): IndexFile | null {
  const fitting = files.filter(({ fileName }) => {
    const wheel = parseWheelName(fileName);
    return (
      wheel?.project === normaliseProject(project) &&
      wheel.version === version &&
      /(^|\.)(manylinux\w*_x86_64|linux_x86_64|any)(\.|$)/.test(wheel.platform)
    );
  });
  return fitting.find(({ fileName }) => fileName in KNOWN_WHEELS) ?? fitting.at(-1) ?? null;
}

/** Downloads one wheel from the index at `indexUrl` and returns its path. Throws an EngineError. */
export async function downloadFromIndex(indexUrl: string, download: IndexDownload): Promise<string> {
  const { project, version, folder, onProgress, signal } = download;
  const page = new URL(`${normaliseProject(project)}/`, indexUrl.endsWith('/') ? indexUrl : `${indexUrl}/`);
  const html = await (await request(page.href, {}, signal)).text();
  const file = chooseWheel(parseIndexPage(html, page.href), project, version);
  if (file === null)
    throw installFailed(
      `The page ${withoutCredentials(page)} links no wheel of ${project} ${version} for Linux x64. ` +
        'Check that --index names the root of a PEP 503 index.',
    );
  // Only its last part is taken, so a link can't name a place outside the folder.
  const target = path.join(folder, path.basename(file.fileName));
  const part = `${target}.part`;
  await mkdir(folder, { recursive: true });
  const have = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  let response = await request(file.url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  // All of it is here already, or the file became shorter: fetched anew.
  if (response.status === RANGE_NOT_SATISFIABLE) response = await request(file.url, {}, signal);
  const resumed = response.status === 206;
  const announced = Number(response.headers.get('content-length') ?? Number.NaN);
  let done = resumed ? have : 0;
  const total = Number.isFinite(announced) ? done + announced : null;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      onProgress(`Downloading ${file.fileName}`, (done += chunk.length), total);
      callback(null, chunk);
    },
  });
  try {
    const body = Readable.fromWeb(response.body! as import('node:stream/web').ReadableStream);
    await pipeline(
      body,
      count,
      createWriteStream(part, { flags: resumed ? 'a' : 'w' }),
      ...(signal ? [{ signal }] : []),
    );
  } catch (error) {
    throw installFailed(
      `The download of ${file.fileName} broke off after ${done} bytes: ${messageOf(error)}. Install again to go on from there.`,
      error,
    );
  }
  await checkChecksum(part, file);
  await rename(part, target);
  return target;
}

async function checkChecksum(part: string, file: IndexFile): Promise<void> {
  if (file.checksum === null) return;
  const hash = createHash(file.checksum.algorithm);
  for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const found = hash.digest('hex');
  if (found === file.checksum.hex) return;
  await rm(part);
  throw installFailed(
    `${file.fileName} has the ${file.checksum.algorithm} sum ${found}, and the index promised ${file.checksum.hex}: ` +
      'the download is damaged and was deleted. Install again.',
  );
}

/** fetch refuses addresses with a user and password, which private indexes have: they go into a header. */
async function request(
  address: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const url = new URL(address);
  if (url.username !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers = { ...headers, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  }
  const plain = withoutCredentials(url);
  let response: Response;
  try {
    response = await fetch(plain, { headers, ...(signal && { signal }) });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    throw installFailed(`${plain} could not be reached: ${messageOf(cause ?? error)}.`, error);
  }
  if (!response.ok && response.status !== RANGE_NOT_SATISFIABLE)
    throw installFailed(`${plain} answered ${response.status} ${response.statusText}.`.replace(' .', '.'));
  return response;
}

function withoutCredentials(url: URL): string {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain.href;
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#43;', '+')
    .replaceAll('&amp;', '&');
}
