import test from 'node:test';
import assert from 'node:assert/strict';
import { CONFIG_FIELDS, describe, fieldsOf, parseRunConfig } from '../../../main/training/config.ts';

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

test('every field has a valid default and words for its range', () => {
  for (const method of ['reslt', 'ce'])
    for (const field of fieldsOf(method)) {
      const given = { method, [field.key]: field.default };
      assert.equal(parseRunConfig(given).problems, null, field.key);
      assert.ok(describe(field).length > 0);
    }
  const keys = CONFIG_FIELDS.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, 'a key is listed twice');
});
