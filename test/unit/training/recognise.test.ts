import test from 'node:test';
import assert from 'node:assert/strict';
import type { Head } from '../../../main/training/networks/head.ts';
import { findNetwork } from '../../../main/training/networks/index.ts';
import { recogniseNetwork, type NamedShape } from '../../../main/training/networks/recognise.ts';
import { RIDE_HEAD } from '../../helpers/heads.ts';

function tensorsOf(network: string, head: Head, { classes = 37, channels = 3 } = {}): NamedShape[] {
  const definition = findNetwork(network);
  const size = definition.imageKind === 'small' ? 32 : 224;
  const { tensors } = definition.build({ height: size, width: size, channels, classes, head });
  return tensors.map(({ name, shape }) => ({ name, shape }));
}

const LINEAR: Head = { kind: 'linear', evalTau: null };

test('every kind of head is recognised on both kinds of trunk, with its numbers', () => {
  const heads: Head[] = [
    LINEAR,
    { kind: 'cosine', scale: 30 },
    { kind: 'branches', fusionBlockBeforePooling: true, tau: null },
    RIDE_HEAD,
    { ...RIDE_HEAD, experts: 6, reduceDimension: false },
    { ...RIDE_HEAD, experts: 2, classifier: 'linear', router: { topChoices: 12 } },
    { ...RIDE_HEAD, experts: 4, classifier: 'linear', branches: true },
  ];
  for (const [network, tried] of [
    ['resnet32', heads],
    ['resnext50', [{ kind: 'branches', fusionBlockBeforePooling: true, tau: 0.7 }, RIDE_HEAD]],
  ] as const)
    for (const head of tried) {
      const tensors = tensorsOf(network, head);
      const found = recogniseNetwork(tensors)!;
      const what = `${network} ${JSON.stringify(head)}`;
      assert.deepEqual(
        [found.network, found.head, found.classes, found.channels],
        [network, head, 37, 3],
        what,
      );
      assert.ok(found.complete, what);
      assert.deepEqual(found.names, new Map(tensors.map(({ name }) => [name, name])), what);
    }
});

test('prefixes are taken off, whatever they are called', () => {
  for (const prefix of ['module.', 'net.model.']) {
    const plain = tensorsOf('resnet32', RIDE_HEAD);
    const found = recogniseNetwork(plain.map(({ name, shape }) => ({ name: prefix + name, shape })))!;
    assert.equal(found.prefix, prefix);
    assert.ok(found.complete);
    assert.equal(found.names.get(`${prefix}${plain[0]!.name}`), plain[0]!.name);
  }
  // And one that the file lacks is put before: RIDE's code keeps the trunk under "backbone.".
  const bare = tensorsOf('resnet10', LINEAR).map(({ name, shape }) => ({
    name: name.replace('backbone.', ''),
    shape,
  }));
  assert.ok(recogniseNetwork(bare)!.complete);
});

test('a classifier of another name is found by its shape, as in torchvision', () => {
  const tensors = tensorsOf('resnet152', LINEAR, { classes: 1000 }).map(({ name, shape }) => ({
    name: name.replace('backbone.', '').replace('linear.', 'fc.'),
    shape,
  }));
  const found = recogniseNetwork(tensors)!;
  assert.deepEqual([found.network, found.head.kind, found.classes], ['resnet152', 'linear', 1000]);
  assert.ok(found.complete);
  assert.equal(found.names.get('fc.weight'), 'backbone.linear.weight');
});

test('what is missing, left over and misshapen is named', () => {
  const tensors = tensorsOf('resnet32', LINEAR);
  const changed = tensors
    .filter(({ name }) => name !== 'linear.bias' && !name.endsWith('num_batches_tracked'))
    .map((tensor) =>
      tensor.name === 'layer2.0.conv1.weight' ? { ...tensor, shape: [32, 16, 5, 5] } : tensor,
    );
  const found = recogniseNetwork([...changed, { name: 'extra.queue', shape: [128, 64] }])!;
  assert.equal(found.network, 'resnet32');
  assert.deepEqual(found.missing, ['linear.bias'], 'counters are not missed');
  assert.deepEqual(found.leftOver, ['extra.queue']);
  assert.deepEqual(found.misshapen, [
    { name: 'layer2.0.conv1.weight', shape: [32, 16, 5, 5], expected: [32, 16, 3, 3] },
  ]);
  assert.equal(found.complete, false);
  assert.ok(!found.names.has('layer2.0.conv1.weight'));
});

test('without counters a network is complete; without classifier its classes are unknown', () => {
  const tensors = tensorsOf('resnet32', LINEAR, { classes: 10, channels: 1 });
  const old = recogniseNetwork(tensors.filter(({ name }) => !name.endsWith('num_batches_tracked')))!;
  assert.deepEqual([old.complete, old.classes, old.channels], [true, 10, 1]);
  const trunk = recogniseNetwork(tensors.filter(({ name }) => !name.startsWith('linear.')))!;
  assert.deepEqual([trunk.complete, trunk.classes], [false, null]);
});

test('other tensors are of no network', () => {
  assert.equal(recogniseNetwork([]), null);
  assert.equal(recogniseNetwork([{ name: 'weight', shape: [2, 3] }]), null);
  const transformer = Array.from({ length: 100 }, (_, index) => ({
    name: `blocks.${index}.attn.qkv.weight`,
    shape: [2304, 768],
  }));
  assert.equal(recogniseNetwork(transformer), null);
  const many = Array.from({ length: 30_000 }, (_, index) => ({ name: `a.b.c.d.${index}`, shape: [1] }));
  assert.equal(recogniseNetwork(many), null);
});
