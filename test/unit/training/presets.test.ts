/**
 * Every preset against what the published programs say, typed out here a second time: schedule, batch, rates, scopes,
 * sizes of the networks, and the accuracies that may be shown.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CONFIG_FIELDS } from '../../../main/training/config.ts';
import { findMethod, METHODS } from '../../../main/training/methods/index.ts';
import { countParameters } from '../../../main/training/networks/graph.ts';
import { findNetwork, NETWORKS } from '../../../main/training/networks/index.ts';
import {
  findPreset,
  openSettings,
  PRESETS,
  presetConfig,
  type Preset,
} from '../../../main/training/presets/index.ts';
import { learningRateAt, resolveMilestones } from '../../../main/training/schedules.ts';

const presetOf = (name: string): Preset => {
  const preset = findPreset(name);
  assert.ok(preset, `there is no preset ${name}`);
  return preset;
};
const configOf = (name: string) => presetConfig(presetOf(name));
const IMBALANCES = [
  ['', 0.01],
  ['-if50', 0.02],
  ['-if10', 0.1],
] as const;
const BASELINES = [
  'ce',
  'focal',
  'class-balanced',
  'class-balanced-focal',
  'ldam',
  'ldam-drw',
  'balanced-softmax',
  'logit-adjustment',
  'logit-adjustment-post-hoc',
  'tau-norm',
  'crt',
];

test('every preset is a valid configuration of its method, and its network can be built', () => {
  for (const preset of PRESETS) {
    const config = presetConfig(preset);
    assert.equal(config.method, preset.method, preset.name);
    assert.equal(config.network, preset.network, preset.name);
    const network = findNetwork(preset.network);
    assert.equal(network.imageKind, preset.benchmark.imageKind, `${preset.name}: images`);
    assert.ok(parametersOf(preset) > 400_000, preset.name);
    for (const key of Object.keys(preset.settings))
      assert.ok(
        CONFIG_FIELDS.some((field) => field.key === key),
        `${preset.name}: ${key}`,
      );
  }
});

test('all presets are there, each under one name', () => {
  const cifar = (data: string): string[] =>
    IMBALANCES.flatMap(([suffix]) =>
      ['reslt', 'ride', 'ride-reslt', ...BASELINES].map((method) => `${data}${suffix}-${method}`),
    );
  const ride = (stem: string): string[] =>
    ['ride', 'ride-teacher', 'ride-distill', 'ride-router'].map((method) => `${stem}-${method}`);
  const baselines = (stem: string): string[] => BASELINES.map((method) => `${stem}-${method}`);
  const expected = [
    ...['reslt', 'ce', 'ldam-drw', 'balanced-softmax', 'ride', 'ride-reslt'].map((one) => `sample-${one}`),
    ...cifar('cifar10-lt'),
    ...cifar('cifar100-lt'),
    ...['ride-teacher', 'ride-distill', 'ride-router'].map((one) => `cifar100-lt-${one}`),
    ...['resnet10', 'resnext50', 'resnext101'].map((network) => `imagenet-lt-${network}-reslt`),
    'imagenet-lt-resnext50-ride-reslt',
    ...['resnet10', 'resnet50', 'resnext50'].flatMap((network) => ride(`imagenet-lt-${network}`)),
    ...['resnet10', 'resnext50'].flatMap((network) => baselines(`imagenet-lt-${network}`)),
    ...['reslt', 'ride-reslt'].map((method) => `inaturalist-resnet50-${method}`),
    ...ride('inaturalist-resnet50'),
    ...baselines('inaturalist-resnet50'),
    ...['reslt', 'ce'].map((method) => `places-lt-resnet152-${method}`),
  ];
  assert.deepEqual(PRESETS.map(({ name }) => name).sort(), expected.sort());
  assert.equal(findPreset('nothing'), null);
  for (const { name } of METHODS)
    assert.ok(
      PRESETS.some(({ method }) => method === name),
      `no preset has the method ${name}`,
    );
  for (const { name } of NETWORKS)
    assert.ok(
      PRESETS.some(({ network }) => network === name),
      `no preset has the network ${name}`,
    );
});

test('only the sample’s presets bring their dataset, and second stages leave their checkpoint open', () => {
  for (const preset of PRESETS) {
    const config = presetConfig(preset);
    assert.equal(config.dataset, preset.benchmark.id === 'sample' ? 'sample' : '', preset.name);
    assert.deepEqual([config.initFrom, config.teacher], [null, null], preset.name);
  }
  assert.deepEqual(openSettings(presetOf('cifar10-lt-crt')), ['initFrom']);
  assert.deepEqual(openSettings(presetOf('cifar100-lt-ride-router')), ['initFrom']);
  assert.deepEqual(openSettings(presetOf('cifar100-lt-ride-distill')), ['teacher']);
  assert.deepEqual(openSettings(presetOf('places-lt-resnet152-reslt')), []);
});

/** Batch, epochs, rate, schedule, warm-up, weight decay, Nesterov, last batch left out. */
type Training = [number, number, number, string, number, number, boolean, boolean];
const TRAINING: Record<string, Training> = {
  'cifar10-lt-reslt': [128, 200, 0.1, 'cifar-step', 5, 5e-4, true, true],
  'cifar100-lt-if10-reslt': [128, 200, 0.1, 'cifar-step', 5, 5e-4, true, true],
  'cifar100-lt-ce': [128, 200, 0.1, 'cifar-step', 5, 5e-4, true, true],
  'cifar10-lt-if50-ride-reslt': [128, 200, 0.1, 'cifar-step', 5, 5e-4, true, true],
  'cifar100-lt-ldam-drw': [128, 200, 0.1, 'warmup-step', 5, 2e-4, false, false],
  'cifar100-lt-ride': [128, 200, 0.1, 'warmup-step', 5, 5e-4, true, false],
  'cifar10-lt-ride': [128, 200, 0.1, 'warmup-step', 5, 5e-4, true, false],
  'cifar100-lt-ride-teacher': [128, 200, 0.1, 'warmup-step', 5, 5e-4, true, false],
  'cifar100-lt-ride-distill': [128, 200, 0.1, 'warmup-step', 20, 5e-4, true, false],
  'cifar100-lt-ride-router': [512, 5, 0.01, 'cosine-annealing', 5, 5e-4, true, false],
  'imagenet-lt-resnet10-reslt': [256, 180, 0.1, 'warmup-cosine', 5, 5e-4, false, true],
  'imagenet-lt-resnext50-reslt': [256, 180, 0.1, 'warmup-cosine', 5, 5e-4, false, true],
  'imagenet-lt-resnext101-reslt': [128, 180, 0.05, 'warmup-cosine', 5, 5e-4, false, true],
  'imagenet-lt-resnext50-ride-reslt': [128, 180, 0.05, 'warmup-cosine', 5, 5e-4, false, true],
  'imagenet-lt-resnext50-balanced-softmax': [256, 180, 0.1, 'warmup-cosine', 5, 5e-4, false, true],
  'inaturalist-resnet50-reslt': [256, 200, 0.1, 'cosine', 0, 1e-4, false, true],
  'inaturalist-resnet50-ride-reslt': [256, 200, 0.1, 'warmup-cosine', 5, 1e-4, false, true],
  'imagenet-lt-resnet10-ride': [256, 100, 0.1, 'warmup-step', 5, 2e-4, true, false],
  'imagenet-lt-resnet50-ride-teacher': [256, 100, 0.1, 'warmup-step', 5, 2e-4, true, false],
  'imagenet-lt-resnext50-ride-distill': [256, 100, 0.1, 'warmup-step', 5, 2e-4, true, false],
  'inaturalist-resnet50-ride': [512, 100, 0.2, 'warmup-step', 5, 2e-4, true, false],
  'places-lt-resnet152-reslt': [128, 30, 0.02, 'warmup-cosine', 5, 5e-4, false, true],
};

