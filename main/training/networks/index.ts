/** The networks that a configuration can name. Adding one is a line here and, for a new layout, a file beside this one. */
import type { Network } from './graph.ts';
import type { Head } from './head.ts';
import { resnet, type ResNetLayout } from './resnet.ts';
import { resnet32 } from './resnet32.ts';

export interface BuildOptions {
  height: number;
  width: number;
  channels: number;
  classes: number;
  head: Head;
}

export interface NetworkDefinition {
  /** As written in configurations. */
  name: string;
  label: string;
  /** What it is made for: small images (32 pixels) or photographs (224). */
  imageKind: 'small' | 'large';
  /** Throws RangeError for sizes and heads that it cannot take. */
  build(options: BuildOptions): Network;
}

export const NETWORKS: readonly NetworkDefinition[] = [
  { name: 'resnet32', label: 'ResNet-32', imageKind: 'small', build: resnet32 },
  large('ResNet-10', { name: 'resnet10', block: 'basic', blocks: [1, 1, 1, 1] }),
  large('ResNet-50', { name: 'resnet50', block: 'bottleneck', blocks: [3, 4, 6, 3] }),
  large('ResNet-152', { name: 'resnet152', block: 'bottleneck', blocks: [3, 8, 36, 3] }),
  large('ResNeXt-50 32x4d', {
    name: 'resnext50',
    block: 'bottleneck',
    blocks: [3, 4, 6, 3],
    groups: 32,
    groupWidth: 4,
  }),
  large('ResNeXt-101 32x4d', {
    name: 'resnext101',
    block: 'bottleneck',
    blocks: [3, 4, 23, 3],
    groups: 32,
    groupWidth: 4,
  }),
];

function large(label: string, layout: ResNetLayout): NetworkDefinition {
  return { name: layout.name, label, imageKind: 'large', build: (options) => resnet(layout, options) };
}

/** Throws RangeError for a name that is not listed. */
export function findNetwork(name: string): NetworkDefinition {
  const network = NETWORKS.find((each) => each.name === name);
  if (!network)
    throw new RangeError(
      `There is no network "${name}"; there are ${NETWORKS.map((each) => each.name).join(', ')}.`,
    );
  return network;
}
