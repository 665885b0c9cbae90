/**
 * Residual networks for photographs in torchvision's layout: a 7x7 stem with max-pooling, four stages, projections where
 * a shape changes, and grouped convolutions in the ResNeXts. Their references name tensors in three ways, which the
 * head decides: RIDE's programs under "backbone.", ResLT's as torchvision does.
 *
 * With experts the stem and the first two stages are shared.
 */
import { fusionBlock, linearClassifier, outputsOf, sameForms, type Outputs } from './classifiers.ts';
import { expertOutputs } from './experts.ts';
import { NetworkBuilder, type Network } from './graph.ts';
import { BRANCHES, hasBranches, type Head } from './head.ts';
import type { BuildOptions } from './index.ts';

export interface ResNetLayout {
  name: string;
  block: 'basic' | 'bottleneck';
  /** Blocks of the four stages. */
  blocks: readonly [number, number, number, number];
  /** Of the 3x3 convolutions of bottlenecks. */
  groups?: number;
  /** Channels of one group in the first stage. */
  groupWidth?: number;
}

const STAGE_PLANES = [64, 128, 256, 512] as const;
/** Of the third and fourth stage of an expert. */
const REDUCED_PLANES = [192, 384] as const;
/** A bottleneck gives four times its planes. */
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

/** Builds a network of a layout. Throws RangeError for sizes and heads that it cannot take. */
export function resnet(layout: ResNetLayout, options: BuildOptions): Network {
  const { height, width, channels, classes, head } = options;
  const builder = new NetworkBuilder([height, width, channels], { fan: 'out' });
  const prefix = trunkPrefix(head);
  let x = builder.input();
  x = builder.conv(x, `${prefix}conv1`, { channels: STAGE_PLANES[0], kernel: 7, stride: 2, padding: 3 });
  x = builder.relu(builder.batchNorm(x, `${prefix}bn1`));
  x = builder.maxPool(x, { kernel: 3, stride: 2, padding: 1 });
  const trunk = new Stages(builder, layout);
  x = trunk.stage(x, `${prefix}layer1`, 0, STAGE_PLANES[0]);
  x = trunk.stage(x, `${prefix}layer2`, 1, STAGE_PLANES[1]);
  const outputs =
    head.kind === 'experts'
      ? expertsBehind(trunk, x, prefix, classes, head)
      : singleOutputs(trunk, x, prefix, classes, head);
  return builder.build(layout.name, outputsOf(outputs, 'training'), classes, outputsOf(outputs, 'inference'));
}

function trunkPrefix(head: Head): string {
  return hasBranches(head) ? '' : 'backbone.';
}

function singleOutputs(
  trunk: Stages,
  input: number,
  prefix: string,
  classes: number,
  head: Exclude<Head, { kind: 'experts' }>,
): Outputs {
  const { builder } = trunk;
  const [, , third, fourth] = STAGE_PLANES;
  let x = trunk.stage(input, `${prefix}layer3`, 2, third);
  x = trunk.stage(x, `${prefix}layer4`, 3, fourth);
  const channels = trunk.channels(fourth);
  if (head.kind === 'branches') {
    const features = fusionBlock(builder, x, 'finalBlock', {
      beforePooling: head.fusionBlockBeforePooling,
      poolFirstAtInference: head.poolFirstAtInference,
      channels,
    });
    builder.declareLinear('fc', channels, classes);
    return Object.fromEntries(
      BRANCHES.map((branch) => [branch, linearClassifier(builder, features[branch]!, 'fc', head.tau)]),
    );
  }
  const name = `${prefix}linear`;
  const features = builder.globalAveragePool(x);
  if (head.kind === 'cosine')
    return { logits: sameForms(builder.cosine(features, name, { outputs: classes, scale: head.scale })) };
  builder.declareLinear(name, channels, classes);
  return { logits: linearClassifier(builder, sameForms(features), name, head.evalTau) };
}