test('batch, length, rate, schedule and decay are the published ones', () => {
  for (const [name, expected] of Object.entries(TRAINING)) {
    const { batchSize, epochs, learningRate, schedule, warmupEpochs, weightDecay, nesterov, dropLast } =
      configOf(name);
    assert.deepEqual(
      [batchSize, epochs, learningRate, schedule, warmupEpochs, weightDecay, nesterov, dropLast],
      expected,
      name,
    );
  }
});

test('the rate falls in the epochs that the programs name, and in a shortened run at the same shares', () => {
  const rates = (name: string, epochs: number[], length?: number): number[] => {
    const config = configOf(name);
    return epochs.map((epoch) =>
      Number(learningRateAt({ ...config, epochs: length ?? config.epochs }, epoch - 1).toPrecision(6)),
    );
  };
  assert.deepEqual(rates('cifar10-lt-reslt', [1, 5, 160, 161, 181]), [0.0466667, 0.1, 0.1, 0.01, 0.001]);
  assert.deepEqual(rates('cifar100-lt-ride', [1, 5, 160, 161, 181]), [0.02, 0.1, 0.1, 0.001, 1e-5]);
  assert.deepEqual(rates('cifar100-lt-ldam-drw', [160, 161, 181]), [0.1, 0.001, 1e-5]);
  assert.deepEqual(rates('imagenet-lt-resnext50-ride', [60, 61, 80, 81]), [0.1, 0.01, 0.01, 0.001]);
  assert.deepEqual(rates('inaturalist-resnet50-reslt', [1, 101]), [0.1, 0.05]);
  assert.deepEqual(
    rates('cifar100-lt-ride-router', [1, 2, 3, 4, 5]),
    [0.01, 0.00904508, 0.00654508, 0.00345492, 0.000954915],
  );
  assert.deepEqual(rates('cifar10-lt-ride', [32, 33, 37], 40), [0.1, 0.001, 1e-5]);
  for (const [name, epoch] of [
    ['cifar100-lt-ride', 160],
    ['cifar100-lt-ldam-drw', 160],
    ['imagenet-lt-resnet50-ride', 80],
    ['inaturalist-resnet50-ride', 80],
  ] as const) {
    const config = configOf(name);
    assert.deepEqual(resolveMilestones([Number(config['reweightEpoch'])], config.epochs), [epoch], name);
    assert.equal(config['deferReweighting'], true, name);
  }
  assert.equal(configOf('cifar100-lt-ldam')['deferReweighting'], false);
});

