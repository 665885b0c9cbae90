/**
 * The one interface between the interface (renderer, CLI) and the owner of a library. Everything here is JSON-safe.
 * `Api` are requests, each with at most one argument object; `Notice` are pushes that only say what changed, and the
 * page then asks for what it shows. Accuracies are fractions 0…1, times integer milliseconds since 1970 (UTC) or
 * durations in milliseconds, sizes bytes, classes zero-based indices, epochs counted from 1 (finished epochs).
 * A value that does not exist is null, never 0.
 */

// ---------------------------------------------------------------------------------------------------- basic words

export type RunState =
  'queued' | 'preparing' | 'running' | 'paused' | 'completed' | 'failed' | 'stopped' | 'crashed';

/** `import`: made from a file of another program; nothing of it was trained here. */
export type RunKind = 'train' | 'evaluate' | 'import';

export type Split = 'train' | 'val' | 'test';
export type GroupSchemeId = 'count-100-20' | 'reslt-ranges';
export type GroupId = 'many' | 'medium' | 'few';
export type GroupValues = Record<GroupId, number | null>;
/** How the epoch of a number was chosen. `best-test` was chosen on the test split and is optimistic. */
export type Selection = 'last' | 'best-val' | 'best-test' | 'epoch';
export type CheckpointRole = 'last' | 'best' | 'every' | 'requested';
export type EngineId = 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm';
export type EngineChoice = 'auto' | EngineId;
export type ConfigValue = string | number | boolean | null | number[];
export type Config = Record<string, ConfigValue>;

// ------------------------------------------------------------------------------------------------------- datasets

export type DatasetKind = 'cifar-10' | 'cifar-100' | 'fashion-mnist' | 'idx' | 'sample' | PhotographKind;

/** Photographs stay where they are: named by list files (`path label` lines), or in one folder a class. */
export type PhotographKind = 'list' | 'folder';

/** Whose mean and deviation images are normalised with. ImageNet-LT and Places-LT use ImageNet's. */
export type NormalisationId = 'imagenet' | 'inaturalist';

/** Paths of list files, one `relative/path label` a line. */
export interface ListFiles {
  train: string;
  val: string | null;
  test: string;
}

/** Why an image can't be used as it was registered. `changed`: it has another size than then. */
export type ImageProblemReason =
  'missing' | 'changed' | 'truncated' | 'not-an-image' | 'unsupported' | 'unreadable';

export interface ImageProblem {
  split: Split;
  row: number;
  /** Relative to the root folder. */
  path: string;
  reason: ImageProblemReason;
  /** What was found there. */
  message: string;
}

/** What only a dataset of photographs has. */
export interface PhotographDetail {
  /** The folder that all paths start from. */
  root: string;
  rootExists: boolean;
  normalisation: NormalisationId;
  /** Classes are numbered by ascending training count, as the reference does for its large sets. */
  rankLabels: boolean;
  /** Which class of the source each class is; index = class here. */
  sourceLabels: number[];
  /** Of a dataset of kind `list`: the lists as they were given. */
  lists: ListFiles | null;
  /** Share of each class's images that was carved off as test split; null where the source has one. */
  testFraction: number | null;
  /** Images that were left out when it was added, because they were missing or unreadable. */
  leftOut: number;
  /** Images that the last check found unusable (see `listDatasetProblems`); 0 without a check. */
  problems: number;
}

/** What was found of photographs before anything is written. */
export interface PhotographProbe {
  /** Images that were read whole, spread over all splits, and what they are. */
  sample: {
    images: number;
    /** Width and height in pixels; null where none could be read. */
    smallest: { width: number; height: number } | null;
    largest: { width: number; height: number } | null;
    formats: { format: string; images: number }[];
  };
  /** Images of all splits that are not there. Every path was looked up. */
  missing: number;
  /** Those that are there: training images per class, and of each split. */
  present: { classCounts: number[]; counts: Record<Split, number> };
  /** The first problems: missing images, and images of the sample that can't be read. */
  problems: { split: Split; path: string; reason: ImageProblemReason; message: string }[];
  /** What to know beforehand, as sentences: images that are in two splits, classes without a test image. */
  remarks: string[];
  /** Whether the source has a test split; a folder without one needs a share carved off. */
  hasTest: boolean;
  suggestedNormalisation: NormalisationId;
}

export interface PhotographOptions {
  /** With kind `list`: the lists; `path` is the folder that their paths start from. Null for folders. */
  lists: ListFiles | null;
  rankLabels: boolean;
  normalisation: NormalisationId;
  /** Share of each class carved off as test split, where the source has none; else 0. */
  testFraction: number;
  /** Leaves out images that are missing, instead of listing them as problems. */
  leaveOutMissing: boolean;
  /** Leaves out the images that the last check of this dataset listed. */
  leaveOutProblemsOf: number | null;
}

/** Images and classes of one group of a scheme, by training images. */
export interface GroupSize {
  id: GroupId;
  /** "Many", "Head", … as the scheme words it. */
  label: string;
  /** "> 100" or "classes 0–2". */
  rule: string;
  classes: number[];
  images: number;
}

export interface GroupScheme {
  id: GroupSchemeId;
  label: string;
  groups: GroupSize[];
}

