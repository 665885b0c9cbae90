import test from 'node:test';
import assert from 'node:assert/strict';
import { findPreset, PRESETS, presetConfig } from '../../../main/training/presets.ts';

test('every preset is a valid configuration of its method', () => {
  for (const preset of PRESETS) {
    const config = presetConfig(preset);
    assert.equal(config.method, preset.method, preset.name);
    assert.equal(config.network, preset.network, preset.name);
  }
});

test('the names are unique and complete', () => {
  const names = PRESETS.map(({ name }) => name).sort();
  const cifar = ['cifar10-lt', 'cifar100-lt'].flatMap((data) =>
    ['', '-if50', '-if10'].flatMap((factor) => ['reslt', 'ce'].map((method) => `${data}${factor}-${method}`)),
  );
  assert.deepEqual(names, [...cifar, 'sample-ce', 'sample-reslt'].sort());
  assert.equal(findPreset('nothing'), null);
});

test('the ResLT presets have the published beta and scopes', () => {
  const expected = {
    'cifar10-lt-reslt': [0.998, 2, 4, 0.01],
    'cifar10-lt-if50-reslt': [0.998, 2, 4, 0.02],
    'cifar10-lt-if10-reslt': [0.96, 2, 4, 0.1],
    'cifar100-lt-reslt': [0.995, 35, 70, 0.01],
    'cifar100-lt-if50-reslt': [0.99, 35, 70, 0.02],
    'cifar100-lt-if10-reslt': [0.72, 35, 70, 0.1],
  };
  for (const [name, [beta, mediumFrom, tailFrom, imbalanceFactor]] of Object.entries(expected)) {
    const preset = findPreset(name)!;
    const config = presetConfig(preset);
    assert.deepEqual(
      [config['beta'], config['mediumFrom'], config['tailFrom'], preset.imbalanceFactor],
      [beta, mediumFrom, tailFrom, imbalanceFactor],
      name,
    );
    assert.equal(preset.published, null, `${name}: the paper's numbers were not verified`);
  }
});

test('only the sample’s presets bring their dataset', () => {
  for (const preset of PRESETS)
    assert.equal(presetConfig(preset).dataset, preset.dataset === 'sample' ? 'sample' : '', preset.name);
});
