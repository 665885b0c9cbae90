/** Names for datasets of photographs that nobody has named. */
import { basename, extname } from 'node:path';
import type { PhotographSource } from './source.ts';

/** "ImageNet-LT" for its lists, whatever their spelling; else what the training list or the folder is called. */
export function suggestPhotographName({ lists, root }: Pick<PhotographSource, 'lists' | 'root'>): string {
  if (lists === null) return basename(root) || 'Photographs';
  const stem = basename(lists.train, extname(lists.train));
  const known = KNOWN_LISTS.find(([pattern]) => pattern.test(stem));
  if (known !== undefined) return known[1];
  return stem.replace(/[-_. ]*train(ing)?$/i, '') || basename(root) || 'Photographs';
}

/** Names of the field's list files, as their repositories have them. */
const KNOWN_LISTS: readonly [RegExp, string][] = [
  [/^imagenet[-_]?lt/i, 'ImageNet-LT'],
  [/^places[-_]?lt/i, 'Places-LT'],
  [/^inat(uralist)?[-_]?(20)?18/i, 'iNaturalist 2018'],
];
