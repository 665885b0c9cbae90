/**
 * What the add-dataset wizard decides from what was typed: whether a value can be taken, what to say when it can't, and
 * the name that a subset gets by itself. Pure; the owner checks everything again.
 */
import { formatCount } from '../../lib/format.ts';
import type {
  ApiError,
  DatasetKind,
  DatasetProbe,
  ImageProblemReason,
  NormalisationId,
  SubsetOptions,
} from '../../../preload/contract.ts';

export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string; suggestion: string | null };

const KIND_LABELS: Record<DatasetKind, string> = {
  'cifar-10': 'CIFAR-10',
  'cifar-100': 'CIFAR-100',
  'fashion-mnist': 'Fashion-MNIST',
  idx: 'IDX images',
  sample: 'Sample',
  list: 'Photographs',
  folder: 'Photographs',
};

export function kindLabel(kind: DatasetKind): string {
  return KIND_LABELS[kind];
}

/** "CIFAR-10, official binary files": what the source was, in words. */
export function sourceLabel(kind: DatasetKind): string {
  switch (kind) {
    case 'cifar-10':
    case 'cifar-100':
      return `${KIND_LABELS[kind]}, official binary files`;
    case 'fashion-mnist':
      return 'Fashion-MNIST, IDX files';
    case 'idx':
      return 'IDX files';
    case 'sample':
      return 'Bundled sample';
    case 'list':
      return 'Photographs, by list files';
    case 'folder':
      return 'Photographs, one folder a class';
  }
}

/** Whose mean and deviation images are normalised with. */
export const NORMALISATIONS: { value: NormalisationId; label: string; tip: string }[] = [
  {
    value: 'imagenet',
    label: 'ImageNet',
    tip: 'Also for ImageNet-LT and Places-LT: 0.485 0.456 0.406 ± 0.229 0.224 0.225',
  },
  {
    value: 'inaturalist',
    label: 'iNaturalist',
    tip: 'iNaturalist 2018: 0.466 0.471 0.380 ± 0.195 0.194 0.192',
  },
];

/** Why an image can't be used, in a word or two. */
export const REASON_WORDS: Record<ImageProblemReason, string> = {
  missing: 'missing',
  changed: 'changed',
  truncated: 'cut short',
  'not-an-image': 'no image',
  unsupported: 'not read here',
  unreadable: 'unreadable',
};

/** Whether a source has about as many images of every class, so that a subset makes sense. */
export function isBalanced(classCounts: readonly number[]): boolean {
  const least = Math.min(...classCounts);
  return least > 0 && Math.max(...classCounts) / least < BALANCED_RATIO;
}
const BALANCED_RATIO = 1.5;

/** The factor of a subset as the ratio that papers name: 0.01 → "100", 0.015 → "66.7". */
export function ratioText(imbalanceFactor: number): string {
  const ratio = 1 / imbalanceFactor;
  return Math.abs(ratio - Math.round(ratio)) < 0.05 ? String(Math.round(ratio)) : ratio.toFixed(1);
}

/** "exponential, factor 0.01, seed 0". */
export function subsetLabel(subset: SubsetOptions & { seed: number }): string {
  if (subset.type === 'full') return 'all training images';
  return `${subset.type === 'exp' ? 'exponential' : 'step'}, factor ${subset.imbalanceFactor}, seed ${subset.seed}`;
}

/** A number as typed, with a decimal comma allowed; null when it is none. */
function typedNumber(text: string): number | null {
  const cleaned = text.trim().replace(',', '.');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cleaned)) return null;
  return Number(cleaned);
}

/** Imbalance factor in (0, 1]. A number above 1 is most likely the papers' ratio: its inverse is offered. */
export function parseImbalanceFactor(text: string): Parsed<number> {
  const value = typedNumber(text);
  if (value === null)
    return { ok: false, message: 'Expected a number above 0 and up to 1, like 0.01.', suggestion: null };
  if (value > 1) {
    const inverse = String(Number((1 / value).toPrecision(4)));
    return {
      ok: false,
      message: `The factor is smallest class ÷ largest, up to 1, but this is ${text.trim()}. Did you mean ${inverse}?`,
      suggestion: inverse,
    };
  }
  if (value <= 0)
    return {
      ok: false,
      message: `The factor must be above 0, but this is ${text.trim()}. 0.01 makes the rarest class a hundredth of the largest.`,
      suggestion: null,
    };
  return { ok: true, value };
}

