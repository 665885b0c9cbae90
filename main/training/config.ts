/**
 * The configuration of a run: one flat schema, a line a key. The same list of fields checks files and command lines,
 * draws the form and words the errors. A method's own settings come from its file and live under the same flat
 * names; settings of another method are refused.
 */
import { z } from 'zod';

import { defineField as field, type Field, type FieldValue } from './fields.ts';
import { findMethod, METHODS } from './methods/index.ts';
import { NETWORKS } from './networks/index.ts';
import { SCHEDULES, STEP_SCHEDULES, WARMUP_SCHEDULES, type ScheduleName } from './schedules.ts';

export const CONFIG_SCHEMA_VERSION = 1;

/** Every key that all methods share, plus those of the run's method. */
export interface RunConfig {
  schemaVersion: number;
  method: string;
  network: string;
  /** Checkpoints, as users name them: RUN@last, RUN@best, RUN@epoch-N or a file. */
  initFrom: string | null;
  teacher: string | null;
  dataset: string;
  seed: number;
  epochs: number;
  batchSize: number;
  accumulateSteps: number;
  learningRate: number;
  schedule: ScheduleName;
  warmupEpochs: number;
  milestones: number[];
  decayFactor: number;
  minLearningRate: number;
  restartPeriod: number;
  restartFactor: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  dropLast: boolean;
  sampler: 'shuffle' | 'class-balanced';
  augmentation: 'crop' | 'resized-crop';
  imageSize: number | null;
  cropPadding: number;
  flip: boolean;
  rotation: number;
  colorJitter: number;
  decode: 'exact' | 'scaled';
  loaderWorkers: number | null;
  evaluateEvery: number;
  evalBatchSize: number;
  checkpointEvery: number;
  maxSteps: number | null;
  engine: 'auto' | 'tensorflow-gpu' | 'tensorflow-cpu' | 'wasm';
  threads: number | null;
  logEverySteps: number;
  [methodSetting: string]: FieldValue;
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** The key it is about; null for the whole. */
  key: string | null;
  message: string;
}

export type ParsedConfig =
  | { config: RunConfig; problems: null; warnings: ConfigProblem[] }
  | { config: null; problems: ConfigProblem[]; warnings: ConfigProblem[] };

