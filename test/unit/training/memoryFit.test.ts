/** What a run needs of memory against what is there: the sentence names what is short and what mends it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryNeed, memoryProblem } from '../../../main/training/memoryFit.ts';
import { buildNetwork } from '../../../main/training/model.ts';
import { PRESETS, presetConfig } from '../../../main/training/presets/index.ts';

function needOf(name: string, classes: number, evaluatedImages: number, device: 'gpu' | 'cpu') {
  const config = presetConfig(PRESETS.find((preset) => preset.name === name)!);
  const classNames = Array.from({ length: classes }, (_, index) => String(index));
  const network = buildNetwork(config, { height: 224, width: 224, channels: 3, classNames });
  return { config, need: memoryNeed(config, network, { evaluatedImages, device }) };
}

const GB = 1e9;

test('a batch that is too large for the memory is to be computed in parts', () => {
  for (const device of ['gpu', 'cpu'] as const) {
    const { config, need } = needOf('imagenet-lt-resnet10-ce', 1000, 50_000, device);
    const memory = (bytes: number) => ({ device: bytes, host: 100 * GB });
    assert.equal(memoryProblem(config, need, memory(need.bytes), device), null);
    const problem = memoryProblem(config, need, memory(0.6 * need.bytes), device);
    const place = device === 'gpu' ? 'GPU memory' : 'memory';
    assert.match(problem ?? '', new RegExp(`of ${place}, and .* are free\\. Set accumulateSteps to 2`));
    assert.match(
      memoryProblem(config, need, memory(0.1 * GB), device) ?? '',
      /Use a smaller network or smaller images/,
    );
  }
});

test('the logits of an evaluation count: in a GPU’s machine where a GPU computes', () => {
  // Fused, three experts, and two branches: six times 24,426 x 8,142 numbers.
  const onCpu = needOf('inaturalist-resnet50-ride-reslt', 8142, 24_426, 'cpu');
  assert.equal(onCpu.need.logitsBytes, 6 * 24_426 * 8142 * 4);
  assert.ok(onCpu.need.bytes > onCpu.need.logitsBytes);
  assert.equal(onCpu.need.hostBytes, 0);

  const { config, need } = needOf('inaturalist-resnet50-ride-reslt', 8142, 24_426, 'gpu');
  const none = needOf('inaturalist-resnet50-ride-reslt', 8142, 0, 'gpu');
  assert.equal(need.bytes, none.need.bytes, 'none of it is on the GPU');
  assert.equal(memoryProblem(config, need, { device: 80 * GB, host: 8 * GB }, 'gpu'), null);
  assert.match(
    memoryProblem(config, need, { device: 80 * GB, host: 4 * GB }, 'gpu') ?? '',
    /needs about 5\.1 GB of memory, and 4\.0 GB are free\. 4\.8 GB are the logits .*fewer experts/,
  );
});

test('memory that nobody tells is not held against a run', () => {
  const { config, need } = needOf('imagenet-lt-resnet10-ce', 1000, 50_000, 'gpu');
  assert.equal(memoryProblem(config, need, { device: null, host: null }, 'gpu'), null);
});
