/**
 * Trainings that start from others: second stages with most of the network frozen, distillation, and batches that are
 * computed in parts. On the fastest engine that is here; the loop is the same on each.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';

import type { RunConfig } from '../../main/training/config.ts';
import { train, type TrainOptions } from '../../main/training/loop.ts';
import { METHODS } from '../../main/training/methods/index.ts';
import { createModel } from '../../main/training/model.ts';
import type { Backend } from '../../main/training/ops.ts';
import { createRandom } from '../../main/training/random.ts';
import { stepMetricNames, TrainingSession } from '../../main/training/session.ts';
import { startingWeights } from '../../main/training/startingWeights.ts';
import { Teacher, type TeacherSource } from '../../main/training/teacher.ts';
import type { Batch, TensorMap, TrainingState } from '../../main/training/types.ts';
import { initialWeights } from '../../main/training/weights.ts';
import {
  configOf,
  cycle,
  dataOf,
  hashState,
  metricsOf,
  recorder,
  type Recorder,
} from '../helpers/trainingRuns.ts';
import { findTestEngines } from '../parity/engine.ts';

const CLASSES = 4;
const data = dataOf(CLASSES, cycle(48, CLASSES));
const SHORT = { epochs: 2, batchSize: 16, logEverySteps: 1, seed: 3 };
const TWO_EXPERTS = { experts: 2, topChoices: 3 };
/** Settings that a method cannot do without. */
const NEEDED: Readonly<Record<string, Record<string, unknown>>> = {
  crt: { initFrom: 'a file' },
  'ride-router': { initFrom: 'a file', ...TWO_EXPERTS },
  'ride-distill': { teacher: 'a file', experts: 2 },
  ride: { experts: 2 },
  'ride-reslt': { experts: 2 },
};

const engine = (await findTestEngines()).findLast(({ missing }) => missing === false)!;
const backend: Backend = await engine.load();

async function trained(
  settings: Record<string, unknown>,
  options: Partial<TrainOptions> = {},
  host: Recorder = recorder(),
): Promise<Recorder> {
  await train({ config: configOf({ ...SHORT, ...settings }), data, backend, host, ...options });
  return host;
}

const lastState = (host: Recorder): TrainingState => host.checkpoints.at(-1)!.state;

function changedNames(before: TensorMap, after: TensorMap): string[] {
  return [...after.keys()].filter(
    (name) => !before.get(name)?.data.every((value, index) => value === after.get(name)!.data[index]),
  );
}

test('cRT learns a fresh classifier on frozen features', async () => {
  const first = lastState(await trained({ method: 'ce' })).weights;
  const before = tf.memory().numTensors;
  const second = await trained(
    { method: 'crt', initFrom: 'a file', learningRate: 1e-9 },
    { initFrom: first },
  );
  const { weights, optimizer } = lastState(second);
  assert.deepEqual(changedNames(first, weights), ['linear.weight', 'linear.bias']);
  assert.deepEqual([...optimizer.keys()], ['linear.weight', 'linear.bias']);
  assert.equal(tf.memory().numTensors, before);
  // At a rate of nothing it is still the classifier that it was drawn as: not the checkpoint's.
  const drawn = initialWeights(
    createModel(configOf({ method: 'ce' }), data).network,
    createRandom(SHORT.seed).fork('weights'),
  ).get('linear.weight')!.data;
  const classifier = weights.get('linear.weight')!.data;
  assert.ok(classifier.every((value, index) => Math.abs(value - drawn[index]!) < 1e-5));
  const said = second.events.flatMap((event) => (event.type === 'log' ? event.text : []));
  assert.ok(
    said.some((text) => text.startsWith(`${64 * CLASSES + CLASSES} of the parameters are trained`)),
    said.slice(0, 4).join('\n'),
  );
  const learnt = lastState(await trained({ method: 'crt', initFrom: 'a file' }, { initFrom: first })).weights;
  assert.deepEqual(changedNames(weights, learnt), ['linear.weight', 'linear.bias']);
});

test('weights that do not fit are refused by name', async () => {
  const first = lastState(await trained({ method: 'ce', maxSteps: 1 })).weights;
  await assert.rejects(
    trained({ method: 'ride', experts: 2, initFrom: 'a file' }, { initFrom: first }),
    /it lacks backbone\.layer2s\.0\..* and \d+ more; the network has no place for layer2\.0\./s,
  );
  await assert.rejects(
    trained({ method: 'crt', initFrom: 'a file' }, { initFrom: new Map([...first].slice(1)) }),
    /it lacks conv1\.weight\./,
  );
  const { network } = createModel(configOf({ method: 'ce' }), data);
  const fresh = initialWeights(network, createRandom(0));
  const other = new Map(first).set('conv1.weight', { shape: [16, 3, 3, 3], data: new Float32Array(432) });
  assert.throws(() => startingWeights(network, other, fresh, {}), {
    message: /of another shape: conv1\.weight is \[16, 3, 3, 3\], not \[16, 1, 3, 3\]\.$/,
  });
  other.delete('conv1.weight');
  other.delete('bn1.num_batches_tracked');
  assert.throws(() => startingWeights(network, other, fresh, {}), {
    message: /fit .* head: it lacks conv1\.weight\.$/,
  });
});

