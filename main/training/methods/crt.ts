/**
 * Classifier re-training, cRT (Kang et al., Decoupling, arxiv.org/abs/1910.09217): a second stage that keeps the
 * features of a trained network and learns a fresh linear classifier on class-balanced batches.
 */
import { crossEntropy } from './ce.ts';
import type { Method } from './method.ts';

/** The classifier's tensors in every network with a linear head. */
const isClassifier = (tensorName: string): boolean => /(^|\.)(linear|fc)\.(weight|bias)$/.test(tensorName);

export const classifierRetraining: Method = {
  ...crossEntropy,
  name: 'crt',
  label: 'cRT',
  title: 'cRT',
  defaults: { sampler: 'class-balanced' },
  needs: { initFrom: true },
  trains: isClassifier,
  restarts: isClassifier,
  check: ({ sampler }) => ({
    warnings:
      sampler === 'class-balanced'
        ? []
        : [
            {
              key: 'sampler',
              message:
                'cRT is meant for class-balanced batches; with "shuffle" it learns the same classifier again.',
            },
          ],
  }),
};
