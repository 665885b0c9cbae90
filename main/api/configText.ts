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
import { CONFIG_FIELDS } from '../training/config.ts';
import type { Field } from '../training/fields.ts';
import { METHODS } from '../training/methods/index.ts';
import type { Method, Term } from '../training/methods/method.ts';
import { PRESETS, presetConfig, type Preset as TrainingPreset } from '../training/presets.ts';

/** Settings that say which run this is, not what kind: they never make a difference worth naming. */
const IDENTITY_KEYS: ReadonlySet<string> = new Set(['schemaVersion', 'seed', 'dataset', 'threads', 'engine']);

/** Short names in a run's second line; others go by their label. */
const SYMBOLS: Readonly<Record<string, string>> = { beta: 'β' };

/** The setting that tells runs of a method apart at a glance; shown even where it is the preset's. */
const SIGNATURE: Readonly<Record<string, string>> = { reslt: 'beta' };

const METHOD_TITLES: Readonly<Record<string, string>> = { reslt: 'ResLT', ce: 'CE' };

const CHOICE_LABELS: Readonly<Record<string, string>> = {
  reslt: 'ResLT',
  ce: 'Cross-entropy',
  resnet32: 'ResNet-32',
  'cifar-step': 'Steps',
  'warmup-cosine': 'Warm-up, then cosine',
  cosine: 'Cosine',
  auto: 'Automatic',
  'tensorflow-gpu': 'TensorFlow, GPU',
  'tensorflow-cpu': 'TensorFlow, CPU',
  wasm: 'WebAssembly',
  'h+m+t': 'H + M + T',
  'h+m': 'H + M',
};

const PRESET_KINDS: Readonly<Record<string, DatasetKind>> = {
  'cifar10-lt': 'cifar-10',
  'cifar100-lt': 'cifar-100',
  sample: 'sample',
};

/** The settings as a form draws them. Lists of whole numbers are lists of numbers there. */
export function configFields(): ConfigField[] {
  return CONFIG_FIELDS.map(({ methods, type, choices, ...field }: Field) => ({
    ...field,
    type: type === 'integers' ? 'numbers' : type,
    choices: choices?.map((value) => ({ value, label: CHOICE_LABELS[value] ?? value })) ?? null,
    methods: methods ?? null,
  }));
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
    ? { id, label: id, branches: [], fusedLabel: 'Fused', lossTerms: [], evaluationTerms: [] }
    : methodInfo(method, config);
}

function methodInfo(method: Method, config: Config): MethodInfo {
  const defaults = Object.fromEntries(method.fields.map((field) => [field.key, field.default]));
  const settings = { ...defaults, ...config };
  return {
    id: method.name,
    label: method.label,
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

export function presets(): Preset[] {
  return PRESETS.map((preset) => {
    const config = presetConfig(preset) as Config;
    return {
      name: preset.name,
      title: METHOD_TITLES[preset.method] ?? preset.method,
      detail: signature(config) ?? '',
      benchmark: benchmarkOf(preset),
      method: preset.method,
      network: preset.network,
      dataset: PRESET_KINDS[preset.dataset] ?? 'idx',
      imbalanceFactor: preset.imbalanceFactor,
      source: preset.source,
      published: preset.published,
      config,
    };
  });
}

/** "CIFAR-10-LT, IF 100" from "ResLT on CIFAR-10-LT, IF 100". */
function benchmarkOf(preset: TrainingPreset): string {
  const [, after] = preset.label.split(' on ');
  const text = after ?? preset.label;
  return text.charAt(0).toUpperCase() + text.slice(1);
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

/** "ResLT": the strong word of a run. */
export function runTitle(config: Config): string {
  const method = String(config['method']);
  return METHOD_TITLES[method] ?? method;
}

/** "β 0.995 · epochs 40": what tells a run from its preset, its parent or the defaults. */
export function runDetail(config: Config, base: Config | null): string {
  const differences =
    base === null
      ? []
      : configChanges(base, config).filter(
          ({ key, after }) =>
            after !== undefined && !IDENTITY_KEYS.has(key) && key !== SIGNATURE[String(config['method'])],
        );
  const own = signature(config);
  return [
    ...(own === null ? [] : [own]),
    ...differences.map(({ key, after }) => settingText(key, after!)),
  ].join(' · ');
}

function signature(config: Config): string | null {
  const key = SIGNATURE[String(config['method'])];
  const value = key === undefined ? undefined : config[key];
  return key === undefined || value === undefined ? null : settingText(key, value);
}

/** "epochs 40", "β 0.995", "no flip". */
function settingText(key: string, value: ConfigValue): string {
  const label = CONFIG_FIELDS.find((field) => field.key === key)?.label ?? key;
  const word = SYMBOLS[key] ?? label.charAt(0).toLowerCase() + label.slice(1);
  if (typeof value === 'boolean') return value ? word : `no ${word}`;
  if (value === null) return `${word} default`;
  return `${word} ${Array.isArray(value) ? value.join(', ') : (CHOICE_LABELS[String(value)] ?? String(value))}`;
}

/** A setting's word in a table; its key where this version has no such setting. */
export function fieldLabel(key: string): string {
  return CONFIG_FIELDS.find((field) => field.key === key)?.label ?? key;
}
