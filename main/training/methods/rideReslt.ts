/**
 * RIDE-ResLT: RIDE's experts, each with ResLT's three branches and loss; nothing else of RIDE. Follows the reference's
 * ImageNet-LT and iNaturalist programs, where the losses of the experts add up, and is ours for ResNet-32. The
 * prediction is the mean over experts of their fused logits (the iNaturalist program divides by 2 for any number).
 * Two additions, off unless set: dividing the loss by the number of experts, and RIDE's diversity of the fused logits.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';

import { defineField } from '../fields.ts';
import { divergence, meanLogits } from './losses.ts';
import type { Method, Outputs, Term } from './method.ts';
import {
  checkScopes,
  inferenceTau,
  RESLT_FIELDS,
  RESLT_TERMS,
  resltLoss,
  resolveScopeRanks,
  resolveScopes,
  scopeMasks,
  usedBranches,
  type ResltSettings,
} from './reslt.ts';
import { agreement, AGREEMENT_TERM, EXPERT_FIELDS, expertNames, namedExperts } from './ride.ts';

interface Settings extends ResltSettings {
  experts: number;
  reduceDimension: boolean;
  divideByExperts: boolean;
  fusedDiversityFactor: number;
}

const DIVERSITY_TERM: Term = { name: 'diversity', label: 'diversity', unit: 'nats', group: 'Loss' };

export const rideReslt: Method = {
  name: 'ride-reslt',
  label: 'RIDE-ResLT',
  head(settings) {
    const { experts, reduceDimension, poolFirstAtInference } = settings as unknown as Settings;
    return {
      kind: 'experts',
      experts,
      reduceDimension,
      classifier: 'linear',
      scale: 1,
      tau: inferenceTau(settings),
      branches: true,
      poolFirstAtInference,
      router: null,
    };
  },
  outputs: (settings) => [
    ...namedExperts(settings),
    ...usedBranches(settings).map((name) => ({ name, label: `${name.toUpperCase()} of all experts` })),
  ],
  fusedLabel: () => 'Mean of experts',
  terms(settings) {
    const { fusedDiversityFactor } = settings as unknown as Settings;
    return [
      ...RESLT_TERMS,
      ...(fusedDiversityFactor === 0 ? [] : [DIVERSITY_TERM]),
      ...namedExperts(settings).map(({ name, label }): Term => ({
        name,
        label,
        unit: 'nats',
        group: 'Loss, by expert',
      })),
    ];
  },
  evaluationTerms: () => [AGREEMENT_TERM],
  fields: [
    ...RESLT_FIELDS,
    ...EXPERT_FIELDS,
    defineField('boolean', {
      key: 'divideByExperts',
      label: 'Mean over experts',
      group: 'method',
      default: false,
      help: "Divide the loss by the number of experts. The reference adds the experts' losses up.",
    }),
    defineField('number', {
      key: 'fusedDiversityFactor',
      label: 'Diversity factor',
      group: 'method',
      min: -100,
      max: 100,
      default: 0,
      help: "Factor on the divergence of each expert's fused logits from their mean, as RIDE has it; 0 leaves it out.",
    }),
  ],
  check: (settings) => ({ problems: checkScopes(settings) }),
  bind({ classCounts, settings }) {
    const experts = expertNames(settings);
    const branches = usedBranches(settings);
    const scopes = scopeMasks(settings, classCounts);
    const { beta, fusionTerm, labelSmoothing, divideByExperts, fusedDiversityFactor } =
      settings as unknown as Settings;
    const factor = divideByExperts ? 1 / experts.length : 1;
    const branchesOf = (outputs: Outputs, expert: string): Outputs =>
      Object.fromEntries(branches.map((branch) => [branch, outputs[`${expert}-${branch}`]!]));
    const fusedOf = (outputs: Outputs, expert: string): Tensor2D =>
      tf.addN(Object.values(branchesOf(outputs, expert)));
    return {
      trainedOutputs: experts.flatMap((expert) => branches.map((branch) => `${expert}-${branch}`)),
      loss(outputs, labels) {
        const losses = experts.map((expert) =>
          resltLoss(branchesOf(outputs, expert), labels, { scopes, beta, fusionTerm, labelSmoothing }),
        );
        const sumOf = (values: Scalar[]): Scalar => tf.mul(tf.addN(values), factor);
        const parts = losses.map(({ total }) => total);
        const terms: Record<string, Scalar> = {
          branch: sumOf(losses.map(({ individual }) => individual)),
          fusion: sumOf(losses.map(({ fusion }) => fusion)),
          ...Object.fromEntries(experts.map((expert, index) => [expert, losses[index]!.total])),
        };
        if (fusedDiversityFactor !== 0) {
          const fused = experts.map((expert) => fusedOf(outputs, expert));
          const mean = meanLogits(fused);
          const diversity = fused.map((each) =>
            tf.mul<Scalar>(divergence(mean, each, 1), fusedDiversityFactor),
          );
          terms[DIVERSITY_TERM.name] = sumOf(diversity);
          parts.push(...diversity);
        }
        return { total: sumOf(parts), terms };
      },
      fuse: (outputs) => meanLogits(experts.map((expert) => fusedOf(outputs, expert))),
      derive: (outputs) => ({
        ...Object.fromEntries(experts.map((expert) => [expert, fusedOf(outputs, expert)])),
        ...Object.fromEntries(
          branches.map((branch) => [
            branch,
            meanLogits(experts.map((expert) => outputs[`${expert}-${branch}`]!)),
          ]),
        ),
      }),
      evaluate: (outputs) => ({
        [AGREEMENT_TERM.name]: agreement(experts.map((expert) => fusedOf(outputs, expert))),
      }),
      resolved: {
        ...resolveScopeRanks(settings, classCounts.length),
        scopes: resolveScopes(settings, classCounts),
      },
      dispose: () => Object.values(scopes).forEach((scope) => scope.dispose()),
    };
  },
};
