/** Training only some tensors: the same gradients as when all are trained, no others, and no tensors left behind. */
import test from 'node:test';
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

import { forwardInference, forwardTraining } from '../../main/training/networks/execute.ts';
import type { Head } from '../../main/training/networks/head.ts';
import { findNetwork } from '../../main/training/networks/index.ts';
import { createRandom } from '../../main/training/random.ts';
import { disposeState, fromTensorMap, initialWeights } from '../../main/training/weights.ts';
import { findTestEngines } from './engine.ts';
import { keyedTensor } from './golden.ts';

const RIDE_ROUTER: Head = {
  kind: 'experts',
  experts: 2,
  reduceDimension: true,
  classifier: 'linear',
  scale: 1,
  tau: null,
  branches: false,
  router: { topChoices: 3 },
};

const SUBSETS: { title: string; head: Head; trains: (name: string) => boolean }[] = [
  {
    title: 'a classifier',
    head: { kind: 'linear', evalTau: null },
    trains: (name) => name.startsWith('linear'),
  },
  { title: 'routers', head: RIDE_ROUTER, trains: (name) => name.includes('expert_help_pred') },
  { title: 'one stage', head: RIDE_ROUTER, trains: (name) => name.includes('layer3s.1') },
  { title: 'nothing', head: RIDE_ROUTER, trains: () => false },
];

for (const engine of await findTestEngines())
  for (const { title, head, trains } of SUBSETS)
    test(`training ${title} on ${engine.kind}`, { skip: engine.missing }, async () => {
      const { ops } = await engine.load();
      const size = { height: 16, width: 16, channels: 3 };
      const network = findNetwork('resnet32').build({ ...size, classes: 5, head });
      const state = fromTensorMap(network, initialWeights(network, createRandom(3)));
      const images = tf.tensor4d(keyedTensor('frozen/images', [2, 16, 16, 3]), [2, 16, 16, 3]);
      const gradientsOf = (trainable?: ReadonlySet<string>): Map<string, tf.Tensor> => {
        const pass = forwardTraining(ops, network, state, images, {
          batchNorm: 'running',
          ...(trainable && { trainable }),
        });
        const given = Object.fromEntries(
          Object.entries(pass.outputs).map(([name, { shape }]): [string, Tensor2D] => [
            name,
            tf.tensor2d(keyedTensor(`frozen/${name}`, shape), shape),
          ]),
        );
        const gradients = pass.backward(given);
        tf.dispose(given);
        return gradients;
      };
      const names = network.tensors.filter((spec) => spec.trainable && trains(spec.name));
      const trainable = new Set(names.map((spec) => spec.name));
      tf.dispose([...gradientsOf().values()]); // engines may keep constants
      const before = tf.memory().numTensors;
      const [some, all] = [gradientsOf(trainable), gradientsOf()];
      assert.deepEqual(new Set(some.keys()), trainable);
      for (const [name, gradient] of some)
        assert.deepEqual(await gradient.data(), await all.get(name)!.data(), name);
      tf.dispose([[...some.values()], [...all.values()]]);

      const pass = forwardTraining(ops, network, state, images, { trainable });
      pass.dispose();
      tf.dispose(forwardInference(ops, network, state, images));
      assert.equal(tf.memory().numTensors, before, 'tensors leaked');
      images.dispose();
      disposeState(state);
    });
