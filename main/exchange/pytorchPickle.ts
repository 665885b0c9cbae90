/**
 * What a checkpoint's pickle may name, and what becomes of it: tensors, parameters and ordered dictionaries. A tensor is
 * kept as what the file says of it (storage, offset, shape, strides), checked against its storage; values are read
 * later, one tensor at a time.
 */
import { ELEMENT_BYTES, STORAGE_CLASSES, type ElementType } from './elementTypes.ts';
import {
  describeValue,
  PickleDict,
  PickleError,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleTuple,
  type PickleHost,
  type PickleValue,
} from './pickle.ts';

/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;

/** A run of elements somewhere in the file. */
export class StorageReference extends PickleObject {
  override readonly kind = 'a storage';
  readonly key: string;
  readonly type: ElementType;
  /** Elements, as the pickle declares. */
  readonly count: number;

  constructor(key: string, type: ElementType, count: number) {
    super();
    this.key = key;
    this.type = type;
    this.count = count;
  }

  get bytes(): number {
    return this.count * ELEMENT_BYTES[this.type];
  }
}

/** A view of a storage. Strides and offset count elements. */
export class TensorReference extends PickleObject {
  override readonly kind = 'a tensor';
  readonly storage: StorageReference;
  readonly offset: number;
  readonly shape: number[];
  readonly strides: number[];

  constructor(storage: StorageReference, offset: number, shape: number[], strides: number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }

  get elements(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Elements from the first to the last that it touches; 0 for an empty tensor. */
  get span(): number {
    if (this.shape.includes(0)) return 0;
    return 1 + this.shape.reduce((reach, size, axis) => reach + (size - 1) * this.strides[axis]!, 0);
  }
}

/** A host that collects every storage and tensor of the pickles that it serves. */
export interface CheckpointHost extends PickleHost {
  storages: StorageReference[];
  tensors: TensorReference[];
}

/** The host for one file. Legacy files give persistent ids a sixth item, always None. */
export function checkpointHost(format: 'zip' | 'legacy'): CheckpointHost {
  const storages: StorageReference[] = [];
  const tensors: TensorReference[] = [];
  const storageClasses = new Map<PickleGlobal, ElementType>();
  const globals = new Map<string, PickleGlobal>();
  const allow = (module: string, name: string, call: PickleGlobal['call'] = null): PickleGlobal => {
    const token = new PickleGlobal(`${module}.${name}`, call);
    globals.set(`${module} ${name}`, token);
    return token;
  };

  allow('collections', 'OrderedDict', orderedDictionary);
  allow('torch._utils', '_rebuild_tensor_v2', (args) => {
    const tensor = rebuildTensor(args);
    tensors.push(tensor);
    return tensor;
  });
  allow('torch._utils', '_rebuild_parameter', rebuildParameter);
  for (const [name, type] of Object.entries(STORAGE_CLASSES)) storageClasses.set(allow('torch', name), type);

  return {
    globals,
    storages,
    tensors,
    persistentLoad(id) {
      const items = id instanceof PickleTuple ? id.items : [];
      const [kind, storageClass, key, device, count] = items;
      const expected = format === 'zip' ? 5 : 6;
      if (items.length !== expected || kind !== 'storage' || typeof device !== 'string')
        throw new PickleError(
          `it refers to outside data by ${describeValue(id)}; expected the ${expected} items of a storage`,
        );
      if (format === 'legacy' && items[5] !== null)
        throw new PickleError('a storage is a view of another one, as only PyTorch before 0.4 wrote');
      const type = storageClass instanceof PickleGlobal ? storageClasses.get(storageClass) : undefined;
      if (type === undefined)
        throw new PickleError(`${describeValue(storageClass ?? null)} is not a type of storage`);
      if (typeof key !== 'string' || !/^\w{1,64}$/.test(key))
        throw new PickleError(
          `a storage has the key ${describeValue(key ?? null)}; expected letters and digits, as in "0"`,
        );
      if (!isCount(count))
        throw new PickleError(`storage "${key}" has ${describeValue(count ?? null)} elements`);
      const storage = new StorageReference(key, type, count);
      storages.push(storage);
      return storage;
    },
  };
}

/** OrderedDict() and, from Python 2, OrderedDict([[key, value], …]). */
function orderedDictionary(args: readonly PickleValue[]): PickleDict {
  const dictionary = new PickleDict(true);
  const [pairs = new PickleList()] = args;
  if (args.length > 1 || !(pairs instanceof PickleList))
    throw new PickleError('an OrderedDict is made of something that is not a list of pairs');
  for (const pair of pairs.items) {
    const [key, value] = pair instanceof PickleList || pair instanceof PickleTuple ? pair.items : [];
    if (value === undefined || key === undefined || (key !== null && typeof key === 'object'))
      throw new PickleError('an OrderedDict is made of something that is not a list of pairs');
    dictionary.entries.set(key, value);
  }
  return dictionary;
}

/** (storage, offset, shape, strides, requires_grad, hooks[, metadata]) */
function rebuildTensor(args: readonly PickleValue[]): TensorReference {
  const [storage, offset, shape, strides, , hooks, metadata = null] = args;
  if (args.length < 6 || args.length > 7 || !(storage instanceof StorageReference))
    throw new PickleError('a tensor is not made of a storage, offset, shape, strides, flag and hooks');
  checkNoHooks(hooks!);
  // Metadata marks conjugate and negated views, which weights never are.
  if (metadata !== null && !(metadata instanceof PickleDict && metadata.entries.size === 0))
    throw new PickleError('a tensor carries metadata (a conjugate or negated view); expected plain values');
  const where = `a tensor over storage "${storage.key}"`;
  const sizes = readCounts(shape!, where, 'sizes');
  const steps = readCounts(strides!, where, 'strides');
  if (sizes.length !== steps.length)
    throw new PickleError(`${where} has ${sizes.length} sizes but ${steps.length} strides`);
  if (!isCount(offset))
    throw new PickleError(`${where} starts at element ${describeValue(offset!)}; expected 0 or more`);
  const tensor = new TensorReference(storage, offset, sizes, steps);
  // Beyond 2^53 the sum is rounded, but then it is far above any count.
  if (offset + tensor.span > storage.count)
    throw new PickleError(
      `${where} of shape [${sizes.join(', ')}] reaches element ${offset + tensor.span}, but the storage has ${storage.count}`,
    );
  return tensor;
}

/** (tensor, requires_grad, hooks) */
function rebuildParameter(args: readonly PickleValue[]): TensorReference {
  const [tensor, , hooks] = args;
  if (args.length !== 3 || !(tensor instanceof TensorReference))
    throw new PickleError('a parameter is not made of a tensor, a flag and hooks');
  checkNoHooks(hooks!);
  return tensor;
}

function checkNoHooks(hooks: PickleValue): void {
  if (hooks !== null && !(hooks instanceof PickleDict && hooks.entries.size === 0))
    throw new PickleError('a tensor has hooks, which are code; expected none');
}

function readCounts(value: PickleValue, where: string, what: string): number[] {
  if (!(value instanceof PickleTuple))
    throw new PickleError(`${where} has ${describeValue(value)} for its ${what}; expected a tuple`);
  if (value.items.length > MAX_DIMENSIONS)
    throw new PickleError(
      `${where} has ${value.items.length} ${what}; PyTorch has at most ${MAX_DIMENSIONS}`,
    );
  return value.items.map((item) => {
    if (!isCount(item))
      throw new PickleError(`${where} has ${describeValue(item)} among its ${what}; expected 0 or more`);
    return item;
  });
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
