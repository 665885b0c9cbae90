/** What the golden files of networks describe, in the program's terms: which network, head, prediction and loss. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { ldamLoss, ldamMargins } from '../../../main/training/methods/ldam.ts';
import { meanLogits, softmaxCrossEntropy, targets } from '../../../main/training/methods/losses.ts';
import type { LossTerms, Outputs } from '../../../main/training/methods/method.ts';
import { resltLoss } from '../../../main/training/methods/reslt.ts';
import { bindRideLoss } from '../../../main/training/methods/ride.ts';
import { assignmentLoss, route, routingTargets } from '../../../main/training/methods/rideRouter.ts';
import type { ExpertsHead, Head } from '../../../main/training/networks/head.ts';

/** The parts of a golden file that its loss and prediction depend on. */
export interface GoldenSettings {
  numClasses: number;
  gamma?: number;
  fusionBlockBeforePoolingInTraining?: boolean;
  train?: {
    branchClassRanges?: Record<string, [number, number]>;
    beta?: number;
    classCounts?: number[];
    lossSettings?: Record<string, number>;
  };
}

export interface GoldenNetwork {
  network: string;
  head(golden: GoldenSettings): Head;
  /** The prediction. */
  fuse(outputs: Outputs, golden: GoldenSettings): Tensor2D;
  /** The prediction while training, where that is another. */
  fuseInTraining?(outputs: Outputs, golden: GoldenSettings): Tensor2D;
  /** Which tensors are trained; absent: all. The statistics of batch norms then stay. */
  trains?(tensorName: string): boolean;
  /** Which outputs the loss depends on; absent: all. */
  isTrainedOutput?(name: string, golden: GoldenSettings): boolean;
  /** The loss, its terms under the golden files' names. */
  loss(outputs: Outputs, labels: Tensor1D, golden: GoldenSettings): LossTerms;
}

const single = {
  fuse: ({ logits }: Outputs) => logits!.clone(),
  loss({ logits }: Outputs, labels: Tensor1D): LossTerms {
    const perExample = softmaxCrossEntropy(logits!, targets(labels, logits!.shape[1]));
    return { total: tf.mean(perExample), terms: {} };
  },
};

const plain = (network: string): GoldenNetwork => ({
  ...single,
  network,
  head: () => ({ kind: 'linear', evalTau: null }),
});

/** The branches that take part, by the names of the program. */
function branches({ train }: GoldenSettings): string[] {
  return Object.keys(train!.branchClassRanges!).map((name) => name.toLowerCase());
}

/** ResLT's loss over the outputs of one head, whose names have a prefix. */
function branchLoss(
  outputs: Outputs,
  labels: Tensor1D,
  golden: GoldenSettings,
  fusionTerm: 'exact' | 'capped',
  prefix = '',
) {
  const { numClasses, train } = golden;
  const scopes = Object.fromEntries(
    Object.entries(train!.branchClassRanges!).map(([name, [from, to]]) => {
      const mask = Float32Array.from({ length: numClasses }, (_, index) =>
        index >= from && index < to ? 1 : 0,
      );
      return [`${prefix}${name.toLowerCase()}`, tf.tensor1d(mask)];
    }),
  );
  return resltLoss(outputs, labels, { scopes, beta: train!.beta!, fusionTerm, labelSmoothing: 0 });
}

const reslt = (network: string, fusionTerm: 'exact' | 'capped'): GoldenNetwork => ({
  network,
  head: ({ gamma = null, fusionBlockBeforePoolingInTraining = false }) => ({
    kind: 'branches',
    fusionBlockBeforePooling: fusionBlockBeforePoolingInTraining,
    tau: gamma,
  }),
  fuse: (outputs, golden) => tf.addN(branches(golden).map((name) => outputs[name]!)),
  isTrainedOutput: (name, golden) => branches(golden).includes(name),
  loss(outputs, labels, golden) {
    const { total, individual, fusion, sums, counts } = branchLoss(outputs, labels, golden, fusionTerm);
    const terms: Record<string, Scalar> = { ice: individual, fusion };
    Object.keys(golden.train!.branchClassRanges!).forEach((name, index) => {
      terms[`iceSum${name}`] = tf.squeeze(tf.slice1d(sums, index, 1));
      terms[`count${name}`] = tf.squeeze(tf.slice1d(counts, index, 1));
    });
    return { total, terms };
  },
});

const SCALE = 30;
const POSITIVE_WEIGHT = 100;
/** Of the program whose re-weighting epoch stands in the files. */
const EPOCHS = 200;
/** What RIDE's programs do not vary. */
const RIDE_SETTINGS = {
  expertLoss: 'ldam',
  collaborative: false,
  baseLossFactor: 1,
  deferReweighting: true,
  betaEffective: 0.9999,
};

function meanOf(values: Scalar[]): Scalar {
  return tf.div(tf.addN(values), values.length);
}

function expertsHead(options: Partial<ExpertsHead>): ExpertsHead {
  return {
    kind: 'experts',
    experts: 3,
    reduceDimension: true,
    classifier: 'cosine',
    scale: SCALE,
    tau: null,
    branches: false,
    router: null,
    ...options,
  };
}

/** The outputs called `<prefix>-0`, `<prefix>-1`, … in order. */
function numbered(outputs: Outputs, prefix: string): Tensor2D[] {
  return Object.keys(outputs)
    .filter((name) => new RegExp(`^${prefix}-\\d+$`).test(name))
    .map((name) => outputs[name]!);
}

