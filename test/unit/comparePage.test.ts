/** The Compare page's reading of a comparison: order, verdicts, axes, exports. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ComparedItem, Comparison, GroupScheme, PairedDifference } from '../../preload/contract.ts';
import { toCsv } from '../../renderer/charts/csv.ts';
import {
  outputsTitle,
  askingOrder,
  carryingGroups,
  checkpointChoices,
  distinctSeries,
  groupMeansOf,
  outcomeOf,
  parseRef,
  shortNames,
  showComparison,
  turnRound,
  whiskerRange,
} from '../../renderer/pages/compare/comparison.ts';
import { latexText, toDataTable, toLatex } from '../../renderer/pages/compare/exportTable.ts';
import { verdictOf } from '../../renderer/pages/compare/verdict.ts';

const scheme: GroupScheme = {
  id: 'count-100-20',
  label: 'by count >100, 20–100, <20',
  groups: [
    { id: 'many', label: 'Many', rule: '> 100', classes: [0], images: 500 },
    { id: 'medium', label: 'Medium', rule: '20–100', classes: [1], images: 50 },
    { id: 'few', label: 'Few', rule: '< 20', classes: [2], images: 5 },
  ],
};

function difference(d: number | null, half = 0.01, p = 0.0001): PairedDifference {
  return {
    difference: d,
    low: d === null ? null : d - half,
    high: d === null ? null : d + half,
    p: d === null ? null : p,
    pHolm: d === null ? null : p,
    onlyA: 30,
    onlyB: 10,
  };
}

function item(over: Partial<ComparedItem>): ComparedItem {
  return {
    ref: '1@last',
    runId: 1,
    title: 'ResLT',
    detail: 'β 0.995',
    seed: 0,
    series: 1,
    epoch: 200,
    split: 'test',
    selection: 'last',
    top1: 0.479,
    top5: null,
    groups: { many: 0.646, medium: 0.495, few: null },
    perClass: [0.6, 0.5, null],
    outputWord: 'branch',
    branches: [],
    calibration: { ece: 0.1, groups: { many: null, medium: null, few: null }, bins: [] },
    seeds: null,
    available: [],
    ...over,
  };
}

/** As the owner answers: the baseline was asked for first. */
const answer: Comparison = {
  items: [
    item({ ref: '3@last', runId: 3, title: 'CE', detail: '', top1: 0.392 }),
    item({}),
    item({
      ref: '2@best',
      runId: 2,
      title: 'RIDE',
      detail: '',
      top1: 0.487,
      selection: 'best-test',
      epoch: 190,
    }),
  ],
  scheme,
  images: 10_000,
  imagesByGroup: { many: 3500, medium: 3500, few: 3000 },
  classNames: ['a', 'b', 'c'],
  classCounts: [500, 50, 5],
  pairs: [
    {
      a: 0,
      b: 1,
      all: difference(-0.087),
      groups: { many: difference(0.018, 0.02, 0.06), medium: difference(-0.124), few: difference(-0.167) },
      perClass: [0.1, -0.2, null],
      bothRight: 3289,
      bothWrong: 4585,
    },
    {
      a: 0,
      b: 2,
      all: difference(-0.008, 0.009, 0.19),
      groups: { many: difference(0), medium: difference(null), few: difference(-0.1) },
      perClass: [0, 0, 0],
      bothRight: 1,
      bothWrong: 1,
    },
  ],
  tests: 8,
  settings: [],
  warnings: [],
};

test('the baseline is the last on screen and the first that the owner is asked for', () => {
  assert.deepEqual(askingOrder(['1@last', '2@best', '3@last']), ['3@last', '1@last', '2@best']);
  assert.deepEqual(askingOrder(['1@last']), ['1@last']);
  const shown = showComparison(answer);
  assert.deepEqual(
    shown.items.map((one) => one.ref),
    ['1@last', '2@best', '3@last'],
  );
  assert.equal(shown.baseline, 2);
  assert.deepEqual(
    shown.pairs.map((pair) => pair.item),
    [0, 1],
  );
});

