/**
 * ResNet-32 for small images, with parameter-free shortcuts. Takes any number of channels and classes, and any size
 * that survives two halvings.
 *
 * ResLT's head is three batch norms on the last map, each pooled, and one linear classifier that the branches share.
 * With experts the stem and the first stage are shared. RIDE with ResLT's branches has no published form for this
 * network; ours is the same three batch norms and one classifier in every expert.
 */
import { outputsOf, sameForms, linearClassifier, type Outputs } from './classifiers.ts';
import { expertOutputs } from './experts.ts';
import { NetworkBuilder, type Network } from './graph.ts';
import { BRANCHES, type Head } from './head.ts';
import type { BuildOptions } from './index.ts';

const STAGE_CHANNELS = [16, 32, 64] as const;
/** Of the stages of an expert. */
const REDUCED_CHANNELS = [24, 48] as const;
const BLOCKS_PER_STAGE = 5;

/** Builds the network. Throws RangeError for sizes and heads that it cannot take. */
export function resnet32({ height, width, channels, classes, head }: BuildOptions): Network {
  const builder = new NetworkBuilder([height, width, channels], { fan: 'in' });
  const features = STAGE_CHANNELS[2];
  // ResLT wraps the plain network, so its classifier comes first in the state dict.
  if (head.kind === 'branches') builder.declareLinear('linear', features, classes);

  const prefix = trunkPrefix(head);
  let x = builder.input();
  x = builder.conv(x, `${prefix}conv1`, { channels: STAGE_CHANNELS[0], kernel: 3, stride: 1, padding: 1 });
  x = builder.relu(builder.batchNorm(x, `${prefix}bn1`));
  x = stage(builder, x, `${prefix}layer1`, STAGE_CHANNELS[0], 1);
  const outputs =
    head.kind === 'experts'
      ? expertsBehind(builder, x, prefix, classes, head)
      : singleOutputs(builder, singleTrunk(builder, x, prefix), classes, head);
  return builder.build('resnet32', outputsOf(outputs, 'training'), classes, outputsOf(outputs, 'inference'));
}

function trunkPrefix(head: Head): string {
  if (head.kind === 'branches') return 'model.';
  return head.kind === 'experts' && !head.branches ? 'backbone.' : '';
}

function singleTrunk(builder: NetworkBuilder, input: number, prefix: string): number {
  const second = stage(builder, input, `${prefix}layer2`, STAGE_CHANNELS[1], 2);
  return stage(builder, second, `${prefix}layer3`, STAGE_CHANNELS[2], 2);
}

function singleOutputs(
  builder: NetworkBuilder,
  map: number,
  classes: number,
  head: Exclude<Head, { kind: 'experts' }>,
): Outputs {
  if (head.kind === 'branches')
    return Object.fromEntries(
      BRANCHES.map((branch) => [
        branch,
        linearClassifier(builder, branchFeatures(builder, map, branchNorm(branch)), 'linear', head.tau),
      ]),
    );
  const features = builder.globalAveragePool(map);
  if (head.kind === 'cosine')
    return { logits: sameForms(builder.cosine(features, 'linear', { outputs: classes, scale: head.scale })) };
  builder.declareLinear('linear', STAGE_CHANNELS[2], classes);
  return { logits: linearClassifier(builder, sameForms(features), 'linear', head.evalTau) };
}

function expertsBehind(
  builder: NetworkBuilder,
  shared: number,
  prefix: string,
  classes: number,
  head: Extract<Head, { kind: 'experts' }>,
): Outputs {
  const [second, third] = head.reduceDimension ? REDUCED_CHANNELS : [STAGE_CHANNELS[1], STAGE_CHANNELS[2]];
  return expertOutputs(builder, shared, head, {
    prefix,
    stages: [
      (input, expert) => stage(builder, input, `${prefix}layer2s.${expert}`, second, 2),
      (input, expert) => stage(builder, input, `${prefix}layer3s.${expert}`, third, 2),
    ],
    channels: third,
    classes,
    branches: (map, expert) =>
      Object.fromEntries(
        BRANCHES.map((branch) => [branch, branchFeatures(builder, map, `${branchNorm(branch)}s.${expert}`)]),
      ),
    draw: 'normal',
  });
}

function branchNorm(branch: string): string {
  return `BN${branch.toUpperCase()}`;
}

/** One branch of ResLT: a batch norm on the map, pooled. */
function branchFeatures(builder: NetworkBuilder, map: number, name: string) {
  return sameForms(builder.globalAveragePool(builder.batchNorm(map, name)));
}

function stage(
  builder: NetworkBuilder,
  input: number,
  name: string,
  channels: number,
  stride: number,
): number {
  let x = input;
  for (let block = 0; block < BLOCKS_PER_STAGE; block++)
    x = basicBlock(builder, x, `${name}.${block}`, channels, block === 0 ? stride : 1);
  return x;
}

/** Two 3x3 convolutions with batch norm, added to a padding shortcut. */
export function basicBlock(
  builder: NetworkBuilder,
  input: number,
  name: string,
  channels: number,
  stride: number,
): number {
  let x = builder.conv(input, `${name}.conv1`, { channels, kernel: 3, stride, padding: 1 });
  x = builder.relu(builder.batchNorm(x, `${name}.bn1`));
  x = builder.conv(x, `${name}.conv2`, { channels, kernel: 3, stride: 1, padding: 1 });
  x = builder.batchNorm(x, `${name}.bn2`);
  return builder.relu(builder.add(x, builder.padShortcut(input, channels, stride)));
}