const meanOfExperts = (outputs: Outputs): Tensor2D => meanLogits(numbered(outputs, 'expert'));

const ride = (network: string, options: Partial<ExpertsHead> = {}): GoldenNetwork => ({
  network,
  head: () => expertsHead(options),
  fuse: meanOfExperts,
  loss(outputs, labels, { train }) {
    const { epoch, ...lossSettings } = train!.lossSettings!;
    const { loss } = bindRideLoss({
      classCounts: train!.classCounts!,
      epochs: EPOCHS,
      settings: { ...RIDE_SETTINGS, ...lossSettings },
    });
    // The reference counts epochs from 1.
    const { total, base, diversity } = loss(numbered(outputs, 'expert'), labels, { epoch: epoch! - 1 });
    const terms = Object.fromEntries(
      base.flatMap((each, expert) => [
        [`expert${expert}_base`, each],
        [`expert${expert}_diversity`, diversity[expert]!],
      ]),
    );
    return { total, terms };
  },
});

const router = (network: string, topChoices: number): GoldenNetwork => ({
  network,
  head: () => expertsHead({ router: { topChoices } }),
  fuse: (outputs) => route(numbered(outputs, 'expert'), numbered(outputs, 'router')).logits,
  fuseInTraining: meanOfExperts,
  trains: (name) => name.includes('expert_help_pred'),
  isTrainedOutput: (name) => name.startsWith('router'),
  loss(outputs, labels) {
    const goOn = routingTargets(numbered(outputs, 'expert'), labels);
    const losses = numbered(outputs, 'router').map((logits, index) =>
      assignmentLoss(logits, goOn[index]!, POSITIVE_WEIGHT),
    );
    return { total: meanOf(losses), terms: {} };
  },
});

const resltRide = (
  network: string,
  options: {
    reduceDimension: boolean;
    fusionTerm: 'exact' | 'capped';
    /** What the sum over experts is divided by. */
    divisor: number;
  },
): GoldenNetwork => ({
  network,
  head: ({ gamma }) =>
    expertsHead({
      reduceDimension: options.reduceDimension,
      classifier: 'linear',
      branches: true,
      tau: gamma!,
    }),
  fuse(outputs, golden) {
    const used = [0, 1, 2].flatMap((expert) =>
      branches(golden).map((branch) => outputs[`expert-${expert}-${branch}`]!),
    );
    return tf.div(tf.addN(used), options.divisor);
  },
  isTrainedOutput: (name, golden) => branches(golden).includes(name.slice(-1)),
  loss(outputs, labels, golden) {
    const totals = [0, 1, 2].map(
      (expert) => branchLoss(outputs, labels, golden, options.fusionTerm, `expert-${expert}-`).total,
    );
    return {
      total: tf.addN(totals),
      terms: Object.fromEntries(totals.map((total, expert) => [`expert${expert}`, total])),
    };
  },
});

export const GOLDEN_NETWORKS: Record<string, GoldenNetwork> = {
  baseline_cifar_resnet32_linear: plain('resnet32'),
  baseline_cifar_resnet32_cosine: {
    ...single,
    network: 'resnet32',
    head: () => ({ kind: 'cosine', scale: 1 }),
    loss({ logits }, labels, { train }) {
      const margins = tf.tensor1d(ldamMargins(train!.classCounts!, 0.5));
      // The network gives plain cosines; the loss scales them with their margins.
      const scaled = tf.mul<Tensor2D>(logits!, SCALE);
      return { total: ldamLoss(scaled, labels, { margins, scale: SCALE, classWeights: null }), terms: {} };
    },
  },
  baseline_imagenet_resnet10: plain('resnet10'),
  baseline_imagenet_resnext50: plain('resnext50'),
  reslt_cifar10_resnet32: reslt('resnet32', 'exact'),
  reslt_cifar100_resnet32: reslt('resnet32', 'exact'),
  reslt_imagenet_resnet10: reslt('resnet10', 'capped'),
  reslt_imagenet_resnet50: reslt('resnet50', 'capped'),
  reslt_imagenet_resnext50: reslt('resnext50', 'capped'),
  reslt_imagenet_resnext101: reslt('resnext101', 'capped'),
  reslt_inat_resnet50: reslt('resnet50', 'exact'),
  reslt_places_resnet152: reslt('resnet152', 'capped'),
  reslt_ride_imagenet_resnext50: resltRide('resnext50', {
    reduceDimension: true,
    fusionTerm: 'capped',
    divisor: 3,
  }),
  reslt_ride_inat_resnet50: resltRide('resnet50', {
    reduceDimension: false,
    fusionTerm: 'exact',
    divisor: 2,
  }),
  ride_cifar100_resnet32: ride('resnet32'),
  ride_cifar100_resnet32_linear: ride('resnet32', {
    experts: 2,
    reduceDimension: false,
    classifier: 'linear',
    scale: 1,
  }),
  ride_cifar100_resnet32_ea: router('resnet32', 30),
  ride_imagenet_resnet10: ride('resnet10'),
  ride_imagenet_resnet10_ea: router('resnet10', 30),
  ride_imagenet_resnet50: ride('resnet50'),
  ride_imagenet_resnet50_ea: router('resnet50', 50),
  ride_imagenet_resnext50: ride('resnext50'),
  ride_imagenet_resnext50_224: ride('resnext50'),
  ride_imagenet_resnext50_ea: router('resnext50', 50),
};