test('ResLT’s beta and scopes are those of its scripts', () => {
  const expected: Record<string, [number, number, number | null, string, string]> = {
    'cifar10-lt-reslt': [0.998, 2, 4, 'h+m+t', 'exact'],
    'cifar10-lt-if50-reslt': [0.998, 2, 4, 'h+m+t', 'exact'],
    'cifar10-lt-if10-reslt': [0.96, 2, 4, 'h+m+t', 'exact'],
    'cifar100-lt-reslt': [0.995, 35, 70, 'h+m+t', 'exact'],
    'cifar100-lt-if50-reslt': [0.99, 35, 70, 'h+m+t', 'exact'],
    'cifar100-lt-if10-reslt': [0.72, 35, 70, 'h+m+t', 'exact'],
    'cifar100-lt-ride-reslt': [0.995, 35, 70, 'h+m+t', 'exact'],
    'imagenet-lt-resnet10-reslt': [0.99, 1000 - 825, 1000 - 220, 'h+m+t', 'capped'],
    'imagenet-lt-resnext101-reslt': [0.99, 1000 - 825, 1000 - 220, 'h+m+t', 'capped'],
    'imagenet-lt-resnext50-ride-reslt': [0.99, 1000 - 825, 1000 - 220, 'h+m+t', 'capped'],
    'inaturalist-resnet50-reslt': [0.85, 8142 - 6600, null, 'h+m', 'exact'],
    'inaturalist-resnet50-ride-reslt': [0.85, 8142 - 6600, null, 'h+m', 'exact'],
    'places-lt-resnet152-reslt': [0.99, 131, 131 + 163, 'h+m+t', 'capped'],
  };
  for (const [name, values] of Object.entries(expected)) {
    const config = configOf(name);
    assert.deepEqual(
      ['beta', 'mediumFrom', 'tailFrom', 'fusion', 'fusionTerm'].map((key) => config[key]),
      values,
      name,
    );
  }
  const heads: Record<string, [number, boolean]> = {
    'imagenet-lt-resnet10-reslt': [0.3, false],
    'imagenet-lt-resnext50-reslt': [0.7, true],
    'imagenet-lt-resnext101-reslt': [0.7, true],
    'inaturalist-resnet50-reslt': [0.3, true],
  };
  for (const [name, [tau, fusionBlockBeforePooling]] of Object.entries(heads))
    assert.deepEqual(
      findMethod('reslt').head(configOf(name)),
      { kind: 'branches', fusionBlockBeforePooling, poolFirstAtInference: true, tau },
      name,
    );
  assert.equal(configOf('imagenet-lt-resnext50-ride-reslt')['gamma'], 0.7);
  assert.equal(configOf('inaturalist-resnet50-ride-reslt')['gamma'], 0.3);
});

