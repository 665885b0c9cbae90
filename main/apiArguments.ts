/**
 * What each method of the contract takes, checked at run time where a message comes in: types do not cross processes.
 * Unknown properties are errors too, and everything that is wrong is told at once.
 */
import { z } from 'zod';
import { RUN_SORT_KEYS, type Api, type ApiMethod } from '../preload/contract.ts';

const id = z.int().positive();
const ids = z.array(id).min(1).max(100_000);
const text = z.string().max(10_000);
const longText = z.string().max(1_000_000);
const name = z.string().trim().min(1).max(200);
const filePath = z.string().min(1).max(4096);
const epoch = z.int().nonnegative();

const split = z.enum(['train', 'val', 'test']);
const scheme = z.enum(['count-100-20', 'reslt-ranges']);
const datasetKind = z.enum(['cifar-10', 'cifar-100', 'fashion-mnist', 'idx', 'sample', 'list', 'folder']);
const runState = z.enum([
  'queued',
  'preparing',
  'running',
  'paused',
  'completed',
  'failed',
  'stopped',
  'crashed',
]);
const engineChoice = z.enum(['auto', 'tensorflow-gpu', 'tensorflow-cpu', 'wasm']);
const configValue = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.number())]);
const config = z.record(z.string(), configValue);
/** Not refined to (0, 1] here: the methods answer a factor of 100 with "did you mean 0.01". */
const subset = z.strictObject({
  type: z.enum(['exp', 'step', 'full']),
  imbalanceFactor: z.number().positive(),
});
/** A validation split takes a share of the images, never all. */
const validationFraction = z.number().min(0).lt(1);
const seed = z.int().min(0).max(0xffff_ffff);
/** A page's own name of something that it asks for. */
const ticket = z.string().min(1).max(100);
const lists = z.strictObject({ train: filePath, val: filePath.nullable(), test: filePath });
const photographs = z.strictObject({
  lists: lists.nullable(),
  rankLabels: z.boolean(),
  normalisation: z.enum(['imagenet', 'inaturalist']),
  testFraction: validationFraction,
  leaveOutMissing: z.boolean(),
  leaveOutProblemsOf: id.nullable(),
});
const checkpointRef = z.string().min(1).max(500);
const importOptions = {
  path: filePath,
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  name: name.nullable(),
  datasetId: id.nullable(),
  again: z.boolean(),
};
const nothing = z
  .union([z.null(), z.undefined(), z.strictObject({})])
  .transform(() => undefined)
  .optional();

type Argument<M extends ApiMethod> = Parameters<Api[M]> extends [infer A] ? A : undefined;

