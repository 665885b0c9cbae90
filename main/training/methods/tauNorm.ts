/**
 * Tau-normalisation (Kang et al., Decoupling, arxiv.org/abs/1910.09217): plain cross-entropy in training; when it
 * predicts, each class' row of the classifier is divided by its norm to the power tau and the bias is left out.
 */
import { defineField } from '../fields.ts';
import { crossEntropy } from './ce.ts';
import type { Method } from './method.ts';

const TAU_FIELD = defineField('number', {
  key: 'tau',
  label: 'Tau',
  group: 'method',
  min: 0,
  max: 5,
  default: 0.7,
  help: "Power of the classifier rows' norms by which they are divided when predicting; 0 only drops the bias.",
});

export const tauNorm: Method = {
  ...crossEntropy,
  name: 'tau-norm',
  label: 'Tau-normalisation',
  title: 'Tau-norm',
  head: (settings) => ({ kind: 'linear', evalTau: settings[TAU_FIELD.key] as number }),
  fields: [TAU_FIELD],
};