export interface DatasetSummary {
  id: number;
  name: string;
  kind: DatasetKind;
  classes: number;
  /** Training images per class, index = class. */
  classCounts: number[];
  counts: Record<Split, number>;
  /** Smallest count ÷ largest, in (0, 1]; imbalanceRatio is its inverse ("IF 100"). */
  imbalanceFactor: number;
  imbalanceRatio: number;
  manifestHash: string;
  sizeBytes: number;
  runCount: number;
  createdAtMs: number;
  verification: { state: 'verified' | 'failed' | 'never'; atMs: number | null; message: string | null };
}

export interface SubsetOptions {
  /** `full` keeps every training image. */
  type: 'exp' | 'step' | 'full';
  /** In (0, 1], as in the papers' code: 0.01 is "IF 100". Ignored for `full`. */
  imbalanceFactor: number;
}

export interface DatasetDetail extends DatasetSummary {
  classNames: string[];
  height: number;
  width: number;
  channels: number;
  subset: SubsetOptions & { seed: number };
  validation: { fraction: number; seed: number } | null;
  source: { path: string; files: { name: string; sizeBytes: number; sha256: string }[] };
  /** SHA-256 of the chosen training items (as in the reference lists), and whether it equals the published one. */
  subsetHash: string;
  sameAsReference: boolean | null;
  mean: number[];
  std: number[];
  gini: number;
  /** exp of the entropy of the class distribution. */
  effectiveClasses: number;
  /** Share of training images that the most frequent 20 % of classes hold. */
  topFifthShare: number;
  /** Classes from rare to frequent: cumulative share of classes against cumulative share of images, from (0,0) to (1,1). */
  lorenz: { classes: number; images: number }[];
  schemes: GroupScheme[];
  folder: string;
  /** Null for a packed dataset. For photographs, height and width are what networks are given unless a run says otherwise. */
  photographs: PhotographDetail | null;
}

/** What was found at a path, before anything is written. */
export interface DatasetProbe {
  kind: DatasetKind;
  path: string;
  classNames: string[];
  /** Training images per class of the whole source. */
  classCounts: number[];
  counts: Record<Split, number>;
  height: number;
  width: number;
  channels: number;
  suggestedName: string;
  /** Null for a source that is packed; for photographs, height and width mean nothing. */
  photographs: PhotographProbe | null;
}

export interface AddDatasetOptions {
  path: string;
  /** null: take what the probe finds. */
  kind: DatasetKind | null;
  name: string | null;
  subset: SubsetOptions;
  /** Share of the training images carved off as validation split; 0 for none. */
  validationFraction: number;
  validationSeed: number;
  /** For photographs only. */
  photographs?: PhotographOptions | null;
}

export interface SubsetPreview {
  classCounts: number[];
  trainImages: number;
  validationImages: number;
  imbalanceRatio: number;
  schemes: GroupScheme[];
}

/** A source that the wizard can offer without a path. */
export interface DatasetOffer {
  kind: DatasetKind;
  title: string;
  description: string;
  /** Where it already lies on this machine, or null. */
  localPath: string | null;
  download: { sizeBytes: number; host: string } | null;
}

/** Work in the background of the owner: adding, verifying, downloading. */
export interface Task {
  id: number;
  kind:
    | 'add-dataset'
    | 'verify-dataset'
    | 'relocate-dataset'
    | 'download-dataset'
    | 'install-engine'
    | 'import-checkpoint'
    | 'import-log'
    | 'export-checkpoint';
  title: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  /** 0…1, or null while it can't be known. */
  progress: number | null;
  message: string;
  error: ApiError | null;
  /** The id of what it made (a dataset, a run), when done. */
  resultId: number | null;
  /** The path of what it made (a download), when done. */
  resultPath: string | null;
}

// ----------------------------------------------------------------------------------------------- configuration

export interface ConfigField {
  key: string;
  label: string;
  group: 'method' | 'training' | 'data' | 'engine' | 'checkpoints';
  type: 'integer' | 'number' | 'boolean' | 'choice' | 'numbers' | 'text';
  unit: string | null;
  min: number | null;
  max: number | null;
  choices: { value: string; label: string }[] | null;
  default: ConfigValue;
  nullable: boolean;
  help: string;
  /** Only for these methods; null for all. */
  methods: string[] | null;
  /** Methods that can't do without a value. */
  requiredFor: string[];
  /** Has an effect only while another setting has one of these values, or on such images; null: always. */
  onlyWith: { key: string; values: ConfigValue[] } | null;
  images: 'photographs' | 'small' | null;
}

export interface MethodInfo {
  id: string;
  label: string;
  /** What `branches` are: "branch", "expert". */
  outputWord: string;
  /** Whether it predicts by the sum or mean of them all, so that the first few added mean something. */
  addsUp: boolean;
  /** Names of what it outputs besides the fused logits, in order: "h", "m", "t". */
  branches: { id: string; label: string }[];
  fusedLabel: string;
  /** Parts of the loss that it logs, in order, with the paper's symbol: `train/loss/branch` "branch I". */
  lossTerms: MethodTerm[];
  /** What its evaluations log beside loss and accuracies: `test/experts-used`, and by group `test/experts-used/few`. */
  evaluationTerms: MethodTerm[];
}

/** A number that a method logs; those of one group belong in one panel of that title. */
export interface MethodTerm {
  metric: string;
  label: string;
  unit: 'nats' | 'fraction' | 'count';
  group: string;
}

