/** The training loop on real engines with small images: it learns, repeats, resumes, and says what goes wrong. */
import test from 'node:test';
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';

import type { RunConfig } from '../../main/training/config.ts';
import { NonFiniteLossError } from '../../main/training/errors.ts';
import { evaluate } from '../../main/training/evaluate.ts';
import { train } from '../../main/training/loop.ts';
import { createModel, resolveRun } from '../../main/training/model.ts';
import type { Backend, EngineKind } from '../../main/training/ops.ts';
import { createRandom } from '../../main/training/random.ts';
import { TrainingSession } from '../../main/training/session.ts';
import type { TensorMap, TrainingData, TrainingEvent, TrainingState } from '../../main/training/types.ts';
import { disposeState, fromTensorMap, initialWeights } from '../../main/training/weights.ts';
import { configOf, cycle, dataOf, hashState as hash, metricsOf, recorder } from '../helpers/trainingRuns.ts';
import { findTestEngines } from '../parity/engine.ts';

function sessionOf(
  backend: Backend,
  config: RunConfig,
  data: TrainingData,
  weights?: TensorMap,
): TrainingSession {
  const model = createModel(config, data);
  return new TrainingSession({
    model,
    backend,
    config,
    weights: weights ?? initialWeights(model.network, createRandom(config.seed)),
  });
}

const engines = await findTestEngines();
/** The fastest that is here: the loop is the same on each. */
const preferred = engines.findLast(({ missing }) => missing === false)!;

/** A test that runs on every engine; the rest run on the preferred one. */
function onEach(name: string, run: (backend: Backend, kind: EngineKind) => Promise<void>): void {
  for (const engine of engines)
    test(`${name} on ${engine.kind}`, { skip: engine.missing }, async () =>
      run(await engine.load(), engine.kind),
    );
}

function onPreferred(name: string, run: (backend: Backend) => Promise<void>): void {
  test(name, async () => run(await preferred.load()));
}

onPreferred('64 images of 2 classes are learned, by each method', async (backend) => {
  for (const method of ['reslt', 'ce']) {
    const host = recorder();
    const config = configOf({ method, epochs: 6, batchSize: 16, learningRate: 0.05, logEverySteps: 1 });
    const outcome = await train({ config, data: dataOf(2, cycle(64, 2)), backend, host });
    assert.deepEqual(outcome, { state: 'completed' });
    const losses = metricsOf(host.events, 'train/epoch-loss');
    assert.ok(losses.at(-1)!.value < 0.3 * losses[0]!.value, `${method}: ${JSON.stringify(losses)}`);
    assert.ok(host.checkpoints.at(-1)!.evaluations[0]!.top1 >= 0.95);
  }
});

onEach('one step changes every weight and every statistic', async (backend) => {
  const config = configOf({ batchSize: 16 });
  const data = dataOf(10, cycle(64, 10));
  const session = sessionOf(backend, config, data);
  const before = await session.weights();
  const batch = await data.trainStream({ ...config, random: createRandom(0) }).next();
  session.step(batch!, 0.1, 0).dispose();
  const after = await session.weights();
  for (const [name, { data: values }] of before)
    assert.ok(
      after.get(name)!.data.some((value, index) => value !== values[index]),
      `${name} did not change`,
    );
  for (const [name, { data: values }] of await session.velocity())
    assert.ok(
      values.some((value) => value !== 0),
      `${name} has no momentum`,
    );
  session.dispose();
  session.model.bound.dispose();
});

onEach('the same seed gives the same bits, another seed others', async (backend) => {
  const data = dataOf(10, cycle(64, 10));
  const run = async (seed: number): Promise<string> => {
    const host = recorder();
    await train({ config: configOf({ epochs: 1, batchSize: 16, seed }), data, backend, host });
    return hash(host.checkpoints.at(-1)!.state);
  };
  const first = await run(1);
  assert.equal(await run(1), first);
  assert.notEqual(await run(2), first);
});