test('a network that was trained on other classes is fine-tuned: its trunk is taken, the head begins afresh', async () => {
  const others = dataOf(6, cycle(48, 6));
  const ce = lastState(await trained({ method: 'ce', maxSteps: 1 }, { data: others })).weights;
  for (const [method, afresh] of [
    ['ce', /the trunk; linear\.weight, linear\.bias begin afresh/],
    ['reslt', /the trunk; .*BNH\.weight.* begin afresh/],
  ] as const) {
    const config = configOf({ ...SHORT, method });
    const { network } = createModel(config, data);
    const fresh = initialWeights(network, createRandom(0));
    const { weights, remark } = startingWeights(network, ce, fresh, {});
    assert.match(remark ?? '', afresh);
    for (const { name } of network.tensors) {
      const source = ce.get(name.replace('model.', ''));
      const isHead = /linear|BN[HMT]/.test(name);
      assert.equal(weights.get(name)!.data, isHead ? fresh.get(name)!.data : source!.data, name);
    }
    const host = await trained({ method, maxSteps: 1, initFrom: 'a file' }, { initFrom: ce });
    assert.ok(host.events.some((event) => event.type === 'log' && afresh.test(event.text)));
  }
  // With the same classes nothing begins afresh, and nothing is said.
  const { network } = createModel(configOf({ method: 'ce' }), others);
  const { weights, remark } = startingWeights(network, ce, initialWeights(network, createRandom(0)), {});
  assert.deepEqual([remark, weights.get('linear.weight')], [null, ce.get('linear.weight')]);
});

test('a router is trained alone, logs how many experts are asked, and goes on bit for bit', async () => {
  const ride = lastState(await trained({ method: 'ride', experts: 2 })).weights;
  const settings = { method: 'ride-router', initFrom: 'a file', ...TWO_EXPERTS };
  const whole = await trained(settings, { initFrom: ride });
  const changed = changedNames(ride, lastState(whole).weights);
  assert.ok(changed.length > 0 && changed.every((name) => name.includes('expert_help_pred')), changed.join());
  assert.deepEqual([...lastState(whole).optimizer.keys()], changed);
  const used = metricsOf(whole.events, 'test/experts-used');
  assert.equal(used.length, SHORT.epochs);
  assert.ok(used.every(({ value }) => value >= 1 && value <= 2));
  const evaluation = whole.checkpoints.at(-1)!;
  assert.deepEqual(Object.keys(evaluation.logits[0]!.outputs), [
    'fused',
    'expert-0',
    'expert-1',
    'all-experts',
  ]);

  const paused = await trained(settings, { initFrom: ride }, recorder({ 2: 'pause' }));
  const state = structuredClone(lastState(paused));
  assert.equal(state.position.step, 2);
  // The checkpoint that it began with is not read again.
  const resumed = await trained(settings, { resume: state });
  assert.equal(hashState(lastState(resumed)), hashState(lastState(whole)));
});

test('distillation: the teacher may normalise with the batch or as it was trained to; it goes on bit for bit', async () => {
  const teacherSettings = { method: 'ride', experts: 3 };
  const teacher: TeacherSource = {
    config: configOf({ ...SHORT, ...teacherSettings }),
    weights: lastState(await trained(teacherSettings)).weights,
  };
  const before = structuredClone(teacher.weights);
  const tensors = tf.memory().numTensors;
  const settings = { method: 'ride-distill', teacher: 'a file', experts: 2 };
  const whole = await trained(settings, { teacher });
  assert.equal(tf.memory().numTensors, tensors);
  assert.deepEqual(teacher.weights, before);
  const running = await trained({ ...settings, teacherBatchNorm: 'running' }, { teacher });
  const distillation = (host: Recorder) => metricsOf(host.events, 'train/loss/distillation');
  assert.equal(distillation(whole).length, 6);
  assert.notDeepEqual(distillation(running), distillation(whole));

  const paused = await trained(settings, { teacher }, recorder({ 4: 'pause' }));
  const resumed = await trained(settings, { teacher, resume: structuredClone(lastState(paused)) });
  assert.equal(hashState(lastState(resumed)), hashState(lastState(whole)));
});

