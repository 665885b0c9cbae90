/**
 * Log lines in the format of the reference program's CIFAR logs, so that whatever reads those reads ours. Values are
 * fractions with five decimals; two spaces follow the first loss and stand before "acc=". Per-class accuracies are
 * printed the way PyTorch prints a tensor on the CPU.
 */

/** PyTorch breaks a printed tensor after so many characters; an accuracy takes six. */
const LINE_WIDTH = 80;
const ITEM_WIDTH = 6;

export interface StepLine {
  loss: number;
  /** ResLT's individual and fusion terms; a method without them leaves them out. */
  branch?: number | undefined;
  fusion?: number | undefined;
  top1: number;
  learningRate: number;
}

/** "Train loss 2.31  loss_ice 2.30 loss_fce 2.30 acc_n 0.1 lr 0.04". */
export function formatStep({ loss, branch, fusion, top1, learningRate }: StepLine): string {
  // A single-term loss is its own individual term: the reference's readers need the field.
  const individual = ` loss_ice ${fixed(branch ?? loss)}`;
  const fusionPart = fusion === undefined ? '' : ` loss_fce ${fixed(fusion)}`;
  return `Train loss ${fixed(loss)} ${individual}${fusionPart} acc_n ${fixed(top1)} lr ${fixed(learningRate)}`;
}

/** One line after each epoch; `epoch` counts from 0 as in the reference. */
export function formatTrainEpoch(epoch: number, loss: number, top1: number): string {
  return `Train epoch=${epoch} loss=${fixed(loss)}  acc=${fixed(top1)}`;
}

export interface TestLines {
  /** From 0. */
  epoch: number;
  loss: number;
  top1: number;
  bestTop1: number;
  perClass: (number | null)[];
  /** Mean per-class accuracy of the reference's head, medium and tail classes. */
  head: number | null;
  medium: number | null;
  tail: number | null;
}

/** The lines after an evaluation, as one text with line breaks inside. */
export function formatTest(lines: TestLines): string {
  return [
    `Test epoch=${lines.epoch} loss=${fixed(lines.loss)}  acc=${fixed(lines.top1)} best_acc=${fixed(lines.bestTop1)}`,
    `Test ${formatVector(lines.perClass)}`,
    `Test head acc:${formatScalar(lines.head)} medium acc ${formatScalar(lines.medium)} tail acc ${formatScalar(lines.tail)}`,
  ].join('\n');
}

function fixed(value: number): string {
  return value.toFixed(5);
}

function formatScalar(value: number | null): string {
  return `tensor(${value === null ? 'nan' : value.toFixed(4)})`;
}

/** As PyTorch prints a vector on the CPU: as many items a line as fit, continuation lines aligned with the first item. */
function formatVector(values: (number | null)[]): string {
  const items = values.map((value) => (value === null ? '   nan' : value.toFixed(4)));
  const perLine = Math.floor((LINE_WIDTH - 'tensor('.length) / (ITEM_WIDTH + ', '.length));
  const rows: string[] = [];
  for (let index = 0; index < items.length; index += perLine)
    rows.push(items.slice(index, index + perLine).join(', '));
  return `tensor([${rows.join(`,\n${' '.repeat('tensor(['.length)}`)}])`;
}
