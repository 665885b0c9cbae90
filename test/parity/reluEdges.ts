/**
 * Units on a ReLU's edge. Where a unit's input is zero but for rounding, one float32 program passes its gradient and
 * another does not, and every gradient below differs by up to a percent although both are right. The golden cases were
 * chosen to have no such unit for a few float32 programs, but each engine, and each number of threads, rounds in its own
 * way: oneDNN's batch norm alone moves values by 1e-6.
 *
 * So when a case misses, this looks for units with an input within EDGE of zero and takes single ones on the other side
 * in the backward pass. The case passes only if all its checks then hold at their own tolerances; how many units that
 * took is reported.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';

import type { Backend, Ops } from '../../main/training/ops.ts';
import { excess, type Check } from './parityCase.ts';

/** About ten times what engines differ by; a network of the size at hand has a dozen units this near. */
const EDGE = 1e-5;
const MOST_FLIPS = 4;
const MOST_CANDIDATES = 40;

interface Unit {
  /** Which ReLU call of the run, and which of its elements. */
  call: number;
  element: number;
  value: number;
}

/** Runs a case, and again with units flipped while that brings it nearer. The case must be deterministic. */
export async function withReluEdges(
  backend: Backend,
  run: (backend: Backend) => Promise<Check[]>,
): Promise<Check[]> {
  const attempt = async (flipped: Unit[]): Promise<{ checks: Check[]; failed: number; units: Unit[] }> => {
    const { ops, units } = probe(backend.ops, flipped);
    const checks = await run({ ...backend, ops });
    return { checks, failed: checks.filter((check) => excess(check) > 1).length, units };
  };
  let flipped: Unit[] = [];
  const first = await attempt([]);
  let best = first;
  while (best.failed > 0 && flipped.length < MOST_FLIPS) {
    const candidates = best.units
      .filter((unit) => !flipped.some((each) => each.call === unit.call && each.element === unit.element))
      .sort((a, b) => Math.abs(a.value) - Math.abs(b.value))
      .slice(0, MOST_CANDIDATES);
    let nearer: { outcome: typeof best; flipped: Unit[] } | null = null;
    for (const unit of candidates) {
      const outcome = await attempt([...flipped, unit]);
      if (outcome.failed < (nearer?.outcome ?? best).failed)
        nearer = { outcome, flipped: [...flipped, unit] };
      if (outcome.failed === 0) break;
    }
    if (!nearer) return first.checks;
    best = nearer.outcome;
    flipped = nearer.flipped;
  }
  if (best.failed > 0) return first.checks;
  if (flipped.length === 0) return best.checks;
  const [only] = best.checks;
  return [{ ...only!, note: describe(flipped) }, ...best.checks.slice(1)];
}

function describe(flipped: Unit[]): string {
  const values = flipped.map(({ value }) => value.toExponential(1)).join(', ');
  return `${flipped.length} unit(s) on a ReLU's edge taken on the other side, inputs ${values}`;
}

/** The kernels with flipped units, and the units near an edge, known once the case has run. */
function probe(inner: Ops, flipped: Unit[]): { ops: Ops; units: Unit[] } {
  const units: Unit[] = [];
  const callOf = new WeakMap<Tensor4D, number>();
  let calls = 0;
  const changed: Partial<Ops> = {};
  changed.relu = (input) => {
    const call = calls++;
    input.dataSync().forEach((value, element) => {
      if (Math.abs(value) < EDGE) units.push({ call, element, value });
    });
    const output = inner.relu(input);
    callOf.set(output, call);
    return output;
  };
  changed.reluGradient = (gradient, output) => {
    const own = flipped.filter(({ call }) => call === callOf.get(output));
    if (own.length === 0) return inner.reluGradient(gradient, output);
    const values = output.dataSync().slice();
    for (const { element } of own) values[element] = values[element]! > 0 ? 0 : 1;
    const turned: Tensor4D = tf.tensor(values, output.shape);
    const result = inner.reluGradient(gradient, turned);
    turned.dispose();
    return result;
  };
  // Kernels have private state, so they are called on their own object.
  const ops = new Proxy(inner, {
    get: (_, name: keyof Ops) => changed[name] ?? (inner[name] as CallableFunction).bind(inner),
  });
  return { ops, units };
}
