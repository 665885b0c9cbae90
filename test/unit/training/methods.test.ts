/** What every method must keep to, and the losses at the edges where arithmetic breaks. On tfjs' plain backend. */
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

import { CONFIG_FIELDS, fieldsOf } from '../../../main/training/config.ts';
import { findMethod, METHODS } from '../../../main/training/methods/index.ts';
import { ldamMargins } from '../../../main/training/methods/ldam.ts';
import { logPriors } from '../../../main/training/methods/logitAdjustment.ts';
import {
  lossWithGradients,
  type BoundMethod,
  type Method,
  type MethodSettings,
  type Outputs,
} from '../../../main/training/methods/method.ts';
import { createReweighting, effectiveNumberWeights } from '../../../main/training/methods/reweighting.ts';
import { diversityWeights } from '../../../main/training/methods/ride.ts';
import { outputNames } from '../../../main/training/networks/head.ts';
import { keyedTensor } from '../../parity/golden.ts';

/** How it was made stands in the file. */
const PYTORCH = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../fixtures/methods/losses.json'), 'utf8'),
) as {
  classCounts: number[];
  labels: number[];
  scale: number;
  relativeTolerance: number;
  cases: {
    method: string;
    settings: Record<string, unknown>;
    loss: number;
    gradientNorms: Record<string, number>;
    gradientsAtLabels: Record<string, number[]>;
  }[];
};

const COUNTS = [500, 200, 100, 60, 40, 25, 15, 10, 6, 5];
const CLASSES = COUNTS.length;
const LABELS = [0, 3, 9, 1, 7, 0];
const EPOCHS = 40;
/** After every default re-weighting epoch. */
const LATE = EPOCHS - 1;

before(async () => {
  await import('@tensorflow/tfjs');
  await tf.setBackend('cpu');
});

/** A method with its own default settings and some of ours. */
function settingsOf(method: Method, changed: Record<string, unknown> = {}): MethodSettings {
  const defaults = Object.fromEntries(fieldsOf(method.name).map((field) => [field.key, field.default]));
  return { ...defaults, topChoices: 5, ...changed };
}

function bind(method: Method, settings: MethodSettings, classCounts = COUNTS): BoundMethod {
  return method.bind({ classCounts, epochs: EPOCHS, settings });
}

/** Logits in [−scale, scale] of every output of the method's network. */
function outputsOf(method: Method, settings: MethodSettings, batch: number, scale: number): Outputs {
  const head = method.head(settings);
  const routers = head.kind === 'experts' && head.router ? head.experts - 1 : 0;
  const shapes: [string, [number, number]][] = [
    ...outputNames(head).map((name): [string, [number, number]] => [name, [batch, CLASSES]]),
    ...Array.from({ length: routers }, (_, index): [string, [number, number]] => [
      `router-${index}`,
      [batch, 1],
    ]),
  ];
  return Object.fromEntries(
    shapes.map(([name, shape]) => [
      name,
      tf.tensor2d(keyedTensor(`methods/${method.name}/${name}`, shape, scale), shape),
    ]),
  );
}

/** Loss, terms and gradients as plain numbers. */
function run(
  method: Method,
  options: { settings?: MethodSettings; labels?: number[]; classCounts?: number[]; scale?: number } = {},
): { total: number; terms: Record<string, number>; gradients: Record<string, Float32Array> } {
  const { settings = settingsOf(method), labels = LABELS, classCounts = COUNTS, scale = 3 } = options;
  return tf.tidy(() => {
    const bound = bind(method, settings, classCounts);
    const outputs = outputsOf(method, settings, labels.length, scale);
    const trained = Object.fromEntries(bound.trainedOutputs.map((name) => [name, outputs[name]!]));
    const teacherLogits = tf.tensor2d(keyedTensor('methods/teacher', [labels.length, CLASSES], scale), [
      labels.length,
      CLASSES,
    ]);
    const result = lossWithGradients(
      (given) =>
        bound.loss({ ...outputs, ...given }, tf.tensor1d(labels, 'int32'), { epoch: LATE, teacherLogits }),
      trained,
    );
    const numbers = {
      total: result.total.dataSync()[0]!,
      terms: Object.fromEntries(
        Object.entries(result.terms).map(([name, value]) => [name, value.dataSync()[0]!]),
      ),
      gradients: Object.fromEntries(
        Object.entries(result.gradients).map(([name, value]) => [
          name,
          value.dataSync().slice() as Float32Array,
        ]),
      ),
    };
    tf.dispose(result.terms);
    bound.dispose();
    return numbers;
  });
}

