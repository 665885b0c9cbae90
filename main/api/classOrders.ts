/**
 * Which class of a dataset each output of an imported classifier is about. ResLT's programs number the classes of
 * ImageNet-LT and iNaturalist by training count, the rarest first (specification 1.2, "Label remap"); every other
 * program keeps the numbers of the lists. A dataset here can have either numbering, so both ways are needed.
 */
import type { ClassOrder } from '../../preload/contract.ts';
import type { DatasetManifest } from '../datasets/manifest.ts';
import { ascendingByCount } from '../datasets/photographs/rankLabels.ts';
import type { RecognisedNetwork } from '../owner/foreignCheckpoint.ts';
import { hasBranches } from '../training/networks/head.ts';

type Numbered = Pick<DatasetManifest, 'photographs' | 'classCounts'>;
type Classifier = Pick<RecognisedNetwork, 'head' | 'classes'>;

/** Numbers of classes of ImageNet-LT and iNaturalist 2018. */
const RENUMBERED_CLASSES: ReadonlySet<number | null> = new Set([1000, 8142]);

/** Whether the network is ResLT's, of a benchmark whose classes its programs renumber. */
export function isRenumbered(network: Classifier): boolean {
  return hasBranches(network.head) && RENUMBERED_CLASSES.has(network.classes);
}

/** The orders that the file's classes can be in, the likeliest first, and a sentence on why that one is. */
export function classOrdersFor(
  { photographs }: Numbered,
  network: Classifier,
): { classOrders: ClassOrder[]; whyOrder: string } {
  if (photographs !== null && photographs.rankLabels !== null)
    return hasBranches(network.head)
      ? {
          classOrders: ['as-stored', 'source-order'],
          whyOrder: "ResLT's programs number the classes by training count, as this dataset does.",
        }
      : {
          classOrders: ['source-order', 'as-stored'],
          whyOrder:
            "This dataset numbers the classes by training count, and programs other than ResLT's keep the numbers of the source.",
        };
  return photographs !== null && isRenumbered(network)
    ? {
        classOrders: ['ascending-count', 'as-stored'],
        whyOrder:
          "ResLT's programs number these classes by training count, and this dataset keeps the numbers of its source.",
      }
    : {
        classOrders: ['as-stored', 'ascending-count'],
        whyOrder:
          "This dataset keeps the numbers of its source, and so do all programs but ResLT's for ImageNet-LT and iNaturalist.",
      };
}

/** The dataset's class of each output of the file; null where the numbers are the same. */
export function classesOfOutputs(order: ClassOrder, { photographs, classCounts }: Numbered): number[] | null {
  switch (order) {
    case 'as-stored':
      return null;
    case 'ascending-count':
      return ascendingByCount(classCounts);
    case 'source-order':
      return photographs?.rankLabels ?? null;
  }
}
