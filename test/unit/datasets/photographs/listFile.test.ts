import test from 'node:test';
import assert from 'node:assert/strict';
import { classNamesOfPaths } from '../../../../main/datasets/photographs/classNames.ts';
import { parseListText, requireSoundList } from '../../../../main/datasets/photographs/listFile.ts';
import { plainPath, resolveInRoot } from '../../../../main/datasets/photographs/root.ts';

test('a list is read as it comes: byte-order mark, CRLF, blank lines, blanks in names, mixed separators', () => {
  const text =
    '\uFEFFval/n01440764/ILSVRC2012_val_00029930.JPEG 0\r\n\r\n  my photos/a b.jpg\t2  \n./train\\x\\y.jpg 1\nlast/one.png 12';
  const { paths, labels, classes, problemCount } = parseListText(text);
  assert.deepEqual(paths, [
    'val/n01440764/ILSVRC2012_val_00029930.JPEG',
    'my photos/a b.jpg',
    'train/x/y.jpg',
    'last/one.png',
  ]);
  assert.deepEqual([...labels], [0, 2, 1, 12]);
  assert.equal(classes, 13);
  assert.equal(problemCount, 0);
});

test('everything that is wrong is found at once, with its line', () => {
  const text = [
    'a/1.jpg 0', //
    'a/2.jpg',
    'a/3.jpg -1',
    'a/4.jpg 1.5',
    '/etc/passwd 0',
    'a/../../b.jpg 0',
    'C:\\images\\x.jpg 0',
    'a//./1.jpg 3',
    'a/5.jpg 1000000',
    'a/6.jpg cat',
  ].join('\n');
  const { paths, problems, problemCount } = parseListText(text);
  assert.deepEqual(paths, ['a/1.jpg']);
  assert.equal(problemCount, 9);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.match(problems[0]!.message, /"a\/2\.jpg" has no label after the path/);
  assert.match(problems[1]!.message, /"-1" is no class number from 0 to 999999/);
  assert.match(problems[3]!.message, /"\/etc\/passwd" leaves the root folder/);
  assert.match(problems[6]!.message, /"a\/1\.jpg" was already in line 1/);
  assert.throws(
    () => requireSoundList('/lists/train.txt', { problems, problemCount }),
    /^DatasetError: \/lists\/train\.txt: .*line 2: .*; line 3: .*; and 6 more lines\.$/,
  );
});

test('a list with a million bad lines keeps a thousand problems and the count', () => {
  const { problems, problemCount } = parseListText('x\n'.repeat(5000));
  assert.equal(problems.length, 1000);
  assert.equal(problemCount, 5000);
  assert.equal(parseListText('').problems[0]!.message, 'the list is empty');
});

test('paths stay in their root', () => {
  assert.equal(plainPath('./a//b\\c.jpg'), 'a/b/c.jpg');
  for (const path of ['', '.', '..', 'a/../../b', '/a', '\\a', 'C:/a', 'a\0b', '..\\a'])
    assert.equal(plainPath(path), null, JSON.stringify(path));
  assert.equal(resolveInRoot('/data', 'a/b.jpg'), '/data/a/b.jpg');
  assert.throws(
    () => resolveInRoot('/data', '../b.jpg'),
    /expected a path inside \/data, found one that leaves it/,
  );
});

test('classes are called by their folders, without what all have in common', () => {
  const names = (paths: string[], labels: number[], classes: number) =>
    classNamesOfPaths(paths, Int32Array.from(labels), classes);
  const imagenet = ['train/n01/a.JPEG', 'train/n01/b.JPEG', 'train/n02/c.JPEG'];
  assert.deepEqual(names(imagenet, [0, 0, 1], 2), ['n01', 'n02']);
  const inaturalist = ['train_val2018/Plantae/7291/a.jpg', 'train_val2018/Insecta/673/b.jpg'];
  assert.deepEqual(names(inaturalist, [1, 0], 2), ['Insecta/673', 'Plantae/7291']);
  assert.deepEqual(names(inaturalist, [2, 0], 3), ['Insecta/673', 'class 1', 'Plantae/7291']);
  assert.deepEqual(names(['a/1.jpg', 'b/2.jpg'], [0, 0], 1), ['class 0'], 'a class in two folders');
  assert.deepEqual(
    names(['a/1.jpg', 'a/2.jpg'], [0, 1], 2),
    ['class 0', 'class 1'],
    'two classes in one folder',
  );
  assert.deepEqual(names(['1.jpg', '2.jpg'], [0, 1], 2), ['class 0', 'class 1'], 'no folders');
});
