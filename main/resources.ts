/**
 * Bytes that the page shows or saves, by address: `/resource/<kind>/<id…>`. Read-only, and the same behind both shells.
 *
 *   thumbnail/<dataset>/<split>/<row>[?size=PX]         one image
 *   sheet/<dataset>/<split>?rows=0,1,2&columns=8[&size=PX]   many images in one, for a scrolling browser
 *   log/<run>                                           the whole log as text
 *   checkpoint/<checkpoint>?format=pth|safetensors       the weights, as PyTorch or others read them
 *   runs?query=<RunQuery as JSON>                       the runs that match, as CSV
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { RunQuery, RunSummary, Split } from '../preload/contract.ts';
import { refuseWithoutWeights } from './api/exports.ts';
import { relativePath } from './api/retention.ts';
import { ARGUMENTS } from './apiArguments.ts';
import { toApiError } from './apiErrors.ts';
import type { Background } from './owner/background.ts';
import type { WirePicture } from './owner/backgroundTasks.ts';
import { StudioError } from './store/errors.ts';
import { GROUP_IDS, SCHEME_IDS } from './store/scores.ts';
import type { Store } from './store/index.ts';

export interface ResourceReply {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface ResourceSources {
  libraryFolder: string;
  store: Store;
  background: Background;
}

const SPLITS: readonly string[] = ['train', 'val', 'test'];
const LOG_PAGE_LINES = 10_000;
const CSV_PAGE_RUNS = 1000;
const PICTURE_TIMEOUT_MS = 30_000;

/** The pixels of a packed dataset never change. Photographs may, and one that is missing may come back any moment. */
const FOREVER = 'private, max-age=31536000, immutable';
const FOR_A_WHILE = 'private, max-age=600';
const NOT_KEPT = 'no-store';

/**
 * The handler of `/resource/…`. wanted: path and query, as in the address. Null where there is no such kind; an error is
 * a reply of its own.
 */
export function createResources(sources: ResourceSources): (wanted: string) => Promise<ResourceReply | null> {
  return async (wanted) => {
    // The base is only there to be parsed against.
    const { pathname, searchParams } = new URL(wanted, 'http://resource');
    const [, root, kind, ...parts] = pathname.split('/').map(decodeURIComponent);
    if (root !== 'resource') return null;
    try {
      switch (kind) {
        case 'thumbnail':
          return await thumbnail(sources, parts, searchParams);
        case 'sheet':
          return await sheet(sources, parts, searchParams);
        case 'log':
          return await log(sources, parts);
        case 'checkpoint':
          return await checkpoint(sources, parts, searchParams);
        case 'runs':
          return await runsTable(sources, searchParams);
        default:
          return null;
      }
    } catch (error) {
      const { code, message } = toApiError(error);
      const status = code === 'not-found' ? 404 : code === 'invalid-arguments' ? 400 : 500;
      return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(message) };
    }
  };
}

async function thumbnail(
  sources: ResourceSources,
  [dataset, split, row]: string[],
  query: URLSearchParams,
): Promise<ResourceReply> {
  return picture(sources, wholeNumber(dataset, 'dataset'), (folder) =>
    sources.background.run(
      'thumbnail',
      { folder, split: splitOf(split), row: wholeNumber(row, 'row'), sizePx: sizeOf(query) },
      { timeoutMs: PICTURE_TIMEOUT_MS },
    ),
  );
}

async function sheet(
  sources: ResourceSources,
  [dataset, split]: string[],
  query: URLSearchParams,
): Promise<ResourceReply> {
  return picture(sources, wholeNumber(dataset, 'dataset'), (folder) =>
    sources.background.run(
      'sheet',
      {
        folder,
        split: splitOf(split),
        rows: (query.get('rows') ?? '').split(',').map((row) => wholeNumber(row, 'row')),
        columns: wholeNumber(query.get('columns') ?? '', 'columns'),
        sizePx: sizeOf(query),
      },
      { timeoutMs: PICTURE_TIMEOUT_MS },
    ),
  );
}

/**
 * A picture of a dataset, made from its folder. Nothing (204) where the dataset was deleted meanwhile: who asked has
 * gone on, and a browser writes every failed request into the page's console.
 */
async function picture(
  { libraryFolder, store }: ResourceSources,
  dataset: number,
  make: (folder: string) => Promise<WirePicture>,
): Promise<ResourceReply> {
  const { folder } = store.datasets.get(dataset);
  try {
    const { data, type, isComplete, isFixed } = await make(path.join(libraryFolder, folder));
    return {
      status: 200,
      headers: {
        'content-type': type,
        'cache-control': isFixed ? FOREVER : isComplete ? FOR_A_WHILE : NOT_KEPT,
      },
      body: Buffer.from(data, 'base64'),
    };
  } catch (error) {
    if (store.datasets.read(dataset) !== null) throw error;
    return { status: 204, headers: {}, body: new Uint8Array() };
  }
}