const COMMON_FIELDS: Field[] = [
  field('integer', {
    key: 'schemaVersion',
    label: 'Schema version',
    group: 'method',
    min: CONFIG_SCHEMA_VERSION,
    max: CONFIG_SCHEMA_VERSION,
    default: CONFIG_SCHEMA_VERSION,
    help: 'Version of this list of settings.',
  }),
  field('choice', {
    key: 'method',
    label: 'Method',
    group: 'method',
    choices: METHODS.map((method) => method.name),
    default: 'reslt',
    help: 'How the network is trained: its head, its loss and how it predicts.',
  }),
  field('choice', {
    key: 'network',
    label: 'Network',
    group: 'method',
    choices: NETWORKS.map((network) => network.name),
    default: 'resnet32',
    help: 'The network that is trained: from random weights, or from a checkpoint.',
  }),
  field('text', {
    key: 'initFrom',
    label: 'Start from',
    group: 'method',
    nullable: true,
    default: null,
    help: 'Checkpoint whose weights the run starts from: RUN@last, RUN@best, RUN@epoch-N or a file. Empty: random weights.',
  }),
  field('text', {
    key: 'teacher',
    label: 'Teacher',
    group: 'method',
    nullable: true,
    default: null,
    help: 'Checkpoint whose predictions a distilling method learns from, named like "Start from".',
  }),
  field('text', {
    key: 'dataset',
    label: 'Dataset',
    group: 'data',
    default: '',
    help: 'Name of a registered dataset.',
  }),
  field('integer', {
    key: 'seed',
    label: 'Seed',
    group: 'training',
    min: 0,
    max: 0xffff_ffff,
    default: 0,
    help: 'Decides initial weights, order of examples and augmentation. The same seed gives the same numbers on a CPU.',
  }),
  field('integer', {
    key: 'epochs',
    label: 'Epochs',
    group: 'training',
    min: 1,
    max: 100_000,
    default: 200,
    help: 'Passes over the training split.',
  }),
  field('integer', {
    key: 'batchSize',
    label: 'Batch size',
    group: 'training',
    unit: 'images',
    min: 2,
    max: 65_536,
    default: 128,
    help: 'Training images in one step.',
  }),
  field('integer', {
    key: 'accumulateSteps',
    label: 'Accumulate',
    group: 'training',
    unit: 'parts',
    min: 1,
    max: 65_536,
    default: 1,
    help: 'Parts in which a batch is computed to save memory; one update follows them all. Batch norms see a part at a time.',
  }),
  field('number', {
    key: 'learningRate',
    label: 'Learning rate',
    group: 'training',
    min: 0,
    max: 100,
    default: 0.1,
    help: 'Highest learning rate of the schedule.',
  }),
  field('choice', {
    key: 'schedule',
    label: 'Schedule',
    group: 'training',
    choices: [...SCHEDULES],
    default: 'cifar-step',
    help: 'How the learning rate changes from epoch to epoch.',
  }),
  field('integer', {
    key: 'warmupEpochs',
    onlyWith: { key: 'schedule', values: WARMUP_SCHEDULES },
    label: 'Warm-up',
    group: 'training',
    unit: 'epochs',
    min: 0,
    max: 100_000,
    default: 5,
    help: 'Epochs in which the learning rate rises to its full value; for cifar-step, warmup-step and warmup-cosine.',
  }),
  field('numbers', {
    key: 'milestones',
    onlyWith: { key: 'schedule', values: STEP_SCHEDULES },
    label: 'Milestones',
    group: 'training',
    unit: 'epochs',
    min: 0,
    max: 100_000,
    default: [0.8, 0.9],
    help: 'When a step schedule lowers the learning rate: below 1 a share of the epochs, rounded; from 1 on an epoch.',
  }),
  field('number', {
    key: 'decayFactor',
    onlyWith: { key: 'schedule', values: STEP_SCHEDULES },
    label: 'Decay factor',
    group: 'training',
    min: 0,
    max: 1,
    default: 0.1,
    help: 'Factor on the learning rate at each milestone.',
  }),
  field('number', {
    key: 'minLearningRate',
    onlyWith: { key: 'schedule', values: ['cosine-annealing', 'cosine-restarts'] },
    label: 'Lowest learning rate',
    group: 'training',
    min: 0,
    max: 100,
    default: 0,
    help: 'Where cosine-annealing and cosine-restarts end.',
  }),
  field('integer', {
    key: 'restartPeriod',
    onlyWith: { key: 'schedule', values: ['cosine-restarts'] },
    label: 'First restart after',
    group: 'training',
    unit: 'epochs',
    min: 1,
    max: 100_000,
    default: 10,
    help: 'Epochs of the first cosine of cosine-restarts.',
  }),
  field('integer', {
    key: 'restartFactor',
    onlyWith: { key: 'schedule', values: ['cosine-restarts'] },
    label: 'Restart factor',
    group: 'training',
    min: 1,
    max: 100,
    default: 2,
    help: 'How many times longer each cosine of cosine-restarts is than the one before.',
  }),
  field('number', {
    key: 'momentum',
    label: 'Momentum',
    group: 'training',
    min: 0,
    max: 1,
    default: 0.9,
    help: 'Momentum of stochastic gradient descent.',
  }),
  field('boolean', {
    key: 'nesterov',
    label: 'Nesterov',
    group: 'training',
    default: true,
    help: "Use Nesterov's form of momentum.",
  }),
  field('number', {
    key: 'weightDecay',
    label: 'Weight decay',
    group: 'training',
    min: 0,
    max: 1,
    default: 5e-4,
    help: 'Added to every gradient, times the parameter, before momentum; batch norms and biases included.',
  }),
  field('boolean', {
    key: 'dropLast',
    label: 'Drop last batch',
    group: 'data',
    default: true,
    help: 'Leave out the last batch of an epoch when it is smaller than the others.',
  }),
  field('choice', {
    key: 'sampler',
    label: 'Sampler',
    group: 'data',
    choices: ['shuffle', 'class-balanced'],
    default: 'shuffle',
    help: 'Which images an epoch draws: each once in random order, or from a random class each time.',
  }),
  field('choice', {
    key: 'augmentation',
    images: 'photographs',
    label: 'Augmentation',
    group: 'data',
    choices: ['crop', 'resized-crop'],
    default: 'crop',
    help: 'How training images are cut: at their size from padded images, or a random part of a photograph, resized.',
  }),
  field('integer', {
    key: 'imageSize',
    images: 'photographs',
    label: 'Image size',
    group: 'data',
    unit: 'pixels',
    min: 8,
    max: 1024,
    nullable: true,
    default: null,
    help: "Side of the network's input for photographs. Empty: 224; other data have their own.",
  }),
  field('integer', {
    key: 'cropPadding',
    images: 'small',
    label: 'Crop padding',
    group: 'data',
    unit: 'pixels',
    min: 0,
    max: 64,
    default: 4,
    help: 'Black pixels added on each side before a random crop to the original size; 0 switches cropping off.',
  }),
  field('boolean', {
    key: 'flip',
    label: 'Random flip',
    group: 'data',
    default: true,
    help: 'Mirror half of the training images, left to right.',
  }),
  field('number', {
    key: 'rotation',
    images: 'small',
    label: 'Random rotation',
    group: 'data',
    unit: 'degrees',
    min: 0,
    max: 180,
    default: 0,
    help: 'Training images are turned by up to this angle, either way; uncovered corners are black.',
  }),
  field('number', {
    key: 'colorJitter',
    images: 'photographs',
    label: 'Color jitter',
    group: 'data',
    min: 0,
    max: 1,
    default: 0,
    help: 'Brightness, contrast and saturation are changed by up to this share; with resized-crop only.',
  }),
  field('choice', {
    key: 'decode',
    images: 'photographs',
    label: 'Decoding',
    group: 'data',
    choices: ['exact', 'scaled'],
    default: 'exact',
    help: 'Training photographs: decoded in full, or scaled while decoding, which is faster and gives slightly other pixels.',
  }),
  field('integer', {
    key: 'loaderWorkers',
    images: 'photographs',
    label: 'Loader workers',
    group: 'engine',
    min: 0,
    max: 256,
    nullable: true,
    default: null,
    help: 'Threads that decode photographs. Empty: chosen for this machine. Never changes a number.',
  }),
  field('integer', {
    key: 'evaluateEvery',
    label: 'Evaluate every',
    group: 'checkpoints',
    unit: 'epochs',
    min: 1,
    max: 100_000,
    default: 1,
    help: 'Epochs between evaluations. The last epoch is always evaluated.',
  }),
  field('integer', {
    key: 'evalBatchSize',
    label: 'Evaluation batch size',
    group: 'engine',
    unit: 'images',
    min: 1,
    max: 65_536,
    default: 500,
    help: 'Images in one forward pass of an evaluation. Changes speed and memory only.',
  }),
  field('integer', {
    key: 'checkpointEvery',
    label: 'Keep every',
    group: 'checkpoints',
    unit: 'epochs',
    min: 0,
    max: 100_000,
    default: 0,
    help: 'Also keep a checkpoint every so many epochs; 0 keeps only best and last.',
  }),
  field('integer', {
    key: 'maxSteps',
    label: 'Most steps',
    group: 'training',
    unit: 'steps',
    min: 1,
    max: 1_000_000_000,
    nullable: true,
    default: null,
    help: 'End after so many optimiser steps, with an evaluation. Empty: after all epochs.',
  }),
  field('choice', {
    key: 'engine',
    label: 'Engine',
    group: 'engine',
    choices: ['auto', 'tensorflow-gpu', 'tensorflow-cpu', 'wasm'],
    default: 'auto',
    help: 'What computes. "auto" takes the GPU, else the native CPU engine, else WebAssembly.',
  }),
  field('integer', {
    key: 'threads',
    label: 'Threads',
    group: 'engine',
    min: 1,
    max: 1024,
    nullable: true,
    default: null,
    help: 'CPU threads of the engine. Empty: all cores. Another number gives slightly different numbers.',
  }),
  field('integer', {
    key: 'logEverySteps',
    label: 'Log every',
    group: 'checkpoints',
    unit: 'steps',
    min: 1,
    max: 1_000_000,
    default: 100,
    help: 'Steps between log lines and points of the training curves.',
  }),
];

