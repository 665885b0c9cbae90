/** What the golden logs do not show: appended and interrupted runs, cut-off ends, other line ends, our own logs. */
import test from 'node:test';
import assert from 'node:assert/strict';
import {
  parseReferenceLog,
  ReferenceLogError,
  type ReferenceRun,
} from '../../../main/exchange/referenceLog.ts';
import { formatStep, formatTest, formatTrainEpoch, formatVal } from '../../../main/training/logFormat.ts';

const VECTOR = 'Test tensor([0.9000, 0.5000,\n        0.1000])';
const GROUPS = 'Test head acc:tensor(0.9000) medium acc tensor(0.5000) tail acc tensor(0.1000)';

/** One epoch of the CIFAR program. */
function cifarEpoch(epoch: number, accuracy = 0.5): string {
  return [
    'Train loss 2.00000  loss_ice 2.00100 loss_fce 1.00000 acc_n 0.25000 lr 0.10000',
    `Train epoch=${epoch} loss=1.50000  acc=0.30000`,
    `Test epoch=${epoch} loss=1.20000  acc=${accuracy.toFixed(5)} best_acc=0.50000`,
    VECTOR,
    GROUPS,
    '',
  ].join('\n');
}

/** One epoch of the ImageNet program with two progress lines. */
function largeEpoch(epoch: number, top1 = 50): string {
  const line = (batch: number) =>
    `Epoch: [${epoch}][${String(batch).padStart(3)}/200]\tTime  0.500 ( 0.400)\tData  0.100 ( 0.100)\tF_Loss 2.0000e+00 (2.5000e+00)\tI_Loss 3.0000e+00 (3.5000e+00)\tAcc@1  10.00 ( 12.50)\tAcc@5  20.00 ( 25.00)\n`;
  return `${line(0)}${line(100)}Test: [ 0/40]\tTime  0.721 ( 0.721)\tLoss 3.3593e+00 (3.3593e+00)\tAll_Acc@1  47.66 ( 47.66)\tAll_Acc@5  57.42 ( 57.42)\n * Acc@1 ${top1.toFixed(3)} Acc@5 75.000 HAcc 0.600 MAcc 0.500 TAcc 0.300 \n`;
}

function points(run: ReferenceRun, metric: string): [number, number][] {
  const series = run.series.find((each) => each.metric === metric);
  return (series?.points ?? []).map(({ step, value }) => [step, value]);
}

test('a CIFAR log becomes curves by step, an evaluation an epoch and what it proves', () => {
  const { program, runs, skippedLines } = parseReferenceLog(cifarEpoch(0) + cifarEpoch(1, 0.25));
  assert.equal(program, 'reslt-cifar');
  assert.equal(skippedLines, 0);
  assert.equal(runs.length, 1);
  const [run] = runs as [ReferenceRun];
  assert.equal(run.epochs, 2);
  assert.deepEqual(run.stepsPerEpoch, { count: 100, exact: false });
  assert.deepEqual(points(run, 'train/loss'), [
    [1, 2],
    [101, 2],
  ]);
  assert.deepEqual(points(run, 'train/loss/branch'), [
    [1, 2.001],
    [101, 2.001],
  ]);
  assert.deepEqual(points(run, 'train/epoch-top1'), [
    [100, 0.3],
    [200, 0.3],
  ]);
  assert.deepEqual(run.evaluations[1], {
    epoch: 2,
    step: 200,
    split: 'test',
    loss: 1.2,
    top1: 0.25,
    top5: null,
    perClass: [0.9, 0.5, 0.1],
    groups: { scheme: 'reslt-ranges', many: 0.9, medium: 0.5, few: 0.1 },
  });
  assert.deepEqual(run.facts, {
    method: 'reslt',
    classes: 3,
    device: null,
    beta: 0.999,
    startedAt: null,
    bestTop1: 0.5,
    saved: [],
  });
});

