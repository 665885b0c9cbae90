/**
 * Places-LT with a ResNet-152. The ResLT repository has no program for it: this recipe is ours, with the rate, decay and
 * length that the same author published for a later method, and scopes at 100 and 20 training images. It is meant to
 * start from ImageNet weights, which `initFrom` names once they are imported; ResLT's block and the classifier for 365
 * classes begin afresh then.
 */
import type { RunConfig } from '../config.ts';
import { PLACES_LT } from './benchmarks.ts';
import { RESIZED_CROP, RESLT_SGD } from './photographs.ts';
import { presetsOf, type Preset } from './preset.ts';

const NETWORK = 'resnet152';

const SCHEDULE: Partial<RunConfig> = {
  ...RESIZED_CROP,
  ...RESLT_SGD,
  epochs: 30,
  batchSize: 128,
  learningRate: 0.02,
  schedule: 'warmup-cosine',
  warmupEpochs: 5,
  weightDecay: 5e-4,
};

const SOURCE =
  "Ours: ResLT's head and loss with PaCo's rate, decay and length for Places-LT; start it from imported ImageNet weights (initFrom)";

export const PLACES_LT_PRESETS: readonly Preset[] = presetsOf(PLACES_LT, [
  {
    method: 'reslt',
    network: NETWORK,
    source: SOURCE,
    settings: {
      ...SCHEDULE,
      beta: 0.99,
      // 131 classes have more than 100 training images, 71 fewer than 20.
      mediumFrom: 131,
      tailFrom: 294,
      fusion: 'h+m+t',
      fusionTerm: 'capped',
      gamma: 0.7,
      fusionBlockBeforePooling: true,
    },
  },
  {
    method: 'ce',
    network: NETWORK,
    source: 'Ours: cross-entropy under the same schedule as places-lt-resnet152-reslt',
    settings: SCHEDULE,
  },
]);