export interface Preset {
  name: string;
  /** "ResLT", and what tells it from its siblings: "β 0.998". */
  title: string;
  detail: string;
  /** "CIFAR-10-LT, IF 100". */
  benchmark: string;
  method: string;
  network: string;
  networkLabel: string;
  /** The data it is made for, as its name begins: "cifar10-lt", "imagenet-lt". */
  dataset: string;
  /** Datasets of these kinds with so many classes fit. */
  kinds: DatasetKind[];
  classes: number;
  imbalanceFactor: number;
  /** Where its settings come from. */
  source: string;
  /** Accuracies 0…1 that were read in a source that can be named; many, medium and few where it prints them. */
  published: {
    top1: number;
    many: number | null;
    medium: number | null;
    few: number | null;
    source: string;
  } | null;
  /** How long the whole of it would take on this machine, from the speed of earlier runs; null without one. */
  expected: ExpectedTime | null;
  /** Checkpoints that must be named for it. */
  needs: ('initFrom' | 'teacher')[];
  config: Config;
}

export interface ExpectedTime {
  ms: number;
  /** Earlier runs that it follows from: their first steps are enough. */
  runs: number;
  /** Whether those had this method and size of images, or only this network. */
  sameMethod: boolean;
}

export interface ConfigProblem {
  key: string;
  message: string;
}

export interface ConfigChange {
  key: string;
  before: ConfigValue | undefined;
  after: ConfigValue | undefined;
}

/** What a configuration would do, before it is queued. */
export interface ConfigCheck {
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
  /** Against `base` of the request, differences only, in the order of the fields. */
  changes: ConfigChange[];
  /** Facts worked out from dataset and config: steps per epoch, classes and images that each branch sees. */
  resolved: {
    stepsPerEpoch: number;
    totalSteps: number;
    milestones: number[];
    parameters: number | null;
    branches: { id: string; label: string; fromRank: number; classes: number; images: number }[];
  } | null;
  /** What it needs of the device's memory, and what is there; null with a problem or without a dataset. */
  memory: {
    neededBytes: number;
    /** Null where the driver does not tell. */
    freeBytes: number | null;
    totalBytes: number | null;
    /** "memory" or "GPU memory". */
    place: string;
  } | null;
  estimate: {
    /** Of each run; null without an earlier run to go by. */
    perRun: ExpectedTime | null;
    startsAtMs: number | null;
    diskBytes: number | null;
    freeDiskBytes: number | null;
  };
}

// ----------------------------------------------------------------------------------------------------------- runs

/** One evaluated epoch as tables show it. */
export interface ResultSummary {
  epoch: number;
  split: Split;
  selection: Selection;
  top1: number;
  top5: number | null;
  groups: Record<GroupSchemeId, GroupValues>;
}

/** A result with everything in it, under the names that other programs rely on (`reslt run --json`). */
export interface DetailedResult {
  epoch: number;
  split: Split;
  selection: Selection;
  /** The scheme of the plain many/medium/few. */
  groupScheme: GroupSchemeId;
  top1: number;
  top5: number | null;
  many: number | null;
  medium: number | null;
  few: number | null;
  groups: Record<GroupSchemeId, GroupValues>;
  perClass: (number | null)[];
  branches: Record<
    string,
    { top1: number; perClass: (number | null)[]; groups: Record<GroupSchemeId, GroupValues> }
  >;
}

export interface RunProgress {
  step: number;
  totalSteps: number;
  epoch: number;
  epochs: number;
  /** 0…1. */
  share: number;
  remainingMs: number | null;
  imagesPerSecond: number | null;
  /** Share of the step time spent waiting for data. */
  waitShare: number | null;
  memoryBytes: number | null;
  phase: 'preparing' | 'training' | 'evaluating' | 'saving' | null;
}

export interface RunSummary {
  id: number;
  name: string;
  /** Short method word shown strong ("ResLT") and what differs from its preset or parent ("β 0.995"). */
  title: string;
  detail: string;
  state: RunState;
  /** One line about the state: "Loss not finite at step 212", "Trainer gone at step 900". */
  stateMessage: string | null;
  /** True when a living trainer has not answered for a while; it is never killed for it. */
  notResponding: boolean;
  kind: RunKind;
  groupId: number | null;
  seed: number;
  method: string;
  network: string;
  /** Null for a run that was imported without a dataset. */
  datasetId: number | null;
  datasetName: string | null;
  datasetKind: DatasetKind | null;
  preset: string | null;
  parentRunId: number | null;
  note: string;
  /** 1…10, the series colour that the run has everywhere. */
  series: number;
  progress: RunProgress | null;
  /** Place in the queue from 1, or null. */
  queuePosition: number | null;
  engine: string | null;
  device: string | null;
  last: ResultSummary | null;
  best: ResultSummary | null;
  createdAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** Time spent training over all attempts. */
  activeMs: number | null;
  archived: boolean;
  sizeBytes: number;
}

export interface MeanStd {
  mean: number | null;
  /** Sample standard deviation (n − 1); null for n < 2. */
  std: number | null;
  n: number;
}

/** Runs that differ only in their seed, as one row. Statistics are over the *last* epoch of completed runs. */
export interface RunGroup {
  id: number;
  title: string;
  detail: string;
  series: number;
  runCount: number;
  completedCount: number;
  last: { top1: MeanStd; top5: MeanStd; groups: Record<GroupSchemeId, Record<GroupId, MeanStd>> };
  best: { top1: MeanStd; split: Split | null; selection: Selection | null };
}

/** A row of the runs table: a single run, or a seed group with its runs (newest first). */
export interface RunListItem {
  key: string;
  group: RunGroup | null;
  runs: RunSummary[];
}

