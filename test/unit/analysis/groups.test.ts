import test from 'node:test';
import assert from 'node:assert/strict';
import {
  customScheme,
  groupMeans,
  groupScheme,
  quantileScheme,
  rankByCount,
} from '../../../main/analysis/groups.ts';

const CIFAR10_IF100 = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];

test('groups by count put 100 and 20 images into medium', () => {
  const scheme = groupScheme('count-100-20', [101, 100, 20, 19]);
  assert.deepEqual(
    scheme.groups.map(({ id, label, rule, classes, images }) => [id, label, rule, classes, images]),
    [
      ['many', 'Many', '> 100', [0], 101],
      ['medium', 'Medium', '20–100', [1, 2], 120],
      ['few', 'Few', '< 20', [3], 19],
    ],
  );
});

test('the ResLT ranges are 3/3/4 classes of CIFAR-10 and 36/35/29 of CIFAR-100, by rank', () => {
  const ten = groupScheme('reslt-ranges', CIFAR10_IF100);
  assert.deepEqual(
    ten.groups.map(({ id, label, rule }) => [id, label, rule]),
    [
      ['many', 'Head', 'classes 0–2'],
      ['medium', 'Medium', 'classes 3–5'],
      ['few', 'Tail', 'classes 6–9'],
    ],
  );
  const hundred = groupScheme(
    'reslt-ranges',
    Array.from({ length: 100 }, (_, k) => 500 - 4 * k),
  );
  assert.deepEqual(
    hundred.groups.map(({ classes }) => classes.length),
    [36, 35, 29],
  );
});

test("the ResLT ranges of ImageNet-LT and iNaturalist are those of the reference's evaluation", () => {
  const sizes = (classes: number) =>
    groupScheme(
      'reslt-ranges',
      Array.from({ length: classes }, (_, k) => k + 1),
    ).groups.map((group) => group.classes.length);
  assert.deepEqual(sizes(1000), [390, 445, 165]);
  assert.deepEqual(sizes(8142), [842, 3701, 3599]);
});

test('ranges follow the rank, not the class number, and ties go to the lower class', () => {
  assert.deepEqual(rankByCount([5, 9, 5, 7]), [1, 3, 0, 2]);
  const reversed = groupScheme('reslt-ranges', [...CIFAR10_IF100].reverse());
  assert.deepEqual(reversed.groups[0]!.classes, [7, 8, 9]);
  // Rank 1 is class 1 and rank 2 is class 3: not a range of classes.
  const mixed = groupScheme('reslt-ranges', [5, 9, 4, 7, 1]);
  assert.deepEqual(mixed.groups[0], {
    id: 'many',
    label: 'Head',
    rule: 'ranks 1–2',
    classes: [1, 3],
    images: 16,
  });
});

test('a group mean is over its classes; classes without examples are left out and an empty group is null', () => {
  const scheme = groupScheme('count-100-20', [500, 400, 50, 10]);
  assert.deepEqual(groupMeans([0.5, 1, null, 0.25], scheme), { many: 0.75, medium: null, few: 0.25 });
});

test('quantiles and custom groups are schemes too', () => {
  const quantiles = quantileScheme(CIFAR10_IF100, 4);
  assert.deepEqual(
    quantiles.groups.map(({ classes }) => classes.length),
    [3, 2, 3, 2],
  );
  assert.throws(() => quantileScheme([1, 2], 3), /from 2 to 2, but got 3/);
  const custom = customScheme('mine', 'Mine', [{ id: 'a', label: 'A', classes: [0, 2] }], [3, 2, 1]);
  assert.deepEqual(custom.groups[0], { id: 'a', label: 'A', rule: '2 classes', classes: [0, 2], images: 4 });
  const twice = [
    { id: 'a', label: 'A', classes: [0] },
    { id: 'b', label: 'B', classes: [0] },
  ];
  assert.throws(() => customScheme('x', 'X', twice, [1, 1]), /Class 0 is in the groups "A" and "B"/);
  assert.throws(() => customScheme('x', 'X', [{ id: 'a', label: 'A', classes: [7] }], [1]), /names class 7/);
});