/** Every setting there is, in the order of the form; one that several methods have stands once. */
export const CONFIG_FIELDS: readonly Field[] = [
  ...COMMON_FIELDS,
  ...[...new Set(METHODS.flatMap((method) => method.fields))].map((each) => ({
    ...each,
    methods: METHODS.filter((method) => method.fields.includes(each)).map((method) => method.name),
  })),
];

/** The settings that a run of this method has. */
export function fieldsOf(method: string): Field[] {
  return CONFIG_FIELDS.filter((each) => each.methods === undefined || each.methods.includes(method));
}

/**
 * Checks a configuration and fills in defaults. All problems are reported at once; warnings name settings that are
 * allowed but have no effect. Never throws.
 */
export function parseRunConfig(input: unknown): ParsedConfig {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return refuse([{ key: null, message: 'A configuration is a list of settings, such as "epochs: 40".' }]);
  const given = input as Record<string, unknown>;
  const methodField = COMMON_FIELDS.find((each) => each.key === 'method')!;
  const method = given['method'] ?? methodField.default;
  const fields = typeof method === 'string' ? fieldsOf(method) : COMMON_FIELDS;

  const problems: ConfigProblem[] = [];
  for (const key of Object.keys(given)) {
    if (fields.some((each) => each.key === key)) continue;
    problems.push({ key, message: explainUnknownKey(key, String(method), fields) });
  }
  const config: Record<string, FieldValue> = {};
  const defaults = METHODS.find((each) => each.name === method)?.defaults;
  for (const each of fields) {
    const value = given[each.key];
    if (value === undefined) {
      config[each.key] = defaults?.[each.key] ?? each.default;
      continue;
    }
    const parsed = fieldSchema(each).safeParse(value);
    if (parsed.success) config[each.key] = parsed.data as FieldValue;
    else
      problems.push({
        key: each.key,
        message: `${each.key} must be ${describe(each)}, not ${show(value)}.${hintAt(each, value)}`,
      });
  }
  if (problems.length > 0) return refuse(problems);

  const parsed = config as RunConfig;
  const own = findMethod(parsed.method).check?.(parsed) ?? {};
  const conflicts = [...crossCheck(parsed), ...(own.problems ?? [])];
  return conflicts.length > 0
    ? refuse(conflicts)
    : { config: parsed, problems: null, warnings: [...collectWarnings(parsed), ...(own.warnings ?? [])] };
}