/** The schema of each method's argument. */
export const ARGUMENTS = {
  getAppInfo: nothing,
  getSettings: nothing,
  updateSettings: z.strictObject({
    engine: engineChoice.exactOptional(),
    concurrency: z.int().min(1).max(16).exactOptional(),
    threads: z.int().min(1).max(1024).nullable().exactOptional(),
    keepEvery: z.int().min(0).max(100_000).exactOptional(),
    checkpointBudgetBytes: z.int().positive().nullable().exactOptional(),
    notifications: z.boolean().exactOptional(),
  }),
  getPreferences: nothing,
  updatePreferences: z.strictObject({
    theme: z.enum(['system', 'light', 'dark']).exactOptional(),
    views: z.record(z.string().max(200), z.json()).exactOptional(),
  }),
  getDevice: nothing,
  getEngine: nothing,
  installEngine: z.strictObject({ device: z.enum(['cpu', 'gpu']).nullable() }),
  removeEngine: z.strictObject({ id: z.string().min(1) }),
  getDoctor: nothing,
  getStorage: nothing,
  freeStorage: z.strictObject({ dryRun: z.boolean() }),
  emptyTrash: nothing,
  listFolder: z.strictObject({ path: filePath.nullable() }),

  listTasks: nothing,
  getTask: z.strictObject({ id }),
  cancelTask: z.strictObject({ id }),

  listDatasets: nothing,
  getDataset: z.strictObject({ id }),
  listDatasetOffers: nothing,
  probeDataset: z.strictObject({
    path: filePath,
    lists: lists.nullable().exactOptional(),
    ticket: ticket.exactOptional(),
  }),
  cancelProbe: z.strictObject({ ticket }),
  previewSubset: z.strictObject({
    classCounts: z.array(z.int().nonnegative()).min(2).max(100_000),
    kind: datasetKind,
    subset,
    validationFraction,
    testFraction: validationFraction.exactOptional(),
  }),
  addDataset: z.strictObject({
    path: filePath,
    kind: datasetKind.nullable(),
    name: name.nullable(),
    subset,
    validationFraction,
    validationSeed: seed,
    photographs: photographs.nullable().exactOptional(),
  }),
  addSampleDataset: nothing,
  downloadDataset: z.strictObject({ kind: datasetKind }),
  verifyDataset: z.strictObject({ id }),
  listDatasetProblems: z.strictObject({
    id,
    reason: z
      .enum(['missing', 'changed', 'truncated', 'not-an-image', 'unsupported', 'unreadable'])
      .nullable(),
    offset: z.int().nonnegative(),
    limit: z.int().min(1).max(100_000),
  }),
  relocateDataset: z.strictObject({ id, root: filePath }),
  renameDataset: z.strictObject({ id, name }),
  deleteDataset: z.strictObject({ id }),
  listImages: z.strictObject({
    datasetId: id,
    split,
    classIndex: z.int().nonnegative().nullable(),
    offset: z.int().nonnegative(),
    limit: z.int().min(1).max(100_000),
  }),

  getConfigFields: nothing,
  listMethods: nothing,
  listPresets: nothing,
  checkConfig: z.strictObject({
    config,
    datasetId: id.nullable(),
    preset: z.string().nullable(),
    base: config.nullable(),
    seeds: z.array(seed).max(1000),
  }),
  formatConfig: z.strictObject({ config }),
  parseConfig: z.strictObject({ yaml: longText }),

  createRuns: z.strictObject({
    preset: z.string().nullable(),
    parentRunId: id.nullable(),
    config,
    datasetId: id,
    seeds: z.array(seed).min(1).max(1000),
    name: name.nullable(),
    note: text,
    runNext: z.boolean(),
  }),
  listRuns: z.strictObject({
    search: z.string().max(500),
    states: z.array(runState),
    datasetIds: z.array(id),
    methods: z.array(z.string()),
    kinds: z.array(z.enum(['train', 'evaluate', 'import'])),
    sinceDays: z.number().positive().nullable(),
    archived: z.boolean(),
    grouped: z.boolean(),
    scheme,
    sort: z.strictObject({
      key: z.enum(RUN_SORT_KEYS),
      descending: z.boolean(),
    }),
    offset: z.int().nonnegative(),
    limit: z.int().min(1).max(1000),
  }),
  getRun: z.strictObject({ id }),
  findRun: z.strictObject({ text: z.string().min(1).max(500) }),
  getResults: z.strictObject({ runId: id }),
  stopRun: z.strictObject({ id }),
  pauseRun: z.strictObject({ id }),
  resumeRun: z.strictObject({ id }),
  requestCheckpoint: z.strictObject({ id }),
  updateRun: z.strictObject({ id, name: name.exactOptional(), note: text.exactOptional() }),
  archiveRuns: z.strictObject({ ids, archived: z.boolean() }),
  deleteRuns: z.strictObject({ ids }),
  undo: z.strictObject({ token: z.string().min(1).max(100) }),

  getQueue: nothing,
  setQueuePaused: z.strictObject({ paused: z.boolean() }),
  moveInQueue: z.strictObject({ runId: id, before: id.nullable() }),

  getSeries: z.strictObject({
    runIds: z.array(id).max(200),
    metrics: z.array(z.string()).max(100),
    maxPoints: z.int().min(2).max(100_000),
    afterStep: z.int().nonnegative().nullable(),
    untilStep: z.int().nonnegative().nullable().exactOptional(),
  }),
  getEvaluations: z.strictObject({ runIds: z.array(id).max(200), split: split.nullable(), scheme }),
  getClassResult: z.strictObject({ runId: id, epoch: epoch.nullable() }),
  getLog: z.strictObject({ runId: id, offset: z.int().nonnegative(), limit: z.int().min(1).max(10_000) }),
  searchLog: z.strictObject({
    runId: id,
    text: z.string().max(1000),
    level: z.enum(['all', 'warn', 'error']),
  }),

  listCheckpoints: z.strictObject({ runId: id }),
  pinCheckpoint: z.strictObject({ id, pinned: z.boolean() }),
  deleteCheckpoints: z.strictObject({ ids }),
  findCheckpoint: z.strictObject({ ref: checkpointRef }),
  evaluateCheckpoint: z.strictObject({
    ref: checkpointRef,
    datasetId: id.nullable(),
    settings: config.optional(),
  }),
  compare: z.strictObject({ refs: z.array(checkpointRef).min(1).max(50), scheme }),

  probeImport: z.strictObject({ path: filePath, kind: z.enum(['checkpoint', 'log']).nullable() }),
  importCheckpoint: z.strictObject({
    ...importOptions,
    network: z.string().max(100).nullable(),
    recipe: z.string().max(200).nullable(),
    classOrder: z.enum(['as-stored', 'ascending-count', 'source-order']),
  }),
  importLog: z.strictObject(importOptions),
  exportCheckpoint: z.strictObject({
    ref: checkpointRef,
    format: z.enum(['pth', 'safetensors']),
    path: filePath,
    overwrite: z.boolean(),
  }),
} satisfies { [M in ApiMethod]: z.ZodType<Argument<M> | undefined> };

/** Everything that is wrong with an argument, a line each: `seeds[0]: …`. */
export function describeIssues(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message }));
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}