/** Share held out for validation, typed in percent: 0 to 50 → fraction 0…0.5. */
export function parseValidationShare(text: string): Parsed<number> {
  const value = text.trim() === '' ? 0 : typedNumber(text.replace(/\s*%\s*$/, ''));
  if (value === null || value < 0 || value > 50)
    return {
      ok: false,
      message: `Expected a percentage from 0 to 50${text.trim() ? `, but this is ${text.trim()}` : ''}.`,
      suggestion: null,
    };
  return { ok: true, value: value / 100 };
}

/** Share carved off as test split, typed in percent: above 0 and up to 50 → fraction. */
export function parseTestShare(text: string): Parsed<number> {
  const share = parseValidationShare(text);
  if (share.ok && share.value > 0) return share;
  return {
    ok: false,
    message: `Expected a percentage above 0 and up to 50${text.trim() ? `, but this is ${text.trim()}` : ''}.`,
    suggestion: '20',
  };
}

/** A whole number from 0 and up. */
export function parseSeed(text: string): Parsed<number> {
  const cleaned = text.trim();
  if (!/^\d{1,9}$/.test(cleaned))
    return { ok: false, message: 'Expected a whole number from 0 and up.', suggestion: null };
  return { ok: true, value: Number(cleaned) };
}

export const NAME_LIMIT = 120;

/** A dataset's name: not empty, not too long, not taken (ignoring case). */
export function parseName(text: string, taken: string[]): Parsed<string> {
  const name = text.trim();
  if (name === '') return { ok: false, message: 'Give the dataset a name.', suggestion: null };
  if (name.length > NAME_LIMIT)
    return {
      ok: false,
      message: `A name has at most ${NAME_LIMIT} characters, this one has ${name.length}.`,
      suggestion: null,
    };
  if (taken.some((other) => other.toLowerCase() === name.toLowerCase()))
    return {
      ok: false,
      message: `There is a dataset “${name}” already. Choose another name.`,
      suggestion: freeName(name, taken),
    };
  return { ok: true, value: name };
}

/** Throws Error with a sentence when a class has training images, and none of them is left: all are missing. */
export function requireImages(
  { classNames, classCounts }: Pick<DatasetProbe, 'classNames' | 'classCounts'>,
  left: number[],
): void {
  const emptied = left.findIndex((count, index) => count === 0 && classCounts[index] !== 0);
  if (emptied < 0) return;
  const count = classCounts[emptied] ?? 0;
  throw new Error(
    `The class “${classNames[emptied]}” would be left without a training image: ${count === 1 ? 'its only one is' : `all its ${formatCount(count)} are`} missing. Bring one back, or do not leave the missing images out.`,
  );
}

/** `base`, or with the first free number behind it. */
export function freeName(base: string, taken: string[]): string {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  if (!used.has(base.toLowerCase())) return base;
  for (let number = 2; ; number += 1) {
    const candidate = `${base} ${number}`;
    if (!used.has(candidate.toLowerCase())) return candidate;
  }
}

/**
 * The name a subset gets by itself: "CIFAR-10-LT IF 100", "CIFAR-10-LT IF 50 step", "CIFAR-10"; "CIFAR-10-LT" while
 * the factor is not known (null).
 */
export function subsetName(
  source: string,
  subset: { type: SubsetOptions['type']; imbalanceFactor: number | null },
  validationFraction: number,
): string {
  const held = validationFraction > 0 ? `, ${Number((validationFraction * 100).toFixed(1))} % val` : '';
  if (subset.type === 'full' || subset.imbalanceFactor === 1) return `${source}${held}`;
  if (subset.imbalanceFactor === null) return `${source}-LT${held}`;
  return `${source}-LT IF ${ratioText(subset.imbalanceFactor)}${subset.type === 'step' ? ' step' : ''}${held}`;
}

/** The facts that a reader's error carries, as rows to show; empty where the error is of another kind. */
export function errorFacts(error: ApiError): { label: string; value: string }[] {
  const details = error.details;
  if (typeof details !== 'object' || details === null) return [];
  const fact = (label: string, key: string): { label: string; value: string }[] => {
    const value = (details as Record<string, unknown>)[key];
    if (typeof value === 'number') return [{ label, value: formatCount(value) }];
    return typeof value === 'string' ? [{ label, value }] : [];
  };
  return [
    ...fact('File', 'file'),
    ...fact('At byte', 'offset'),
    ...fact('Expected', 'expected'),
    ...fact('Found', 'found'),
  ];
}
