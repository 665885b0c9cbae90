/** Every method through the whole loop on small images: it learns, and logs and stores what it declares. */
import test from 'node:test';
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';

import { train } from '../../main/training/loop.ts';
import { METHODS } from '../../main/training/methods/index.ts';
import { createModel } from '../../main/training/model.ts';
import { configOf, cycle, dataOf, metricsOf, recorder } from '../helpers/trainingRuns.ts';
import { findTestEngines } from '../parity/engine.ts';

/** The fastest that is here. */
const engine = (await findTestEngines()).findLast(({ missing }) => missing === false)!;

const FIRST_STAGES = METHODS.filter(({ needs }) => needs === undefined);

for (const { name } of FIRST_STAGES)
  test(`64 images of 2 classes are learned by ${name}`, async () => {
    const backend = await engine.load();
    const host = recorder();
    const settings = { method: name, epochs: 8, batchSize: 16, learningRate: 0.05, logEverySteps: 1 };
    const config = configOf({ ...settings, evaluateEvery: 8 });
    const data = dataOf(2, cycle(64, 2));
    const before = tf.memory().numTensors;
    assert.deepEqual(await train({ config, data, backend, host }), { state: 'completed' });
    // An engine keeps a few constants, once; 32 steps that each left a tensor would be more.
    const left = tf.memory().numTensors - before;
    assert.ok(left < 32, `${left} tensors leaked`);

    const accuracies = metricsOf(host.events, 'train/epoch-top1');
    assert.ok(accuracies.at(-1)!.value >= 0.9, JSON.stringify(accuracies));
    const { evaluations, logits } = host.checkpoints.at(-1)!;
    assert.ok(evaluations[0]!.top1 >= 0.9, `${evaluations[0]!.top1}`);

    const model = createModel(config, data);
    const shown = model.outputs.map((output) => output.name);
    assert.deepEqual(Object.keys(evaluations[0]!.branches), shown);
    assert.deepEqual(Object.keys(logits[0]!.outputs).sort(), ['fused', ...shown].sort());
    for (const term of model.terms) {
      assert.equal(metricsOf(host.events, `train/loss/${term.name}`).length, 32, term.name);
      assert.equal(metricsOf(host.events, `train/epoch-loss/${term.name}`).length, 8, term.name);
    }
    for (const term of model.evaluationTerms) {
      assert.equal(metricsOf(host.events, `test/${term.name}`).length, 1, term.name);
      assert.equal(metricsOf(host.events, `test/${term.name}/medium`).length, 1, term.name);
    }
    model.bound.dispose();
  });