export const RUN_SORT_KEYS = [
  'created',
  'started',
  'name',
  'state',
  'dataset',
  'method',
  'seed',
  'last-top1',
  'last-top5',
  'last-many',
  'last-medium',
  'last-few',
  'best-top1',
  'active',
  'size',
] as const;
export type RunSortKey = (typeof RUN_SORT_KEYS)[number];

export interface RunQuery {
  /** Words that must all occur in name, method, dataset, note, preset or settings ("beta=0.99"). */
  search: string;
  states: RunState[];
  datasetIds: number[];
  methods: string[];
  kinds: RunKind[];
  /** Created in the last so many days; null for all. */
  sinceDays: number | null;
  archived: boolean;
  grouped: boolean;
  scheme: GroupSchemeId;
  sort: { key: RunSortKey; descending: boolean };
  offset: number;
  limit: number;
}

/** Every run that is not archived, newest first, one a row: what a question about the list starts from. */
export const PLAIN_RUN_QUERY: Readonly<RunQuery> = {
  search: '',
  states: [],
  datasetIds: [],
  methods: [],
  kinds: [],
  sinceDays: null,
  archived: false,
  grouped: false,
  scheme: 'count-100-20',
  sort: { key: 'created', descending: true },
  offset: 0,
  limit: 100,
};

export interface RunList {
  items: RunListItem[];
  /** Items (rows at the top level) that match, of which `items` is a page. */
  itemCount: number;
  matchingRuns: number;
  totalRuns: number;
  filters: {
    states: { state: RunState; count: number }[];
    datasets: { id: number; name: string; count: number }[];
    methods: { id: string; label: string; count: number }[];
    kinds: { kind: RunKind; count: number }[];
  };
}

export interface CheckpointInfo {
  id: number;
  runId: number;
  /** `12@best`, as the CLI takes it. */
  ref: string;
  epoch: number;
  step: number;
  roles: CheckpointRole[];
  /** Selection rule for a checkpoint that is best. */
  selection: Selection;
  result: ResultSummary | null;
  sizeBytes: number;
  logits: { split: Split; outputs: string[]; dtype: 'float32' | 'float16' }[];
  pinned: boolean;
  /** Runs that were made from it; it stays pinned as long as they are there. */
  usedBy: { runId: number; role: OriginRole }[];
  createdAtMs: number;
  path: string;
}

/** What a checkpoint is to a run that was made from it: the weights it starts with, or its teacher. */
export type OriginRole = 'initFrom' | 'teacher';

/** A checkpoint that a run was made from, as it was found then. */
export interface RunOrigin {
  role: OriginRole;
  /** As it was named: "3@last", or a file. */
  ref: string;
  /** The run whose checkpoint it is; null for a file outside the library, or one deleted for good since. */
  runId: number | null;
  runName: string | null;
  epoch: number;
  step: number;
  sha256: string;
  /** Relative to the library, or absolute for a file outside it. */
  path: string;
}

export interface RunAttempt {
  attempt: number;
  resumedFromStep: number;
  startedAtMs: number;
  endedAtMs: number | null;
  outcome: RunState | null;
}

/**
 * Which class an imported classifier's row is: the dataset's own number, its rank by ascending training count, or its
 * number in the lists or folders that the dataset was made of (other than its own where it numbers them by count).
 */
export type ClassOrder = 'as-stored' | 'ascending-count' | 'source-order';

/** Where an imported run came from. */
export interface ImportSource {
  kind: 'checkpoint' | 'log';
  fileName: string;
  sizeBytes: number;
  sha256: string;
  importedAtMs: number;
  /** "PyTorch (zip)", or the program that wrote the log. */
  format: string;
  classes: number | null;
  /** Of the file's own words; null where it has none. */
  epoch: number | null;
  bestTop1: number | null;
  /** Preset whose settings were assumed. */
  recipe: string | null;
  classOrder: ClassOrder;
}

/** What every look at a file to import says. Nothing is written by it. */
interface ImportProbeBase {
  path: string;
  fileName: string;
  sizeBytes: number;
  sha256: string;
  suggestedName: string;
  classes: number | null;
  /** Why it can't be imported and what to do, or null. */
  problem: string | null;
  /** What to know before it is imported: sentences. */
  notes: string[];
  /** Runs that were made from a file with this content. */
  existing: { runId: number; name: string }[];
  /**
   * Registered datasets; `problem` says why one does not fit. `classOrders` are those that the file's classes can be in,
   * the likeliest first, and `whyOrder` a sentence on why that one is.
   */
  datasets: {
    id: number;
    name: string;
    problem: string | null;
    classOrders: ClassOrder[];
    whyOrder: string | null;
  }[];
}

export interface CheckpointProbe extends ImportProbeBase {
  kind: 'checkpoint';
  /** "PyTorch (zip)". */
  format: string;
  /** Where in the file the weights are; null when they are all of it. */
  container: string | null;
  tensors: number;
  /** Scalars in all of them. */
  values: number;
  /** Null when the names and shapes are of no network that is known. */
  recognised: {
    network: string;
    networkLabel: string;
    method: string;
    methodLabel: string;
    /** What the method does on top of the network: "3 experts, reduced, cosine classifier". */
    head: string;
    /** Presets with this network and method, whose other settings an import takes; the likeliest first. */
    recipes: { name: string; label: string }[];
  } | null;
  /** What was taken off the names: "module.". */
  prefix: string;
  missing: string[];
  leftOver: string[];
  epoch: number | null;
  arch: string | null;
  bestTop1: number | null;
  /** Momentum buffers of an optimizer in the file, which are left behind; null without one. */
  optimizerBuffers: number | null;
}