/** What a field takes, in words: "a whole number from 1 to 100000". */
export function describe({ type, min, max, choices, nullable, unit }: Field): string {
  const range =
    min !== null && max !== null
      ? ` from ${min} to ${max}`
      : min !== null
        ? ` of at least ${min}`
        : max !== null
          ? ` of at most ${max}`
          : '';
  const words: Record<Field['type'], string> = {
    integer: `a whole number${range}`,
    number: `a number${range}`,
    boolean: 'true or false',
    choice: `one of ${(choices ?? []).join(', ')}`,
    integers: `a list of whole numbers${range}`,
    numbers: `a list of numbers${range}`,
    text: 'a text',
  };
  const inUnits = unit && type !== 'choice' ? ` (${unit})` : '';
  return words[type] + inUnits + (nullable ? ', or empty' : '');
}

/** The zod schema of one field's value. */
export function fieldSchema(each: Field): z.ZodType {
  const bounded = (schema: z.ZodNumber): z.ZodNumber => {
    let result = schema;
    if (each.min !== null) result = result.min(each.min);
    if (each.max !== null) result = result.max(each.max);
    return result;
  };
  const schemas: Record<Field['type'], () => z.ZodType> = {
    integer: () => bounded(z.number().int()),
    number: () => bounded(z.number()),
    boolean: () => z.boolean(),
    choice: () => z.enum(each.choices as [string, ...string[]]),
    integers: () => z.array(bounded(z.number().int())),
    numbers: () => z.array(bounded(z.number())),
    text: () => z.string(),
  };
  const schema = schemas[each.type]();
  return each.nullable ? schema.nullable() : schema;
}