test('differences are turned round with their interval and counts', () => {
  const pair = showComparison(answer).pairs[0]!;
  assert.ok(Math.abs(pair.all.difference! - 0.087) < 1e-12);
  assert.ok(Math.abs(pair.all.low! - 0.077) < 1e-12 && Math.abs(pair.all.high! - 0.097) < 1e-12);
  assert.deepEqual([pair.all.onlyA, pair.all.onlyB], [10, 30]);
  assert.deepEqual(pair.perClass, [-0.1, 0.2, null]);
  assert.ok(Object.is(turnRound(difference(0, 0)).difference, 0), 'no minus zero');
  assert.equal(turnRound(difference(null)).low, null);
});

test('a direction is claimed only where the corrected test supports it', () => {
  assert.equal(outcomeOf(difference(0.05)), 'better');
  assert.equal(outcomeOf(difference(-0.05)), 'worse');
  assert.equal(outcomeOf(difference(0.05, 0.1, 0.05)), 'none');
  assert.equal(outcomeOf(difference(null)), 'untested');
});

test('a gain is placed in the groups that carry it', () => {
  const [gain] = showComparison(answer).pairs;
  assert.deepEqual(carryingGroups(gain!, answer.imagesByGroup), ['medium', 'few']);
  const spread = { many: difference(0.05), medium: difference(0.05), few: difference(0.05) };
  assert.deepEqual(carryingGroups({ all: difference(0.05), groups: spread }, answer.imagesByGroup), []);
  const unsupported = { ...spread, few: difference(0.2, 0.3, 0.2) };
  assert.deepEqual(carryingGroups({ all: difference(0.09), groups: unsupported }, answer.imagesByGroup), []);
});

test('the verdict names the interval and p, and says when no difference is shown', () => {
  const [gain, small] = showComparison(answer).pairs;
  const labels = { many: 'Many', medium: 'Medium', few: 'Few' };
  const won = verdictOf(gain!, { item: 'ResLT', baseline: 'CE' }, answer.imagesByGroup, labels);
  assert.equal(won.claim, 'ResLT gains 8.7 points on CE, nearly all in medium and few:');
  assert.equal(won.evidence, '95\u00a0% interval [+7.7, +9.7], p\u00a0<\u00a00.001.');
  const even = verdictOf(small!, { item: 'RIDE', baseline: 'CE' }, answer.imagesByGroup, labels);
  assert.equal(even.claim, 'No difference shown between RIDE and CE:');
  assert.equal(even.evidence, '+0.8 points, 95\u00a0% interval [\u22120.1, +1.7], p\u00a0=\u00a00.19.');
});

test('names tell runs apart with as few words as needed', () => {
  const named = (over: Partial<ComparedItem>[]) => shortNames(over.map((one) => item(one)));
  assert.deepEqual(named([{}, { title: 'CE', detail: '' }]), ['ResLT', 'CE']);
  assert.deepEqual(named([{}, { detail: 'β 0.998' }]), ['ResLT β 0.995', 'ResLT β 0.998']);
  assert.deepEqual(named([{}, { seed: 1, runId: 2 }]), ['ResLT β 0.995, seed 0', 'ResLT β 0.995, seed 1']);
  assert.deepEqual(named([{}, { epoch: 40 }]), ['ResLT, run 1, epoch 200', 'ResLT, run 1, epoch 40']);
});

test('the whisker axis holds zero and all intervals on round ticks', () => {
  const range = whiskerRange([difference(0.087), difference(-0.02, 0.02)]);
  assert.ok(range.min <= -0.04 && range.max >= 0.097);
  assert.ok(range.ticks.includes(0));
  const one = whiskerRange([difference(0.05)]);
  assert.ok(one.min < 0 && one.ticks.includes(0), 'zero is not at the very edge');
  assert.ok(one.ticks.at(-1)! < one.max, 'nor is the last tick');
  assert.ok(whiskerRange([]).max > 0);
});

test('LaTeX is a booktabs table with escaped names and bold supported differences', () => {
  assert.equal(latexText('β 0.995_x & 5 %'), '$\\beta$ 0.995\\_x \\& 5 \\%');
  const shown = showComparison(answer);
  const latex = toLatex(shown, ['ResLT', 'RIDE', 'CE'], { scheme, images: 10_000, tests: 8, split: 'test' });
  assert.match(latex, /\\toprule\n & All & Many & Medium & Few \\\\\n\\midrule/);
  assert.match(latex, /ResLT & 47\.9 & 64\.6 & 49\.5 & -- \\\\/);
  assert.match(latex, /ResLT \$-\$ CE & \\textbf\{\$\+8\.7\$\} & \$-1\.8\$ & \\textbf\{\$\+12\.4\$\}/);
  assert.match(latex, /RIDE \$-\$ CE & \$\+0\.8\$ & \$0\.0\$ & -- /);
  assert.match(latex, /% RIDE: 2@best \(best on test, epoch 190, seed 0\)/);
  assert.ok(latex.trimEnd().endsWith('\\end{tabular}'));
});

