import test from 'node:test';
import assert from 'node:assert/strict';

import { memoryNeeded, trainingBytesPerImage } from '../../../main/training/memory.ts';
import { gradientNeeds } from '../../../main/training/networks/gradientNeeds.ts';
import { countParameters, NetworkBuilder, type Network } from '../../../main/training/networks/graph.ts';
import {
  isHeadTensor,
  outputNames,
  withoutTrunkPrefix,
  type ExpertsHead,
  type Head,
} from '../../../main/training/networks/head.ts';
import { findNetwork, NETWORKS } from '../../../main/training/networks/index.ts';
import { multiplyAdds } from '../../../main/training/networks/multiplyAdds.ts';
import { createRandom } from '../../../main/training/random.ts';
import { initialWeights } from '../../../main/training/weights.ts';
import { RIDE_HEAD } from '../../helpers/heads.ts';

const RIDE_RESLT: ExpertsHead = { ...RIDE_HEAD, classifier: 'linear', branches: true, tau: 0.7 };
const HEADS: Record<string, Head> = {
  linear: { kind: 'linear', evalTau: null },
  'tau-normalised': { kind: 'linear', evalTau: 1 },
  cosine: { kind: 'cosine', scale: 30 },
  branches: { kind: 'branches', fusionBlockBeforePooling: true, tau: 0.7 },
  RIDE: RIDE_HEAD,
  'RIDE with routers': { ...RIDE_HEAD, router: { topChoices: 10 } },
  'RIDE-ResLT': RIDE_RESLT,
};

function build(name: string, head: Head, { size = 32, classes = 100, channels = 3 } = {}): Network {
  return findNetwork(name).build({ height: size, width: size, channels, classes, head });
}

for (const { name, imageKind } of NETWORKS)
  for (const [title, head] of Object.entries(HEADS))
    test(`${name} with the head ${title} gives logits of every class, in training and at inference`, () => {
      const size = imageKind === 'small' ? 32 : 64;
      const network = build(name, head, { size, classes: 12 });
      for (const graph of [network.training, network.inference]) {
        for (const output of outputNames(head))
          assert.deepEqual(graph.nodes[graph.outputs[output]!]!.shape, [12], output);
        const routers = Object.keys(graph.outputs).filter((output) => output.startsWith('router'));
        assert.equal(routers.length, title === 'RIDE with routers' ? 2 : 0);
        for (const router of routers) assert.deepEqual(graph.nodes[graph.outputs[router]!]!.shape, [1]);
      }
      assert.equal(new Set(network.tensors.map((spec) => spec.name)).size, network.tensors.length);
    });

for (const { name, imageKind } of NETWORKS)
  test(`below every head ${name} has one trunk, and only the head depends on the classes`, () => {
    const size = imageKind === 'small' ? 32 : 64;
    const shapesOf = (head: Head, classes: number): Map<string, string> =>
      new Map(build(name, head, { size, classes }).tensors.map((spec) => [spec.name, spec.shape.join()]));
    const trunkOf = (head: Head): string[] =>
      [...shapesOf(head, 12)]
        .filter(([tensor]) => !isHeadTensor(tensor))
        .map(([tensor, shape]) => `${withoutTrunkPrefix(tensor)} ${shape}`)
        .sort();
    for (const head of Object.values(HEADS)) {
      const more = shapesOf(head, 13);
      for (const [tensor, shape] of shapesOf(head, 12))
        assert.ok(more.get(tensor) === shape || isHeadTensor(tensor), tensor);
    }
    const trunk = trunkOf(HEADS['linear']!);
    for (const title of ['tau-normalised', 'cosine', 'branches'])
      assert.deepEqual(trunkOf(HEADS[title]!), trunk, title);
    assert.deepEqual(trunkOf(HEADS['RIDE with routers']!), trunkOf(HEADS['RIDE']!));
    assert.deepEqual(trunkOf(HEADS['RIDE-ResLT']!), trunkOf(HEADS['RIDE']!));
  });