function assertFinite(result: ReturnType<typeof run>, what: string): void {
  assert.ok(Number.isFinite(result.total), `${what}: the loss is ${result.total}`);
  for (const [name, value] of Object.entries(result.terms))
    assert.ok(Number.isFinite(value), `${what}: ${name} is ${value}`);
  for (const [name, values] of Object.entries(result.gradients))
    assert.ok(values.every(Number.isFinite), `${what}: the gradient by ${name} is not finite`);
}

test('a setting of several methods is one field, and no key stands twice', () => {
  const keys = CONFIG_FIELDS.map(({ key }) => key);
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  );
});

test('defaults that a method sets are of settings that every run has, and in their range', () => {
  for (const { name, defaults = {} } of METHODS)
    for (const [key, value] of Object.entries(defaults)) {
      const field = CONFIG_FIELDS.find((each) => each.key === key);
      assert.ok(field && !field.methods, `${name} sets a default for ${key}`);
      if (field.choices) assert.ok(field.choices.includes(value as string));
    }
});

test('every method logs, evaluates and shows what it declares', () => {
  for (const method of METHODS) {
    const settings = settingsOf(method);
    const { terms } = run(method);
    assert.deepEqual(
      Object.keys(terms).sort(),
      method
        .terms(settings)
        .map(({ name }) => name)
        .sort(),
      method.name,
    );
    tf.tidy(() => {
      const bound = bind(method, settings);
      const outputs = outputsOf(method, settings, LABELS.length, 3);
      const labels = tf.tensor1d(LABELS, 'int32');
      const shown = { ...outputs, ...bound.derive?.(outputs) };
      for (const { name } of method.outputs(settings))
        assert.deepEqual(shown[name]?.shape, [LABELS.length, CLASSES], `${method.name}: ${name}`);
      assert.deepEqual(bound.fuse(outputs).shape, [LABELS.length, CLASSES], method.name);
      const evaluated = bound.evaluate?.(outputs, labels) ?? {};
      const declared = method.evaluationTerms?.(settings) ?? [];
      assert.deepEqual(
        Object.keys(evaluated),
        declared.map(({ name }) => name),
        method.name,
      );
      for (const value of Object.values(evaluated)) assert.deepEqual(value.shape, [LABELS.length]);
      bound.dispose();
    });
  }
});

test('the loss of every method falls against its gradient', () => {
  for (const method of METHODS) {
    const settings = settingsOf(method);
    const { total, gradients } = run(method, { settings });
    tf.tidy(() => {
      const bound = bind(method, settings);
      const outputs = outputsOf(method, settings, LABELS.length, 3);
      const teacherLogits = tf.tensor2d(keyedTensor('methods/teacher', [LABELS.length, CLASSES], 3), [
        LABELS.length,
        CLASSES,
      ]);
      const moved = { ...outputs };
      for (const [name, gradient] of Object.entries(gradients))
        moved[name] = tf.sub(outputs[name]!, tf.mul(tf.tensor2d(gradient, outputs[name]!.shape), 1e-2));
      const after = bound.loss(moved, tf.tensor1d(LABELS, 'int32'), { epoch: LATE, teacherLogits });
      assert.ok(after.total.dataSync()[0]! < total, method.name);
      bound.dispose();
    });
  }
});

test('losses that the golden data lack are PyTorch’s', () => {
  for (const { method: name, settings: changed, ...expected } of PYTORCH.cases) {
    const method = findMethod(name);
    const settings = settingsOf(method, changed);
    tf.tidy(() => {
      const bound = bind(method, settings, PYTORCH.classCounts);
      const shape: [number, number] = [PYTORCH.labels.length, PYTORCH.classCounts.length];
      const outputs = Object.fromEntries(
        bound.trainedOutputs.map((output) => [
          output,
          tf.tensor2d(keyedTensor(`pytorch/${name}/${output}`, shape, PYTORCH.scale), shape),
        ]),
      );
      const labels = tf.tensor1d(PYTORCH.labels, 'int32');
      const { total, terms, gradients } = lossWithGradients(
        (given) => bound.loss(given, labels, { epoch: 0 }),
        outputs,
      );
      const near = (actual: number, wanted: number, scale: number, what: string): void =>
        assert.ok(
          Math.abs(actual - wanted) <= PYTORCH.relativeTolerance * Math.abs(scale),
          `${name} ${JSON.stringify(changed)}: ${what} is ${actual}, not ${wanted}`,
        );
      near(total.dataSync()[0]!, expected.loss, expected.loss, 'the loss');
      for (const [output, gradient] of Object.entries(gradients)) {
        const values = gradient.dataSync();
        const norm = expected.gradientNorms[output]!;
        near(Math.hypot(...values), norm, norm, `the gradient norm by ${output}`);
        PYTORCH.labels.forEach((label, row) =>
          near(
            values[row * shape[1] + label]!,
            expected.gradientsAtLabels[output]![row]!,
            norm,
            `the gradient by ${output} at row ${row}`,
          ),
        );
      }
      tf.dispose(terms);
      bound.dispose();
    });
  }
});