export interface LogProbe extends ImportProbeBase {
  kind: 'log';
  /** Which program wrote it: "ResLT, CIFAR". */
  program: string;
  method: string | null;
  /** Trainings in the file; the newest is imported. */
  runs: number;
  epochs: number;
  evaluations: number;
  metrics: string[];
  hasClasses: boolean;
  hasGroups: boolean;
  bestTop1: number | null;
  lines: number;
}

export type ImportProbe = CheckpointProbe | LogProbe;

export interface ImportOptions {
  /** On the owner's machine. */
  path: string;
  /** Of the file that was looked at: another one is refused. Null takes the file as it is. */
  sha256: string | null;
  name: string | null;
  /** The data it is about. A checkpoint is evaluated on it at once. */
  datasetId: number | null;
  /** Import it although it was imported before. */
  again: boolean;
}

export interface CheckpointImportOptions extends ImportOptions {
  /** What the network must be; null takes what is recognised. */
  network: string | null;
  /** Preset whose other settings are taken (evaluation, fusion); null for the likeliest. */
  recipe: string | null;
  classOrder: ClassOrder;
}

export type CheckpointFormat = 'pth' | 'safetensors';

export interface RunDetail extends RunSummary {
  config: Config;
  /** Null for a run of this library. */
  imported: ImportSource | null;
  /** The checkpoints that it was made from; empty for a run from random weights. */
  origins: RunOrigin[];
  /** What was worked out at the start (threads, device, milestones, classes of each branch …); null before it. */
  resolved: Record<string, unknown> | null;
  /** Node, TensorFlow, driver, versions, host, threads; null before the start. */
  environment: Record<string, string | number | null> | null;
  /** Against the preset (or the parent run where there is one). */
  changes: ConfigChange[];
  changesAgainst: string | null;
  methodInfo: MethodInfo;
  classNames: string[];
  classCounts: number[];
  schemes: GroupScheme[];
  splits: Record<Split, number>;
  selectionSplit: Split;
  milestones: { epoch: number; label: string }[];
  /** Learning rate planned for each epoch (index 0 = epoch 1), for the dotted rest of the curve. */
  plannedLearningRate: number[];
  attempts: RunAttempt[];
  warnings: string[];
  logLines: number;
  logWarnings: number;
  checkpointCount: number;
  folder: string;
  metricNames: string[];
  siblings: { id: number; seed: number; state: RunState }[];
}

export interface NewRuns {
  /** Where the configuration came from: a preset, an earlier run, or neither (a file). */
  preset: string | null;
  parentRunId: number | null;
  config: Config;
  datasetId: number;
  seeds: number[];
  name: string | null;
  note: string;
  /** Put at the head of the queue. */
  runNext: boolean;
}

// ------------------------------------------------------------------------------------------------- metrics and log

/** Points of one metric, by step. With more than `maxPoints`, each bucket keeps its lowest and highest point. */
export interface Series {
  runId: number;
  metric: string;
  steps: number[];
  epochs: number[];
  /** Milliseconds of training time since the first step, pauses left out. */
  times: number[];
  values: number[];
  /** Points stored, of which these are shown. */
  total: number;
}

/** Everything that was evaluated over training, as columns: index i of each list is one evaluation. */
export interface EvaluationSeries {
  runId: number;
  split: Split;
  scheme: GroupSchemeId;
  epochs: number[];
  steps: number[];
  times: number[];
  loss: (number | null)[];
  top1: (number | null)[];
  top5: (number | null)[];
  groups: Record<GroupId, (number | null)[]>;
  /** Per branch or expert, accuracy over all classes, and by group. */
  branches: Record<string, { top1: (number | null)[]; groups: Record<GroupId, (number | null)[]> }>;
}

/** Per-class result of one evaluated epoch. */
export interface ClassResult {
  runId: number;
  epoch: number;
  split: Split;
  perClass: (number | null)[];
  branches: Record<string, (number | null)[]>;
  /** Rank correlation of accuracy and training count. */
  spearman: number | null;
  neverRight: number;
}

export interface LogLine {
  /** From 1, over all attempts. */
  number: number;
  atMs: number;
  level: 'info' | 'warn' | 'error';
  attempt: number;
  text: string;
}

export interface LogPage {
  lines: LogLine[];
  total: number;
}

// -------------------------------------------------------------------------------------------------------- compare

/** A checkpoint by the CLI's words: `12@best`, `12@last`, `12@epoch-40`. */
export type CheckpointRef = string;

/** A difference A − B in fractions, on the same images. */
export interface PairedDifference {
  difference: number | null;
  /** 95 % percentile interval of 10,000 paired bootstrap resamples. */
  low: number | null;
  high: number | null;
  /** Exact McNemar. */
  p: number | null;
  /** Holm-corrected over all tests of the comparison. */
  pHolm: number | null;
  onlyA: number;
  onlyB: number;
}