test('percent becomes fractions, and the printed number of steps is exact', () => {
  const [run] = parseReferenceLog(largeEpoch(0) + largeEpoch(1)).runs as [ReferenceRun];
  assert.deepEqual(run.stepsPerEpoch, { count: 200, exact: true });
  assert.deepEqual(points(run, 'train/top1'), [
    [1, 0.1],
    [101, 0.1],
    [201, 0.1],
    [301, 0.1],
  ]);
  assert.deepEqual(points(run, 'train/epoch-loss/fusion'), [
    [200, 2.5],
    [400, 2.5],
  ]);
  assert.deepEqual(points(run, 'train/data-wait')[0], [1, 0.25]);
  assert.deepEqual(run.evaluations[0]!.groups, {
    scheme: 'reslt-ranges',
    many: 0.6,
    medium: 0.5,
    few: 0.3,
  });
  assert.deepEqual(
    [run.evaluations[0]!.top1, run.evaluations[0]!.top5, run.evaluations[0]!.loss],
    [0.5, 0.75, 3.3593],
  );
});

test('lines of PyTorch’s ImageNet example claim no method; only a line with groups is ResLT’s', () => {
  const train = (epoch: number) =>
    `Epoch: [${epoch}][   0/5005]\tTime  6.1 ( 6.1)\tData  3.9 ( 3.9)\tLoss 7.0012e+00 (7.0012e+00)\tAcc@1   0.39 (  0.39)\tAcc@5   1.17 (  1.17)\n`;
  const tests =
    'Test: [  0/196]\tTime  6.083 ( 6.083)\tLoss 2.2000e+00 (2.2000e+00)\tAcc@1  52.39 ( 52.39)\tAcc@5  75.17 ( 75.17)\n';
  const log = parseReferenceLog(
    `${train(0)}${tests} * Acc@1 12.500 Acc@5 25.000\n${train(1)}${tests} *   Acc@1 69.758 Acc@5 89.078\n`,
  );
  assert.deepEqual(
    [log.program, log.label, log.skippedLines],
    ['imagenet-example', "PyTorch's ImageNet example", 0],
  );
  const [run] = log.runs as [ReferenceRun];
  assert.deepEqual([run.facts.method, run.facts.bestTop1, run.epochs], [null, 0.69758, 2]);
  assert.deepEqual(run.evaluations[0], {
    epoch: 1,
    step: 5005,
    split: 'test',
    loss: 2.2,
    top1: 0.125,
    top5: 0.25,
    perClass: null,
    groups: null,
  });

  const told = (text: string) => {
    const { program, runs } = parseReferenceLog(text);
    return [program, runs[0]!.facts.method];
  };
  assert.deepEqual(told(train(0)), ['imagenet-example', null]);
  assert.deepEqual(told(tests), ['imagenet-example', null]);
  const groups = ' * Acc@1 52.876 Acc@5 76.100 HAcc 0.630 MAcc 0.505 TAcc 0.355 \n';
  assert.deepEqual(told(train(0) + train(1) + groups), ['reslt-ride', 'ride-reslt']);
  assert.deepEqual(told(tests + groups), ['reslt-large', 'reslt']);
});

test('line ends of Windows, a byte-order mark and foreign lines change nothing', () => {
  const plain = parseReferenceLog(cifarEpoch(0));
  const windows = parseReferenceLog(`\ufeff${cifarEpoch(0).replaceAll('\n', '\r\n')}`);
  assert.deepEqual(windows, plain);
  const noisy = parseReferenceLog(
    `Namespace(arch='ResLTResNet32')\nUserWarning: lr_scheduler\n${cifarEpoch(0)}Traceback (most recent call last):\n`,
  );
  assert.deepEqual(noisy.runs, plain.runs);
  assert.equal(noisy.skippedLines, 3);
});

test('an appended run is a run of its own, a resumed one goes on where it stopped', () => {
  const appended = parseReferenceLog(cifarEpoch(0) + cifarEpoch(1) + cifarEpoch(0, 0.1)).runs;
  assert.deepEqual(
    appended.map(({ epochs }) => epochs),
    [2, 1],
  );
  assert.equal(appended[1]!.evaluations[0]!.top1, 0.1);

  const resumed = parseReferenceLog(
    largeEpoch(0) + largeEpoch(1, 10) + largeEpoch(2, 20) + largeEpoch(1, 30),
  ).runs;
  assert.equal(resumed.length, 1);
  assert.deepEqual(
    resumed[0]!.evaluations.map(({ epoch, top1 }) => [epoch, top1]),
    [
      [1, 0.5],
      [2, 0.3],
    ],
    'what came after the checkpoint was lost',
  );
});

