/**
 * Configurations in the words of the interface: the fields as a form draws them, methods and presets as lists show them,
 * and how one configuration differs from another.
 */
import type {
  Config,
  ConfigChange,
  ConfigField,
  ConfigValue,
  DatasetKind,
  MethodInfo,
  MethodTerm,
  Preset,
} from '../../preload/contract.ts';
import { PHOTOGRAPH_KINDS } from '../datasets/manifest.ts';
import type { Store } from '../store/index.ts';
import { CONFIG_FIELDS } from '../training/config.ts';
import type { Field } from '../training/fields.ts';
import { METHODS } from '../training/methods/index.ts';
import type { Method, Term } from '../training/methods/method.ts';
import type { Head } from '../training/networks/head.ts';
import { findNetwork, NETWORKS } from '../training/networks/index.ts';
import type { Benchmark } from '../training/presets/benchmarks.ts';
import { findPreset, openSettings, PRESETS, presetConfig } from '../training/presets/index.ts';
import { Estimates } from './estimates.ts';

/** Settings that say which run this is, not what kind: they never make a difference worth naming. */
const IDENTITY_KEYS: ReadonlySet<string> = new Set(['schemaVersion', 'seed', 'dataset', 'threads', 'engine']);

/** Short words in a run's second line; others go by their label. */
const SHORT: Readonly<Record<string, (value: ConfigValue) => string>> = {
  beta: (value) => `β ${value}`,
  experts: (value) => `${value} experts`,
};

/** Settings that tell runs of a method apart at a glance; shown even where they are the preset's. */
const SIGNATURE_KEYS: readonly string[] = ['experts', 'beta'];

const CHOICE_LABELS: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...METHODS, ...NETWORKS].map(({ name, label }) => [name, label])),
  'cifar-step': 'Steps, as ResLT on CIFAR',
  'warmup-step': 'Warm-up, then steps',
  'warmup-cosine': 'Warm-up, then cosine',
  cosine: 'Cosine',
  'cosine-annealing': 'Cosine annealing',
  'cosine-restarts': 'Cosine with restarts',
  shuffle: 'Shuffle',
  'class-balanced': 'Class-balanced',
  crop: 'Crop',
  'resized-crop': 'Resized crop',
  auto: 'Automatic',
  'tensorflow-gpu': 'TensorFlow, GPU',
  'tensorflow-cpu': 'TensorFlow, CPU',
  wasm: 'WebAssembly',
};

/**
 * The settings as a form draws them. Lists of whole numbers are lists of numbers there, and a teacher is a setting of
 * the methods that need one.
 */
export function configFields(): ConfigField[] {
  return CONFIG_FIELDS.map(({ methods, type, choices, onlyWith, images, ...field }: Field) => {
    const requiredFor = methodsThatNeed(field.key);
    return {
      ...field,
      type: type === 'integers' ? 'numbers' : type,
      choices: choices?.map((value) => ({ value, label: choiceLabel(value) })) ?? null,
      methods: field.key === 'teacher' ? requiredFor : (methods ?? null),
      requiredFor,
      onlyWith: onlyWith === undefined ? null : { key: onlyWith.key, values: [...onlyWith.values] },
      images: images ?? null,
    };
  });
}

function methodsThatNeed(key: string): string[] {
  if (key !== 'initFrom' && key !== 'teacher') return [];
  return METHODS.filter(({ needs }) => needs?.[key] === true).map(({ name }) => name);
}

/** "H + M" for a sum of branches, else the word for a choice, else what it is called in a file, capitalised. */
function choiceLabel(value: string): string {
  if (/^[hmt](\+[hmt])*$/.test(value)) return value.toUpperCase().replaceAll('+', ' + ');
  return CHOICE_LABELS[value] ?? value.charAt(0).toUpperCase() + value.slice(1);
}

/** Every method with its default settings. */
export function methodInfos(): MethodInfo[] {
  return METHODS.map((method) => methodInfo(method, {}));
}

/** A run's method; one that this version does not have (a library from a newer one) is its id. */
export function methodInfoOf(config: Config): MethodInfo {
  const id = String(config['method']);
  const method = METHODS.find(({ name }) => name === id);
  return method === undefined
    ? {
        id,
        label: id,
        outputWord: 'output',
        addsUp: false,
        branches: [],
        fusedLabel: 'Fused',
        lossTerms: [],
        evaluationTerms: [],
      }
    : methodInfo(method, config);
}

const OUTPUT_WORDS: Readonly<Record<Head['kind'], string>> = {
  linear: 'output',
  cosine: 'output',
  branches: 'branch',
  experts: 'expert',
};