export interface ComparedItem {
  ref: CheckpointRef;
  runId: number;
  title: string;
  detail: string;
  seed: number;
  series: number;
  epoch: number;
  split: Split;
  selection: Selection;
  top1: number;
  top5: number | null;
  groups: GroupValues;
  perClass: (number | null)[];
  /** What `branches` are: "branch", "expert". */
  outputWord: string;
  /** Each branch or expert alone, then the partial sums the method allows, then fused. */
  branches: { id: string; label: string; top1: number; groups: GroupValues }[];
  calibration: {
    ece: number | null;
    groups: GroupValues;
    bins: { confidence: number | null; accuracy: number | null; count: number }[];
  };
  /** The seed group of its run, over *last*. */
  seeds: { top1: MeanStd; groups: Record<GroupId, MeanStd> } | null;
  /** Choices for the epoch selector. */
  available: { ref: CheckpointRef; label: string }[];
}

export interface Comparison {
  items: ComparedItem[];
  scheme: GroupScheme;
  images: number;
  imagesByGroup: Record<GroupId, number>;
  classNames: string[];
  classCounts: number[];
  /** Pairs [a, b] as indices into items, difference a − b. */
  pairs: {
    a: number;
    b: number;
    all: PairedDifference;
    groups: Record<GroupId, PairedDifference>;
    perClass: (number | null)[];
    bothRight: number;
    bothWrong: number;
  }[];
  tests: number;
  settings: { key: string; label: string; values: (ConfigValue | undefined)[]; differs: boolean }[];
  /** Why these cannot be compared image by image (another subset, split or classes), or what to mind. */
  warnings: string[];
}

// ---------------------------------------------------------------------------------------------- owner, queue, settings

export interface QueueEntry {
  runId: number;
  title: string;
  detail: string;
  datasetName: string;
  seed: number;
  kind: RunKind;
  estimateMs: number | null;
}

export interface Queue {
  paused: boolean;
  slots: number;
  running: RunSummary[];
  waiting: QueueEntry[];
  emptyAtMs: number | null;
}

export interface DeviceReading {
  name: string;
  kind: 'gpu' | 'cpu';
  /** 0…1. */
  utilisation: number | null;
  memoryUsedBytes: number | null;
  memoryTotalBytes: number | null;
  temperatureC: number | null;
}

export interface DoctorItem {
  name: string;
  value: string;
  status: 'ok' | 'warning' | 'problem';
  mend: string | null;
}

export interface Settings {
  engine: EngineChoice;
  /** Runs at once on one device. */
  concurrency: number;
  /** Threads of a training on the CPU; null: all cores. */
  threads: number | null;
  /** Keep the checkpoint of every so many epochs besides best and last; 0: none. Used for new runs. */
  keepEvery: number;
  /** Bytes that checkpoints may take; null: no limit. */
  checkpointBudgetBytes: number | null;
  notifications: boolean;
}

export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  /** Free for the pages: columns, sizes, filters. Keys name the page. */
  views: Record<string, unknown>;
}

export interface StorageReport {
  folder: string;
  freeBytes: number;
  totalBytes: number;
  databaseBytes: number;
  datasetsBytes: number;
  checkpointsBytes: number;
  logitsBytes: number;
  journalsBytes: number;
  trashBytes: number;
  /** What retention could free now, without best, last, pinned or referenced ones. */
  freeableBytes: number;
}

export interface EngineInfo {
  id: string;
  engine: EngineId;
  version: string;
  device: string;
  sizeBytes: number;
  installedAtMs: number | null;
  removable: boolean;
}

export interface EngineStatus {
  /** What `auto` would take now, and why. */
  selected: EngineId;
  reason: string;
  label: string;
  installed: EngineInfo[];
}

export interface AppInfo {
  version: string;
  shell: 'desktop' | 'headless';
  platform: string;
  libraryFolder: string;
  libraryName: string;
  host: string;
}

export interface FolderListing {
  path: string;
  parent: string | null;
  entries: { name: string; path: string; isFolder: boolean; sizeBytes: number | null }[];
}

// ----------------------------------------------------------------------------------------------------- the contract

export interface Api {
  getAppInfo(): Promise<AppInfo>;
  getSettings(): Promise<Settings>;
  updateSettings(change: Partial<Settings>): Promise<Settings>;
  getPreferences(): Promise<Preferences>;
  updatePreferences(change: Partial<Preferences>): Promise<Preferences>;
  getDevice(): Promise<DeviceReading>;
  getEngine(): Promise<EngineStatus>;
  installEngine(args: { device: 'cpu' | 'gpu' | null }): Promise<Task>;
  removeEngine(args: { id: string }): Promise<EngineStatus>;
  getDoctor(): Promise<DoctorItem[]>;
  getStorage(): Promise<StorageReport>;
  freeStorage(args: { dryRun: boolean }): Promise<{ checkpoints: number; bytes: number }>;
  emptyTrash(): Promise<{ bytes: number }>;
  listFolder(args: { path: string | null }): Promise<FolderListing>;

  listTasks(): Promise<Task[]>;
  getTask(args: { id: number }): Promise<Task>;
  cancelTask(args: { id: number }): Promise<Task>;