test('CSV has raw fractions, one row a group, and quotes what needs it', () => {
  const shown = showComparison(answer);
  const csv = toCsv(
    toDataTable(shown, ['ResLT, seed 0', 'RIDE', 'CE'], {
      scheme,
      images: 10_000,
      imagesByGroup: answer.imagesByGroup,
    }),
  );
  const lines = csv.trimEnd().split('\n');
  assert.equal(lines.length, 5);
  assert.match(lines[0]!, /^group,images,"ResLT, seed 0",RIDE,CE,/);
  assert.match(lines[1]!, /^All,10000,0\.479,0\.487,0\.392,0\.087,/);
  assert.match(lines[4]!, /^Few,3000,,,,/);
});

test('a CSV cell can not become a formula', () => {
  const csv = toCsv({
    columns: [{ label: 'name', isNumber: false }],
    rows: [['=HYPERLINK("x")'], ['-1.5'], ['-cmd'], ['a "b"']],
  });
  assert.equal(csv, `name\n"'=HYPERLINK(""x"")"\n-1.5\n'-cmd\n"a ""b"""\n`);
});

test('items with the same series number get another that is free', () => {
  assert.deepEqual(distinctSeries([{ series: 1 }, { series: 1 }, { series: 2 }]), [1, 3, 2]);
  assert.deepEqual(distinctSeries([{ series: 4 }, { series: 2 }]), [4, 2]);
});

test('group means are over the classes that have a value', () => {
  assert.deepEqual(groupMeansOf(scheme, [0.1, -0.2, null]), { many: 0.1, medium: -0.2, few: null });
});

test('a reference is a run and which of its checkpoints', () => {
  assert.deepEqual(parseRef('12@best'), { runId: 12, which: 'best' });
  assert.deepEqual(parseRef('3@epoch-40'), { runId: 3, which: 'epoch-40' });
  assert.equal(parseRef('0@last'), null);
  assert.equal(parseRef('x@last'), null);
  assert.equal(parseRef('3@first'), null);
});

test('the epoch selector offers last and best first, and keeps a choice that is gone', () => {
  const logits = [{ split: 'test' as const, outputs: ['fused'], dtype: 'float32' as const }];
  const checkpoint = (
    epoch: number,
    roles: ('last' | 'best' | 'every')[],
    selection: 'last' | 'best-test' | 'epoch',
  ) => ({
    ref: `5@epoch-${epoch}`,
    epoch,
    step: epoch * 10,
    roles,
    selection,
    logits,
  });
  const all = [
    checkpoint(20, ['every'], 'epoch'),
    checkpoint(40, ['last'], 'last'),
    checkpoint(36, ['best'], 'best-test'),
    { ...checkpoint(41, ['last'], 'last'), logits: [] },
  ];
  assert.deepEqual(checkpointChoices(5, all, '5@last'), [
    { value: '5@last', label: 'last, epoch 40' },
    { value: '5@best', label: 'best on test, epoch 36' },
    { value: '5@epoch-20', label: 'epoch 20' },
  ]);
  assert.deepEqual(checkpointChoices(5, [], '5@epoch-7'), [{ value: '5@epoch-7', label: 'epoch 7' }]);
});

test('outputs are called what their methods call them', () => {
  const groups = { many: null, medium: null, few: null };
  const two = ['a', 'b'].map((id) => ({ id, label: id, top1: 0.5, groups }));
  const reslt = item({ branches: two });
  const ride = item({ branches: two, outputWord: 'expert' });
  const plain = item({ branches: two.slice(0, 1), outputWord: 'output' });
  assert.equal(outputsTitle([reslt, plain]), 'Branches');
  assert.equal(outputsTitle([ride]), 'Experts');
  assert.equal(outputsTitle([ride, reslt]), 'Experts and branches');
  assert.equal(outputsTitle([plain]), 'Outputs');
});
