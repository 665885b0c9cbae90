import test from 'node:test';
import assert from 'node:assert/strict';
import type { InstalledEngine, NativeDevice } from '../../../main/engine/installed.ts';
import { decideEngine, type EngineSituation } from '../../../main/engine/select.ts';

const installed = (device: NativeDevice): InstalledEngine => ({
  format: 1,
  id: `tensorflow-0-${device}-0`,
  device,
  kind: `tensorflow-${device}`,
  tensorflowVersion: '0',
  bindingHash: '0',
  wheels: [],
  builtAtMs: 0,
  sizeBytes: 0,
  verifiedOnGpu: device === 'gpu',
  folder: '/engine',
  libraryFolder: '/engine/tensorflow',
  bindingPath: '/engine/tensorflow/tfjs_binding.node',
});
const cpu = installed('cpu');
const gpu = installed('gpu');
const nothing: EngineSituation = { gpuEngine: null, cpuEngine: null, hasGpu: false, unsupported: null };

test('auto takes the GPU, else the native CPU, else WebAssembly, and says why', () => {
  const all = { ...nothing, gpuEngine: gpu, cpuEngine: cpu, hasGpu: true };
  assert.equal(decideEngine('auto', all).name, 'tensorflow-gpu');
  assert.equal(decideEngine('auto', all).hideGpus, false);
  const unplugged = decideEngine('auto', { ...all, hasGpu: false });
  assert.deepEqual([unplugged.name, unplugged.engine, unplugged.hideGpus], ['tensorflow-cpu', cpu, true]);
  assert.match(decideEngine('auto', { ...nothing, cpuEngine: cpu, hasGpu: true }).reason, /install --gpu/);
  const bare = decideEngine('auto', nothing);
  assert.deepEqual([bare.name, bare.engine], ['wasm', null]);
  assert.match(bare.reason, /reslt engine install/);
  const elsewhere = decideEngine('auto', { ...nothing, unsupported: 'This is another system.' });
  assert.equal(elsewhere.name, 'wasm');
  assert.match(elsewhere.reason, /another system/);
});

test('the GPU engine computes on the CPU when the CPU is asked for and has no engine of its own', () => {
  const selected = decideEngine('tensorflow-cpu', { ...nothing, gpuEngine: gpu, hasGpu: true });
  assert.deepEqual([selected.name, selected.engine, selected.hideGpus], ['tensorflow-cpu', gpu, true]);
});

test('an engine that was asked for and is missing is an error that says why, never another engine', () => {
  const refusal = (requested: 'tensorflow-gpu' | 'tensorflow-cpu', situation: EngineSituation) => {
    try {
      decideEngine(requested, situation);
    } catch (error) {
      assert.equal((error as { code: string }).code, 'engine-unavailable');
      return (error as Error).message;
    }
    return assert.fail('an error was expected');
  };
  assert.match(refusal('tensorflow-gpu', { ...nothing, gpuEngine: gpu, cpuEngine: cpu }), /No NVIDIA GPU/);
  assert.match(
    refusal('tensorflow-gpu', { ...nothing, cpuEngine: cpu, hasGpu: true }),
    /engine install --gpu/,
  );
  assert.match(refusal('tensorflow-cpu', nothing), /engine install --cpu/);
  assert.match(
    refusal('tensorflow-cpu', { ...nothing, unsupported: 'This is another system.' }),
    /another system/,
  );
});
