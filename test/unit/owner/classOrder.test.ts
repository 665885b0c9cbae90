/** The numbers that programs give the classes, turned into a dataset's own in the classifiers of an imported checkpoint. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { classesOfOutputs, classOrdersFor } from '../../../main/api/classOrders.ts';
import type { PhotographManifest } from '../../../main/datasets/manifest.ts';
import { ascendingByCount, rankLabels } from '../../../main/datasets/photographs/rankLabels.ts';
import { orderClasses } from '../../../main/owner/classOrder.ts';
import type { Head } from '../../../main/training/networks/head.ts';
import type { TensorMap } from '../../../main/training/types.ts';

const COUNTS = [50, 5, 20, 5];
const EXPERTS = {
  kind: 'experts',
  experts: 1,
  reduceDimension: false,
  scale: 30,
  tau: null,
  branches: false,
} as const;

const map = (entries: Record<string, [number[], number[]]>): TensorMap =>
  new Map(
    Object.entries(entries).map(([name, [shape, data]]) => [name, { shape, data: Float32Array.from(data) }]),
  );

test('ranks go by ascending count, equal counts by class', () => {
  assert.deepEqual(ascendingByCount(COUNTS), [1, 3, 2, 0]);
});

test('the rows of a linear classifier move to the classes that they are about', () => {
  // Row r of the file is about the class of rank r: classes 1, 3, 2, 0.
  const weights = map({
    'fc.weight': [
      [4, 2],
      [10, 11, 30, 31, 20, 21, 0, 1],
    ],
    'fc.bias': [[4], [1, 3, 2, 0]],
    'layer1.0.conv1.weight': [
      [4, 1, 1, 1],
      [7, 8, 9, 6],
    ],
  });
  orderClasses(weights, { head: { kind: 'linear', evalTau: null } }, ascendingByCount(COUNTS));
  assert.deepEqual([...weights.get('fc.weight')!.data], [0, 1, 10, 11, 20, 21, 30, 31]);
  assert.deepEqual([...weights.get('fc.bias')!.data], [0, 1, 2, 3]);
  assert.deepEqual([...weights.get('layer1.0.conv1.weight')!.data], [7, 8, 9, 6], 'nothing else moves');
});

test('cosine classifiers have their classes in columns, routers none', () => {
  const weights = map({
    'backbone.linears.0.weight': [
      [2, 4],
      [1, 3, 2, 0, 11, 13, 12, 10],
    ],
    'backbone.expert_help_pred_fc.weight': [
      [1, 4],
      [5, 6, 7, 8],
    ],
  });
  orderClasses(
    weights,
    { head: { ...EXPERTS, classifier: 'cosine', router: { topChoices: 3 } } },
    ascendingByCount(COUNTS),
  );
  assert.deepEqual([...weights.get('backbone.linears.0.weight')!.data], [0, 1, 2, 3, 10, 11, 12, 13]);
  assert.deepEqual([...weights.get('backbone.expert_help_pred_fc.weight')!.data], [5, 6, 7, 8]);
});

const PHOTOGRAPHS: PhotographManifest = {
  ...{ normalisation: 'imagenet', rankLabels: null, lists: null, testFraction: null, leftOut: 0 },
  sizesHash: '0'.repeat(64),
};
const LINEAR: Head = { kind: 'linear', evalTau: null };
const BRANCHES: Head = { kind: 'branches', fusionBlockBeforePooling: true, tau: 0.7 };
const RIDE: Head = { ...EXPERTS, classifier: 'linear', router: null };

test('of ResLT’s and other programs’ files, on datasets in either order, every output gets its class', () => {
  // Class s of the lists; some counts are equal.
  const counts = Array.from({ length: 1000 }, (_, s) => 5 + ((s * 377) % 640));
  const ranks = rankLabels(counts);
  const own = { photographs: PHOTOGRAPHS, classCounts: counts };
  const ranked = {
    photographs: { ...PHOTOGRAPHS, rankLabels: ranks },
    classCounts: ascendingByCount(counts).map((s) => counts[s]!),
  };
  for (const [name, head, isReslt] of [
    ['cross-entropy', LINEAR, false],
    ['RIDE', RIDE, false],
    ['ResLT', BRANCHES, true],
    ['ResLT on RIDE experts', { ...RIDE, branches: true }, true],
  ] as const)
    for (const [order, dataset] of Object.entries({ own, ranked })) {
      const layer = head.kind === 'experts' ? 'linears.0' : 'fc';
      const stored = new Float32Array(1000);
      counts.forEach((_, s) => (stored[isReslt ? ranks[s]! : s] = s));
      const weights: TensorMap = new Map([[`${layer}.weight`, { shape: [1000, 1], data: stored }]]);
      const [likeliest] = classOrdersFor(dataset, { head, classes: 1000 }).classOrders;
      const classOfOutput = classesOfOutputs(likeliest!, dataset);
      if (classOfOutput !== null) orderClasses(weights, { head }, classOfOutput);
      const right = counts.filter((_, s) => stored[order === 'ranked' ? ranks[s]! : s] === s).length;
      assert.equal(right, 1000, `${name} on a dataset in the ${order} order, taken ${likeliest}`);
    }
});

test('a dataset that keeps the order of its source is offered no other but that by count', () => {
  const dataset = { photographs: null, classCounts: COUNTS };
  for (const head of [LINEAR, BRANCHES])
    assert.deepEqual(classOrdersFor(dataset, { head, classes: 1000 }).classOrders, [
      'as-stored',
      'ascending-count',
    ]);
  const photographs = { ...dataset, photographs: PHOTOGRAPHS };
  const own = classOrdersFor(photographs, { head: BRANCHES, classes: 4 }).classOrders;
  assert.equal(own[0], 'as-stored', 'no benchmark whose classes are renumbered');
});
