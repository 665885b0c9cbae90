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
  /** The parts of the loss that the method logs, in its order. */
  terms: Record<string, number>;
  top1: number;
  learningRate: number;
}

/** ResLT's two terms have places of their own in the reference's line. */
const INDIVIDUAL = 'branch';
const FUSION = 'fusion';

/**
 * "Train loss 2.31  loss_ice 2.30 loss_fce 2.30 acc_n 0.1 lr 0.04", and where a method logs other terms a second line,
 * "Train terms base 2.31 diversity 0.02".
 */
export function formatStep({ loss, terms, top1, learningRate }: StepLine): string {
  const { [INDIVIDUAL]: individual, [FUSION]: fusion, ...others } = terms;
  // A loss without ResLT's terms is its own individual term: the reference's readers need the field.
  const individualPart = ` loss_ice ${fixed(individual ?? loss)}`;
  const fusionPart = fusion === undefined ? '' : ` loss_fce ${fixed(fusion)}`;
  const line = `Train loss ${fixed(loss)} ${individualPart}${fusionPart} acc_n ${fixed(top1)} lr ${fixed(learningRate)}`;
  return withTerms(line, 'Train', others);
}

/** One line after each epoch; `epoch` counts from 0 as in the reference. */
export function formatTrainEpoch(epoch: number, loss: number, top1: number): string {
  return `Train epoch=${epoch} loss=${fixed(loss)}  acc=${fixed(top1)}`;
}

/** One line after an evaluation of the validation split; `epoch` counts from 0. */
export function formatVal(epoch: number, loss: number, top1: number, terms: Record<string, number>): string {
  return withTerms(`Val epoch=${epoch} loss=${fixed(loss)}  acc=${fixed(top1)}`, 'Val', terms);
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
  /** What the method's evaluation logs beside them, by metric name without the split. */
  terms: Record<string, number>;
}

/** The lines after an evaluation, as one text with line breaks inside. */
export function formatTest(lines: TestLines): string {
  const text = [
    `Test epoch=${lines.epoch} loss=${fixed(lines.loss)}  acc=${fixed(lines.top1)} best_acc=${fixed(lines.bestTop1)}`,
    `Test ${formatVector(lines.perClass)}`,
    `Test head acc:${formatScalar(lines.head)} medium acc ${formatScalar(lines.medium)} tail acc ${formatScalar(lines.tail)}`,
  ].join('\n');
  return withTerms(text, 'Test', lines.terms);
}

/** With a line "Test terms name value name value" behind, where there are any. */
function withTerms(text: string, split: 'Train' | 'Val' | 'Test', terms: Record<string, number>): string {
  const entries = Object.entries(terms);
  if (entries.length === 0) return text;
  return `${text}\n${split} terms ${entries.map(([name, value]) => `${name} ${fixed(value)}`).join(' ')}`;
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