onPreferred('a run that was paused in the middle of an epoch goes on bit for bit', async (backend) => {
  const data = dataOf(10, cycle(80, 10));
  const config = configOf({ epochs: 3, batchSize: 16, logEverySteps: 2 });
  const whole = recorder();
  await train({ config, data, backend, host: whole });

  const paused = recorder({ 7: 'pause' });
  const outcome = await train({ config, data, backend, host: paused });
  assert.deepEqual(outcome, { state: 'paused', step: 7, epoch: 1 });
  const { state, roles } = paused.checkpoints.at(-1)!;
  assert.deepEqual(roles, ['requested']);
  const resumed = recorder();
  const position = JSON.parse(JSON.stringify(state.position)) as TrainingState['position'];
  await train({ config, data, backend, host: resumed, resume: { ...state, position } });

  assert.equal(hash(resumed.checkpoints.at(-1)!.state), hash(whole.checkpoints.at(-1)!.state));
  assert.deepEqual(resumed.checkpoints.at(-1)!.logits, whole.checkpoints.at(-1)!.logits);
  const means = (events: TrainingEvent[]) =>
    metricsOf(events, 'train/epoch-loss').filter(({ step }) => step > 7);
  assert.deepEqual(means(resumed.events), means(whole.events));
  assert.ok(metricsOf(resumed.events, 'train/loss').every(({ step }) => step > 7));
});

onEach('no tensor is left behind, neither by steps nor by a whole run', async (backend, kind) => {
  const config = configOf({ batchSize: 16, epochs: 2 });
  const data = dataOf(10, cycle(64, 10));
  const warm = recorder();
  await train({ config, data, backend, host: warm });
  const before = tf.memory().numTensors;
  await train({ config, data, backend, host: recorder() });
  await train({ config, data, backend, host: recorder({ 3: 'stop' }) });
  assert.equal(tf.memory().numTensors, before);

  const session = sessionOf(backend, config, data);
  const batch = (await data.trainStream({ ...config, random: createRandom(0) }).next())!;
  const counts: number[] = [];
  const [early, late] = kind === 'wasm' ? [2, 8] : [10, 100];
  for (let step = 1; step <= late; step++) {
    session.step({ ...batch, images: batch.images.slice() }, 0.01, 0).dispose();
    if (step === early || step === late) counts.push(tf.memory().numTensors);
  }
  assert.equal(counts[0], counts[1]);
  session.dispose();
  session.model.bound.dispose();
  assert.equal(tf.memory().numTensors, before);
});

onPreferred('a loss that is not finite ends the run with its name and step', async (backend) => {
  const host = recorder();
  const before = tf.memory().numTensors;
  const config = configOf({ epochs: 5, batchSize: 16, learningRate: 100, weightDecay: 1, warmupEpochs: 0 });
  await assert.rejects(
    train({ config, data: dataOf(10, cycle(64, 10)), backend, host }),
    (error: unknown) => {
      assert.ok(error instanceof NonFiniteLossError, String(error));
      assert.match(error.metric, /^(train|test)\/loss/);
      assert.match(error.message, new RegExp(`${error.metric} became .* at step ${error.step}`));
      return true;
    },
  );
  assert.equal(tf.memory().numTensors, before);
});

onPreferred('a stored checkpoint evaluates to the numbers of its run', async (backend) => {
  const data = dataOf(10, cycle(64, 10));
  const config = configOf({ epochs: 1, batchSize: 16 });
  const host = recorder();
  await train({ config, data, backend, host });
  const { state: stored, evaluations, logits } = host.checkpoints.at(-1)!;
  const model = createModel(config, data);
  const state = fromTensorMap(model.network, stored.weights);
  const again = await evaluate({
    ...model,
    backend,
    state,
    data,
    split: 'test',
    batchSize: config.evalBatchSize,
    epoch: 1,
    step: stored.position.step,
    now: () => 0,
  });
  disposeState(state);
  model.bound.dispose();
  assert.deepEqual({ ...again.result, seconds: 0 }, { ...evaluations[0]!, seconds: 0 });
  assert.deepEqual(again.logits, logits[0]);
  const { fused, h, m, t } = again.logits.outputs as Record<string, Float32Array>;
  fused!.forEach((value, index) =>
    assert.ok(Math.abs(value - (h![index]! + m![index]! + t![index]!)) < 1e-4),
  );
});

onPreferred('another batch size of the evaluation gives the same numbers', async (backend) => {
  const data = dataOf(10, cycle(64, 10));
  const result = async (evalBatchSize: number) => {
    const host = recorder();
    await train({ config: configOf({ epochs: 1, batchSize: 16, evalBatchSize }), data, backend, host });
    return host.checkpoints.at(-1)!.evaluations[0]!;
  };
  const [whole, parts] = [await result(1000), await result(7)];
  assert.equal(parts.top1, whole.top1);
  assert.deepEqual(parts.perClass, whole.perClass);
});

