/** What all methods share whose network has one classifier and whose loss looks at its logits alone. */
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import type { BoundMethod, LossContext, Method } from './method.ts';

/** A linear classifier, and nothing to show or log beside the prediction. */
export const LINEAR_CLASSIFIER = {
  head: () => ({ kind: 'linear', evalTau: null }),
  outputs: () => [],
  fusedLabel: () => 'Output',
  terms: () => [],
} satisfies Partial<Method>;

/** Binds a loss of the logits [batch, classes]; `held` are tensors that it owns, freed with the method. */
export function bindLogits(
  loss: (logits: Tensor2D, labels: Tensor1D, context: LossContext) => Scalar,
  held: (Tensor1D | null)[] = [],
): BoundMethod {
  return {
    trainedOutputs: ['logits'],
    loss: ({ logits }, labels, context) => ({ total: loss(logits!, labels, context), terms: {} }),
    fuse: ({ logits }) => logits!.clone(),
    resolved: {},
    dispose: () => held.forEach((tensor) => tensor?.dispose()),
  };
}
