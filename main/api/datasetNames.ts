/** Names for datasets that nobody has named. */
import path from 'node:path';
import type { DatasetManifest } from '../datasets/manifest.ts';
import { suggestPhotographName } from '../datasets/photographs/suggestName.ts';
import type { Store } from '../store/index.ts';

const KIND_NAMES: Partial<Record<DatasetManifest['source']['kind'], string>> = {
  'cifar-10': 'CIFAR-10',
  'cifar-100': 'CIFAR-100',
  'fashion-mnist': 'Fashion-MNIST',
  sample: 'Fashion-MNIST sample',
};

/** "CIFAR-10-LT IF 100"; what was not subset keeps the plain name. */
export function suggestDatasetName({
  source,
  subset,
  classCounts,
  photographs,
}: Pick<DatasetManifest, 'source' | 'subset' | 'classCounts' | 'photographs'>): string {
  const plain =
    photographs === null
      ? (KIND_NAMES[source.kind] ?? path.basename(source.path))
      : suggestPhotographName({ root: source.path, lists: photographs.lists });
  if (subset.type === 'full' || source.kind === 'sample') return plain;
  const ratio = Math.round(Math.max(...classCounts) / Math.min(...classCounts));
  return `${plain}-LT IF ${ratio}${subset.type === 'step' ? ' step' : ''}`;
}

/** The name, or with the first number behind it that makes it free. */
export function freeDatasetName(store: Store, wanted: string): string {
  if (store.datasets.findByName(wanted) === null) return wanted;
  for (let n = 2; ; n++) if (store.datasets.findByName(`${wanted} ${n}`) === null) return `${wanted} ${n}`;
}
