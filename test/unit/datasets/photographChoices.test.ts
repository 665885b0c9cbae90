import test from 'node:test';
import assert from 'node:assert/strict';
import { choosePhotographs, type PhotographChoices } from '../../../main/datasets/photographs/describe.ts';
import { suggestPhotographName } from '../../../main/datasets/photographs/suggestName.ts';
import { countFaults, judgePhotographs } from '../../../main/datasets/photographs/usable.ts';
import type { PhotographSplit } from '../../../main/datasets/photographs/source.ts';

/** So many images of each class: `<split>/<class>/<n>`. */
function split(name: string, counts: number[]): PhotographSplit {
  const rows = counts.flatMap((count, k) => Array.from({ length: count }, (_, i) => [k, i] as const));
  return {
    paths: rows.map(([k, i]) => `${name}/${k}/${i}`),
    labels: Int32Array.from(rows, ([k]) => k),
  };
}

const PLAIN: PhotographChoices = {
  subset: { type: 'full', imbalanceFactor: 1 },
  validation: null,
  rankLabels: false,
  normalisation: 'imagenet',
  testFraction: 0,
};
const names = (count: number): string[] => Array.from({ length: count }, (_, k) => `class ${k}`);

test('ranked labels go by the training counts of the subset that was chosen, ties by the source', () => {
  const source = {
    classNames: names(4),
    train: split('train', [5, 9, 5, 2]),
    val: split('val', [1, 1, 1, 1]),
    test: split('test', [2, 2, 2, 2]),
  };
  const chosen = choosePhotographs(source, { ...PLAIN, rankLabels: true });
  assert.deepEqual(chosen.rankLabels, [1, 3, 2, 0]);
  assert.deepEqual(chosen.classNames, ['class 3', 'class 0', 'class 2', 'class 1']);
  assert.deepEqual(chosen.classCounts, [2, 5, 5, 9]);
  for (const [name, data] of Object.entries(chosen.splits))
    data!.paths.forEach((path, row) => {
      const sourceLabel = Number(path.split('/')[1]);
      assert.equal(data!.labels[row], chosen.rankLabels![sourceLabel], `${name} ${path}`);
    });
});

test('a step subset of class folders is the reference choice of the rows, whatever is held out', () => {
  const source = {
    classNames: names(4),
    train: split('train', [30, 30, 30, 30]),
    val: null,
    test: split('test', [2, 2, 2, 2]),
  };
  const subset = { type: 'step', imbalanceFactor: 0.1 } as const;
  const chosen = choosePhotographs(source, { ...PLAIN, subset });
  assert.deepEqual(chosen.classCounts, [30, 30, 3, 3]);
  assert.deepEqual(chosen.sourceClassCounts, [30, 30, 30, 30]);
  const held = choosePhotographs(source, { ...PLAIN, subset, validation: { fraction: 0.1, seed: 1 } });
  assert.equal(held.subsetHash, chosen.subsetHash);
  const together = [...held.splits.train!.paths, ...held.splits.val!.paths].sort();
  assert.deepEqual(together, [...chosen.splits.train!.paths].sort());
});

test('images that are left out are counted, and a class without one is refused', () => {
  const source = {
    classNames: names(2),
    train: split('train', [3, 1]),
    val: null,
    test: split('test', [1, 1]),
  };
  const chosen = choosePhotographs(source, PLAIN, (path) => path === 'train/0/1');
  assert.deepEqual([chosen.leftOut, chosen.classCounts], [1, [2, 1]]);
  assert.deepEqual([...chosen.splits.train!.rows], [0, 2, 3]);
  assert.throws(
    () => choosePhotographs(source, PLAIN, (path) => path === 'train/1/0'),
    /Class 1 has no training image/,
  );
  assert.throws(
    () => choosePhotographs(source, PLAIN, (_, one) => one === 'test'),
    /No image is left for the test split/,
  );
});

test('names of list files are those that the field knows', () => {
  const name = (train: string): string =>
    suggestPhotographName({ root: '/data/x', lists: { train: `/lists/${train}`, val: null, test: '/t' } });
  assert.equal(name('ImageNet_LT_train.txt'), 'ImageNet-LT');
  assert.equal(name('Places_LT_train.txt'), 'Places-LT');
  assert.equal(name('iNaturalist18_train.txt'), 'iNaturalist 2018');
  assert.equal(name('herbarium-train.txt'), 'herbarium');
  assert.equal(suggestPhotographName({ root: '/data/flowers', lists: null }), 'flowers');
});

test('a few bad training images are a warning; a bad test image, an empty class or too many are a refusal', () => {
  const labels = Int32Array.from({ length: 400 }, (_, row) => (row === 0 ? 0 : 1));
  const manifest = { counts: { train: 400, val: 0, test: 20 }, classNames: ['rare', 'common'] };
  const problem = (one: 'train' | 'test', row: number) => ({
    split: one,
    row,
    path: `${one}/${row}.jpg`,
    code: 'missing' as const,
    message: '',
  });
  const judge = (...problems: ReturnType<typeof problem>[]) =>
    judgePhotographs(manifest, countFaults(problems, labels, 2));
  assert.deepEqual(judge(), { refusal: null, warning: null });
  assert.match(judge(problem('train', 5)).warning!, /1 of the 400 training images .*others of their classes/);
  assert.match(judge(problem('test', 3)).refusal!, /1 of the 20 test images .*test\/3\.jpg/);
  assert.match(judge(problem('train', 0)).refusal!, /class rare/);
  const five = [1, 2, 3, 4, 5].map((row) => problem('train', row));
  assert.equal(judge(...five.slice(1)).refusal, null, 'one in a hundred is allowed');
  assert.match(judge(...five).refusal!, /more than one in a hundred/);

  const changed = five.map((one) => ({ ...one, code: 'changed' as const }));
  const faults = countFaults([...changed, problem('train', 9)], labels, 2);
  assert.deepEqual(faults.changed, { images: 5, first: 'train/1.jpg' });
  assert.deepEqual(faults.unusable.train, { images: 1, first: 'train/9.jpg' }, 'the others are trained on');
  assert.equal(countFaults([{ ...changed[0]!, split: 'test' }], labels, 2).unusable.test.images, 1);
});
