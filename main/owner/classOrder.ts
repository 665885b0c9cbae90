/**
 * Classes of an imported classifier in a dataset's own order. Programs number the classes of the same photographs
 * differently (main/api/classOrders.ts), and a classifier has its rows in the order that it was trained with.
 */
import type { Recognition } from '../training/networks/recognise.ts';
import type { TensorMap } from '../training/types.ts';

/** Classifiers of every network; the routers' last layer has one row and no class. */
const CLASSIFIER = /(?:^|\.)(?:fc|linear|linears\.\d+)\.(weight|bias)$/;

/** Moves the classifiers' rows to the dataset's numbers of the classes that they are about, in place. */
export function orderClasses(
  weights: TensorMap,
  { head }: Pick<Recognition, 'head'>,
  classOfOutput: readonly number[],
): void {
  const classes = classOfOutput.length;
  const isCosine = head.kind === 'cosine' || (head.kind === 'experts' && head.classifier === 'cosine');
  for (const [name, { shape, data }] of weights) {
    const part = CLASSIFIER.exec(name)?.[1];
    if (part === undefined || name.includes('expert_help_pred')) continue;
    const moved = data.slice();
    if (part === 'weight' && isCosine && shape[1] === classes) {
      // [in, out]
      const inputs = shape[0]!;
      for (let input = 0; input < inputs; input++)
        for (let output = 0; output < classes; output++)
          moved[input * classes + classOfOutput[output]!] = data[input * classes + output]!;
    } else if (shape[0] === classes) {
      const width = data.length / classes;
      for (let output = 0; output < classes; output++)
        moved.set(data.subarray(output * width, (output + 1) * width), classOfOutput[output]! * width);
    }
    data.set(moved);
  }
}