function expertsBehind(
  trunk: Stages,
  shared: number,
  prefix: string,
  classes: number,
  head: Extract<Head, { kind: 'experts' }>,
): Outputs {
  const { builder } = trunk;
  const [third, fourth] = head.reduceDimension ? REDUCED_PLANES : [STAGE_PLANES[2], STAGE_PLANES[3]];
  const channels = trunk.channels(fourth);
  return expertOutputs(builder, shared, head, {
    prefix,
    stages: [
      (input, expert) => trunk.stage(input, `${prefix}layer3s.${expert}`, 2, third),
      (input, expert) => trunk.stage(input, `${prefix}layer4s.${expert}`, 3, fourth),
    ],
    channels,
    classes,
    branches: (map, expert) =>
      fusionBlock(builder, map, `ResLTBlocks.${expert}`, {
        beforePooling: true,
        poolFirstAtInference: head.poolFirstAtInference,
        channels,
      }),
    draw: 'uniform',
  });
}

/** The stages of one layout. */
class Stages {
  readonly builder: NetworkBuilder;
  readonly #layout: ResNetLayout;

  constructor(builder: NetworkBuilder, layout: ResNetLayout) {
    this.builder = builder;
    this.#layout = layout;
  }

  /** Channels that a stage of so many planes gives. */
  channels(planes: number): number {
    return planes * EXPANSION[this.#layout.block];
  }

  /** The stage of an index; all but the first halve the map. */
  stage(input: number, name: string, index: number, planes: number): number {
    const { block, blocks, groups = 1, groupWidth = STAGE_PLANES[0] } = this.#layout;
    const inner = Math.floor((planes * groupWidth) / STAGE_PLANES[0]) * groups;
    let x = input;
    for (let at = 0; at < blocks[index]!; at++) {
      const stride = index > 0 && at === 0 ? 2 : 1;
      const own = { name: `${name}.${at}`, stride, channels: this.channels(planes) };
      x =
        block === 'basic'
          ? basicBlock(this.builder, x, own)
          : bottleneck(this.builder, x, { ...own, inner, groups });
    }
    return x;
  }
}

interface Block {
  name: string;
  /** Of the map that it gives. */
  channels: number;
  stride: number;
}

/** Two 3x3 convolutions. */
function basicBlock(builder: NetworkBuilder, input: number, { name, channels, stride }: Block): number {
  let x = builder.conv(input, `${name}.conv1`, { channels, kernel: 3, stride, padding: 1 });
  x = builder.relu(builder.batchNorm(x, `${name}.bn1`));
  x = builder.conv(x, `${name}.conv2`, { channels, kernel: 3, stride: 1, padding: 1 });
  x = builder.batchNorm(x, `${name}.bn2`);
  return builder.relu(builder.add(x, projection(builder, input, { name, channels, stride })));
}

/** 1x1, 3x3 (with the stride and the groups), 1x1. */
export function bottleneck(
  builder: NetworkBuilder,
  input: number,
  { name, channels, stride, inner, groups }: Block & { inner: number; groups: number },
): number {
  let x = builder.conv(input, `${name}.conv1`, { channels: inner, kernel: 1, stride: 1, padding: 0 });
  x = builder.relu(builder.batchNorm(x, `${name}.bn1`));
  x = builder.conv(x, `${name}.conv2`, { channels: inner, kernel: 3, stride, padding: 1, groups });
  x = builder.relu(builder.batchNorm(x, `${name}.bn2`));
  x = builder.batchNorm(
    builder.conv(x, `${name}.conv3`, { channels, kernel: 1, stride: 1, padding: 0 }),
    `${name}.bn3`,
  );
  return builder.relu(builder.add(x, projection(builder, input, { name, channels, stride })));
}

/** The identity, or a 1x1 convolution with batch norm where the shape changes. */
function projection(builder: NetworkBuilder, input: number, { name, channels, stride }: Block): number {
  if (stride === 1 && builder.channelsOf(input) === channels) return input;
  const x = builder.conv(input, `${name}.downsample.0`, { channels, kernel: 1, stride, padding: 0 });
  return builder.batchNorm(x, `${name}.downsample.1`);
}
