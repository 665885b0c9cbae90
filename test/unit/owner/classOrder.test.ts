/** The reference's renumbering of classes by training count, undone in the classifiers of an imported checkpoint. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ascendingByCount } from '../../../main/datasets/photographs/rankLabels.ts';
import { orderClasses } from '../../../main/owner/classOrder.ts';
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
  orderClasses(weights, { head: { kind: 'linear', evalTau: null } }, COUNTS);
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
  orderClasses(weights, { head: { ...EXPERTS, classifier: 'cosine', router: { topChoices: 3 } } }, COUNTS);
  assert.deepEqual([...weights.get('backbone.linears.0.weight')!.data], [0, 1, 2, 3, 10, 11, 12, 13]);
  assert.deepEqual([...weights.get('backbone.expert_help_pred_fc.weight')!.data], [5, 6, 7, 8]);
});
