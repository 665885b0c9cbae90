/**
 * ResLT (Cui et al.): three branches over one map. Branch h learns every class, m the medium and rare ones, t the
 * rare ones, each through its own loss on the examples of its scope; a small second term trains their sum. The
 * individual terms share one denominator, the number of all masked examples, so a branch with few examples in a
 * batch weighs little, and one with none is left out.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';

import { scopeFrom } from '../scopes.ts';
import { cappedCrossEntropy, softmaxCrossEntropy, targets } from './losses.ts';
import type { Method, Outputs } from './method.ts';

/** Default scopes as shares of the number of classes: CIFAR-100's 35 and 70 of 100. */
const MEDIUM_FROM_SHARE = 0.35;
const TAIL_FROM_SHARE = 0.7;

export interface ResltLossOptions {
  /** For each branch that takes part, which classes [classes] it sees, as 0 and 1. */
  scopes: Record<string, Tensor1D>;
  /** Share of the individual terms, in [0, 1]; the paper's alpha. */
  beta: number;
  /** Whether the fusion term is exact cross-entropy (CIFAR, iNaturalist) or has 1e-7 in the logarithm (ImageNet-LT). */
  fusionTerm?: 'exact' | 'capped';
  labelSmoothing?: number;
}

export interface ResltLoss {
  total: Scalar;
  /** The reference's I: masked individual terms over the joint count. */
  individual: Scalar;
  /** The reference's F. */
  fusion: Scalar;
  /** Sum over the masked examples, and their number, of each branch, in the order of the scopes. */
  sums: Tensor1D;
  counts: Tensor1D;
}

/** The loss: beta · individual + (1 − beta) · fusion. labels [batch] int32; all results are nats. */
export function resltLoss(outputs: Outputs, labels: Tensor1D, options: ResltLossOptions): ResltLoss {
  const { scopes, beta, fusionTerm = 'exact', labelSmoothing = 0 } = options;
  const names = Object.keys(scopes);
  const logits = names.map((name) => outputs[name]!);
  const target = targets(labels, logits[0]!.shape[1], labelSmoothing);

  // The branches are stacked on the batch axis: a third of the ops.
  const stacked = cappedCrossEntropy(tf.concat2d(logits, 0), tf.tile(target, [names.length, 1]));
  const perExample = tf.reshape(stacked, [names.length, labels.size]); // [branches, batch]
  const masks = tf.stack(names.map((name) => tf.gather(scopes[name]!, labels))); // [branches, batch]
  const sums = tf.sum<Tensor1D>(tf.mul(masks, perExample), 1);
  const counts = tf.sum<Tensor1D>(masks, 1);
  const individual = tf.div<Scalar>(tf.sum(sums), tf.sum(counts));

  const fused = tf.addN(logits);
  const fusion = tf.mean<Scalar>(
    fusionTerm === 'exact' ? softmaxCrossEntropy(fused, target) : cappedCrossEntropy(fused, target),
  );
  const total = tf.add<Scalar>(tf.mul(individual, beta), tf.mul(fusion, 1 - beta));
  return { total, individual, fusion, sums, counts };
}

/** The ranks where the scopes of branches m and t begin: as set, else the default shares of the classes. */
export function resolveScopeRanks(
  settings: Record<string, unknown>,
  classes: number,
): { mediumFrom: number; tailFrom: number } {
  return {
    mediumFrom: (settings['mediumFrom'] as number | null) ?? Math.round(MEDIUM_FROM_SHARE * classes),
    tailFrom: (settings['tailFrom'] as number | null) ?? Math.round(TAIL_FROM_SHARE * classes),
  };
}

export const reslt: Method = {
  name: 'reslt',
  label: 'ResLT',
  head: () => ({ kind: 'branches', fusionBlockBeforePooling: true, tau: 0 }),
  branches: ['h', 'm', 't'],
  termNames: ['branch', 'fusion'],
  fields: [
    {
      key: 'beta',
      label: 'Beta',
      group: 'method',
      type: 'number',
      unit: null,
      min: 0,
      max: 1,
      choices: null,
      nullable: false,
      default: 0.995,
      help: 'Share of the branch losses; the rest goes to the loss of the fused output. The paper calls it alpha.',
      method: 'reslt',
    },
    {
      key: 'mediumFrom',
      label: 'Medium branch from rank',
      group: 'method',
      type: 'integer',
      unit: 'rank',
      min: 0,
      max: null,
      choices: null,
      nullable: true,
      default: null,
      help: 'First class, ranked by descending number of training images, that branch m learns. Empty: 0.35 of the classes, rounded.',
      method: 'reslt',
    },
    {
      key: 'tailFrom',
      label: 'Tail branch from rank',
      group: 'method',
      type: 'integer',
      unit: 'rank',
      min: 0,
      max: null,
      choices: null,
      nullable: true,
      default: null,
      help: 'First class, ranked by descending number of training images, that branch t learns. Empty: 0.70 of the classes, rounded.',
      method: 'reslt',
    },
    {
      key: 'fusion',
      label: 'Fusion',
      group: 'method',
      type: 'choice',
      unit: null,
      min: null,
      max: null,
      choices: ['h+m+t', 'h+m'],
      nullable: false,
      default: 'h+m+t',
      help: 'Branches whose logits are added for the prediction. With h+m, branch t takes part in nothing.',
      method: 'reslt',
    },
  ],
  bind({ classCounts, settings }) {
    const classes = classCounts.length;
    const { mediumFrom, tailFrom } = resolveScopeRanks(settings, classes);
    const lists: Record<string, number[]> = {
      h: scopeFrom(classCounts, 0),
      m: scopeFrom(classCounts, mediumFrom),
      t: scopeFrom(classCounts, tailFrom),
    };
    const used = (settings['fusion'] as string).split('+');
    const scopes = Object.fromEntries(
      used.map((name) => {
        const mask = new Float32Array(classes);
        for (const index of lists[name]!) mask[index] = 1;
        return [name, tf.keep(tf.tensor1d(mask))];
      }),
    );
    const beta = settings['beta'] as number;
    return {
      trainedOutputs: used,
      loss(outputs, labels) {
        const { total, individual, fusion } = resltLoss(outputs, labels, { scopes, beta });
        return { total, terms: { branch: individual, fusion } };
      },
      fuse: (outputs) => tf.addN(used.map((name) => outputs[name]!)),
      resolved: { mediumFrom, tailFrom, scopes: lists },
      dispose: () => Object.values(scopes).forEach((scope) => scope.dispose()),
    };
  },
};
