/** The networks that a configuration can name. Adding one is a line here and, for a new layout, a file beside this one. */
import type { Network } from './graph.ts';
import type { Head } from './head.ts';
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
];

/** Throws RangeError for a name that is not listed. */
export function findNetwork(name: string): NetworkDefinition {
  const network = NETWORKS.find((each) => each.name === name);
  if (!network)
    throw new RangeError(
      `There is no network "${name}"; there are ${NETWORKS.map((each) => each.name).join(', ')}.`,
    );
  return network;
}