  listDatasets(): Promise<DatasetSummary[]>;
  getDataset(args: { id: number }): Promise<DatasetDetail>;
  listDatasetOffers(): Promise<DatasetOffer[]>;
  /** `lists`: list files whose paths start from `path`; else what lies at the path. `ticket`: a name to cancel it by. */
  probeDataset(args: { path: string; lists?: ListFiles | null; ticket?: string }): Promise<DatasetProbe>;
  /** Ends the look at a source, which fails then; false where it has ended already. */
  cancelProbe(args: { ticket: string }): Promise<{ cancelled: boolean }>;
  previewSubset(args: {
    classCounts: number[];
    kind: DatasetKind;
    subset: SubsetOptions;
    validationFraction: number;
    /** Carved off before the subset is chosen, for photographs without a test split. */
    testFraction?: number;
  }): Promise<SubsetPreview>;
  addDataset(args: AddDatasetOptions): Promise<Task>;
  addSampleDataset(): Promise<Task>;
  downloadDataset(args: { kind: DatasetKind }): Promise<Task>;
  verifyDataset(args: { id: number }): Promise<Task>;
  /** What the last check of photographs found, by split and row; `reason` null for all. */
  listDatasetProblems(args: {
    id: number;
    reason: ImageProblemReason | null;
    offset: number;
    limit: number;
  }): Promise<{
    counts: Record<ImageProblemReason, number>;
    total: number;
    items: ImageProblem[];
  }>;
  /** Takes the photographs of a dataset from another folder; refused where other images lie there. */
  relocateDataset(args: { id: number; root: string }): Promise<Task>;
  renameDataset(args: { id: number; name: string }): Promise<DatasetSummary>;
  /** Refused while a run uses it; moves it to the trash. */
  deleteDataset(args: { id: number }): Promise<{ undo: string }>;
  /** Items of one class (null: all), as row indices of the split, for `/resource/thumbnail/<dataset>/<split>/<row>`. */
  listImages(args: {
    datasetId: number;
    split: Split;
    classIndex: number | null;
    offset: number;
    limit: number;
  }): Promise<{
    rows: number[];
    labels: number[];
    total: number;
    /** Of photographs: relative to the root. */
    paths: string[] | null;
  }>;

  getConfigFields(): Promise<ConfigField[]>;
  listMethods(): Promise<MethodInfo[]>;
  listPresets(): Promise<Preset[]>;
  checkConfig(args: {
    config: Config;
    datasetId: number | null;
    preset: string | null;
    base: Config | null;
    seeds: number[];
  }): Promise<ConfigCheck>;
  /** YAML of a configuration and back; problems are reported like `checkConfig` does. */
  formatConfig(args: { config: Config }): Promise<{ yaml: string }>;
  parseConfig(args: { yaml: string }): Promise<{ config: Config | null; problems: ConfigProblem[] }>;

  createRuns(args: NewRuns): Promise<{ runs: RunSummary[]; groupId: number | null }>;
  listRuns(args: RunQuery): Promise<RunList>;
  getRun(args: { id: number }): Promise<RunDetail>;
  /** A run by its number, its name or a unique beginning of it; more than one match is an error that lists them. */
  findRun(args: { text: string }): Promise<RunSummary>;
  /** Last and best epoch with per-class and branch accuracies; reported numbers are the test split's. */
  getResults(args: { runId: number }): Promise<{ last: DetailedResult | null; best: DetailedResult | null }>;
  stopRun(args: { id: number }): Promise<RunSummary>;
  pauseRun(args: { id: number }): Promise<RunSummary>;
  resumeRun(args: { id: number }): Promise<RunSummary>;
  requestCheckpoint(args: { id: number }): Promise<RunSummary>;
  updateRun(args: { id: number; name?: string; note?: string }): Promise<RunSummary>;
  archiveRuns(args: { ids: number[]; archived: boolean }): Promise<{ count: number }>;
  /** Moves runs that are not active to the trash. */
  deleteRuns(args: { ids: number[] }): Promise<{ count: number; undo: string }>;
  undo(args: { token: string }): Promise<{ message: string }>;

  getQueue(): Promise<Queue>;
  setQueuePaused(args: { paused: boolean }): Promise<Queue>;
  /** Puts a waiting run before another, or last when `before` is null. */
  moveInQueue(args: { runId: number; before: number | null }): Promise<Queue>;

  getSeries(args: {
    runIds: number[];
    metrics: string[];
    maxPoints: number;
    /** Only points beyond this step, to fetch what is new; null for all. */
    afterStep: number | null;
    /** Only points up to this step: a zoomed range is cut into buckets of its own. */
    untilStep?: number | null;
  }): Promise<Series[]>;
  /** One entry a run and split that has evaluations; `split` null for all splits. */
  getEvaluations(args: {
    runIds: number[];
    split: Split | null;
    scheme: GroupSchemeId;
  }): Promise<EvaluationSeries[]>;
  /** `epoch` null: the last evaluated one. */
  getClassResult(args: { runId: number; epoch: number | null }): Promise<ClassResult | null>;
  getLog(args: { runId: number; offset: number; limit: number }): Promise<LogPage>;
  /** Numbers of the lines that contain the text (ignoring case) and have the level. */
  searchLog(args: {
    runId: number;
    text: string;
    level: 'all' | 'warn' | 'error';
  }): Promise<{ numbers: number[] }>;

  listCheckpoints(args: { runId: number }): Promise<CheckpointInfo[]>;
  pinCheckpoint(args: { id: number; pinned: boolean }): Promise<CheckpointInfo>;
  deleteCheckpoints(args: { ids: number[] }): Promise<{ count: number; bytes: number; undo: string }>;
  /** `12@best`, `reslt-0@last` or `12@epoch-40` as the checkpoint that is meant. */
  findCheckpoint(args: { ref: CheckpointRef }): Promise<CheckpointInfo>;
  /** Queues a job that evaluates a checkpoint again, on its run's dataset or on another with the same classes. */
  /** `settings` change how it predicts: its method (`tau-norm`), and that method's settings (`tau`). */
  evaluateCheckpoint(args: {
    ref: CheckpointRef;
    datasetId: number | null;
    settings?: Config | undefined;
  }): Promise<RunSummary>;
  compare(args: { refs: CheckpointRef[]; scheme: GroupSchemeId }): Promise<Comparison>;