function methodInfo(method: Method, config: Config): MethodInfo {
  const defaults = Object.fromEntries(method.fields.map((field) => [field.key, field.default]));
  const settings = { ...defaults, ...config };
  const head = method.head(settings);
  return {
    id: method.name,
    label: method.label,
    outputWord: OUTPUT_WORDS[head.kind],
    addsUp: head.kind === 'branches' || (head.kind === 'experts' && !head.branches && head.router === null),
    branches: method.outputs(settings).map(({ name, label }) => ({ id: name, label })),
    fusedLabel: method.fusedLabel(settings),
    lossTerms: method.terms(settings).map((term) => methodTerm(term, 'train/loss')),
    evaluationTerms: (method.evaluationTerms?.(settings) ?? []).map((term) => methodTerm(term, 'test')),
  };
}

function methodTerm({ name, label, unit, group }: Term, prefix: string): MethodTerm {
  return { metric: `${prefix}/${name}`, label, unit, group };
}

/** The word for a method in a list. */
export function methodLabel(id: string): string {
  return METHODS.find(({ name }) => name === id)?.label ?? id;
}

export function presets(store: Store): Preset[] {
  const estimates = new Estimates(store);
  return PRESETS.map((preset) => {
    const { name, title, detail, benchmark, method, network, source, published } = preset;
    const config = presetConfig(preset) as Config;
    return {
      name,
      title,
      detail: [detail, 'beta' in config ? settingText('beta', config['beta']!) : '']
        .filter((part) => part !== '')
        .join(', '),
      benchmark: benchmark.label,
      method,
      network,
      networkLabel: findNetwork(network).label,
      dataset: benchmark.dataset,
      kinds: [...kindsOf(benchmark)],
      classes: benchmark.classes,
      imbalanceFactor: benchmark.imbalanceFactor,
      source,
      published,
      expected: estimates.presetTime(preset),
      needs: openSettings(preset),
      config,
    };
  });
}

/** Kinds of datasets that a benchmark's data can be registered as. */
export function kindsOf({ dataset, imageKind }: Benchmark): readonly DatasetKind[] {
  if (imageKind === 'large') return PHOTOGRAPH_KINDS;
  const kinds: Readonly<Record<string, DatasetKind>> = {
    'cifar10-lt': 'cifar-10',
    'cifar100-lt': 'cifar-100',
    sample: 'sample',
  };
  return [kinds[dataset] ?? 'idx'];
}

/** What differs, in the order of the fields; keys that no field has come last. */
export function configChanges(before: Config, after: Config): ConfigChange[] {
  const order = new Map(CONFIG_FIELDS.map(({ key }, index) => [key, index]));
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => !sameValue(before[key], after[key]))
    .sort((a, b) => (order.get(a) ?? order.size) - (order.get(b) ?? order.size))
    .map((key) => ({ key, before: before[key], after: after[key] }));
}

export function sameValue(a: ConfigValue | undefined, b: ConfigValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** "ResLT": the strong word of a run; its preset's, where that says more of the same method ("LDAM-DRW"). */
export function runTitle(config: Config, presetName: string | null): string {
  const method = String(config['method']);
  const preset = presetName === null ? null : findPreset(presetName);
  if (preset?.method === method) return preset.title;
  return METHODS.find(({ name }) => name === method)?.title ?? methodLabel(method);
}

/** "β 0.995 · epochs 40": what tells a run from its preset, its parent or the defaults. */
export function runDetail(config: Config, base: Config | null): string {
  const own = SIGNATURE_KEYS.filter((key) => config[key] !== undefined);
  const differences =
    base === null
      ? []
      : configChanges(base, config).filter(
          ({ key, after }) => after !== undefined && !IDENTITY_KEYS.has(key) && !own.includes(key),
        );
  return [
    ...own.map((key) => settingText(key, config[key]!)),
    ...differences.map(({ key, after }) => settingText(key, after!)),
  ].join(' · ');
}

/** "epochs 40", "β 0.995", "no flip". */
function settingText(key: string, value: ConfigValue): string {
  const short = SHORT[key];
  if (short !== undefined) return short(value);
  const label = CONFIG_FIELDS.find((field) => field.key === key)?.label ?? key;
  const word = label.charAt(0).toLowerCase() + label.slice(1);
  if (typeof value === 'boolean') return value ? word : `no ${word}`;
  if (value === null) return `${word} default`;
  return `${word} ${Array.isArray(value) ? value.join(', ') : (CHOICE_LABELS[String(value)] ?? String(value))}`;
}

/** A setting's word in a table; its key where this version has no such setting. */
export function fieldLabel(key: string): string {
  return CONFIG_FIELDS.find((field) => field.key === key)?.label ?? key;
}
