/** The tables of the README against what is really there: networks, methods and presets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fieldsOf } from '../../main/training/config.ts';
import { METHODS } from '../../main/training/methods/index.ts';
import { countParameters } from '../../main/training/networks/graph.ts';
import type { Head } from '../../main/training/networks/head.ts';
import { NETWORKS } from '../../main/training/networks/index.ts';
import { PRESETS } from '../../main/training/presets/index.ts';

const readme = readFileSync(path.join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** Rows of all tables, cells joined without padding. */
const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
      .join(' | '),
  );

function expectRows(expected: string[]): void {
  const missing = expected.filter((row) => !rows.includes(row));
  assert.deepEqual(missing, [], 'rows that the README should have, as they are in the code');
}

const millions = (count: number): string => `${(count / 1e6).toFixed(2)} M`;

test('networks and their sizes', () => {
  expectRows(
    NETWORKS.map(({ name, label, imageKind, build }) => {
      const [side, classes] = imageKind === 'large' ? [224, 1000] : [32, 100];
      const parameters = (head: Head): string =>
        millions(countParameters(build({ height: side, width: side, channels: 3, classes, head })));
      return [
        label,
        `\`${name}\``,
        imageKind === 'large' ? 'photographs' : 'small images',
        parameters({ kind: 'linear', evalTau: null }),
        parameters({ kind: 'branches', fusionBlockBeforePooling: true, tau: null }),
        parameters({
          ...{ kind: 'experts', experts: 3, reduceDimension: true, classifier: 'cosine', scale: 30 },
          ...{ tau: null, branches: false, router: null },
        }),
      ].join(' | ');
    }),
  );
});

const HEADS: Record<Head['kind'], string> = {
  linear: 'one linear classifier',
  cosine: 'one cosine classifier',
  branches: 'three branches',
  experts: 'experts',
};

test('methods, what they put on a network and what they need', () => {
  expectRows(
    METHODS.map((method) => {
      const settings = Object.fromEntries(fieldsOf(method.name).map((field) => [field.key, field.default]));
      const needs = [method.needs?.initFrom && 'a first stage', method.needs?.teacher && 'a teacher'];
      return [
        method.label,
        `\`${method.name}\``,
        HEADS[method.head(settings).kind],
        needs.filter(Boolean).join(', ') || '–',
        String(PRESETS.filter((preset) => preset.method === method.name).length),
      ].join(' | ');
    }),
  );
});

test('presets of each benchmark', () => {
  const benchmarks = [...new Set(PRESETS.map(({ benchmark }) => benchmark))];
  expectRows(
    benchmarks.map((benchmark) => {
      const own = PRESETS.filter((preset) => preset.benchmark === benchmark);
      const networks = NETWORKS.filter(({ name }) => own.some(({ network }) => network === name));
      return [
        benchmark.label,
        `\`${benchmark.id}-…\``,
        benchmark.classes.toLocaleString('en-US'),
        benchmark.images.train.toLocaleString('en-US'),
        networks.map(({ label }) => label).join(', '),
        String(own.length),
      ].join(' | ');
    }),
  );
});
