/**
 * Starting a run from a checkpoint: its tensors take the places of the fresh ones of the same names, except those that
 * the method begins afresh (a second stage's classifier or router). What fits on neither side is an error, since weights
 * that were silently left out would make a number that nobody can explain.
 */
import type { Network } from './networks/graph.ts';
import type { TensorMap } from './types.ts';

/** Names that an error lists. */
const NAMED_PROBLEMS = 8;

/** What keeps a checkpoint with tensors of these shapes from being the start of a network, as a sentence; null: nothing. */
export function whyUnfit(
  network: Network,
  shapes: ReadonlyMap<string, readonly number[]>,
  restarts: (tensorName: string) => boolean,
): string | null {
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const { name, shape, kind } of network.tensors) {
    if (restarts(name)) continue;
    const found = shapes.get(name);
    // Files of other programs may lack the counters of batches, which no number depends on.
    if (found === undefined) {
      if (kind !== 'batchCount') missing.push(name);
    } else if (found.join() !== shape.join())
      misshapen.push(`${name} is [${found.join(', ')}], not [${shape.join(', ')}]`);
  }
  const known = new Set(network.tensors.map(({ name }) => name));
  const leftOver = [...shapes.keys()].filter((name) => !known.has(name) && !restarts(name));
  const parts = [
    missing.length > 0 ? `it lacks ${listed(missing)}` : '',
    misshapen.length > 0 ? `of another shape: ${listed(misshapen)}` : '',
    leftOver.length > 0 ? `the network has no place for ${listed(leftOver)}` : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) return null;
  return `Its weights do not fit ${network.name} with ${network.classes} classes and this method's head: ${parts.join('; ')}.`;
}

/** The weights that a run begins with. Throws Error when the checkpoint does not fit (see `whyUnfit`). */
export function startingWeights(
  network: Network,
  checkpoint: TensorMap,
  fresh: TensorMap,
  restarts: (tensorName: string) => boolean,
): TensorMap {
  const shapes = new Map([...checkpoint].map(([name, { shape }]) => [name, shape]));
  const problem = whyUnfit(network, shapes, restarts);
  if (problem !== null) throw new Error(`The run cannot start from this checkpoint. ${problem}`);
  return new Map(
    network.tensors.map(({ name }) => [
      name,
      (restarts(name) ? undefined : checkpoint.get(name)) ?? fresh.get(name)!,
    ]),
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED_PROBLEMS).join(', ');
  const more = names.length - NAMED_PROBLEMS;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