test('an epoch that was broken off and begun again counts once', () => {
  const [line] = cifarEpoch(0).split('\n') as [string];
  const [run] = parseReferenceLog(`${cifarEpoch(0)}${line.replace('2.00000', '9.00000')}\n${cifarEpoch(1)}`)
    .runs as [ReferenceRun];
  assert.deepEqual(points(run, 'train/loss'), [
    [1, 2],
    [101, 2],
  ]);
});

test('a last line that was cut off is not read', () => {
  const whole = cifarEpoch(0) + cifarEpoch(1);
  const cut = whole.indexOf('Test epoch=1') + 'Test epoch=1 loss=1.20000  acc=0.50000 best_acc=0.5'.length;
  const [run] = parseReferenceLog(whole.slice(0, cut)).runs as [ReferenceRun];
  assert.equal(run.epochs, 2);
  assert.equal(run.evaluations.length, 1);
  const inVector = parseReferenceLog(whole.slice(0, whole.lastIndexOf('0.1000])'))).runs[0]!;
  assert.equal(inVector.evaluations[1]!.perClass, null);

  const ride =
    '    epoch          : 1\n    loss           : 13.5\n    val_accuracy   : 0.3001538\n    val_loss       : 1.58';
  const [cutRide] = parseReferenceLog(ride).runs as [ReferenceRun];
  assert.deepEqual([cutRide.evaluations[0]!.top1, cutRide.evaluations[0]!.loss], [0.3001538, null]);
});

test('missing lines leave gaps, not errors', () => {
  const onlyTests = parseReferenceLog('Test epoch=4 loss=1.20000  acc=0.50000 best_acc=0.50000\n').runs[0]!;
  assert.deepEqual(
    onlyTests.evaluations.map(({ epoch, perClass, groups }) => [epoch, perClass, groups]),
    [[5, null, null]],
  );
  const evaluationOnly = parseReferenceLog(' * Acc@1 52.876 Acc@5 76.100 HAcc 0.630 MAcc 0.505 TAcc 0.355 \n')
    .runs[0]!;
  assert.deepEqual([evaluationOnly.epochs, evaluationOnly.evaluations[0]!.epoch], [0, 0]);
});

test('values that are not numbers are missing, and vectors are read in every form of PyTorch', () => {
  const log = [
    'Train epoch=0 loss=nan  acc=0.10000',
    'Test epoch=0 loss=nan  acc=0.10000 best_acc=0.10000',
    'Test tensor([0., 1.0000e-04, nan, 1.])',
    "Test head acc:tensor(nan, device='cuda:0') medium acc tensor(0., device='cuda:0') tail acc tensor(1.0000e-04, device='cuda:0')",
    '',
  ].join('\n');
  const [run] = parseReferenceLog(log).runs as [ReferenceRun];
  assert.deepEqual(points(run, 'train/epoch-loss'), []);
  const [evaluation] = run.evaluations;
  assert.equal(evaluation!.loss, null);
  assert.deepEqual(evaluation!.perClass, [0, 1e-4, null, 1]);
  assert.deepEqual(evaluation!.groups, { scheme: 'reslt-ranges', many: null, medium: 0, few: 1e-4 });
  const shortened = parseReferenceLog(
    'Test epoch=0 loss=1.00000  acc=0.10000 best_acc=0.10000\nTest tensor([0.1000, 0.2000,  ..., 0.3000])\n',
  );
  assert.equal(shortened.runs[0]!.evaluations[0]!.perClass, null);
});

