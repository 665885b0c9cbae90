/**
 * Starting a run from a checkpoint: its tensors take the places of the fresh ones of the same names. A second stage
 * begins what it is about afresh (its classifier or routers) and needs the rest as it is. Every other method needs the
 * trunk, whatever head the checkpoint was trained with: of the head it takes what fits, and begins the rest afresh, so
 * that a network trained on other classes can be fine-tuned. What does not fit otherwise is an error, and what begins
 * afresh is told: weights that were silently left out would make a number that nobody can explain.
 */
import type { Method } from './methods/method.ts';
import type { Network } from './networks/graph.ts';
import { isHeadTensor, withoutTrunkPrefix } from './networks/head.ts';
import type { TensorMap } from './types.ts';

/** Names that a sentence lists. */
const NAMED = 8;

type Shapes = ReadonlyMap<string, readonly number[]>;

/** Which tensors of a checkpoint a network would begin with. */
export interface StartPlan {
  /** What keeps the checkpoint from being the start, as a sentence; null: nothing. */
  problem: string | null;
  /** Names in the checkpoint, by names in the network; what is not here begins afresh. */
  sources: ReadonlyMap<string, string>;
  /** What the user should know: tensors that begin afresh although a checkpoint is there; null: nothing. */
  remark: string | null;
}

/** What keeps weights of these shapes from being those of a network, as a sentence; null: nothing. */
export function whyUnfit(network: Network, shapes: Shapes): string | null {
  return compare(network, shapes, { restarts: () => false, mayRestart: () => false }).problem;
}

export function planStart(
  network: Network,
  shapes: Shapes,
  { restarts }: Pick<Method, 'restarts'>,
): StartPlan {
  // The trunk has another prefix below other heads; the checkpoint's names are told in the network's.
  const ownName = new Map(network.tensors.map(({ name }) => [withoutTrunkPrefix(name), name]));
  const named = [...shapes.keys()].map(
    (name) => [ownName.get(withoutTrunkPrefix(name)) ?? name, name] as const,
  );
  const translated = new Map(named.map(([own, name]) => [own, shapes.get(name)!]));
  const { problem, taken, afresh } = compare(
    network,
    translated,
    restarts ? { restarts, mayRestart: () => false } : { restarts: () => false, mayRestart: isHeadTensor },
  );
  const sources = new Map(named.filter(([own]) => taken.has(own)));
  const remark =
    afresh.length === 0
      ? null
      : `The checkpoint gives the trunk; ${listed(afresh)} ${afresh.length === 1 ? 'begins' : 'begin'} afresh.`;
  return { problem, sources, remark };
}

/**
 * `restarts` are not taken from the checkpoint, which may lack them; `mayRestart` are taken where they fit, and may be
 * left over in the checkpoint.
 */
function compare(
  network: Network,
  shapes: Shapes,
  { restarts, mayRestart }: Record<'restarts' | 'mayRestart', (tensorName: string) => boolean>,
): { problem: string | null; taken: ReadonlySet<string>; afresh: string[] } {
  const taken = new Set<string>();
  const afresh: string[] = [];
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const { name, shape, kind } of network.tensors) {
    if (restarts(name)) continue;
    const found = shapes.get(name);
    if (found?.join() === shape.join()) taken.add(name);
    else if (mayRestart(name)) afresh.push(name);
    else if (found !== undefined)
      misshapen.push(`${name} is [${found.join(', ')}], not [${shape.join(', ')}]`);
    // Files of other programs may lack the counters of batches, which no number depends on.
    else if (kind !== 'batchCount') missing.push(name);
  }
  const known = new Set(network.tensors.map(({ name }) => name));
  const leftOver = [...shapes.keys()].filter(
    (name) => !known.has(name) && !restarts(name) && !mayRestart(name),
  );
  const parts = [
    missing.length > 0 ? `it lacks ${listed(missing)}` : '',
    misshapen.length > 0 ? `of another shape: ${listed(misshapen)}` : '',
    leftOver.length > 0 ? `the network has no place for ${listed(leftOver)}` : '',
  ].filter((part) => part !== '');
  const problem =
    parts.length === 0
      ? null
      : `Its weights do not fit ${network.name} with ${network.classes} classes and this method's head: ${parts.join('; ')}.`;
  return { problem, taken, afresh };
}

/**
 * The weights that a run begins with, and what is to be said of them. Throws Error when the checkpoint does not fit (see
 * `planStart`).
 */
export function startingWeights(
  network: Network,
  checkpoint: TensorMap,
  fresh: TensorMap,
  method: Pick<Method, 'restarts'>,
): { weights: TensorMap; remark: string | null } {
  const shapes = new Map([...checkpoint].map(([name, { shape }]) => [name, shape]));
  const { problem, sources, remark } = planStart(network, shapes, method);
  if (problem !== null) throw new Error(`The run cannot start from this checkpoint. ${problem}`);
  const weights: TensorMap = new Map(
    network.tensors.map(({ name }) => {
      const source = sources.get(name);
      return [name, source === undefined ? fresh.get(name)! : checkpoint.get(source)!];
    }),
  );
  return { weights, remark };
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  const more = names.length - NAMED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
