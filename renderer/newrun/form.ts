/**
 * What the form of a new run shows: sections, the fields of a method, text against value, and which dataset fits a
 * preset. Pure.
 */
import type {
  Config,
  ConfigCheck,
  ConfigField,
  ConfigValue,
  DatasetSummary,
  Preset,
} from '../../preload/contract.ts';
import {
  formatCount,
  formatNumber,
  formatPercent,
  formatPercentUnit,
  formatQuantity,
} from '../lib/format.ts';

/** Set elsewhere in the sheet (dataset and seeds), or fixed. */
const NOT_IN_FORM = ['dataset', 'seed', 'schemaVersion'];

/** Settings that name a checkpoint. */
export const CHECKPOINT_KEYS: readonly string[] = ['initFrom', 'teacher'];

const SECTIONS: { group: ConfigField['group']; title: string }[] = [
  { group: 'method', title: 'Method' },
  { group: 'training', title: 'Training' },
  { group: 'data', title: 'Data and evaluation' },
  { group: 'checkpoints', title: 'Checkpoints' },
  { group: 'engine', title: 'Engine' },
];

export interface FormSection {
  group: ConfigField['group'];
  title: string;
  fields: ConfigField[];
}

export interface FormSituation {
  config: Config;
  /** Whether the chosen dataset has photographs; null without a dataset. */
  isPhotographs: boolean | null;
  /** Shown whatever else: they were changed, or something is wrong with them. */
  marked: readonly string[];
}

/** Whether a setting of the method has an effect here. */
function isRelevant(
  { key, onlyWith, images }: ConfigField,
  { config, isPhotographs, marked }: FormSituation,
): boolean {
  if (marked.includes(key)) return true;
  if (images !== null && isPhotographs !== null && isPhotographs !== (images === 'photographs')) return false;
  const value = onlyWith === null ? undefined : config[onlyWith.key];
  return value === undefined || onlyWith!.values.some((allowed) => sameValue(allowed, value));
}

/** The fields of a method, in sections. Sections without a field are left out, but for data: the dataset stands there. */
export function formSections(fields: readonly ConfigField[], situation: FormSituation): FormSection[] {
  const method = String(situation.config['method']);
  const shown = fields.filter(
    (field) =>
      !NOT_IN_FORM.includes(field.key) &&
      (field.methods === null || field.methods.includes(method)) &&
      isRelevant(field, situation),
  );
  return SECTIONS.map(({ group, title }) => ({
    group,
    title,
    fields: shown.filter((field) => field.group === group),
  })).filter(({ group, fields: own }) => own.length > 0 || group === 'data');
}

/** Changing the method leaves out the old one's settings and adds the new one's at their defaults. */
export function withMethod(config: Config, method: string, fields: readonly ConfigField[]): Config {
  const next: Config = {};
  const isOf = (field: ConfigField | undefined) => !field?.methods || field.methods.includes(method);
  for (const [key, value] of Object.entries(config)) {
    if (isOf(fields.find((field) => field.key === key))) next[key] = value;
  }
  for (const field of fields) {
    if (field.methods?.includes(method) && !(field.key in next)) next[field.key] = field.default;
  }
  next.method = method;
  return next;
}

export function sameValue(a: ConfigValue | undefined, b: ConfigValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
  }
  return Object.is(a, b);
}

/** How a list of numbers is typed: "0.8, 0.9". What is no number becomes NaN, which the form reports. */
export function parseNumbers(text: string): number[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map(Number);
}

const hasNaN = (value: ConfigValue | undefined): boolean =>
  Array.isArray(value) ? value.some(Number.isNaN) : typeof value === 'number' && Number.isNaN(value);

/** Keys whose text is no number; JSON would send them as null, so they are told apart before the owner is asked. */
export function unreadableKeys(config: Config): string[] {
  return Object.keys(config).filter((key) => hasNaN(config[key]));
}

/** Small classes are whole images, so the factor of a real subset is only near the one that was asked for. */
const IMBALANCE_TOLERANCE = 0.1;

/** The dataset that fits a preset best: of its kind with its classes and imbalance, else none; the user may choose another. */
export function fittingDataset(
  { kinds, classes, imbalanceFactor }: Pick<Preset, 'kinds' | 'classes' | 'imbalanceFactor'>,
  datasets: readonly DatasetSummary[],
): DatasetSummary | undefined {
  const fitting = datasets.filter((dataset) => kinds.includes(dataset.kind) && dataset.classes === classes);
  return fitting.find(
    (dataset) =>
      dataset.kind === 'sample' ||
      Math.abs(dataset.imbalanceFactor / imbalanceFactor - 1) < IMBALANCE_TOLERANCE,
  );
}

/** What a field means for this dataset: "65 classes, 2,023 images", "84 steps per epoch". */
export function fieldHint(key: string, resolved: ConfigCheck['resolved'], classes: number | null): string {
  if (!resolved) return '';
  const branch = (id: string): string => {
    const found = resolved.branches.find((candidate) => candidate.id === id);
    if (!found || classes === null) return '';
    return `to class ${classes - 1}: ${formatQuantity(found.classes, 'class', 'classes')}, ${formatQuantity(found.images, 'image')}`;
  };
  switch (key) {
    case 'mediumFrom':
      return branch('m');
    case 'tailFrom':
      return branch('t');
    case 'batchSize':
      return `${formatQuantity(resolved.stepsPerEpoch, 'step')} per epoch`;
    case 'epochs':
      return `${formatQuantity(resolved.totalSteps, 'step')} in all`;
    case 'milestones':
      return resolved.milestones.length === 0
        ? ''
        : `${resolved.milestones.length === 1 ? 'epoch' : 'epochs'} ${resolved.milestones.join(', ')}`;
    case 'network':
      return resolved.parameters === null ? '' : `${formatCount(resolved.parameters)} parameters`;
    default:
      return '';
  }
}

/** What an empty field of these means, as its placeholder. */
export function emptyMeaning(field: ConfigField, resolved: ConfigCheck['resolved']): string {
  if (!field.nullable) return '';
  const from = (id: string) => resolved?.branches.find((candidate) => candidate.id === id)?.fromRank;
  const rank = field.key === 'mediumFrom' ? from('m') : field.key === 'tailFrom' ? from('t') : undefined;
  if (rank !== undefined) return String(rank);
  const words: Record<string, string> = { threads: 'all', mediumFrom: 'usual', tailFrom: 'usual' };
  return words[field.key] ?? 'none';
}

/** How a number is typed: no thousands separators, small ones with an exponent. */
export function typedNumber(value: number): string {
  return formatNumber(value).replaceAll(',', '').replace('−', '-');
}

/** "Published: 48.6 %; many 67.0, medium 49.9, few 25.7 (RIDE, MODEL_ZOO.md)", or that there is none. */
export function publishedText({ published }: Pick<Preset, 'published'>): string {
  if (published === null) return 'No published accuracy that was verified.';
  const { top1, many, medium, few, source } = published;
  const groups =
    many === null
      ? ''
      : `; many ${formatPercent(many)}, medium ${formatPercent(medium)}, few ${formatPercent(few)}`;
  return `Published: ${formatPercentUnit(top1)}${groups} (${source}).`;
}