test('RIDE counts epochs from 1 and tells what it saved; LDAM prints a tenth of its rate', () => {
  const ride = parseReferenceLog(
    '2021-03-19 13:00:03,387 - trainer - INFO -     epoch          : 1\n' +
      '2021-03-19 13:00:04,199 - trainer - INFO -     val_accuracy   : 0.3\n' +
      '2021-03-19 13:00:07,449 - trainer - INFO - Saving current best: saved/model_best.pth ...\n',
  );
  assert.equal(ride.program, 'ride');
  assert.equal(ride.runs[0]!.evaluations[0]!.epoch, 1);
  assert.deepEqual(ride.runs[0]!.facts.saved, [{ kind: 'best', path: 'saved/model_best.pth' }]);
  assert.equal(ride.runs[0]!.facts.startedAt, '2021-03-19 13:00:03,387');

  const ldam = parseReferenceLog(
    'Epoch: [0][0/97], lr: 0.00200\tTime 0.131 (0.131)\tData 0.006 (0.006)\tLoss 0.0101 (0.0101)\tPrec@1 83.594 (83.594)\tPrec@5 95.898 (95.898)\n' +
      'val Results: Prec@1 58.789 Prec@5 89.697 Loss 2.52866\nval Class Accuracy: [0.617,0.166,\n 0.384]\nBest Prec@1: 58.789\n\n',
  );
  const [run] = ldam.runs as [ReferenceRun];
  assert.deepEqual(points(run, 'train/lr'), [[1, 0.02]]);
  assert.deepEqual(run.evaluations[0]!.perClass, [0.617, 0.166, 0.384]);
  assert.equal(run.evaluations[0]!.epoch, 1);
});

test('appended test logs of LDAM part where the best falls', () => {
  const block = (top1: number, best: number) =>
    `val Results: Prec@1 ${top1.toFixed(3)} Prec@5 89.000 Loss 2.00000\nval Class Accuracy: [0.500,0.100]\nBest Prec@1: ${best.toFixed(3)}\n\n`;
  const { runs } = parseReferenceLog(block(40, 40) + block(50, 50) + block(10, 10) + block(20, 20));
  assert.deepEqual(
    runs.map(({ evaluations }) => evaluations.map(({ epoch, top1 }) => [epoch, top1])),
    [
      [
        [1, 0.4],
        [2, 0.5],
      ],
      [
        [1, 0.1],
        [2, 0.2],
      ],
    ],
  );
});

test('our own logs are read, with the terms of any method and a validation split', () => {
  const lines = [
    formatStep({ loss: 3, terms: { expert: 2.5, diversity: -0.5 }, top1: 0.1, learningRate: 0.1 }),
    formatTrainEpoch(0, 2.9, 0.2),
    formatVal(0, 2.8, 0.3, {}),
    formatTest({
      epoch: 0,
      loss: 2.7,
      top1: 0.4,
      bestTop1: 0.4,
      perClass: [1, null, 0.25],
      head: 1,
      medium: null,
      tail: 0.25,
      terms: { 'experts-used': 2.5 },
    }),
    '',
  ].join('\n');
  const { runs, skippedLines } = parseReferenceLog(lines);
  const [run] = runs as [ReferenceRun];
  assert.equal(skippedLines, 0);
  assert.equal(run.facts.method, null);
  assert.deepEqual(points(run, 'train/loss/diversity'), [[1, -0.5]]);
  assert.deepEqual(points(run, 'test/experts-used'), [[100, 2.5]]);
  assert.deepEqual(
    run.evaluations.map(({ split, top1, perClass }) => [split, top1, perClass]),
    [
      ['val', 0.3, null],
      ['test', 0.4, [1, null, 0.25]],
    ],
  );
});

test('a text that is no log is refused with a sentence', () => {
  assert.throws(() => parseReferenceLog(''), ReferenceLogError);
  assert.throws(
    () => parseReferenceLog('epoch,loss\n1,2\n'),
    /None of its 2 lines .*it begins with "epoch,loss".*Choose/,
  );
  assert.throws(() => parseReferenceLog(GROUPS), ReferenceLogError);
});

test('lines without end are passed over, not searched', () => {
  const started = performance.now();
  const endless = `Test tensor([${'0.1000, '.repeat(200_000)}\n`;
  const many = `Test tensor([0.1000,\n${' 0.2000)(,\n'.repeat(100_000)}`;
  assert.equal(parseReferenceLog(cifarEpoch(0) + endless + many).runs[0]!.epochs, 1);
  assert.ok(performance.now() - started < 5000);
});
