/** SGD on given gradients. */
import * as tf from '@tensorflow/tfjs-core';

import { Sgd } from '../../../main/training/sgd.ts';
import { keyedTensor, type GoldenFolder } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';

interface GoldenOptimizer {
  name: string;
  nesterov: boolean;
  weightDecay: number;
  momentum: number;
  learningRates: number[];
  parameterKey: string;
  parameterScale: number;
  gradientKeys: string;
  gradientScale: number;
  size: number;
  parametersAfterEachStep: number[][];
  momentumAfterEachStep: (number[] | null)[];
  tolerance: number;
}

export function optimizerCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<{ cases: GoldenOptimizer[] }>('layers', 'optimizer');
  return (file?.cases ?? []).map((each) => ({
    name: `layers/optimizer ${each.name}`,
    run: () => check(each),
  }));
}

async function check(golden: GoldenOptimizer): Promise<Check[]> {
  const { size, tolerance } = golden;
  const key = golden.gradientKeys.replace(/\/k,.*$/, '');
  let parameters = new Map([
    ['p', tf.tensor1d(keyedTensor(golden.parameterKey, [size], golden.parameterScale)) as tf.Tensor],
  ]);
  const sgd = new Sgd(parameters, null, golden);
  const checks: Check[] = [];
  for (const [step, learningRate] of golden.learningRates.entries()) {
    const gradient = tf.tensor1d(keyedTensor(`${key}/${step}`, [size], golden.gradientScale));
    const next = sgd.step(new Map([['p', gradient]]), learningRate);
    tf.dispose([gradient, parameters.get('p')!]);
    parameters = next;
    checks.push({
      name: `parameters after step ${step}`,
      error: largestDifference(await next.get('p')!.data(), golden.parametersAfterEachStep[step]!),
      tolerance,
    });
    const momentum = golden.momentumAfterEachStep[step];
    if (!momentum) continue;
    const velocity = sgd.velocity().get('p')!;
    checks.push({
      name: `momentum after step ${step}`,
      error: largestDifference(await velocity.data(), momentum),
      tolerance,
    });
    velocity.dispose();
  }
  tf.dispose(parameters.get('p')!);
  sgd.dispose();
  return checks;
}
