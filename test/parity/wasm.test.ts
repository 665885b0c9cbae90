/** The networks, losses and optimiser on WebAssembly; the parity command runs on the native engine where it is. */
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';

import { loadBackend } from '../../main/backends/index.ts';
import { findCases, runCase } from './cases.ts';
import { openGolden } from './golden.ts';

const backend = await loadBackend({ kind: 'wasm', threads: 1 });
const golden = openGolden(path.join(import.meta.dirname, '../fixtures/golden'));
const OWN = /^(models|losses|layers|part-g\/(cifar_reslt|r10_reslt|ride_r32|loss))/;

for (const parityCase of findCases(golden).filter(({ name }) => OWN.test(name))) {
  const skip = 'skipped' in parityCase ? parityCase.skipped : (parityCase.needs?.(backend) ?? false);
  test(`${parityCase.name} on wasm`, { skip }, async () => {
    const { verdict, worst, reason } = await runCase(parityCase, backend);
    assert.equal(verdict, 'passed', reason ?? `${worst?.name}: ${worst?.error} > ${worst?.tolerance}`);
  });
}