test('RIDE has its experts, factors and temperatures', () => {
  const expected: Record<string, [number, boolean, number, number]> = {
    'cifar100-lt-ride': [3, true, -0.45, 0.05],
    'cifar100-lt-ride-teacher': [6, true, -0.45, 0.05],
    'cifar100-lt-ride-distill': [3, true, -0.45, 0.05],
    'cifar10-lt-ride': [3, true, -0.45, 0.05],
    'imagenet-lt-resnet10-ride': [3, true, -0.2, 0.02],
    'imagenet-lt-resnext50-ride-teacher': [6, true, -0.2, 0.02],
    'inaturalist-resnet50-ride': [3, true, -0.2, 0.015],
  };
  for (const [name, values] of Object.entries(expected)) {
    const config = configOf(name);
    const keys = ['experts', 'reduceDimension', 'diversityFactor', 'reweightFactor'];
    assert.deepEqual(
      keys.map((key) => config[key]),
      values,
      name,
    );
    assert.deepEqual(
      ['classifier', 'scale', 'maxMargin', 'expertLoss', 'collaborative'].map((key) => config[key]),
      ['cosine', 30, 0.5, 'ldam', false],
      name,
    );
  }
  for (const [name, topChoices] of [
    ['cifar100-lt-ride-router', 30],
    ['imagenet-lt-resnet10-ride-router', 30],
    ['imagenet-lt-resnet50-ride-router', 50],
    ['imagenet-lt-resnext50-ride-router', 50],
    ['inaturalist-resnet50-ride-router', 50],
  ] as const) {
    const config = configOf(name);
    assert.deepEqual(
      [config['topChoices'], config['positiveWeight'], config.sampler],
      [topChoices, 100, 'class-balanced'],
      name,
    );
  }
  assert.equal(configOf('cifar100-lt-ride-distill')['distillTemperature'], 1.5);
});

test('images are augmented as in each program', () => {
  const augmentation = (name: string) => {
    const { augmentation: kind, cropPadding, flip, rotation, colorJitter } = configOf(name);
    return kind === 'crop' ? [kind, cropPadding, flip, rotation] : [kind, flip, rotation, colorJitter];
  };
  assert.deepEqual(augmentation('cifar100-lt-reslt'), ['crop', 4, true, 0]);
  assert.deepEqual(augmentation('cifar100-lt-ldam-drw'), ['crop', 4, true, 0]);
  assert.deepEqual(augmentation('cifar100-lt-ride-reslt'), ['crop', 4, true, 0]);
  for (const method of ['ride', 'ride-teacher', 'ride-distill', 'ride-router'])
    assert.deepEqual(augmentation(`cifar100-lt-${method}`), ['crop', 4, true, 15], method);
  for (const preset of PRESETS.filter(({ benchmark }) => benchmark.id === 'imagenet-lt'))
    assert.deepEqual(augmentation(preset.name), ['resized-crop', true, 0, 0.4], preset.name);
  for (const preset of PRESETS.filter(({ benchmark }) => ['inaturalist', 'places-lt'].includes(benchmark.id)))
    assert.deepEqual(augmentation(preset.name), ['resized-crop', true, 0, 0], preset.name);
});

function parametersOf({ name, network, benchmark, method }: Preset): number {
  const side = benchmark.imageKind === 'large' ? 224 : 32;
  const { classes } = benchmark;
  const head = findMethod(method).head(configOf(name));
  return countParameters(
    findNetwork(network).build({ height: side, width: side, channels: 3, classes, head }),
  );
}

