/**
 * RIDE's expert assignment: a second stage that learns, on a trained RIDE with everything else frozen, after which
 * expert an image is done. Router i looks at expert i's features and the mean logits so far, and says whether the next
 * expert is asked. It should be when the mean so far is wrong and a later mean is right. It saves computation; accuracy
 * drops slightly. Follows ea_resnet_cifar.py and its loss in the reference.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { meanLogits } from './losses.ts';
import type { Method, MethodSettings, Outputs, Term } from './method.ts';
import { SCALE_FIELD } from './ldam.ts';
import { CLASSIFIER_FIELD, EXPERT_FIELDS, expertNames, namedExperts, rideHead } from './ride.ts';

const TOP_CHOICES_FIELD = defineField('integer', {
  key: 'topChoices',
  label: 'Logits a router sees',
  group: 'method',
  min: 1,
  max: 10_000,
  default: 30,
  help: 'The highest of the mean logits so far, in order; at most as many as classes. RIDE: 30 on CIFAR, 50 with ResNet-50.',
});

const POSITIVE_WEIGHT_FIELD = defineField('number', {
  key: 'positiveWeight',
  label: 'Weight of going on',
  group: 'method',
  min: 0.01,
  max: 100_000,
  default: 100,
  help: 'How much more an image counts that should go on to the next expert; the higher, the more experts are used.',
});

const ALL_EXPERTS = 'all-experts';
const USED_TERM = 'experts-used';

/** For each router, which examples [batch] should go on: the mean so far is wrong and a later one is right, as 0 and 1. */
export function routingTargets(logits: Tensor2D[], labels: Tensor1D): Tensor1D[] {
  const right = logits.map((_, last) =>
    tf.cast<Tensor1D>(tf.equal(tf.argMax(tf.addN(logits.slice(0, last + 1)), 1), labels), 'float32'),
  );
  return right.slice(0, -1).map((now, router) => {
    const later = right.slice(router + 1).reduce((any, each) => tf.maximum(any, each));
    return tf.mul<Tensor1D>(tf.sub(1, now), later);
  });
}

/** Mean binary cross-entropy of logits [batch, 1] with targets [batch]; positive ones weigh `positiveWeight`. Nats. */
export function assignmentLoss(logits: Tensor2D, target: Tensor1D, positiveWeight: number): Scalar {
  const x = tf.squeeze<Tensor1D>(logits, [1]);
  // −log sigmoid(x) without overflow: log(1 + e^−|x|) + max(−x, 0).
  const negativeLog = tf.add(tf.log1p(tf.exp(tf.neg(tf.abs(x)))), tf.relu(tf.neg(x)));
  const weight = tf.add(1, tf.mul(target, positiveWeight - 1));
  return tf.mean<Scalar>(tf.add(tf.mul(tf.sub(1, target), x), tf.mul(weight, negativeLog)));
}

/**
 * The mean logits [batch, classes] of the experts that each example uses, and how many those are [batch]: all use the
 * first, and go on while the router's probability is above ½.
 */
export function route(experts: Tensor2D[], routers: Tensor2D[]): { logits: Tensor2D; used: Tensor1D } {
  let active = tf.ones<tf.Rank.R2>([experts[0]!.shape[0], 1]);
  let [sum, used] = [experts[0]!, active];
  for (const [index, router] of routers.entries()) {
    active = tf.mul(active, tf.cast(tf.greater(router, 0), 'float32'));
    sum = tf.add(sum, tf.mul(experts[index + 1]!, active));
    used = tf.add(used, active);
  }
  return { logits: tf.div(sum, used), used: tf.squeeze(used, [1]) };
}

function routerNames(settings: MethodSettings): string[] {
  return expertNames(settings)
    .slice(1)
    .map((_, router) => `router-${router}`);
}

const isRouter = (tensorName: string): boolean => tensorName.includes('expert_help_pred');

export const rideRouter: Method = {
  name: 'ride-router',
  label: 'RIDE router',
  head: (settings) => ({
    ...rideHead(settings),
    router: { topChoices: settings[TOP_CHOICES_FIELD.key] as number },
  }),
  outputs: (settings) => [...namedExperts(settings), { name: ALL_EXPERTS, label: 'All experts' }],
  fusedLabel: () => 'Experts used',
  terms: (settings) =>
    routerNames(settings).flatMap((name, router): Term[] => [
      { name, label: `Router ${router + 1}`, unit: 'nats', group: 'Loss, by router' },
      {
        name: `${name}-positives`,
        label: `Router ${router + 1}`,
        unit: 'fraction',
        group: 'Images that should go on',
      },
    ]),
  evaluationTerms: (settings) => [
    { name: USED_TERM, label: 'mean', unit: 'count', group: 'Experts used' },
    ...expertNames(settings).map((_, expert): Term => ({
      name: `${USED_TERM}-${expert + 1}`,
      label: `${expert + 1}`,
      unit: 'fraction',
      group: 'Images by experts used',
    })),
  ],
  fields: [...EXPERT_FIELDS, CLASSIFIER_FIELD, SCALE_FIELD, TOP_CHOICES_FIELD, POSITIVE_WEIGHT_FIELD],
  defaults: { sampler: 'class-balanced' },
  needs: { initFrom: true },
  trains: isRouter,
  restarts: isRouter,
  bind({ classCounts, settings }) {
    const [experts, routers] = [expertNames(settings), routerNames(settings)];
    const topChoices = settings[TOP_CHOICES_FIELD.key] as number;
    if (topChoices > classCounts.length)
      throw new RangeError(
        `topChoices must be at most the number of classes, ${classCounts.length}, not ${topChoices}.`,
      );
    const positiveWeight = settings[POSITIVE_WEIGHT_FIELD.key] as number;
    const pick = (names: string[], outputs: Outputs): Tensor2D[] => names.map((name) => outputs[name]!);
    return {
      trainedOutputs: routers,
      loss(outputs, labels) {
        const goOn = routingTargets(pick(experts, outputs), labels);
        const losses = pick(routers, outputs).map((logits, router) =>
          assignmentLoss(logits, goOn[router]!, positiveWeight),
        );
        const terms = Object.fromEntries(
          routers.flatMap((name, router): [string, Scalar][] => [
            [name, losses[router]!],
            [`${name}-positives`, tf.mean(goOn[router]!)],
          ]),
        );
        return { total: tf.div(tf.addN(losses), losses.length), terms };
      },
      fuse: (outputs) => route(pick(experts, outputs), pick(routers, outputs)).logits,
      derive: (outputs) => ({ [ALL_EXPERTS]: meanLogits(pick(experts, outputs)) }),
      evaluate(outputs) {
        const { used } = route(pick(experts, outputs), pick(routers, outputs));
        const shares = experts.map((_, expert): [string, Tensor1D] => [
          `${USED_TERM}-${expert + 1}`,
          tf.cast(tf.equal(used, expert + 1), 'float32'),
        ]);
        return { [USED_TERM]: used, ...Object.fromEntries(shares) };
      },
      resolved: {},
      dispose: () => {},
    };
  },
};