onPreferred(
  'checkpoints: last at each evaluation, best when it improves on the selection split, every N',
  async (backend) => {
    const host = recorder();
    const data = dataOf(4, cycle(64, 4), { val: true });
    const config = configOf({ method: 'ce', epochs: 5, batchSize: 16, evaluateEvery: 2, checkpointEvery: 3 });
    await train({ config, data, backend, host });
    assert.deepEqual(
      host.checkpoints.map(({ state, roles }) => [
        state.position.epoch,
        roles.filter((role) => role !== 'best'),
      ]),
      [
        // Only there to go on from.
        [1, []],
        [2, ['last']],
        [3, ['last', 'every']],
        [4, ['last']],
        [5, ['last']],
      ],
    );
    let best = -1;
    for (const { evaluations, logits, roles, state } of host.checkpoints.slice(1)) {
      assert.deepEqual(
        evaluations.map(({ split }) => split),
        ['val', 'test'],
      );
      assert.deepEqual(
        logits.map(({ split, examples, classes, outputs }) => [
          split,
          examples,
          classes,
          Object.keys(outputs),
        ]),
        [
          ['val', 40, 4, ['fused']],
          ['test', 40, 4, ['fused']],
        ],
      );
      const [val, onTest] = evaluations;
      assert.equal(roles.includes('best'), val!.top1 > best, `epoch ${state.position.epoch}`);
      if (val!.top1 > best)
        assert.deepEqual(state.position.best, {
          epoch: state.position.epoch,
          top1: val!.top1,
          split: 'val',
          testTop1: onTest!.top1,
        });
      best = Math.max(best, val!.top1);
      assert.equal(onTest!.top5, null, 'four classes have no top-5');
    }
  },
);

onPreferred('with the fusion of two branches the third takes part in nothing', async (backend) => {
  const config = configOf({ batchSize: 16, fusion: 'h+m', weightDecay: 0 });
  const data = dataOf(10, cycle(64, 10));
  const session = sessionOf(backend, config, data);
  const before = await session.weights();
  const batch = await data.trainStream({ ...config, random: createRandom(0) }).next();
  session.step(batch!, 0.1, 0).dispose();
  const after = await session.weights();
  for (const [name, isTrained] of Object.entries({ BNH: true, BNM: true, BNT: false }))
    assert.equal(
      after
        .get(`${name}.bias`)!
        .data.some((value, index) => value !== before.get(`${name}.bias`)!.data[index]),
      isTrained,
      name,
    );
  session.dispose();
  session.model.bound.dispose();
});

onPreferred('a most number of steps ends the run with an evaluation', async (backend) => {
  const host = recorder();
  const config = configOf({ method: 'ce', epochs: 10, batchSize: 16, maxSteps: 6 });
  const data = dataOf(4, cycle(64, 4));
  assert.deepEqual(await train({ config, data, backend, host }), { state: 'completed' });
  const { state, evaluations } = host.checkpoints.at(-1)!;
  assert.equal(state.position.step, 6);
  assert.equal(evaluations.length, 1);
});

onPreferred('a checkpoint on request, and stopping, happen between two steps', async (backend) => {
  const host = recorder({ 2: 'checkpoint', 3: 'stop' });
  const config = configOf({ method: 'ce', epochs: 3, batchSize: 16 });
  const outcome = await train({ config, data: dataOf(4, cycle(64, 4)), backend, host });
  assert.deepEqual(outcome, { state: 'stopped', step: 3, epoch: 0 });
  assert.deepEqual(
    host.checkpoints.map(({ roles, state, evaluations }) => [roles, state.position.step, evaluations.length]),
    [
      [['requested'], 2, 0],
      [[], 3, 0],
    ],
  );

  const full = recorder({ 3: 'stop' });
  full.saveCheckpoint = () => Promise.reject(new Error('no space left'));
  assert.equal(
    (await train({ config, data: dataOf(4, cycle(64, 4)), backend, host: full })).state,
    'stopped',
  );
  assert.ok(
    full.events.some((event) => event.type === 'log' && /Step 3 could not be saved/.test(event.text)),
  );
});