test('the networks have as many parameters as the published ones', () => {
  const expected: Record<string, number> = {
    'cifar10-lt-reslt': 464_538,
    'cifar100-lt-reslt': 470_388,
    'cifar10-lt-ce': 464_154,
    'cifar100-lt-ce': 470_004,
    'cifar100-lt-ldam-drw': 469_904,
    'cifar100-lt-ride': 783_856,
    'cifar100-lt-ride-teacher': 1_543_888,
    'imagenet-lt-resnet10-reslt': 6_208_296,
    'imagenet-lt-resnext50-reslt': 37_624_104,
    'imagenet-lt-resnext101-reslt': 56_772_904,
    'imagenet-lt-resnext50-ride-reslt': 64_153_336,
    'inaturalist-resnet50-reslt': 52_786_190,
    'inaturalist-resnet50-ride-reslt': 155_468_714,
  };
  for (const [name, count] of Object.entries(expected))
    assert.equal(parametersOf(presetOf(name)), count, name);
  const millions: Record<string, number> = {
    'imagenet-lt-resnext50-ride': 42.89,
    'imagenet-lt-resnext50-ride-teacher': 84.37,
    'imagenet-lt-resnet50-ride': 43.68,
    'imagenet-lt-resnet10-ride': 9.4,
    'inaturalist-resnet50-ride': 76.59,
    'inaturalist-resnet50-ride-teacher': 151.73,
  };
  for (const [name, count] of Object.entries(millions))
    assert.equal(Math.round(parametersOf(presetOf(name)) / 1e4) / 100, count, name);
});

/** In percent, as printed, with what else is printed beside. Every other preset has none. */
const PUBLISHED: Record<string, [number, number?, number?, number?]> = {
  'cifar10-lt-ce': [70.4],
  'cifar10-lt-if50-ce': [74.8],
  'cifar10-lt-if10-ce': [86.4],
  'cifar100-lt-ce': [38.3],
  'cifar100-lt-if50-ce': [43.9],
  'cifar100-lt-if10-ce': [55.7],
  'cifar10-lt-focal': [70.4],
  'cifar10-lt-if50-focal': [76.7],
  'cifar10-lt-if10-focal': [86.7],
  'cifar100-lt-focal': [38.4],
  'cifar100-lt-if50-focal': [44.3],
  'cifar100-lt-if10-focal': [55.8],
  'cifar10-lt-class-balanced-focal': [74.6],
  'cifar10-lt-if50-class-balanced-focal': [79.3],
  'cifar10-lt-if10-class-balanced-focal': [87.1],
  'cifar100-lt-class-balanced-focal': [39.6],
  'cifar100-lt-if50-class-balanced-focal': [45.2],
  'cifar100-lt-if10-class-balanced-focal': [58],
  'cifar10-lt-ldam-drw': [77],
  'cifar10-lt-if50-ldam-drw': [81],
  'cifar10-lt-if10-ldam-drw': [88.2],
  'cifar100-lt-ldam-drw': [42],
  'cifar100-lt-if50-ldam-drw': [46.6],
  'cifar100-lt-if10-ldam-drw': [58.7],
  'cifar10-lt-balanced-softmax': [77.54],
  'cifar10-lt-if50-balanced-softmax': [81.11],
  'cifar100-lt-balanced-softmax': [42.99],
  'cifar100-lt-if50-balanced-softmax': [46.55],
  'cifar100-lt-logit-adjustment': [42.01],
  'cifar100-lt-if50-logit-adjustment': [47.03],
  'cifar100-lt-if10-logit-adjustment': [57.74],
  'cifar10-lt-tau-norm': [72.7],
  'cifar10-lt-if50-tau-norm': [79.78],
  'cifar100-lt-tau-norm': [40.96],
  'cifar100-lt-if50-tau-norm': [45.69],
  'cifar10-lt-crt': [74.99],
  'cifar10-lt-if50-crt': [80.17],
  'cifar100-lt-crt': [40.26],
  'cifar100-lt-if50-crt': [45.36],
  'cifar10-lt-ride': [81.54],
  'cifar100-lt-ride': [48],
  'cifar100-lt-if50-ride': [51.7],
  'cifar100-lt-if10-ride': [61.8],
  'cifar100-lt-ride-teacher': [50.2, 69.3, 52.1, 25.8],
  'cifar100-lt-ride-distill': [49, 67.6, 50.9, 25.2],
  'cifar100-lt-ride-router': [48.6, 67, 49.9, 25.7],
  'imagenet-lt-resnext50-reslt': [53.2, 61.6, 51.4, 38.8],
  'imagenet-lt-resnext50-ride-reslt': [57.6],
  'imagenet-lt-resnext50-ride': [55.7, 67, 52.2, 36],
  'imagenet-lt-resnext50-ride-teacher': [57.5, 68.9, 54.3, 36.5],
  'imagenet-lt-resnext50-ride-distill': [56.4],
  'imagenet-lt-resnet50-ride-distill': [54.9],
  'imagenet-lt-resnet10-ce': [34.8],
  'imagenet-lt-resnet10-crt': [41.8],
  'imagenet-lt-resnet10-balanced-softmax': [41.8],
  'imagenet-lt-resnext50-ce': [44.4, 65.9, 37.5, 7.7],
  'imagenet-lt-resnext50-crt': [49.6, 61.8, 46.2, 27.4],
  'imagenet-lt-resnext50-tau-norm': [49.4, 59.1, 46.9, 30.7],
  'imagenet-lt-resnext50-focal': [43.7, 64.3, 37.1, 8.2],
  'imagenet-lt-resnext50-balanced-softmax': [51.2, 62.4, 47.7, 32.1],
  'imagenet-lt-resnext50-ldam': [51.1, 60, 49.2, 31.9],
  'inaturalist-resnet50-reslt': [69.4, 67.5, 69.2, 70.1],
  'inaturalist-resnet50-ride-reslt': [72.9],
  'inaturalist-resnet50-ride': [71.2, 70.2, 71.2, 71.6],
  'inaturalist-resnet50-ride-teacher': [72.9, 71.1, 72.9, 73.3],
  'inaturalist-resnet50-ce': [61.7, 72.2, 63, 57.2],
};