test('logits of ±50 give finite losses and gradients', () => {
  for (const method of METHODS) assertFinite(run(method, { scale: 50 }), method.name);
  for (const focalGamma of [0, 0.5, 1, 2]) {
    const focal = findMethod('focal');
    assertFinite(
      run(focal, { scale: 50, settings: settingsOf(focal, { focalGamma }) }),
      `gamma ${focalGamma}`,
    );
  }
});

test('a class without training images breaks no loss', () => {
  const classCounts = [...COUNTS.slice(0, -2), 0, 0];
  for (const method of METHODS)
    assertFinite(run(method, { classCounts, labels: [0, 1, 2, 3, 4, 5] }), method.name);
  assert.deepEqual(effectiveNumberWeights([100, 0], 0.9999), [1, 0]);
  assert.deepEqual(ldamMargins([16, 1, 0], 0.5), [0.25, 0.5, 0.5]);
  assert.ok(diversityWeights([100, 0], 0.05).every((weight) => weight > 0 && weight <= 1));
  assert.ok(logPriors([100, 0]).every(Number.isFinite));
});

test('a batch without medium and tail images trains with what it has', () => {
  for (const method of METHODS) assertFinite(run(method, { labels: [0, 1, 0, 1, 0, 1] }), method.name);
  const { terms, gradients } = run(findMethod('reslt'), { labels: [0, 1, 0, 1, 0, 1] });
  assert.equal(terms['branch-m'], 0);
  assert.equal(terms['branch-t'], 0);
  assert.ok(
    gradients['t']!.some((value) => value !== 0),
    'the fusion term reaches branch t',
  );
});

test('without branch h a batch may lie outside every scope', () => {
  const reslt = findMethod('reslt');
  const settings = settingsOf(reslt, { fusion: 'm+t' });
  const result = run(reslt, { settings, labels: [0, 0, 1] });
  assertFinite(result, 'm+t');
  assert.equal(result.terms['branch'], 0);
  assert.deepEqual(Object.keys(result.gradients), ['m', 't']);
});

test('a branch that is switched off takes part in nothing', () => {
  const reslt = findMethod('reslt');
  const settings = settingsOf(reslt, { fusion: 'h+t' });
  assert.deepEqual(
    reslt.outputs(settings).map(({ name }) => name),
    ['h', 't'],
  );
  assert.equal(reslt.fusedLabel(settings), 'H+T');
  tf.tidy(() => {
    const outputs = outputsOf(reslt, settings, 2, 3);
    const fused = bind(reslt, settings).fuse(outputs).dataSync();
    const sum = tf.add(outputs['h']!, outputs['t']!).dataSync();
    assert.deepEqual(fused, sum);
  });
});

test('how ResLT predicts is the reference’s for each kind of network, and can be as it was trained', () => {
  const tauOf = (method: string, changed: Record<string, unknown>): unknown => {
    const head = findMethod(method).head(settingsOf(findMethod(method), changed));
    return 'tau' in head ? head.tau : undefined;
  };
  for (const method of ['reslt', 'ride-reslt']) {
    assert.equal(tauOf(method, { network: 'resnet32' }), null);
    assert.equal(tauOf(method, { network: 'resnet32', gamma: 0.5 }), 0.5);
    assert.equal(tauOf(method, { network: 'resnext50' }), 0.7);
    assert.equal(tauOf(method, { network: 'resnet50', gamma: 0 }), 0);
    assert.equal(tauOf(method, { network: 'resnet50', normaliseClassifier: false }), null);
  }
});

test('re-weighting starts after its epoch: 0.8 of 40 is on from the 33rd', () => {
  const start = (settings: Record<string, unknown>, epochs: number): number | null => {
    const { isActive } = createReweighting(settings, epochs);
    const epoch = Array.from({ length: epochs }, (_, index) => index).find((index) => isActive(index));
    return epoch ?? null;
  };
  assert.equal(start({ deferReweighting: true, reweightEpoch: 0.8 }, 40), 32);
  assert.equal(start({ deferReweighting: true, reweightEpoch: 160 }, 200), 160);
  assert.equal(start({ deferReweighting: true, reweightEpoch: 0 }, 40), 0);
  assert.equal(start({ deferReweighting: false, reweightEpoch: 0.8 }, 40), null);
});