test('published parameter counts', () => {
  const millions = (name: string, head: Head, classes: number): number =>
    countParameters(build(name, head, { classes, size: name === 'resnet32' ? 32 : 64 }));
  const experts = (count: number): ExpertsHead => ({ ...RIDE_HEAD, experts: count });
  assert.equal(millions('resnet32', experts(2), 100), 530_512);
  assert.equal(millions('resnet32', experts(3), 100), 783_856);
  assert.equal(millions('resnet32', experts(4), 100), 1_037_200);
  assert.equal(millions('resnet32', experts(6), 100), 1_543_888);
  assert.equal(millions('resnet32', HEADS['branches']!, 10), 464_538);
  assert.equal((millions('resnext50', experts(6), 1000) / 1e6).toFixed(2), '84.37');
  assert.equal((millions('resnet50', experts(4), 8142) / 1e6).toFixed(2), '101.64');
  assert.equal(millions('resnet50', { ...RIDE_RESLT, reduceDimension: false }, 8142), 155_468_714);
});

test('published multiply-adds', () => {
  const millions = (head: Head): string => (multiplyAdds(build('resnet32', head)) / 1e6).toFixed(1);
  assert.equal(millions(HEADS['cosine']!), '68.9');
  assert.equal(millions(RIDE_HEAD), '100.4');
  assert.equal(millions({ ...RIDE_HEAD, experts: 6 }), '176.7');
});

test('grey images and other sizes are taken', () => {
  const network = build('resnet32', HEADS['branches']!, { channels: 1, size: 28, classes: 10 });
  assert.deepEqual(network.inputShape, [28, 28, 1]);
  assert.deepEqual(network.tensors.find(({ name }) => name === 'model.conv1.weight')!.shape, [16, 1, 3, 3]);
});

test('networks are the same at inference but where a head says otherwise', () => {
  for (const name of ['linear', 'cosine', 'RIDE']) {
    const network = build('resnet10', HEADS[name]!, { size: 64 });
    assert.equal(network.training, network.inference, name);
  }
  const kinds = (graph: Network['training']): string[] => graph.nodes.map(({ layer }) => layer.kind);
  const reslt = build('resnet10', HEADS['branches']!, { size: 64 });
  assert.ok(kinds(reslt.inference).includes('tauLinear') && !kinds(reslt.inference).includes('linear'));
  assert.ok(kinds(reslt.training).includes('linear') && !kinds(reslt.training).includes('tauLinear'));
  assert.ok(!kinds(reslt.training).includes('asMap') && kinds(reslt.inference).includes('asMap'));
  const poolFirst = build('resnet10', { ...HEADS['branches'], fusionBlockBeforePooling: false } as Head, {
    size: 64,
  });
  assert.ok(kinds(poolFirst.training).includes('asMap'));
  const asTrained = build(
    'resnet10',
    { ...HEADS['branches'], poolFirstAtInference: false, tau: null } as Head,
    { size: 64 },
  );
  assert.deepEqual(kinds(asTrained.inference), kinds(asTrained.training));
});

