/** What the form of a new run decides: fields of a method, typed values, seeds, the dataset that fits. */
import test from 'node:test';
import assert from 'node:assert/strict';
import type { ConfigCheck, ConfigField, DatasetSummary, RunSummary } from '../../../preload/contract.ts';
import { checkpointOptions } from '../../../renderer/newrun/checkpoints.ts';
import { nextSeeds, parseSeeds } from '../../../renderer/lib/seeds.ts';
import {
  emptyMeaning,
  fieldHint,
  fittingDataset,
  formSections,
  parseNumbers,
  publishedText,
  sameValue,
  typedNumber,
  unreadableKeys,
  withMethod,
} from '../../../renderer/newrun/form.ts';

function field(key: string, change: Partial<ConfigField> = {}): ConfigField {
  return {
    key,
    label: key,
    group: 'training',
    type: 'number',
    unit: null,
    min: null,
    max: null,
    choices: null,
    default: 0,
    nullable: false,
    help: '',
    methods: null,
    requiredFor: [],
    onlyWith: null,
    images: null,
    ...change,
  };
}

const FIELDS: ConfigField[] = [
  field('method', { group: 'method', type: 'choice', default: 'reslt' }),
  field('beta', { group: 'method', default: 0.995, methods: ['reslt'] }),
  field('epochs', { type: 'integer', default: 200 }),
  field('seed', { type: 'integer' }),
  field('schemaVersion', { type: 'integer' }),
  field('dataset', { group: 'data', type: 'text' }),
];

test('the form shows the fields of its method, and not those that stand elsewhere', () => {
  const sections = (method: string) =>
    formSections(FIELDS, { config: { method }, isPhotographs: null, marked: [] });
  const keys = (method: string) => sections(method).flatMap(({ fields }) => fields.map(({ key }) => key));
  assert.deepEqual(keys('reslt'), ['method', 'beta', 'epochs']);
  assert.deepEqual(keys('ce'), ['method', 'epochs']);
  assert.ok(sections('ce').some(({ group }) => group === 'data'));
});

test('settings without an effect are left out, unless they were changed or are wrong', () => {
  const fields = [
    field('schedule'),
    field('milestones', { onlyWith: { key: 'schedule', values: ['steps'] } }),
    field('cropPadding', { images: 'small' }),
    field('imageSize', { images: 'photographs' }),
  ];
  const keys = (schedule: string, isPhotographs: boolean | null, marked: string[] = []) =>
    formSections(fields, { config: { method: 'ce', schedule }, isPhotographs, marked }).flatMap((section) =>
      section.fields.map(({ key }) => key),
    );
  assert.deepEqual(keys('steps', false), ['schedule', 'milestones', 'cropPadding']);
  assert.deepEqual(keys('cosine', true), ['schedule', 'imageSize']);
  assert.deepEqual(keys('cosine', true, ['milestones']), ['schedule', 'milestones', 'imageSize']);
  assert.deepEqual(keys('steps', null), ['schedule', 'milestones', 'cropPadding', 'imageSize']);
});

test('checkpoints of the same network are offered, those on the same data first', () => {
  const run = (id: number, change: Partial<RunSummary>): RunSummary =>
    ({
      ...{ id, title: 'CE', detail: '', seed: 0, kind: 'train', network: 'resnet32', datasetId: 1 },
      ...{ datasetName: 'cifar', last: null, best: null },
      ...change,
    }) as RunSummary;
  const at = (epoch: number, top1: number) => ({ epoch, top1 }) as RunSummary['last'];
  const options = checkpointOptions(
    [
      run(5, { datasetId: 2, datasetName: 'other', last: at(40, 0.5), best: at(40, 0.5) }),
      run(4, { last: at(40, 0.6), best: at(38, 0.62) }),
      run(3, { network: 'resnet50', last: at(9, 0.9) }),
      run(2, {}),
      run(1, { kind: 'evaluate', last: at(9, 0.9) }),
    ],
    { network: 'resnet32', datasetId: 1 },
  );
  assert.deepEqual(
    options.map(({ value }) => value),
    ['4@last', '4@best', '5@last'],
  );
  assert.match(options[1]!.detail, /^cifar, epoch 38, 62\.0/);
});

test('a published accuracy says where it is printed, and its absence says so', () => {
  const published = { top1: 0.486, many: 0.67, medium: 0.499, few: 0.257, source: 'RIDE, MODEL_ZOO.md' };
  assert.equal(
    publishedText({ published }).replaceAll('\u00a0', ' '),
    'Published: 48.6 %; many 67.0, medium 49.9, few 25.7 (RIDE, MODEL_ZOO.md).',
  );
  assert.match(publishedText({ published: null }), /verified/);
});

test('another method brings its own settings and leaves the old ones behind', () => {
  const config = { method: 'reslt', beta: 0.9, epochs: 40 };
  assert.deepEqual(withMethod(config, 'ce', FIELDS), { method: 'ce', epochs: 40 });
  assert.deepEqual(withMethod({ method: 'ce', epochs: 40 }, 'reslt', FIELDS), {
    method: 'reslt',
    beta: 0.995,
    epochs: 40,
  });
});

