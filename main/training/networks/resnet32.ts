/**
 * ResNet-32 for small images with parameter-free shortcuts, with a plain linear classifier or with ResLT's head:
 * three batch norms on the last map, each pooled, and one linear classifier that the three branches share. Takes
 * any number of channels and classes, and any size that survives two halvings.
 */
import { NetworkBuilder, type Network } from './graph.ts';
import type { BuildOptions } from './index.ts';

const STAGE_CHANNELS = [16, 32, 64] as const;
const BLOCKS_PER_STAGE = 5;

/** Builds the network. Throws RangeError for sizes it cannot take. */
export function resnet32({ height, width, channels, classes, head }: BuildOptions): Network {
  if (head.kind !== 'linear' && head.kind !== 'branches')
    throw new RangeError(`resnet32 has no head of kind "${head.kind}"`);
  const builder = new NetworkBuilder([height, width, channels]);
  // ResLT wraps the plain network, so its trunk has a prefix and its classifier comes first in the state dict.
  const prefix = head.kind === 'branches' ? 'model.' : '';
  const features = STAGE_CHANNELS[STAGE_CHANNELS.length - 1]!;
  if (head.kind === 'branches') builder.declareLinear('linear', features, classes);

  let x = builder.input();
  x = builder.conv(x, `${prefix}conv1`, { channels: STAGE_CHANNELS[0], kernel: 3, stride: 1, padding: 1 });
  x = builder.relu(builder.batchNorm(x, `${prefix}bn1`));
  STAGE_CHANNELS.forEach((stageChannels, stage) => {
    for (let block = 0; block < BLOCKS_PER_STAGE; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      x = basicBlock(builder, x, `${prefix}layer${stage + 1}.${block}`, stageChannels, stride);
    }
  });

  if (head.kind === 'linear') {
    builder.declareLinear('linear', features, classes);
    const logits = builder.linear(builder.globalAveragePool(x), 'linear');
    return builder.build('resnet32', { logits }, classes);
  }
  const branch = (name: string): number =>
    builder.linear(builder.globalAveragePool(builder.batchNorm(x, name)), 'linear');
  return builder.build('resnet32', { h: branch('BNH'), m: branch('BNM'), t: branch('BNT') }, classes);
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
