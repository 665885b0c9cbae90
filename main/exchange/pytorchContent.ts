/**
 * What the object in a checkpoint means: which part of it is the state dict, which the optimizer's state, and what the
 * rest says in plain values. Programs name these parts as they like, so the state dict is found by its form (text keys,
 * tensors as values) and by the usual names only where several parts have that form.
 */
import { PickleDict, PickleGlobal, PickleList, PickleTuple, type PickleValue } from './pickle.ts';
import { CheckpointFault, SAVE_WEIGHTS_ONLY } from './pytorchErrors.ts';
import { TensorReference } from './pytorchPickle.ts';

/** JSON-safe. Objects have no prototype. */
export type Plain = null | boolean | number | string | Plain[] | PlainRecord;
export interface PlainRecord {
  [key: string]: Plain;
}

/** Where training programs put the state dict, most telling first. */
const USUAL_NAMES = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights'];
/** A state dict lies at most so deep: {"state_dict_best": {"model": …}}. */
const SEARCH_DEPTH = 3;
/** Depth and number of the plain values beside the weights. */
const PLAIN_DEPTH = 32;
const PLAIN_VALUES = 100_000;

export interface FoundStateDict {
  /** Keys from the outermost object; empty when that is the state dict itself. */
  path: string[];
  tensors: Map<string, TensorReference>;
}

/** Throws CheckpointFault when there is no state dict, or several that nothing tells apart. */
export function findStateDict(root: PickleValue): FoundStateDict {
  const candidates: FoundStateDict[] = [];
  const seen = new Set<PickleDict>();
  const search = (value: PickleValue, path: string[]): void => {
    if (!(value instanceof PickleDict) || seen.has(value)) return;
    seen.add(value);
    const tensors = tensorsOf(value);
    // One tensor among other things, such as {"epoch": …, "best_acc1": tensor}, makes no state dict.
    if (tensors.size > 0 && tensors.size * 2 > value.entries.size) {
      candidates.push({ path, tensors });
      return;
    }
    if (path.length === SEARCH_DEPTH) return;
    for (const [key, inner] of value.entries) if (typeof key === 'string') search(inner, [...path, key]);
  };
  search(root, []);

  const weights = candidates.filter(({ path }) => !path.some((key) => /optim|criterion|scheduler/.test(key)));
  if (weights.length === 0)
    throw new CheckpointFault(
      `there are no tensors by name in it; expected a state dict, alone or under a key such as "state_dict". ${SAVE_WEIGHTS_ONLY}`,
    );
  if (weights.length === 1) return weights[0]!;
  for (const name of USUAL_NAMES) {
    const named = weights.filter(({ path }) => path.at(-1) === name);
    if (named.length === 1) return named[0]!;
  }
  throw new CheckpointFault(
    `it holds ${weights.length} state dicts (${weights.map(({ path }) => `"${path.join('.')}"`).join(', ')}) and nothing says which one is the network. ${SAVE_WEIGHTS_ONLY}`,
  );
}

function tensorsOf(dictionary: PickleDict): Map<string, TensorReference> {
  const tensors = new Map<string, TensorReference>();
  for (const [key, value] of dictionary.entries)
    if (typeof key === 'string' && value instanceof TensorReference) tensors.set(key, value);
  return tensors;
}

/** The state of an optimizer: {"state": {key: {"momentum_buffer": tensor}}, "param_groups": [{…}]}; null for anything else. */
export function readOptimizer(
  value: PickleValue,
): { groups: PickleDict[]; momentumBuffers: [string, TensorReference][] } | null {
  if (!(value instanceof PickleDict)) return null;
  const state = value.entries.get('state');
  const groups = value.entries.get('param_groups');
  if (!(state instanceof PickleDict) || !(groups instanceof PickleList)) return null;
  const momentumBuffers: [string, TensorReference][] = [];
  for (const [key, entry] of state.entries) {
    const buffer = entry instanceof PickleDict ? entry.entries.get('momentum_buffer') : null;
    if (buffer instanceof TensorReference) momentumBuffers.push([String(key), buffer]);
  }
  return { groups: groups.items.filter((group) => group instanceof PickleDict), momentumBuffers };
}

/**
 * Plain values of what is not weights. `scalarOf` gives the number in a tensor of one element; what it gives undefined
 * for is left out, and so is a dictionary with larger tensors. Throws CheckpointFault for values that are nested too deeply (also those that contain themselves) or
 * too many.
 */
export async function toPlain(
  root: PickleValue,
  scalarOf: (tensor: TensorReference) => Promise<Plain | undefined>,
): Promise<Plain> {
  let count = 0;
  const convert = async (value: PickleValue, depth: number): Promise<Plain | undefined> => {
    if (depth > PLAIN_DEPTH || ++count > PLAIN_VALUES)
      throw new CheckpointFault(
        `what it holds beside the weights is nested more than ${PLAIN_DEPTH} deep or has more than ${PLAIN_VALUES} values. ${SAVE_WEIGHTS_ONLY}`,
      );
    if (value instanceof TensorReference) return scalarOf(value);
    if (value instanceof PickleTuple || value instanceof PickleList) {
      const items: Plain[] = [];
      for (const item of value.items) items.push((await convert(item, depth + 1)) ?? null);
      return items;
    }
    if (value instanceof PickleDict) {
      // Another set of weights (an average, a criterion's) is no fact about the run.
      if (depth > 0 && [...value.entries.values()].some(isLargeTensor)) return undefined;
      const record = Object.create(null) as PlainRecord;
      for (const [key, inner] of value.entries) {
        const plain = await convert(inner, depth + 1);
        if (plain !== undefined) record[String(key)] = plain;
      }
      return record;
    }
    if (value instanceof PickleGlobal) return value.name;
    if (typeof value === 'bigint') return value.toString();
    // JSON has no word for them.
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    return value !== null && typeof value === 'object' ? undefined : value;
  };
  return (await convert(root, 0)) ?? null;
}

function isLargeTensor(value: PickleValue): boolean {
  return value instanceof TensorReference && value.elements !== 1;
}