test('values are compared by what they mean', () => {
  assert.equal(sameValue([0.8, 0.9], [0.8, 0.9]), true);
  assert.equal(sameValue([0.8], [0.8, 0.9]), false);
  assert.equal(sameValue(null, undefined), false);
  assert.equal(sameValue(NaN, NaN), true);
});

test('text that is no number is known before anybody is asked', () => {
  assert.deepEqual(parseNumbers('0.8, 0.9'), [0.8, 0.9]);
  assert.deepEqual(parseNumbers(''), []);
  assert.deepEqual(unreadableKeys({ a: NaN, b: [1, NaN], c: 'x', d: 1, e: null }), ['a', 'b']);
  assert.deepEqual(unreadableKeys({ milestones: parseNumbers('160, eighty') }), ['milestones']);
});

test('numbers are typed as they are read back', () => {
  for (const value of [0.1, 5e-4, 12_406, -3, 0.995, 1e-9]) assert.equal(Number(typedNumber(value)), value);
});

test('a preset finds the dataset of its kind and imbalance', () => {
  const dataset = (id: number, kind: DatasetSummary['kind'], classes: number, imbalanceFactor: number) =>
    ({ id, kind, classes, imbalanceFactor }) as DatasetSummary;
  const known = [
    dataset(1, 'cifar-10', 10, 0.1),
    dataset(2, 'cifar-10', 10, 0.0101),
    dataset(3, 'sample', 10, 0.02),
    dataset(4, 'list', 1000, 0.0039),
    dataset(5, 'folder', 365, 0.001),
  ];
  const fitting = (kinds: DatasetSummary['kind'][], classes: number, imbalanceFactor: number) =>
    fittingDataset({ kinds, classes, imbalanceFactor }, known)?.id;
  assert.equal(fitting(['cifar-10'], 10, 0.01), 2);
  assert.equal(fitting(['cifar-10'], 10, 0.02), undefined);
  assert.equal(fitting(['sample'], 10, 0.01), 3);
  assert.equal(fitting(['cifar-100'], 100, 0.01), undefined);
  assert.equal(fitting(['list', 'folder'], 1000, 5 / 1280), 4);
  assert.equal(fitting(['list', 'folder'], 365, 5 / 4980), 5);
  assert.equal(fitting(['list', 'folder'], 8142, 0.002), undefined);
});

const RESOLVED: NonNullable<ConfigCheck['resolved']> = {
  stepsPerEpoch: 84,
  totalSteps: 16_800,
  milestones: [160, 180],
  parameters: 464_154,
  branches: [
    { id: 'h', label: 'H', fromRank: 0, classes: 100, images: 10_847 },
    { id: 'm', label: 'M', fromRank: 35, classes: 65, images: 2023 },
  ],
};

test('a field says what it means for this dataset', () => {
  assert.equal(fieldHint('batchSize', RESOLVED, 100), '84 steps per epoch');
  assert.equal(fieldHint('mediumFrom', RESOLVED, 100), 'to class 99: 65 classes, 2,023 images');
  assert.equal(fieldHint('milestones', RESOLVED, 100), 'epochs 160, 180');
  assert.equal(fieldHint('tailFrom', RESOLVED, 100), '');
  assert.equal(fieldHint('batchSize', null, null), '');
  assert.equal(emptyMeaning(field('mediumFrom', { nullable: true }), RESOLVED), '35');
  assert.equal(emptyMeaning(field('threads', { nullable: true }), RESOLVED), 'all');
  assert.equal(emptyMeaning(field('epochs'), RESOLVED), '');
});

test('seeds are a list or a range, each once', () => {
  assert.deepEqual(parseSeeds('0,1, 2'), { seeds: [0, 1, 2], problem: null });
  assert.deepEqual(parseSeeds('0-2 7'), { seeds: [0, 1, 2, 7], problem: null });
  assert.deepEqual(parseSeeds('3–4').seeds, [3, 4]);
  assert.equal(parseSeeds('0, 1, 1').problem, 'Seed 1 is there twice.');
  assert.equal(parseSeeds('0-2, 1').problem, 'Seed 1 is there twice.');
  assert.match(parseSeeds('').problem ?? '', /at least one seed/);
  assert.match(parseSeeds('1.5').problem ?? '', /“1.5” is no seed/);
  assert.match(parseSeeds('-1').problem ?? '', /no seed/);
  assert.match(parseSeeds('4-2').problem ?? '', /backwards/);
  assert.match(parseSeeds('4294967296').problem ?? '', /too large/);
  assert.match(parseSeeds('0-100').problem ?? '', /At most 100/);
});

test('repeating suggests seeds that were not used', () => {
  assert.deepEqual(nextSeeds([0, 1, 3], 2), [2, 4]);
  assert.deepEqual(nextSeeds([], 2), [0, 1]);
});
