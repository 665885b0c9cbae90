/** The specification's vectors of ResLT's ResNet-10 (G2), and of RIDE's ResNet-32 with its routers (G3). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { meanLogits } from '../../../main/training/methods/losses.ts';
import { assignmentLoss, route, routingTargets } from '../../../main/training/methods/rideRouter.ts';
import { forwardInference, forwardTraining } from '../../../main/training/networks/execute.ts';
import type { Network } from '../../../main/training/networks/graph.ts';
import type { ExpertsHead } from '../../../main/training/networks/head.ts';
import { findNetwork } from '../../../main/training/networks/index.ts';
import type { Backend } from '../../../main/training/ops.ts';
import { disposeState } from '../../../main/training/weights.ts';
import { RIDE_HEAD } from '../../helpers/heads.ts';
import type { GoldenFolder } from '../golden.ts';
import { largestDifference, type Check, type ParityCase } from '../parityCase.ts';
import { filledImages, filledState, relative } from './partGFill.ts';

const CLASSES = 100;
const LABELS = [0, 34, 35, 99];

export function partGNetworkCases(golden: GoldenFolder): ParityCase[] {
  return [...resnet10Cases(golden), ...rideCases(golden)];
}

/** Rows of [t, name, shape], names without "backbone.". */
type KeyOrder = [number, string, number[]][];

/** The order of a file's tensors, which the fill rule depends on. */
function orderCheck(network: Network, order: KeyOrder): Check {
  const own = network.tensors
    .filter((spec) => spec.kind !== 'batchCount')
    .map(({ name, shape }, t) => `${t} ${name.replace(/^backbone\./, '')} ${shape.join('x')}`);
  const expected = order.map(([t, name, shape]) => `${t} ${name} ${shape.join('x')}`);
  return { name: 'state dict', error: own.join() === expected.join() ? 0 : 1, tolerance: 0 };
}

interface GoldenResnet10 extends Record<
  `${'eval' | 'train'}_${'True' | 'False'}`,
  Record<string, number[][]>
> {
  key_order: KeyOrder;
}

/** ResNet-10 in training mode: the README's wider tolerance. */
const DEEP_TOLERANCE = 1e-3;

function resnet10Cases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<GoldenResnet10>('part-g', 'r10_reslt_golden');
  if (!file) return [];
  const builtWith = (fusionBlockBeforePooling: boolean): Network =>
    findNetwork('resnet10').build({
      height: 64,
      width: 64,
      channels: 3,
      classes: 10,
      head: { kind: 'branches', fusionBlockBeforePooling, tau: 0.7 },
    });
  return ([true, false] as const).map((beforePooling) => ({
    name: `part-g/r10_reslt, fusion block ${beforePooling ? 'before' : 'behind'} pooling`,
    async run(backend) {
      const network = builtWith(beforePooling);
      const state = filledState(network);
      const input = filledImages([2, 3, 64, 64]);
      const evaluated = forwardInference(backend.ops, network, state, input);
      const pass = forwardTraining(backend.ops, network, state, input);
      const flag = beforePooling ? 'True' : 'False';
      const checks = [orderCheck(network, file.key_order)];
      for (const [mode, outputs, tolerance] of [
        ['eval', evaluated, undefined],
        ['train', pass.outputs, DEEP_TOLERANCE],
      ] as const)
        for (const [name, rows] of Object.entries(file[`${mode}_${flag}`])) {
          const values = await outputs[name.toLowerCase()]!.data();
          checks.push(relative(`${mode} z_${name}`, values, rows.flat(), tolerance));
        }
      pass.dispose();
      tf.dispose([input, evaluated]);
      disposeState(state);
      return checks;
    },
  }));
}

interface GoldenRide {
  key_order: KeyOrder;
  mean: number[][];
  experts: number[][][];
  ea_key_order: KeyOrder;
  ea_loss: [number];
  ea_test: { num: number[]; out: number[][] };
}

const EXPERT_NAMES = ['expert-0', 'expert-1', 'expert-2'];
const ROUTER_NAMES = ['router-0', 'router-1'];
const POSITIVE_WEIGHT = 100;

function rideCases(golden: GoldenFolder): ParityCase[] {
  const file = golden.read<GoldenRide>('part-g', 'ride_r32_golden');
  if (!file) return [];
  const outputsWith = async (
    backend: Backend,
    head: ExpertsHead,
    order: KeyOrder,
    compare: (outputs: Record<string, Tensor2D>) => Promise<Check[]>,
  ): Promise<Check[]> => {
    const network = findNetwork('resnet32').build({
      height: 32,
      width: 32,
      channels: 3,
      classes: CLASSES,
      head,
    });
    const state = filledState(network);
    const input = filledImages([4, 3, 32, 32]);
    const outputs = forwardInference(backend.ops, network, state, input);
    const checks = [orderCheck(network, order), ...(await compare(outputs))];
    tf.dispose([input, outputs]);
    disposeState(state);
    return checks;
  };
  const pick = (outputs: Record<string, Tensor2D>, names: string[]): Tensor2D[] =>
    names.map((name) => outputs[name]!);
  return [
    {
      name: 'part-g/ride_r32 evaluation',
      run: (backend) =>
        outputsWith(backend, RIDE_HEAD, file.key_order, async (outputs) => {
          const mean = tf.tidy(() => meanLogits(pick(outputs, EXPERT_NAMES)));
          const checks = [relative('mean', await mean.data(), file.mean.flat())];
          for (const [expert, rows] of file.experts.entries())
            checks.push(relative(`expert ${expert}`, await outputs[`expert-${expert}`]!.data(), rows.flat()));
          mean.dispose();
          return checks;
        }),
    },
    {
      name: 'part-g/ride_r32 routers',
      run: (backend) =>
        outputsWith(
          backend,
          { ...RIDE_HEAD, router: { topChoices: 30 } },
          file.ea_key_order,
          async (outputs) => {
            const [experts, routers] = [pick(outputs, EXPERT_NAMES), pick(outputs, ROUTER_NAMES)];
            const labels = tf.tensor1d(LABELS, 'int32');
            const { logits, used } = route(experts, routers);
            const losses = routingTargets(experts, labels).map((target, router) =>
              assignmentLoss(routers[router]!, target, POSITIVE_WEIGHT),
            );
            const loss = tf.div(tf.addN(losses), losses.length);
            const checks = [
              relative('loss', await loss.data(), file.ea_loss),
              relative('routed mean', await logits.data(), file.ea_test.out.flat()),
              {
                name: 'experts used',
                error: largestDifference(await used.data(), file.ea_test.num),
                tolerance: 0,
              },
            ];
            tf.dispose([labels, logits, used, losses, loss]);
            return checks;
          },
        ),
    },
  ];
}
