import test from 'node:test';
import assert from 'node:assert/strict';
import { findPreset, PRESETS, presetConfig } from '../../../main/training/presets/index.ts';

test('every preset is a valid configuration of its method', () => {
  for (const preset of PRESETS) {
    const config = presetConfig(preset);
    assert.equal(config.method, preset.method, preset.name);
    assert.equal(config.network, preset.network, preset.name);
  }
});

test('the names are unique', () => {
  assert.equal(new Set(PRESETS.map(({ name }) => name)).size, PRESETS.length);
  assert.equal(findPreset('nothing'), null);
});

test('only the sample’s presets bring their dataset', () => {
  for (const preset of PRESETS)
    assert.equal(presetConfig(preset).dataset, preset.benchmark.id === 'sample' ? 'sample' : '', preset.name);
});