onPreferred('a run that was paused after its last step still gets its evaluation', async (backend) => {
  const data = dataOf(4, cycle(64, 4));
  for (const settings of [{ epochs: 2 }, { epochs: 3, maxSteps: 7 }]) {
    const config = configOf({ method: 'ce', batchSize: 16, ...settings });
    const whole = recorder();
    await train({ config, data, backend, host: whole });
    const last = whole.checkpoints.at(-1)!;

    const paused = recorder({ [last.state.position.step]: 'pause' });
    assert.equal((await train({ config, data, backend, host: paused })).state, 'paused');
    const resumed = recorder();
    const resume = structuredClone(paused.checkpoints.at(-1)!.state);
    assert.deepEqual(await train({ config, data, backend, host: resumed, resume }), { state: 'completed' });
    const { roles, logits, state } = resumed.checkpoints.at(-1)!;
    assert.deepEqual([roles, logits], [last.roles, last.logits]);
    assert.deepEqual(state.position, last.state.position);

    // Nothing is left to do, and it is said that it runs all the same: its end would not count otherwise.
    const finished = recorder();
    const outcome = await train({ config, data, backend, host: finished, resume: structuredClone(state) });
    assert.deepEqual([outcome.state, finished.checkpoints.length], ['completed', 0]);
    assert.ok(finished.events.some((event) => event.type === 'phase' && event.phase === 'training'));
  }
});

onPreferred(
  'what was trained is kept when an evaluation fails, and the run goes on with it',
  async (backend) => {
    const config = configOf({ method: 'ce', epochs: 3, batchSize: 16, evaluateEvery: 2 });
    const data = dataOf(4, cycle(64, 4));
    const whole = recorder();
    await train({ config, data, backend, host: whole });

    const broken = recorder();
    const failing: TrainingData = {
      ...data,
      trainStream: (options) => data.trainStream(options),
      evalStream: () => {
        throw new Error('test/7.jpg can not be read');
      },
    };
    await assert.rejects(train({ config, data: failing, backend, host: broken }), /7\.jpg/);
    const { state, roles } = broken.checkpoints.at(-1)!;
    assert.deepEqual([roles, state.position.epoch, state.position.partialEpoch?.batches], [[], 1, 4]);
    const resumed = recorder();
    await train({ config, data, backend, host: resumed, resume: structuredClone(state) });
    assert.deepEqual(
      resumed.checkpoints.map(({ state: { position }, evaluations }) => [
        position.epoch,
        evaluations[0]?.top1,
      ]),
      whole.checkpoints
        .slice(1)
        .map(({ state: { position }, evaluations }) => [position.epoch, evaluations[0]?.top1]),
    );
    assert.equal(hash(resumed.checkpoints.at(-1)!.state), hash(whole.checkpoints.at(-1)!.state));
  },
);

onPreferred('a run resolves its scopes by frequency, not by class index', async (backend) => {
  // Class 2 is the most frequent, class 0 the rarest.
  const labels = Int32Array.from({ length: 60 }, (_, index) =>
    index < 35 ? 2 : index < 50 ? 3 : index < 57 ? 1 : 0,
  );
  const data = dataOf(4, labels);
  const config = configOf({ mediumFrom: 1, tailFrom: 3, epochs: 40, batchSize: 16 });
  const model = createModel(config, data);
  const resolved = resolveRun(config, data, backend, model);
  model.bound.dispose();
  assert.deepEqual(resolved.method['scopes'], { h: [0, 1, 2, 3], m: [0, 1, 3], t: [0] });
  assert.deepEqual([resolved.milestones, resolved.stepsPerEpoch, resolved.totalSteps], [[32, 36], 3, 120]);
});

onPreferred('weights of another network are refused with what does not fit', async () => {
  const ten = createModel(configOf({}), dataOf(10, cycle(20, 10)));
  const four = createModel(configOf({ method: 'ce' }), dataOf(4, cycle(20, 4)));
  const weights = initialWeights(ten.network, createRandom(0));
  assert.throws(() => fromTensorMap(four.network, weights), /"conv1.weight" is missing; .* and \d+ more/);
  weights.get('linear.weight')!.shape = [4, 64];
  assert.throws(
    () => fromTensorMap(ten.network, weights),
    /"linear.weight" has shape \[4, 64\], not \[10, 64\]/,
  );
  ten.bound.dispose();
  four.bound.dispose();
});

onPreferred('images that are too small are refused', async () => {
  const data = { ...dataOf(4, cycle(20, 4)), height: 0 };
  assert.throws(() => createModel(configOf({}), data), /images are too small/);
});
