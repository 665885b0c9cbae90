/** What the run page words: settings, classes, the command that repeats a run. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { classRows, sortClassRows } from '../../renderer/pages/run/classRows.ts';
import { cliCommand, shellWord } from '../../renderer/pages/run/cliCommand.ts';
import type { MethodInfo } from '../../preload/contract.ts';
import {
  curveMetrics,
  groupMetric,
  outputColor,
  shortLabels,
  termColor,
  termPanels,
} from '../../renderer/pages/run/termPanels.ts';
import { findKey, flatten, keyText, rangesText, withUnit } from '../../renderer/pages/run/settingsText.ts';

test('lists of whole numbers become ranges', () => {
  assert.equal(rangesText([3, 1, 2, 7, 9, 10]), '1\u20133, 7, 9, 10');
  assert.equal(rangesText([5]), '5');
});

test('what was worked out is flattened into words', () => {
  assert.equal(keyText('stepsPerEpoch'), 'steps per epoch');
  assert.deepEqual(
    flatten({
      threads: 2,
      method: { scopes: { m: [35, 36, 37, 38] }, terms: [{ label: 'branch I' }, { label: 'fusion F' }] },
      drift: null,
      parameters: 470388,
    }),
    [
      { label: 'threads', text: '2' },
      { label: 'method scopes m', text: '35\u201338' },
      { label: 'method terms', text: 'branch I, fusion F' },
      { label: 'drift', text: 'none' },
      { label: 'parameters', text: '470,388' },
    ],
  );
});

test('a setting left open shows what was worked out for it', () => {
  assert.equal(findKey({ method: { mediumFrom: 35, scopes: { h: [1] } } }, 'mediumFrom'), 35);
  assert.equal(findKey({ method: { scopes: { h: [1] } } }, 'h'), undefined);
});

test('units follow their number', () => {
  assert.equal(withUnit(1, '1', 'epochs'), '1 epoch');
  assert.equal(withUnit(20, '20', 'epochs'), '20 epochs');
  assert.equal(withUnit([0.8, 0.9], '0.8, 0.9', 'epochs'), '0.8, 0.9 of epochs');
  assert.equal(withUnit([160, 180], '160, 180', 'epochs'), '160, 180 epochs');
  assert.equal(withUnit(null, 'none', 'epochs'), 'none');
});

test('the command repeats the run from its preset with what differs', () => {
  const run = {
    config: {
      method: 'reslt',
      seed: 2,
      dataset: 'c10',
      epochs: 40,
      milestones: [0.5, 0.9],
      threads: null,
      schemaVersion: 1,
    },
    datasetName: "Anna's data",
    datasetKind: 'cifar-10' as const,
    seed: 2,
    folder: '/lib/runs/12-x',
  };
  const preset = {
    name: 'cifar10-lt-reslt',
    config: {
      method: 'reslt',
      seed: 0,
      dataset: '',
      epochs: 200,
      milestones: [0.8, 0.9],
      threads: null,
      schemaVersion: 1,
    },
  };
  assert.equal(
    cliCommand(run, preset),
    "reslt run cifar10-lt-reslt --dataset 'Anna'\\''s data' --set epochs=40 --set milestones=0.5,0.9 --seed 2",
  );
  assert.equal(
    cliCommand({ ...run, datasetKind: 'sample' }, { ...preset, config: run.config }),
    'reslt run cifar10-lt-reslt --seed 2',
  );
  assert.equal(cliCommand(run, null), 'reslt run /lib/runs/12-x/config.yaml --seed 2');
});

test('a word for the shell is quoted where it must be', () => {
  assert.equal(shellWord('a-b_c.1'), 'a-b_c.1');
  assert.equal(shellWord('$(rm -rf)'), "'$(rm -rf)'");
  assert.equal(shellWord(''), "''");
});

test('classes sort by any column, those without a value last', () => {
  const rows = classRows(
    { perClass: [0.5, null, 0.9], branches: { h: [0.1, 0.2, null] } },
    { classNames: ['b', 'c', 'a'], classCounts: [5, 500, 50], groups: ['few', 'many', 'medium'] },
  );
  const order = (by: Parameters<typeof sortClassRows>[1], descending: boolean) =>
    sortClassRows(rows, by, descending).map((row) => row.name);
  assert.deepEqual(order('count', true), ['c', 'a', 'b']);
  assert.deepEqual(order('name', false), ['a', 'b', 'c']);
  assert.deepEqual(order('value', true), ['a', 'b', 'c']);
  assert.deepEqual(order('value', false), ['b', 'a', 'c']);
  assert.deepEqual(order('branch:h', true), ['c', 'b', 'a']);
  assert.equal(classRows(null, { classNames: ['x'], classCounts: [1], groups: [null] })[0]?.value, null);
});

const MULTI: Pick<MethodInfo, 'branches' | 'lossTerms' | 'evaluationTerms'> = {
  branches: [1, 2, 3].map((n) => ({ id: `part-${n}`, label: `Part ${n}` })),
  lossTerms: [
    { metric: 'train/loss/sum', label: 'sum', unit: 'nats', group: 'Loss' },
    { metric: 'train/loss/part-1', label: 'Part 1', unit: 'nats', group: 'Loss, by part' },
    { metric: 'train/loss/part-2', label: 'Part 2', unit: 'nats', group: 'Loss, by part' },
    { metric: 'train/loss/share', label: 'share', unit: 'fraction', group: 'Loss, by part' },
  ],
  evaluationTerms: [{ metric: 'test/parts-used', label: 'mean', unit: 'count', group: 'Parts used' }],
};

test('terms of one group and unit make one panel; those of the total stand beside it', () => {
  assert.deepEqual(
    termPanels(MULTI.lossTerms).map(({ title, unit, terms }) => [
      title,
      unit,
      terms.map(({ label }) => label),
    ]),
    [
      ['Loss, by part', 'nats', ['Part 1', 'Part 2']],
      ['Loss, by part', 'fraction', ['share']],
    ],
  );
  assert.equal(groupMetric(MULTI.evaluationTerms[0]!, 'few'), 'test/parts-used/few');
});

test('curves are those of training and what the evaluations of the method log', () => {
  const names = ['train/loss', 'train/loss/part-1', 'test/top1', 'test/parts-used', 'test/parts-used/few'];
  assert.deepEqual(curveMetrics(names, MULTI), [
    'train/loss',
    'train/loss/part-1',
    'test/parts-used',
    'test/parts-used/few',
  ]);
});

test('a term named after an output has its colour', () => {
  const [, first, second] = MULTI.lossTerms;
  assert.equal(termColor(first!, 7, MULTI.branches), outputColor(0, 3));
  assert.equal(termColor(second!, 7, MULTI.branches), outputColor(1, 3));
  assert.equal(termColor(MULTI.lossTerms[3]!, 0, MULTI.branches), 'series-1');
  assert.equal(new Set([0, 1, 2, 3, 4, 5].map((index) => outputColor(index, 6))).size, 6);
});

test('outputs have short labels that tell them apart', () => {
  const short = (...labels: string[]): string[] => [...shortLabels(labels).values()];
  assert.deepEqual(short('Expert 1', 'Expert 2', 'H of all experts'), ['E1', 'E2', 'H']);
  assert.deepEqual(short('H', 'M', 'T'), ['H', 'M', 'T']);
  assert.deepEqual(short('All experts', 'All branches'), []);
  assert.deepEqual(short(), []);
});