  /** Looks at a checkpoint or log of another program, in a process of its own; writes nothing. `kind` null: by its content. */
  probeImport(args: { path: string; kind: 'checkpoint' | 'log' | null }): Promise<ImportProbe>;
  /** Makes a run of a checkpoint; with a dataset it is evaluated at once. The task's result is the run. */
  importCheckpoint(args: CheckpointImportOptions): Promise<Task>;
  /** Makes a run with curves of a training log. The task's result is the run. */
  importLog(args: ImportOptions): Promise<Task>;
  /** Writes the weights of a checkpoint to a file on the owner's machine. The task's result is its path. */
  exportCheckpoint(args: {
    ref: CheckpointRef;
    format: CheckpointFormat;
    path: string;
    overwrite: boolean;
  }): Promise<Task>;
}

export const API_METHODS = [
  'getAppInfo',
  'getSettings',
  'updateSettings',
  'getPreferences',
  'updatePreferences',
  'getDevice',
  'getEngine',
  'installEngine',
  'removeEngine',
  'getDoctor',
  'getStorage',
  'freeStorage',
  'emptyTrash',
  'listFolder',
  'listTasks',
  'getTask',
  'cancelTask',
  'listDatasets',
  'getDataset',
  'listDatasetOffers',
  'probeDataset',
  'cancelProbe',
  'previewSubset',
  'addDataset',
  'addSampleDataset',
  'downloadDataset',
  'verifyDataset',
  'listDatasetProblems',
  'relocateDataset',
  'renameDataset',
  'deleteDataset',
  'listImages',
  'getConfigFields',
  'listMethods',
  'listPresets',
  'checkConfig',
  'formatConfig',
  'parseConfig',
  'createRuns',
  'listRuns',
  'getRun',
  'findRun',
  'getResults',
  'stopRun',
  'pauseRun',
  'resumeRun',
  'requestCheckpoint',
  'updateRun',
  'archiveRuns',
  'deleteRuns',
  'undo',
  'getQueue',
  'setQueuePaused',
  'moveInQueue',
  'getSeries',
  'getEvaluations',
  'getClassResult',
  'getLog',
  'searchLog',
  'listCheckpoints',
  'pinCheckpoint',
  'deleteCheckpoints',
  'findCheckpoint',
  'evaluateCheckpoint',
  'compare',
  'probeImport',
  'importCheckpoint',
  'importLog',
  'exportCheckpoint',
] as const satisfies readonly (keyof Api)[];

export type ApiMethod = (typeof API_METHODS)[number];
/** Fails to compile when a method is missing from the list. */
export type AllMethodsAreListed = Exclude<keyof Api, ApiMethod> extends never ? true : never;
const allMethodsAreListed: AllMethodsAreListed = true;
void allMethodsAreListed;

/** Pushes. They say that something changed; the page asks for what it shows. */
export type Notice =
  /** At most ten a second a run. Metrics, log and progress have grown through this step and line. */
  | { type: 'run-grew'; runId: number; step: number; logLines: number }
  | { type: 'runs-changed'; runIds: number[] }
  | { type: 'queue-changed' }
  | { type: 'datasets-changed' }
  | { type: 'task-changed'; task: Task }
  | { type: 'settings-changed' }
  | { type: 'device'; reading: DeviceReading }
  /** A run ended, failed or crashed: shown as a toast, and by the desktop as a notification. */
  | { type: 'run-ended'; runId: number; title: string; state: RunState; message: string | null }
  /** The shell (menu, notification, command line) asks the page to go somewhere or do something. */
  | { type: 'command'; command: string };

export type ErrorCode =
  | 'invalid-arguments'
  | 'not-found'
  | 'conflict'
  | 'in-use'
  | 'invalid-config'
  | 'dataset-invalid'
  | 'file-invalid'
  | 'engine-missing'
  | 'disk-full'
  | 'not-allowed'
  | 'library-busy'
  | 'internal';

export interface ApiError {
  code: ErrorCode;
  /** A sentence: what was expected, what came, what to do. */
  message: string;
  details: unknown;
}

export type Reply<T = unknown> = { ok: true; value: T } | { ok: false; error: ApiError };

/** What the preload puts on `window` in the desktop app; absent in headless mode, where the page speaks HTTP. */
export interface Bridge {
  invoke(method: ApiMethod, argument: unknown): Promise<Reply>;
  subscribe(listener: (notice: Notice) => void): () => void;
  /** The native dialog; null when it was cancelled. `save` names a file to write, and asks before one is replaced. */
  choosePath(options: {
    title: string;
    kind: 'file' | 'folder' | 'save';
    defaultName?: string;
  }): Promise<string | null>;
  showInFolder(path: string): Promise<void>;
  /** Answers the command `confirm-close`, which the shell sends when the window is closed while something trains. */
  answerClose(answer: CloseAnswer, remember: boolean): Promise<void>;
}

/** What becomes of training when the window closes: it goes on in the tray, pauses after a checkpoint, or stops. */
export type CloseAnswer = 'keep' | 'pause' | 'stop' | 'cancel';
