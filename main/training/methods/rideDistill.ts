/**
 * RIDE with self-distillation: a RIDE with more experts, trained first, is the teacher of one with fewer. Follows
 * RIDELossWithDistill of the reference, where both parts count once an expert and the distillation looks at the mean
 * logits; the factor can be switched off.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { divergence, meanLogits } from './losses.ts';
import type { Method } from './method.ts';
import { bindRideLoss, expertNames, predictByMean, ride, rideTerms, rideTermValues } from './ride.ts';

interface DistillSettings {
  distillTemperature: number;
  distillFactor: number;
  rideFactor: number;
  distillPerExpert: boolean;
}

export const rideDistill: Method = {
  ...ride,
  name: 'ride-distill',
  label: 'RIDE, distilled',
  terms: (settings) => {
    const [base, diversity, ...byExpert] = rideTerms(settings);
    return [
      base!,
      diversity!,
      { name: 'distillation', label: 'distillation', unit: 'nats', group: 'Loss' },
      ...byExpert,
    ];
  },
  fields: [
    ...ride.fields,
    defineField('number', {
      key: 'distillTemperature',
      label: 'Distillation temperature',
      group: 'method',
      min: 0.01,
      max: 100,
      default: 1.5,
      help: 'Temperature at which the student is compared with its teacher.',
    }),
    defineField('number', {
      key: 'distillFactor',
      label: 'Distillation factor',
      group: 'method',
      min: 0,
      max: 100,
      default: 1,
      help: 'Factor on the divergence from the teacher.',
    }),
    defineField('number', {
      key: 'rideFactor',
      label: 'RIDE factor',
      group: 'method',
      min: 0,
      max: 100,
      default: 1,
      help: "Factor on RIDE's own loss.",
    }),
    defineField('boolean', {
      key: 'distillPerExpert',
      label: 'Once an expert',
      group: 'method',
      default: true,
      help: 'Multiply the whole loss by the number of experts, as the reference does; without it, choose a higher learning rate.',
    }),
    defineField('choice', {
      key: 'teacherBatchNorm',
      label: "Teacher's batch norms",
      group: 'method',
      choices: ['batch', 'running'],
      default: 'batch',
      help: 'Normalise the teacher with the statistics of each batch, as the reference does, or with those of its training.',
    }),
  ],
  needs: { teacher: true },
  bind(context) {
    const names = expertNames(context.settings);
    const given = context.settings as unknown as DistillSettings;
    const factor = given.distillPerExpert ? names.length : 1;
    const bound = bindRideLoss(context);
    return {
      trainedOutputs: names,
      loss(outputs, labels, position) {
        if (!position.teacherLogits) throw new Error('RIDE, distilled was given no logits of its teacher.');
        const logits = names.map((name) => outputs[name]!);
        const own = bound.loss(logits, labels, position);
        const distillation = tf.mul<Scalar>(
          divergence(position.teacherLogits, meanLogits(logits), given.distillTemperature),
          given.distillFactor * given.distillTemperature ** 2,
        );
        const total = tf.mul<Scalar>(tf.add(tf.mul(own.total, given.rideFactor), distillation), factor);
        return { total, terms: { ...rideTermValues(names, own), distillation } };
      },
      ...predictByMean(context.settings),
      resolved: bound.resolved,
      dispose: bound.dispose,
    };
  },
};
