import test from 'node:test';
import assert from 'node:assert/strict';
import { KNOWN_WHEELS, TENSORFLOW_VERSION } from '../../../main/engine/knownWheels.ts';
import {
  checkListing,
  compareVersions,
  knownVersion,
  parseMetadata,
  parseWheelName,
  satisfies,
} from '../../../main/engine/wheel.ts';

const METADATA = [
  'Metadata-Version: 2.4',
  'Name: tensorflow',
  'Version: 2.21.0',
  'Requires-Dist: absl-py>=1.0.0',
  'Provides-Extra: and-cuda',
  'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
  "Requires-Dist: Nvidia_NCCL.cu12 (<3.0, >=2.27.7) ; extra == 'and-cuda'",
  'Requires-Dist: tensorflow-io>=0.23.1; (sys_platform != "win32") and extra == "gcs-filesystem"',
  '',
  'Requires-Dist: this-is-prose; extra == "and-cuda"',
].join('\n');

test('a wheel’s name is taken apart, with and without a build tag', () => {
  assert.deepEqual(parseWheelName('tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl'), {
    project: 'tensorflow-cpu',
    version: '2.21.0',
    python: 'cp311',
    platform: 'manylinux_2_27_x86_64',
  });
  assert.equal(parseWheelName('nvidia_nccl_cu12-2.32.3-1-py3-none-any.whl')?.platform, 'any');
  assert.equal(parseWheelName('tensorflow-2.21.0.tar.gz'), null);
});

test('METADATA names project, version and the requirements of an extra only', () => {
  const metadata = parseMetadata(METADATA);
  assert.equal(metadata.project, 'tensorflow');
  assert.equal(metadata.version, '2.21.0');
  assert.deepEqual(metadata.requirementsOf('and-cuda'), [
    { project: 'nvidia-cublas-cu12', specifier: '<13.0,>=12.5.3.2' },
    { project: 'nvidia-nccl-cu12', specifier: '<3.0,>=2.27.7' },
  ]);
  assert.throws(() => parseMetadata('Summary: nothing'), /no project and version/);
});

test('versions compare by number, and specifiers hold every clause', () => {
  assert.ok(compareVersions('12.10', '12.9.1') > 0);
  assert.equal(compareVersions('12.0', '12'), 0);
  assert.ok(satisfies('12.9.3.13', '<13.0,>=12.5.3.2'));
  assert.ok(!satisfies('13.0', '<13.0,>=12.5.3.2'));
  assert.ok(!satisfies('12.5.3.1', '<13.0,>=12.5.3.2'));
  assert.ok(satisfies('2.21.0', '==2.21.0'));
  assert.ok(satisfies('1.0', ''));
  assert.throws(() => satisfies('1.0', '~=1.0'), /not understood/);
});

test('the table knows TensorFlow for the CPU and the GPU, under names that parse', () => {
  for (const project of ['tensorflow', 'tensorflow-cpu'])
    assert.equal(knownVersion({ project, specifier: `==${TENSORFLOW_VERSION}` }), TENSORFLOW_VERSION);
  assert.equal(knownVersion({ project: 'nvidia-cublas-cu12', specifier: '>=13' }), null);
  for (const [name, sum] of Object.entries(KNOWN_WHEELS)) {
    assert.notEqual(parseWheelName(name), null, name);
    assert.match(sum, /^[0-9a-f]{64}$/, name);
  }
});

test('a wheel is listed by its bytes, and altered when only its name is known', () => {
  const [name, sum] = Object.entries(KNOWN_WHEELS)[0]!;
  assert.equal(checkListing(name, sum), 'listed');
  assert.equal(checkListing('renamed.whl', sum), 'listed');
  assert.equal(checkListing(name, '0'.repeat(64)), 'altered');
  assert.equal(checkListing('tensorflow-2.21.0-cp399-cp399-any.whl', '0'.repeat(64)), 'unlisted');
});
