/**
 * Classes of the authors' checkpoints in a dataset's own order. For ImageNet-LT and iNaturalist the reference renumbers
 * every class by its training count, the rarest first (specification 1.2, "Label remap"); a classifier trained on such
 * labels has its rows in that order.
 */
import { ascendingByCount } from '../datasets/photographs/rankLabels.ts';
import type { Recognition } from '../training/networks/recognise.ts';
import type { TensorMap } from '../training/types.ts';

/** Classifiers of every network; the routers' last layer has one row and no class. */
const CLASSIFIER = /(?:^|\.)(?:fc|linear|linears\.\d+)\.(weight|bias)$/;

/** Moves the classifiers' rows from ranks by ascending training count to the dataset's numbers, in place. */
export function orderClasses(
  weights: TensorMap,
  { head }: Pick<Recognition, 'head'>,
  classCounts: readonly number[],
): void {
  const classOfRank = ascendingByCount(classCounts);
  const classes = classCounts.length;
  const isCosine = head.kind === 'cosine' || (head.kind === 'experts' && head.classifier === 'cosine');
  for (const [name, { shape, data }] of weights) {
    const part = CLASSIFIER.exec(name)?.[1];
    if (part === undefined || name.includes('expert_help_pred')) continue;
    const moved = data.slice();
    if (part === 'weight' && isCosine && shape[1] === classes) {
      // [in, out]
      const inputs = shape[0]!;
      for (let input = 0; input < inputs; input++)
        for (let rank = 0; rank < classes; rank++)
          moved[input * classes + classOfRank[rank]!] = data[input * classes + rank]!;
    } else if (shape[0] === classes) {
      const width = data.length / classes;
      for (let rank = 0; rank < classes; rank++)
        moved.set(data.subarray(rank * width, (rank + 1) * width), classOfRank[rank]! * width);
    }
    data.set(moved);
  }
}