test('a distilling run without its teacher, and a teacher of other classes, are errors', async () => {
  await assert.rejects(trained({ method: 'ride-distill', teacher: 'a file', experts: 2 }), /teacher/);
  const config = configOf({ method: 'ce' });
  const other = dataOf(3, cycle(12, 3));
  const weights = initialWeights(createModel(config, other).network, createRandom(0));
  assert.throws(() => new Teacher({ config, weights }, data, backend, 'batch'), /do not fit/);
});

/**
 * Four times the same four images, so that a part's batch norms see the statistics of the whole; the labels differ from
 * part to part, so that the losses' denominators do too.
 */
async function repeatedBatch(): Promise<Batch> {
  const stream = data.evalStream('test', 4);
  const { images } = (await stream.next())!;
  stream.close();
  const repeated = new Float32Array(4 * images.length);
  for (let part = 0; part < 4; part++) repeated.set(images, part * images.length);
  return {
    images: repeated,
    labels: Int32Array.of(0, 0, 0, 0, 0, 1, 0, 2, 3, 3, 1, 3, 2, 0, 1, 0),
    size: 16,
  };
}

function freshTeacher(): Teacher {
  const config = configOf({ method: 'ride', experts: 3 });
  const model = createModel(config, data);
  const weights = initialWeights(model.network, createRandom(9));
  model.bound.dispose();
  return new Teacher({ config, weights }, data, backend, 'batch');
}

for (const method of METHODS)
  test(`${method.label}: a batch in parts takes the step of the whole batch`, async (t) => {
    const take = async (accumulateSteps: number) => {
      const config: RunConfig = configOf({
        ...NEEDED[method.name],
        ...{ method: method.name, batchSize: 16, accumulateSteps, epochs: 4 },
      });
      const model = createModel(config, dataOf(CLASSES, Int32Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3)));
      const teacher = method.needs?.teacher ? freshTeacher() : null;
      const weights = initialWeights(model.network, createRandom(1));
      const session = new TrainingSession({ model, backend, config, weights, teacher });
      // The last epoch: re-weighting is on.
      const values = session.step(await repeatedBatch(), 0.1, 3);
      const numbers = [...(await values.data())];
      const [after, velocity] = [await session.weights(), await session.velocity()];
      values.dispose();
      session.dispose();
      teacher?.dispose();
      model.bound.dispose();
      return { numbers, after, velocity, names: stepMetricNames(model) };
    };
    const [whole, parts] = [await take(1), await take(4)];
    parts.numbers.forEach((value, index) =>
      assert.ok(
        Math.abs(value - whole.numbers[index]!) <= 1e-5 * Math.max(1, Math.abs(value)),
        `${whole.names[index]}: ${value}, not ${whole.numbers[index]}`,
      ),
    );
    let largest = 0;
    for (const [name, { data: values }] of parts.velocity) {
      const expected = whole.velocity.get(name)!.data;
      const scale = Math.max(...expected.map(Math.abs), 1e-6);
      values.forEach((value, index) => {
        largest = Math.max(largest, Math.abs(value - expected[index]!) / scale);
      });
    }
    t.diagnostic(`largest difference ${largest.toExponential(1)} of a tensor's largest momentum`);
    assert.ok(largest < 2e-3, String(largest));
  });

test('no tensor is left behind by parts, teachers and frozen training', async () => {
  const weights = lastState(await trained({ method: 'ride', experts: 2, maxSteps: 1 })).weights;
  const teacher = { config: configOf({ method: 'ride', experts: 2 }), weights };
  const parts = { accumulateSteps: 2, maxSteps: 2 };
  const all = async () => {
    await trained({ ...NEEDED['ride-router'], method: 'ride-router', ...parts }, { initFrom: weights });
    for (const teacherBatchNorm of ['batch', 'running'])
      await trained(
        { ...NEEDED['ride-distill'], method: 'ride-distill', teacherBatchNorm, ...parts },
        { teacher },
      );
  };
  await all();
  const before = tf.memory().numTensors;
  await all();
  assert.equal(tf.memory().numTensors, before);
});

test('a batch in parts goes on bit for bit, and its last smaller batch counts', async () => {
  const settings = { method: 'reslt', accumulateSteps: 3, dropLast: false, batchSize: 20 };
  const whole = await trained(settings);
  assert.equal(lastState(whole).position.step, 6);
  const paused = await trained(settings, {}, recorder({ 4: 'pause' }));
  const resumed = await trained(settings, { resume: structuredClone(lastState(paused)) });
  assert.equal(hashState(lastState(resumed)), hashState(lastState(whole)));
});

test('a split smaller than the batch is one batch', async () => {
  const host = await trained({ method: 'ce', batchSize: 500 });
  assert.equal(lastState(host).position.step, SHORT.epochs);
});
