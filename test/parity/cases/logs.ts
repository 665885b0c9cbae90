/**
 * golden/logs: log texts of the reference programs and the values that a parser must find, exactly as printed. Percent
 * and fractions of the translation into our terms are checked against the same values.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { parseReferenceLog, type ReferenceRun } from '../../../main/exchange/referenceLog.ts';
import type { GoldenFolder } from '../golden.ts';
import type { Check, ParityCase } from '../parityCase.ts';

interface LogsFile {
  logs: { file: string; lines: number; expected: unknown }[];
}

export function logCases(golden: GoldenFolder): ParityCase[] {
  const logs = golden.read<LogsFile>('logs', 'expected')?.logs ?? [];
  return logs.map(({ file, expected }) => ({
    name: `logs/${file}`,
    run() {
      const text = readFileSync(path.join(golden.folder, 'logs', file), 'utf8');
      const { runs, skippedLines } = parseReferenceLog(text);
      const run = runs[0]!;
      const printed = Array.isArray(expected) ? run.printed : run.printed[0];
      const checks = compare('', withoutUnknown(printed, expected), expected);
      checks.push(same('one run', runs.length, 1), same('no line is passed over', skippedLines, 0));
      return [...checks, ...translationChecks(run)];
    },
  }));
}

/**
 * The files leave out what a program does not print, and the batch number of RIDE's progress lines stands only where a
 * reader who knows the data could tell it.
 */
function withoutUnknown(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual)) {
    const list = expected as unknown[];
    return actual.map((item, index) => withoutUnknown(item, list[index]));
  }
  if (!isRecord(actual) || !isRecord(expected)) return actual;
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(actual)) {
    const isEmpty = Array.isArray(value) && value.length === 0;
    const isConsoleOnly = key === 'monitorWarning' || key === 'firstTimestamp';
    if (key in expected || !(isEmpty || isConsoleOnly)) kept[key] = withoutUnknown(value, expected[key]);
  }
  if ('batch' in expected && 'current' in actual) kept['batch'] = actual['current'];
  return kept;
}

function compare(where: string, actual: unknown, expected: unknown): Check[] {
  if (Array.isArray(expected) && Array.isArray(actual) && actual.length === expected.length)
    return expected.flatMap((item, index) => compare(`${where}[${index}]`, actual[index], item));
  if (isRecord(expected) && isRecord(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => compare(`${where}.${key}`, actual[key], expected[key]));
  }
  return [same(where, actual, expected)];
}

function same(name: string, actual: unknown, expected: unknown): Check {
  const isSame = isDeepStrictEqual(actual, expected);
  return {
    name: isSame ? name : `${name}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`,
    error: isSame ? 0 : 1,
    tolerance: 0,
  };
}

function translationChecks({ evaluations, series }: ReferenceRun): Check[] {
  const fractions = [
    ...evaluations.flatMap(({ top1, top5, perClass, groups }) => [
      top1,
      top5,
      ...(perClass ?? []),
      ...(groups === null ? [] : [groups.many, groups.medium, groups.few]),
    ]),
    ...series
      .filter(({ metric }) => /top[15]/.test(metric))
      .flatMap(({ points }) => points.map(({ value }) => value)),
  ];
  const steps = series.map(({ points }) => points.map(({ step }) => step));
  return [
    same(
      'accuracies are fractions',
      fractions.filter((value) => value !== null && (value < 0 || value > 1)),
      [],
    ),
    same(
      'steps ascend',
      steps.every((list) => list.every((step, index) => index === 0 || step > list[index - 1]!)),
      true,
    ),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
