/**
 * Logit adjustment (Menon et al., arxiv.org/abs/2007.07314): tau · log of each class' share of the training images is
 * added to the logits in the loss, or subtracted from those of a plainly trained network when it predicts.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { softmaxCrossEntropy, targets } from './losses.ts';
import type { Method, MethodSettings } from './method.ts';
import { bindLogits, LINEAR_CLASSIFIER } from './singleOutput.ts';

interface Settings {
  adjust: 'train' | 'post-hoc';
  priorTau: number;
}

/** Logarithm of each class' share of the training images; a class without any counts as one, so that it is finite. */
export function logPriors(classCounts: readonly number[]): number[] {
  const total = classCounts.reduce((sum, count) => sum + count, 0);
  return classCounts.map((count) => Math.log(Math.max(count, 1) / total));
}

const isPostHoc = (settings: MethodSettings): boolean =>
  (settings as unknown as Settings).adjust === 'post-hoc';

export const logitAdjustment: Method = {
  name: 'logit-adjustment',
  label: 'Logit adjustment',
  ...LINEAR_CLASSIFIER,
  outputs: (settings) => (isPostHoc(settings) ? [{ name: 'logits', label: 'Unadjusted' }] : []),
  fusedLabel: (settings) => (isPostHoc(settings) ? 'Adjusted' : 'Output'),
  fields: [
    defineField('choice', {
      key: 'adjust',
      label: 'Adjust',
      group: 'method',
      choices: ['train', 'post-hoc'],
      default: 'train',
      help: 'In the loss, or only when the trained network predicts.',
    }),
    defineField('number', {
      key: 'priorTau',
      label: 'Strength',
      group: 'method',
      min: 0,
      max: 10,
      default: 1,
      help: "Factor tau on the logarithm of the classes' shares of the training images.",
    }),
  ],
  bind({ classCounts, settings }) {
    const { priorTau } = settings as unknown as Settings;
    const shift = tf.tensor1d(logPriors(classCounts).map((value) => priorTau * value));
    const postHoc = isPostHoc(settings);
    const bound = bindLogits(
      (logits, labels) => {
        const adjusted = postHoc ? logits : tf.add<Tensor2D>(logits, shift);
        return tf.mean(softmaxCrossEntropy(adjusted, targets(labels, logits.shape[1])));
      },
      [shift],
    );
    return postHoc ? { ...bound, fuse: ({ logits }) => tf.sub(logits!, shift) } : bound;
  },
};