test('the parts of RIDE add up, and the collaborative loss is that of the mean for every expert', () => {
  const ride = findMethod('ride');
  const { total, terms } = run(ride);
  assert.ok(Math.abs(total - (terms['base']! + terms['diversity']!)) < 1e-4);
  const together = run(ride, { settings: settingsOf(ride, { collaborative: true }) }).terms;
  assert.equal(together['base-expert-0'], together['base-expert-2']);
  assert.notEqual(terms['base-expert-0'], terms['base-expert-2']);
});

test('RIDE-ResLT adds up what its experts lose, divides when asked, and is ResLT for each', () => {
  const method = findMethod('ride-reslt');
  const summed = run(method);
  const byExpert = ['expert-0', 'expert-1', 'expert-2'].map((name) => summed.terms[name]!);
  const sum = byExpert.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(summed.total - sum) < 1e-4);
  const mean = run(method, { settings: settingsOf(method, { divideByExperts: true }) });
  assert.ok(Math.abs(mean.total - sum / 3) < 1e-4);
  const diverse = run(method, { settings: settingsOf(method, { fusedDiversityFactor: -0.2 }) });
  assert.ok(diverse.terms['diversity']! < 0);
  assert.ok(Math.abs(diverse.total - (sum + diverse.terms['diversity']!)) < 1e-4);
});

test('a teacher is needed for distillation, and its absence is an error', () => {
  const method = findMethod('ride-distill');
  const settings = settingsOf(method);
  const bound = bind(method, settings);
  assert.throws(
    () =>
      tf.tidy(
        () => bound.loss(outputsOf(method, settings, 1, 3), tf.tensor1d([0], 'int32'), { epoch: 0 }).total,
      ),
    /no logits of its teacher/,
  );
  bound.dispose();
});

test('post-hoc adjustment moves predictions to rare classes, and keeps the plain logits', () => {
  const method = findMethod('logit-adjustment');
  const settings = settingsOf(method, { adjust: 'post-hoc' });
  tf.tidy(() => {
    const bound = bind(method, settings);
    const logits: Tensor2D = tf.zeros([1, CLASSES]);
    assert.equal((tf.argMax(bound.fuse({ logits }), 1) as Tensor1D).dataSync()[0], CLASSES - 1);
    bound.dispose();
  });
  assert.deepEqual(
    method.outputs(settings).map(({ name }) => name),
    ['logits'],
  );
});

test('second stages train what they add, and start it afresh', () => {
  const names = ['conv1.weight', 'linear.weight', 'linear.bias', 'layer3.4.bn2.weight', 'fc.weight'];
  const crt = findMethod('crt');
  assert.deepEqual(names.filter(crt.trains!), ['linear.weight', 'linear.bias', 'fc.weight']);
  const router = findMethod('ride-router');
  assert.ok(router.trains!('backbone.expert_help_pred_fc.weight'));
  assert.ok(!router.trains!('backbone.linears.0.weight'));
});

test('adding a method touches its file and the list: nothing else names methods', () => {
  const root = path.join(import.meta.dirname, '../../..');
  /** Where a name is the point: recipes, what foreign files are taken for, the default and the benchmarks' subject. */
  const exempt = [
    'main/training/methods',
    'main/training/presets',
    'main/exchange',
    'main/api/importedConfig.ts',
    'main/training/config.ts',
    'main/training/benchStep.ts',
    'main/commands/benchStore.ts',
    // The program's own name.
    'main/cli.ts',
    'renderer/pages/run/cliCommand.ts',
    // The group scheme's.
    'main/store/scores.ts',
  ];
  // `class-balanced` is also a sampler's name.
  const names = METHODS.map(({ name }) => name).filter((name) => name !== 'class-balanced');
  const quoted = new RegExp(`['"](${names.join('|')})['"]|\\b(${names.join('|')}): '`);
  const found = ['main', 'renderer', 'preload'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|svelte)$/.test(file))
      .map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')))
      .filter((file) => !exempt.some((each) => file.startsWith(each)))
      .filter((file) => quoted.test(readFileSync(path.join(root, file), 'utf8'))),
  );
  assert.deepEqual(found, []);
});