test('accuracies are shown only where they were verified, with where they are printed', () => {
  for (const { name, published, source } of PRESETS) {
    assert.ok(source.length > 10, name);
    const expected = PUBLISHED[name];
    if (expected === undefined) {
      assert.equal(published, null, `${name}: the number was not verified`);
      continue;
    }
    assert.ok(published, name);
    assert.ok(published.source.length > 5, name);
    const [top1, ...groups] = expected;
    const percent = (value: number | null) => (value === null ? undefined : Number((value * 100).toFixed(4)));
    assert.equal(percent(published.top1), top1, name);
    assert.deepEqual(
      [published.many, published.medium, published.few].map(percent),
      groups.length === 0 ? [undefined, undefined, undefined] : groups,
      name,
    );
  }
  for (const name of ['places-lt-resnet152-reslt', 'cifar10-lt-ride-reslt'])
    assert.match(presetOf(name).source, /^Ours/, name);
});

test('benchmarks have their classes, images and imbalance', () => {
  const expected: Record<string, [number, number, number]> = {
    'cifar10-lt-ce': [10, 12_406, 0.01],
    'cifar10-lt-if50-ce': [10, 13_996, 0.02],
    'cifar10-lt-if10-ce': [10, 20_431, 0.1],
    'cifar100-lt-ce': [100, 10_847, 0.01],
    'cifar100-lt-if50-ce': [100, 12_608, 0.02],
    'cifar100-lt-if10-ce': [100, 19_573, 0.1],
    'imagenet-lt-resnet10-ce': [1000, 115_846, 5 / 1280],
    'inaturalist-resnet50-ce': [8142, 437_513, 2 / 1000],
    'places-lt-resnet152-ce': [365, 62_500, 5 / 4980],
    'sample-ce': [10, 3358, 0.005],
  };
  for (const [name, values] of Object.entries(expected)) {
    const { classes, images, imbalanceFactor } = presetOf(name).benchmark;
    assert.deepEqual([classes, images.train, imbalanceFactor], values, name);
  }
});