function crossCheck(config: RunConfig): ConfigProblem[] {
  const { needs, label } = findMethod(config.method);
  const problems: ConfigProblem[] = [];
  if (needs?.initFrom && !config.initFrom)
    problems.push({
      key: 'initFrom',
      message: `${label} is a second stage: initFrom must name the checkpoint that it starts from, such as "3@last".`,
    });
  if (needs?.teacher && !config.teacher)
    problems.push({
      key: 'teacher',
      message: `${label} learns from another network: teacher must name its checkpoint, such as "3@last".`,
    });
  if (!needs?.teacher && config.teacher)
    problems.push({ key: 'teacher', message: `${label} learns from no teacher; leave it empty.` });
  if (config.accumulateSteps > config.batchSize)
    problems.push({
      key: 'accumulateSteps',
      message: `accumulateSteps (${config.accumulateSteps}) must not be above batchSize (${config.batchSize}): a part needs an image.`,
    });
  if (config.augmentation === 'crop' && config.colorJitter > 0)
    problems.push({
      key: 'colorJitter',
      message:
        'colorJitter works with the augmentation resized-crop only; set it to 0, or change augmentation.',
    });
  if (config.augmentation === 'resized-crop' && config.rotation > 0)
    problems.push({
      key: 'rotation',
      message: 'rotation works with the augmentation crop only; set it to 0, or change augmentation.',
    });
  if (config.minLearningRate > config.learningRate)
    problems.push({
      key: 'minLearningRate',
      message: `minLearningRate (${config.minLearningRate}) must not be above learningRate (${config.learningRate}).`,
    });
  return problems;
}

function collectWarnings(config: RunConfig): ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  const { schedule, milestones, epochs, warmupEpochs } = config;
  if (STEP_SCHEDULES.includes(schedule))
    for (const milestone of milestones)
      if (milestone >= 1 && milestone >= epochs)
        warnings.push({
          key: 'milestones',
          message: `The milestone at epoch ${milestone} lies after the end of ${epochs} epochs and has no effect.`,
        });
  if (WARMUP_SCHEDULES.includes(schedule) && warmupEpochs >= epochs)
    warnings.push({
      key: 'warmupEpochs',
      message: `The warm-up of ${warmupEpochs} epochs does not end within ${epochs} epochs.`,
    });
  if (config.accumulateSteps > 1 && !findMethod(config.method).trains)
    warnings.push({
      key: 'accumulateSteps',
      message:
        `Each batch of ${config.batchSize} is computed in parts of at most ${Math.ceil(config.batchSize / config.accumulateSteps)} images. ` +
        'The gradient is that of the whole batch, but batch norms see the statistics of a part, so the numbers are not those of the whole batch.',
    });
  return warnings;
}

function explainUnknownKey(key: string, method: string, fields: Field[]): string {
  const owners = CONFIG_FIELDS.find((each) => each.key === key)?.methods;
  if (owners) {
    const of = owners.length === 1 ? 'the method' : 'the methods';
    return `"${key}" is a setting of ${of} ${owners.join(', ')}; this run uses ${method}.`;
  }
  const hint = didYouMean(
    key,
    fields.map((each) => each.key),
  );
  return `There is no setting "${key}".${hint}`;
}

/** ' Did you mean "beta"?' where a name comes near, else nothing. */
function didYouMean(name: string, known: readonly string[]): string {
  const nearest = known
    .map((each) => ({ name: each, distance: editDistance(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && nearest.distance <= Math.max(2, Math.floor(name.length / 3))
    ? ` Did you mean "${nearest.name}"?`
    : '';
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** Which choice was probably meant. */
function hintAt({ choices }: Field, value: unknown): string {
  return choices && typeof value === 'string' ? didYouMean(value, choices) : '';
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? String(value));
}

function refuse(problems: ConfigProblem[]): ParsedConfig {
  return { config: null, problems, warnings: [] };
}