async function log({ store }: ResourceSources, [run]: string[]): Promise<ResourceReply> {
  const { id, name } = store.runs.get(wholeNumber(run, 'run'));
  const chunks: string[] = [];
  for (let offset = 0; ; offset += LOG_PAGE_LINES) {
    const { lines, total } = store.log.read(id, offset, LOG_PAGE_LINES);
    for (const line of lines)
      chunks.push(`${new Date(line.atMs).toISOString()} ${line.level.padEnd(5)} ${line.text}\n`);
    if (offset + LOG_PAGE_LINES >= total) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return download(`${id}-${name}.log`, 'text/plain; charset=utf-8', chunks.join(''));
}

async function checkpoint(
  { libraryFolder, store, background }: ResourceSources,
  [id]: string[],
  query: URLSearchParams,
): Promise<ResourceReply> {
  const row = store.checkpoints.get(wholeNumber(id, 'checkpoint'));
  refuseWithoutWeights(store, row);
  const format = query.get('format');
  if (format !== 'pth' && format !== 'safetensors')
    throw new StudioError('invalid-arguments', 'pth or safetensors was expected in ?format=.');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reslt-export-'));
  try {
    const target = path.join(folder, `weights.${format}`);
    const source = path.join(libraryFolder, relativePath(row));
    await background.run('exportCheckpoint', { source, target, format, overwrite: false });
    const name = `${row.runId}-${store.runs.get(row.runId).name}-epoch-${row.epoch}.${format}`;
    return download(name, 'application/octet-stream', await readFile(target));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runsTable({ store }: ResourceSources, query: URLSearchParams): Promise<ResourceReply> {
  const parsed = ARGUMENTS.listRuns.safeParse(parseJson(query.get('query')));
  if (!parsed.success) throw new StudioError('invalid-arguments', 'A query as JSON was expected in ?query=.');
  const wanted: RunQuery = { ...parsed.data, grouped: false, limit: CSV_PAGE_RUNS };
  const rows: string[] = [csvRow(CSV_COLUMNS.map(([head]) => head))];
  for (let offset = 0; ; offset += CSV_PAGE_RUNS) {
    const { items, itemCount } = store.runLists.list({ ...wanted, offset }, Date.now());
    for (const run of items.flatMap((item) => item.runs))
      rows.push(csvRow(CSV_COLUMNS.map(([, value]) => value(run))));
    if (offset + CSV_PAGE_RUNS >= itemCount) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return download('runs.csv', 'text/csv; charset=utf-8', rows.join(''));
}

/** Accuracies are fractions here as everywhere but on screen; a value that does not exist is an empty cell. */
const CSV_COLUMNS: readonly [string, (run: RunSummary) => string | number | null][] = [
  ['id', (run) => run.id],
  ['name', (run) => run.name],
  ['title', (run) => `${run.title} ${run.detail}`.trim()],
  ['state', (run) => run.state],
  ['dataset', (run) => run.datasetName],
  ['method', (run) => run.method],
  ['network', (run) => run.network],
  ['preset', (run) => run.preset],
  ['seed', (run) => run.seed],
  ...(['last', 'best'] as const).flatMap((which): [string, (run: RunSummary) => string | number | null][] => [
    [`${which}/epoch`, (run) => run[which]?.epoch ?? null],
    [`${which}/selection`, (run) => run[which]?.selection ?? null],
    [`${which}/test/top1`, (run) => run[which]?.top1 ?? null],
    [`${which}/test/top5`, (run) => run[which]?.top5 ?? null],
    ...SCHEME_IDS.flatMap((scheme) =>
      GROUP_IDS.map((group): [string, (run: RunSummary) => number | null] => [
        `${which}/test/top1/${group} (${scheme})`,
        (run) => run[which]?.groups[scheme][group] ?? null,
      ]),
    ),
  ]),
  ['created', (run) => new Date(run.createdAtMs).toISOString()],
  ['activeSeconds', (run) => (run.activeMs === null ? null : run.activeMs / 1000)],
  ['device', (run) => run.device],
  ['note', (run) => run.note],
];

function csvRow(values: readonly (string | number | null)[]): string {
  return `${values.map(csvCell).join(',')}\r\n`;
}

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function download(name: string, type: string, content: string | Uint8Array): ResourceReply {
  const safe = name.replace(/[^\w.-]+/g, '-');
  return {
    status: 200,
    headers: {
      'content-type': type,
      'content-disposition': `attachment; filename="${safe}"`,
      'cache-control': 'no-store',
    },
    body: typeof content === 'string' ? Buffer.from(content) : content,
  };
}

function wholeNumber(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d{1,15}$/.test(text))
    throw new StudioError(
      'invalid-arguments',
      `A whole number was expected as ${what}, and “${text ?? ''}” came.`,
    );
  return Number(text);
}

function splitOf(text: string | undefined): Split {
  if (text === undefined || !SPLITS.includes(text))
    throw new StudioError(
      'invalid-arguments',
      `train, val or test was expected as split, and “${text ?? ''}” came.`,
    );
  return text as Split;
}

function sizeOf(query: URLSearchParams): number | null {
  const size = query.get('size');
  return size === null ? null : wholeNumber(size, 'size');
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
