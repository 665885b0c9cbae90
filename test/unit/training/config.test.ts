import test from 'node:test';
import assert from 'node:assert/strict';
import { CONFIG_FIELDS, describe, fieldsOf, parseRunConfig } from '../../../main/training/config.ts';
import { METHODS } from '../../../main/training/methods/index.ts';

function problemsOf(input: unknown): Record<string, string> {
  const { problems } = parseRunConfig(input);
  assert.ok(problems, 'a problem was expected');
  return Object.fromEntries(problems.map(({ key, message }) => [key ?? '', message]));
}

test('an empty configuration is ResLT with the reference program’s settings', () => {
  const { config } = parseRunConfig({});
  assert.ok(config);
  assert.deepEqual(
    {
      method: config.method,
      epochs: config.epochs,
      batchSize: config.batchSize,
      learningRate: config.learningRate,
      momentum: config.momentum,
      nesterov: config.nesterov,
      weightDecay: config.weightDecay,
      beta: config['beta'],
      fusion: config['fusion'],
      mediumFrom: config['mediumFrom'],
    },
    {
      method: 'reslt',
      epochs: 200,
      batchSize: 128,
      learningRate: 0.1,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 5e-4,
      beta: 0.995,
      fusion: 'h+m+t',
      mediumFrom: null,
    },
  );
});

test('all problems are reported at once, each with what was expected', () => {
  const problems = problemsOf({ epochs: 0, batchSize: 'many', learningRate: -1, threads: 0 });
  assert.deepEqual(Object.keys(problems).sort(), ['batchSize', 'epochs', 'learningRate', 'threads']);
  assert.equal(problems['epochs'], 'epochs must be a whole number from 1 to 100000, not 0.');
  assert.match(problems['batchSize']!, /not "many"/);
});

test('an unknown key is an error with the nearest key', () => {
  assert.match(problemsOf({ epoch: 40 })['epoch']!, /Did you mean "epochs"\?/);
  assert.match(problemsOf({ LearningRate: 1 })['LearningRate']!, /Did you mean "learningRate"\?/);
  assert.doesNotMatch(problemsOf({ zzzzzzzz: 1 })['zzzzzzzz']!, /Did you mean/);
});

test('a setting of another method is refused by name', () => {
  assert.match(problemsOf({ method: 'ce', beta: 0.5 })['beta']!, /setting of the methods reslt, ride-reslt/);
  const { config } = parseRunConfig({ method: 'ce' });
  assert.ok(config && !('beta' in config));
});

test('an unknown method, and what is no configuration at all, are refused', () => {
  assert.match(problemsOf({ method: 'magic' })['method']!, /one of reslt, ce/);
  for (const input of [null, 7, 'epochs', [1]]) assert.ok(problemsOf(input)['']);
});

test('numbers must be finite, and whole where they count', () => {
  assert.ok(problemsOf({ learningRate: Number.NaN })['learningRate']);
  assert.ok(problemsOf({ weightDecay: Infinity })['weightDecay']);
  assert.ok(problemsOf({ epochs: 1.5 })['epochs']);
});

test('a tail that starts before the medium scope is refused', () => {
  assert.match(problemsOf({ mediumFrom: 5, tailFrom: 4 })['tailFrom']!, /must not be below mediumFrom/);
});

test('a milestone after the end and an endless warm-up are warnings', () => {
  const { config, warnings } = parseRunConfig({ epochs: 4, milestones: [0.5, 10] });
  assert.ok(config);
  assert.deepEqual(warnings.map(({ key }) => key).sort(), ['milestones', 'warmupEpochs']);
  assert.deepEqual(parseRunConfig({ epochs: 40 }).warnings, []);
});

test('a second stage needs its checkpoint, and only a distilling method takes a teacher', () => {
  for (const method of ['crt', 'ride-router'])
    assert.match(problemsOf({ method })['initFrom']!, /is a second stage: initFrom must name the checkpoint/);
  assert.match(problemsOf({ method: 'ride-distill' })['teacher']!, /teacher must name its checkpoint/);
  assert.match(problemsOf({ method: 'ride', teacher: '3@last' })['teacher']!, /learns from no teacher/);
  assert.ok(parseRunConfig({ method: 'ride-distill', teacher: '3@best' }).config);
});

test('a method may set a default of its own, which a configuration overrides', () => {
  const crt = { method: 'crt', initFrom: '3@last' };
  assert.equal(parseRunConfig(crt).config?.sampler, 'class-balanced');
  const shuffled = parseRunConfig({ ...crt, sampler: 'shuffle' });
  assert.equal(shuffled.config?.sampler, 'shuffle');
  assert.match(shuffled.warnings[0]!.message, /class-balanced batches/);
});

test('settings that cannot work together are refused, and those without effect told', () => {
  assert.ok(problemsOf({ batchSize: 8, accumulateSteps: 9 })['accumulateSteps']);
  assert.ok(problemsOf({ colorJitter: 0.4 })['colorJitter']);
  assert.ok(parseRunConfig({ colorJitter: 0.4, augmentation: 'resized-crop' }).config);
  assert.ok(problemsOf({ rotation: 15, augmentation: 'resized-crop' })['rotation']);
  assert.ok(problemsOf({ minLearningRate: 1 })['minLearningRate']);
  const alone = parseRunConfig({ method: 'ride', diversityFactor: 0 });
  assert.match(alone.warnings[0]!.message, /Set collaborative to do as the reference/);
  const late = parseRunConfig({ method: 'ldam', epochs: 40, reweightEpoch: 40 });
  assert.match(late.warnings[0]!.message, /never begins/);
  assert.deepEqual(parseRunConfig({ method: 'ldam', epochs: 40 }).warnings, []);
});

test('a mistyped choice is met with the nearest one', () => {
  assert.match(problemsOf({ method: 'rides' })['method']!, /Did you mean "ride"\?/);
  assert.match(problemsOf({ network: 'ResNet50' })['network']!, /Did you mean "resnet50"\?/);
});

test('every field has a valid default and words for its range', () => {
  for (const { name: method, needs } of METHODS)
    for (const field of fieldsOf(method)) {
      const needed = {
        initFrom: needs?.initFrom ? '1@last' : null,
        teacher: needs?.teacher ? '1@last' : null,
      };
      const given = { [field.key]: field.default, ...needed, method };
      assert.equal(parseRunConfig(given).problems, null, `${method}: ${field.key}`);
      assert.ok(describe(field).length > 0);
    }
  const keys = CONFIG_FIELDS.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, 'a key is listed twice');
});
