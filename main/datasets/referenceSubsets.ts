/** Hashes of the published long-tailed choices, to tell whether a registered subset is the literature's. */
import type { PackedKind } from './source.ts';
import type { SubsetOptions } from './subset.ts';

/**
 * SHA-256 of the chosen positions within each class (little-endian uint32, classes in label order) that the reference
 * keeps with seed 0, by imbalance factor. Computed with the published imbalance_cifar.py.
 */
const EXPONENTIAL: Partial<Record<PackedKind, Record<string, string>>> = {
  'cifar-10': {
    '0.1': '0573a4c0bac922dec567a453eb1144c3ce430b8c8ee04b7cb563bd526561be53',
    '0.02': 'd7d316d044462dcf6e25e203248195adb4f8572120dd7ec2b13ce6aeb8848ecc',
    '0.01': 'd6c951e44243e61a3b6f98222c8fcf88d228e2d590df2fd091a73ce5254a002c',
    '0.005': '55ed4883d7782fbe534a612243519b2f0a954b4e2ec4f01419fa106729d6ac80',
  },
  'cifar-100': {
    '0.1': 'bfcd8e97aec64e16338a059058972c4d632c8157fcb86a1bfa97b169be0d0f7f',
    '0.02': '057d5468420169431569d9cc4e9ef10419744a69d8c277226e45be21a5026284',
    '0.01': '2f421d63fdc8f7e507409950d637829595540354b5e992c1463ffa6b986374e1',
    '0.005': 'ae3efc333edba80c25d67e8c15e93fd38836973c143c4332330bc2913bee3d47',
  },
};

/** Whether a choice equals the published one; null where none is published for this set, type and factor. */
export function sameAsReference(kind: PackedKind, subset: SubsetOptions, hash: string): boolean | null {
  const published = subset.type === 'exp' ? EXPONENTIAL[kind]?.[String(subset.imbalanceFactor)] : undefined;
  return published === undefined ? null : published === hash;
}
