/** The runs table's arithmetic: rows, columns, selection, what stands for a run, the queue's order, CSV. */
import test from 'node:test';
import assert from 'node:assert/strict';
import type { ResultSummary, RunListItem, RunSummary } from '../../../preload/contract.ts';
import { toCsv } from '../../../renderer/charts/csv.ts';
import { scrollToShow, visibleRows } from '../../../renderer/lib/virtual.ts';
import { stateDetail } from '../../../renderer/runs/cells.ts';
import {
  COLUMNS,
  DEFAULT_COLUMNS,
  fitColumns,
  headSpans,
  startsFamily,
} from '../../../renderer/runs/columns.ts';
import { latestOf, stateOfGroup, sumOf } from '../../../renderer/runs/groupState.ts';
import { beforeOf, moved } from '../../../renderer/runs/reorder.ts';
import { countRows, placeOfRow, rowOfPlace } from '../../../renderer/runs/rows.ts';
import { runsTable } from '../../../renderer/runs/runsTableCsv.ts';
import {
  comparedRuns,
  countSelection,
  markOf,
  refreshed,
  withRuns,
} from '../../../renderer/runs/selection.ts';

const result: ResultSummary = {
  epoch: 40,
  split: 'test',
  selection: 'last',
  top1: 0.4756,
  top5: null,
  groups: {
    'count-100-20': { many: 0.64, medium: 0.49, few: null },
    'reslt-ranges': { many: 0.65, medium: 0.5, few: 0.2 },
  },
};

function run(id: number, change: Partial<RunSummary> = {}): RunSummary {
  return {
    id,
    name: `run-${id}`,
    title: 'ResLT',
    detail: 'β 0.995',
    state: 'completed',
    stateMessage: null,
    notResponding: false,
    kind: 'train',
    groupId: null,
    seed: 0,
    method: 'reslt',
    network: 'resnet32',
    datasetId: 1,
    datasetName: 'CIFAR-100-LT IF 100',
    datasetKind: 'cifar-100',
    preset: null,
    parentRunId: null,
    note: '',
    series: 1,
    progress: null,
    queuePosition: null,
    engine: null,
    device: null,
    last: result,
    best: { ...result, selection: 'best-test', epoch: 38 },
    createdAtMs: 0,
    startedAtMs: null,
    endedAtMs: null,
    activeMs: 1500,
    archived: false,
    sizeBytes: 10,
    ...change,
  };
}

test('rows of opened items push the later ones down, and every row finds its way back', () => {
  const opened = [
    { item: 1, children: 3 },
    { item: 4, children: 1 },
  ];
  assert.equal(countRows(6, opened), 10);
  const places = Array.from({ length: 10 }, (_, row) => placeOfRow(row, opened));
  assert.deepEqual(
    places.map(({ item, child }) => (child === null ? `${item}` : `${item}.${child}`)),
    ['0', '1', '1.0', '1.1', '1.2', '2', '3', '4', '4.0', '5'],
  );
  places.forEach((place, row) => assert.equal(rowOfPlace(place, opened), row));
});

test('only rows in view and a few around them are drawn', () => {
  const view = { scrollTop: 2800, height: 560, rowHeight: 28, count: 10_000, overscan: 5 };
  assert.deepEqual(visibleRows(view), { start: 95, end: 125 });
  assert.deepEqual(visibleRows({ ...view, count: 0 }), { start: 0, end: 0 });
  assert.deepEqual(visibleRows({ ...view, scrollTop: 0 }), { start: 0, end: 25 });
  // The list has shrunk below where it was scrolled to.
  assert.deepEqual(visibleRows({ ...view, count: 50 }), { start: 50, end: 50 });
});

test('a row is scrolled to only when it is out of view, and a sticky head is minded', () => {
  const view = { scrollTop: 280, height: 326, rowHeight: 28, headHeight: 46 };
  assert.equal(scrollToShow({ row: 12, ...view }), null);
  assert.equal(scrollToShow({ row: 5, ...view }), 140);
  assert.equal(scrollToShow({ row: 20, ...view }), 21 * 28 - 280);
});

test('narrow windows drop the cheapest columns first and never the result', () => {
  const wide = fitColumns(DEFAULT_COLUMNS, 2000);
  assert.deepEqual(wide.dropped, []);
  const ids = (room: number) => fitColumns(DEFAULT_COLUMNS, room).shown.map(({ id }) => id);
  assert.equal(ids(1112).includes('active'), false, 'the training time goes first');
  assert.equal(ids(1112).includes('dataset'), true);
  assert.deepEqual(ids(100), ['state', 'last-top1']);
  // Many, medium and few go together.
  for (let room = 400; room < 1400; room += 10) {
    const shown = ids(room);
    assert.equal(shown.includes('last-many'), shown.includes('last-few'), `at ${room} px`);
  }
});

test('room that is left widens messages and datasets, in every sum', () => {
  const plain = fitColumns(DEFAULT_COLUMNS, 1200).shown.find(({ id }) => id === 'state');
  const wide = fitColumns(DEFAULT_COLUMNS, 1800).shown.find(({ id }) => id === 'state');
  assert.ok(wide && plain && wide.widthPx > plain.widthPx);
});

