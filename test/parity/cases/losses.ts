/** Cross-entropy in its two forms and ResLT's loss, with gradients, for given logits. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { cappedCrossEntropy, softmaxCrossEntropy, targets } from '../../../main/training/methods/losses.ts';
import { resltLoss } from '../../../main/training/methods/reslt.ts';
import { lossWithGradients } from '../../../main/training/methods/method.ts';
import { decodeArray, keyedTensor, type GoldenFolder, type StoredArray } from '../golden.ts';
import type { Check, ParityCase } from '../parityCase.ts';
import { gradientChecks, type GoldenGradient, type GoldenValue } from './lossChecks.ts';
import { methodLossCases } from './methodLosses.ts';

interface GoldenReslt {
  name: string;
  dataset: string;
  numClasses: number;
  batch: number;
  beta: number;
  labelSmoothing: number;
  classRanges: Record<string, [number, number]>;
  logits: { keys: Record<string, string>; shape: [number, number]; scale: number; offset: number };
  labels: number[];
  values: Record<string, GoldenValue | number>;
  gradients: Record<string, GoldenGradient>;
}

interface GoldenForm {
  values: Record<string, GoldenValue>;
  gradients: { logits: GoldenGradient };
}

interface GoldenCrossEntropy {
  name: string;
  numClasses: number;
  labels: number[];
  logits: StoredArray;
  exact: GoldenForm;
  epsilon: GoldenForm;
}

export function lossCases(golden: GoldenFolder): ParityCase[] {
  return golden.list('losses').flatMap((name): ParityCase[] => {
    if (name === 'reslt')
      return golden.read<{ cases: GoldenReslt[] }>('losses', name)!.cases.map((each) => ({
        name: `losses/reslt ${each.name}`,
        run: () => checkReslt(each),
      }));
    if (name === 'cross_entropy')
      return golden.read<{ cases: GoldenCrossEntropy[] }>('losses', name)!.cases.flatMap((each) =>
        (['exact', 'epsilon'] as const).map((form) => ({
          name: `losses/cross_entropy ${each.name}, ${form}`,
          run: () => checkCrossEntropy(each, form),
        })),
      );
    return methodLossCases(golden, name);
  });
}

async function checkReslt(golden: GoldenReslt): Promise<Check[]> {
  const { numClasses, logits } = golden;
  const names = Object.keys(golden.classRanges);
  const outputs = Object.fromEntries(
    names.map((name) => [
      name,
      tf.tensor2d(keyedTensor(logits.keys[name]!, logits.shape, logits.scale, logits.offset), logits.shape),
    ]),
  );
  const labels = tf.tensor1d(golden.labels, 'int32');
  const scopes = Object.fromEntries(
    names.map((name) => {
      const [from, to] = golden.classRanges[name]!;
      const mask = Float32Array.from({ length: numClasses }, (_, index) =>
        index >= from && index < to ? 1 : 0,
      );
      return [name, tf.tensor1d(mask)];
    }),
  );
  const result = lossWithGradients((given) => {
    const loss = resltLoss(given, labels, {
      scopes,
      beta: golden.beta,
      fusionTerm: golden.dataset === 'imagenet' ? 'capped' : 'exact',
      labelSmoothing: golden.labelSmoothing,
    });
    const terms = { ice: loss.individual, fusion: loss.fusion };
    names.forEach((name, index) => {
      const [sum, count] = [loss.sums, loss.counts].map((each) => tf.squeeze(tf.slice1d(each, index, 1)));
      Object.assign(terms, { [`iceSum${name}`]: sum, [`count${name}`]: count });
    });
    return { total: loss.total, terms };
  }, outputs);
  const terms: Record<string, tf.Tensor> = { ...result.terms, total: result.total };
  const checks: Check[] = [];
  for (const [name, value] of Object.entries(golden.values)) {
    const [reference, tolerance] = typeof value === 'number' ? [value, 0] : [value.float64, value.tolerance];
    const actual = (await terms[name]!.data())[0]!;
    checks.push({ name, error: Math.abs(actual - reference), tolerance });
  }
  for (const name of names)
    checks.push(
      ...(await gradientChecks(name, result.gradients[name]!, golden.labels, golden.gradients[name]!)),
    );
  tf.dispose([outputs, labels, scopes, terms, result.gradients]);
  return checks;
}

async function checkCrossEntropy(golden: GoldenCrossEntropy, form: 'exact' | 'epsilon'): Promise<Check[]> {
  const logits = tf.tensor2d(
    decodeArray(golden.logits) as Float32Array,
    golden.logits.shape as [number, number],
  );
  const labels = tf.tensor1d(golden.labels, 'int32');
  const perExample = (given: Tensor2D): Tensor1D => {
    const target = targets(labels, golden.numClasses);
    return form === 'exact' ? softmaxCrossEntropy(given, target) : cappedCrossEntropy(given, target);
  };
  const values = tf.tidy(() => perExample(logits));
  const actual = await values.data();
  const checks = Object.entries(golden[form].values).map(([name, { float64, tolerance }]) => ({
    name,
    error: Math.abs(actual[Number(name.replace('sample', ''))]! - float64),
    tolerance,
  }));
  const gradient = tf.grad((given) => tf.sum(perExample(given as Tensor2D)))(logits) as Tensor2D;
  checks.push(...(await gradientChecks('gradient', gradient, golden.labels, golden[form].gradients.logits)));
  tf.dispose([logits, labels, values, gradient]);
  return checks;
}
