/** `reslt compare A B …`: results side by side with their paired differences against the first. */
import type { Comparison, GroupId, GroupSchemeId, PairedDifference } from '../../preload/contract.ts';
import { usageError } from './cliError.ts';
import type { Client } from './client.ts';
import { checkpointRef } from './lookup.ts';
import { percent, points, pValue, table, type Output } from './output.ts';

const GROUPS: readonly GroupId[] = ['many', 'medium', 'few'];

export async function compare(
  client: Client,
  output: Output,
  given: string[],
  scheme: string,
): Promise<void> {
  if (given.length < 2) throw usageError('compare expects two or more checkpoints, such as 1@last 2@last.');
  if (scheme !== 'count-100-20' && scheme !== 'reslt-ranges') {
    throw usageError(`--group-scheme expects count-100-20 or reslt-ranges, got "${scheme}".`);
  }
  const comparison = await client.api.compare({
    refs: given.map(checkpointRef),
    scheme: scheme satisfies GroupSchemeId,
  });
  output.result(asList(comparison), () => describe(comparison));
}

/** A list of the results; each but the first carries what sets the first apart from it. */
function asList(comparison: Comparison): object[] {
  return comparison.items.map((item, index) => {
    const pair = comparison.pairs.find(({ a, b }) => a === 0 && b === index);
    return {
      checkpoint: item.ref,
      run: item.runId,
      name: `${item.title} ${item.detail}`.trim(),
      seed: item.seed,
      epoch: item.epoch,
      split: item.split,
      selection: item.selection,
      groupScheme: comparison.scheme.id,
      top1: item.top1,
      top5: item.top5,
      ...item.groups,
      perClass: item.perClass,
      branches: item.branches,
      calibration: { ece: item.calibration.ece },
      warnings: comparison.warnings,
      differenceFromFirst: pair
        ? {
            all: reverse(pair.all),
            many: reverse(pair.groups.many),
            medium: reverse(pair.groups.medium),
            few: reverse(pair.groups.few),
          }
        : null,
    };
  });
}

/** The contract's pairs are first − other; a list reads better as other − first. */
function reverse(pair: PairedDifference): object {
  const minus = (value: number | null): number | null => (value === null ? null : 0 - value);
  return {
    difference: minus(pair.difference),
    interval: pair.low === null || pair.high === null ? null : [minus(pair.high), minus(pair.low)],
    p: pair.p,
    pHolm: pair.pHolm,
    onlyThis: pair.onlyB,
    onlyFirst: pair.onlyA,
  };
}

function describe(comparison: Comparison): string {
  const { items, pairs, warnings } = comparison;
  const accuracy = table(
    ['checkpoint', 'what', 'all %', 'many %', 'medium %', 'few %'],
    items.map((item) => [
      item.ref,
      `${item.title} ${item.detail}`.trim(),
      percent(item.top1),
      ...GROUPS.map((group) => percent(item.groups[group])),
    ]),
  );
  const name = (index: number): string => items[index]?.ref ?? '';
  const differences = pairs.flatMap((pair) =>
    [['all', pair.all] as const, ...GROUPS.map((group) => [group, pair.groups[group]] as const)].map(
      ([group, one]) => [
        `${name(pair.a)} − ${name(pair.b)}`,
        group,
        points(one.difference),
        one.low === null ? '–' : `[${points(one.low)}, ${points(one.high)}]`,
        pValue(one.pHolm),
      ],
    ),
  );
  return [
    ...warnings.map((warning) => `Mind: ${warning}`),
    accuracy,
    '',
    table(['difference', 'group', 'points', '95 % interval', 'p (Holm)'], differences),
    `Paired on the same ${comparison.images.toLocaleString('en-US')} images: exact McNemar, Holm over ${comparison.tests} tests; intervals from 10,000 paired bootstrap resamples.`,
  ].join('\n');
}