test('the chosen columns stand in the order of the table, under the heads of their families', () => {
  const { shown } = fitColumns(['started', 'last-few', 'last-top1', 'best-top1', 'state'], 2000);
  assert.deepEqual(
    shown.map(({ id }) => id),
    ['state', 'last-top1', 'last-few', 'best-top1', 'started'],
  );
  assert.deepEqual(headSpans(shown), [
    { family: null, count: 1 },
    { family: 'last', count: 2 },
    { family: 'best', count: 1 },
    { family: null, count: 1 },
  ]);
  assert.deepEqual(
    shown.map((_, index) => startsFamily(shown, index)),
    [false, true, false, true, false],
  );
});

test('every column can be sorted by, but for the mark that explains its neighbour', () => {
  assert.deepEqual(
    COLUMNS.filter(({ sortKey }) => sortKey === null).map(({ id }) => id),
    ['best-on'],
  );
});

const group: RunListItem = {
  key: 'group:7',
  group: null,
  runs: [
    run(1, { groupId: 7, seed: 1 }),
    run(2, { groupId: 7, seed: 0 }),
    run(3, { groupId: 7, state: 'running' }),
  ],
};

test('a group is marked, half marked or not', () => {
  const none = new Map<number, RunSummary>();
  assert.equal(markOf(group, none), false);
  const some = withRuns(none, group.runs.slice(0, 1), true);
  assert.equal(markOf(group, some), 'mixed');
  const all = withRuns(some, group.runs, true);
  assert.equal(markOf(group, all), true);
  assert.equal(markOf(group, withRuns(all, group.runs, false)), false);
  assert.equal(none.size, 0, 'the old selection is left as it was');
});

test('the bulk bar counts groups, runs and what is done', () => {
  const sizes = new Map([[7, 3]]);
  const selected = withRuns(new Map(), [...group.runs, run(9)], true);
  assert.deepEqual(countSelection(selected, sizes), { units: 2, groups: 1, runs: 4, completed: 3 });
  const part = withRuns(selected, group.runs.slice(0, 1), false);
  assert.deepEqual(
    countSelection(part, sizes),
    { units: 3, groups: 0, runs: 3, completed: 2 },
    'two of three runs are no group',
  );
});

test('marked runs follow what is known of them', () => {
  const selected = withRuns(new Map(), [run(1, { state: 'running' })], true);
  const after = refreshed(selected, [run(1), run(2)]);
  assert.equal(after.get(1)?.state, 'completed');
  assert.equal(after.size, 1);
  assert.equal(refreshed(after, [run(5)]), after, 'nothing new gives the same selection');
});

test('one run stands for a seed group in a comparison: the first completed seed', () => {
  const compared = comparedRuns([...group.runs, run(9), run(10, { last: null })]);
  assert.deepEqual(
    compared.map(({ id }) => id),
    [2, 9],
  );
});

test('a group shows what is under way before what is done', () => {
  assert.equal(stateOfGroup([{ state: 'completed' }, { state: 'running' }, { state: 'queued' }]), 'running');
  assert.equal(stateOfGroup([{ state: 'completed' }, { state: 'failed' }]), 'failed');
  assert.equal(stateOfGroup([{ state: 'completed' }]), 'completed');
  assert.equal(sumOf([1, null, 2]), 3);
  assert.equal(sumOf([null]), null);
  assert.equal(latestOf([5, null, 9]), 9);
  assert.equal(latestOf([]), null);
});

test('a state says what the next look would ask', () => {
  const progress = {
    step: 9492,
    totalSteps: 16_800,
    epoch: 113,
    epochs: 200,
    share: 0.57,
    remainingMs: 290_000,
    imagesPerSecond: 4212,
    waitShare: null,
    memoryBytes: null,
    phase: 'training' as const,
  };
  assert.match(
    stateDetail(run(1, { state: 'running', progress })).text,
    /^57\u00a0% · 4\u00a0min 50\u00a0s$/,
  );
  assert.equal(stateDetail(run(1, { state: 'paused', progress })).text, '113 / 200');
  assert.equal(stateDetail(run(1, { state: 'queued', queuePosition: 2 })).text, '#2');
  assert.equal(
    stateDetail(run(1, { state: 'failed', stateMessage: 'Loss not finite' })).text,
    'Loss not finite',
  );
  assert.equal(
    stateDetail(run(1, { state: 'running', progress, notResponding: true })).text,
    'not responding',
  );
});

test('a moved entry names the one it now stands before', () => {
  const queue = [1, 2, 3, 4].map((runId) => ({ runId }));
  const order = (from: number, to: number) => moved(queue, from, to).map(({ runId }) => runId);
  assert.deepEqual(order(0, 2), [2, 3, 1, 4]);
  assert.equal(beforeOf(queue, 0, 2), 4);
  assert.deepEqual(order(3, 0), [4, 1, 2, 3]);
  assert.equal(beforeOf(queue, 3, 0), 1);
  assert.equal(beforeOf(queue, 1, 3), null);
});

test('CSV has full precision, empty cells for what is missing, and quotes what needs it', () => {
  const noted = run(4, { note: 'first, "try"', last: null });
  const [head = '', line = ''] = toCsv(runsTable([noted])).split('\n');
  const cells = Object.fromEntries(
    head.split(',').map((name, index) => [name, line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)[index]]),
  );
  assert.equal(cells['last/test/top1'], '');
  assert.equal(cells['best/test/top1'], '0.4756');
  assert.equal(cells['best/selection'], 'best-test');
  assert.equal(cells['best/test/top1/few (count-100-20)'], '', 'an empty group is an empty cell');
  assert.equal(cells['best/test/top1/few (reslt-ranges)'], '0.2');
  assert.equal(cells.activeSeconds, '1.5');
  assert.equal(cells.note, '"first, ""try"""');
});