test('what cannot be built is refused with a sentence', () => {
  const refused = (head: Head, message: RegExp, name = 'resnet32'): void => {
    assert.throws(
      () => build(name, head),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  };
  refused({ ...RIDE_HEAD, experts: 0 }, /experts must be 1 or more, not 0/);
  refused({ ...RIDE_HEAD, experts: 1, router: { topChoices: 5 } }, /at least 2 experts/);
  refused({ ...RIDE_HEAD, router: { topChoices: 101 } }, /101 largest of 100 logits/);
  refused({ ...RIDE_RESLT, classifier: 'cosine' }, /linear classifiers/);
  refused({ ...RIDE_RESLT, router: { topChoices: 5 } }, /no routers/);
  assert.throws(
    () => findNetwork('resnet18'),
    /There is no network "resnet18"; there are resnet32, resnet10/,
  );
  assert.throws(() => new NetworkBuilder([4, 4, 3]).conv(0, 'c', CONV), /there is no node 0/);
});

const CONV = { channels: 4, kernel: 3, stride: 1, padding: 1 };

test('groups must divide, and layers of one name must agree', () => {
  const builder = new NetworkBuilder([8, 8, 3]);
  const input = builder.input();
  assert.throws(() => builder.conv(input, 'c', { ...CONV, groups: 2 }), /2 groups must divide 3 input/);
  builder.conv(input, 'c', CONV);
  builder.conv(input, 'c', CONV);
  assert.throws(
    () => builder.conv(input, 'c', { ...CONV, channels: 8 }),
    /c.weight has shape \[4, 3, 3, 3\], not \[8, 3, 3, 3\]/,
  );
  assert.equal(builder.build('twice', { x: 2 }, 4).tensors.length, 1);
});

test('fresh weights have the published spread', () => {
  const weights = initialWeights(build('resnet10', RIDE_HEAD, { size: 64, classes: 30 }), createRandom(1));
  const deviation = (name: string): number => {
    const { data } = weights.get(name)!;
    return Math.sqrt(Array.from(data, (value) => value ** 2).reduce((a, b) => a + b) / data.length);
  };
  const near = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual / expected - 1) < 0.02, `${actual}, not ${expected}`);
  // Fan-out: k² · outputs.
  near(deviation('backbone.layer4s.0.0.conv2.weight'), Math.sqrt(2 / (9 * 384)));
  near(deviation('backbone.layer2.0.downsample.0.weight'), Math.sqrt(2 / 128));
  const { data, shape } = weights.get('backbone.linears.0.weight')!;
  assert.deepEqual(shape, [384, 30]);
  for (let column = 0; column < 30; column++) {
    let squares = 0;
    for (let row = 0; row < 384; row++) squares += data[row * 30 + column]! ** 2;
    assert.ok(Math.abs(squares - 1) < 1e-5);
  }

  const small = initialWeights(build('resnet32', HEADS['branches']!), createRandom(1));
  const conv = small.get('model.layer3.1.conv1.weight')!.data;
  near(
    Math.sqrt(Array.from(conv, (value) => value ** 2).reduce((a, b) => a + b) / conv.length),
    Math.sqrt(2 / (9 * 64)),
  );
  const linear = small.get('linear.weight')!.data;
  assert.ok(Math.max(...linear) < 0.125 && Math.max(...linear) > 0.12 && Math.min(...linear) < -0.12);
});

test('when only a router is trained, nothing below its input is kept or differentiated', () => {
  const network = build('resnet32', HEADS['RIDE with routers']!);
  const trained = new Set(
    network.tensors.filter(({ name }) => name.includes('expert_help_pred')).map(({ name }) => name),
  );
  const { needed, kept } = gradientNeeds(network.training, trained, false);
  network.training.nodes.forEach(({ layer }, index) => {
    if (layer.kind === 'conv' || layer.kind === 'batchNorm' || layer.kind === 'cosine')
      assert.equal(needed[index], false, `${layer.kind} ${index}`);
  });
  const maps = [...kept].filter((index) => index > 0 && network.training.nodes[index]!.shape.length === 3);
  assert.deepEqual(maps, []);
  const all = new Set(network.tensors.filter((spec) => spec.trainable).map(({ name }) => name));
  const frozen = trainingBytesPerImage(network.training, trained);
  assert.ok(frozen < trainingBytesPerImage(network.training, all) / 10);
});

test('memory grows with the batch, shrinks with its parts, and is about what was measured', () => {
  const config = { batchSize: 128, accumulateSteps: 1, evalBatchSize: 500 };
  const network = build('resnet32', HEADS['branches']!);
  const { trainingBytes, evaluationBytes } = memoryNeeded({ network, config });
  // 367 MiB on two threads of TensorFlow's CPU kernels.
  assert.ok(trainingBytes > 330 * 2 ** 20 && trainingBytes < 600 * 2 ** 20);
  assert.ok(evaluationBytes < trainingBytes);
  const doubled = memoryNeeded({ network, config: { ...config, batchSize: 256 } }).trainingBytes;
  assert.ok(doubled > 1.5 * trainingBytes && doubled < 2 * trainingBytes);
  const parts = memoryNeeded({ network, config: { ...config, accumulateSteps: 4 } }).trainingBytes;
  assert.ok(parts < trainingBytes);
});
