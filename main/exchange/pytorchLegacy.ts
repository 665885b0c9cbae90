/**
 * The form that PyTorch wrote before 1.6: five pickles one after another (a magic number, a version, facts of the
 * machine, the object, the keys of the storages), then for each key an int64 count and the raw values.
 */
import type { FileHandle } from 'node:fs/promises';
import { ELEMENT_BYTES } from './elementTypes.ts';
import { PickleDict, PickleList, readPickle, type PickleHost, type PickleValue } from './pickle.ts';
import type { CheckpointBody, PyTorchLimits } from './pytorch.ts';
import { CheckpointFault, FETCH_AGAIN } from './pytorchErrors.ts';
import { checkpointHost, type StorageReference } from './pytorchPickle.ts';
import { readExactly } from './readExactly.ts';

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
/** Of one element count before each storage. */
const COUNT_BYTES = 8;

const NOTHING_ALLOWED: PickleHost = {
  globals: new Map(),
  persistentLoad() {
    throw new CheckpointFault('it refers to outside data where a legacy checkpoint has none.');
  },
};

/** Reads the structure. Throws CheckpointFault or PickleError. */
export async function openLegacy(
  handle: FileHandle,
  fileBytes: number,
  limits: PyTorchLimits,
): Promise<CheckpointBody> {
  const bytes = await readExactly(handle, 0, Math.min(fileBytes, limits.pickleBytes), fileBytes);
  const magic = readPickle(bytes, 0, NOTHING_ALLOWED);
  if (magic.value !== MAGIC_NUMBER)
    throw new CheckpointFault(
      'it is a pickle, but does not begin with the number that marks a checkpoint of PyTorch. Choose a file that torch.save wrote.',
    );
  const version = readPickle(bytes, magic.end, NOTHING_ALLOWED);
  if (version.value !== PROTOCOL_VERSION)
    throw new CheckpointFault(
      `it has version ${String(version.value)} of PyTorch's legacy format; the only one known is ${PROTOCOL_VERSION}. Save it again with a current PyTorch.`,
    );
  const machine = readPickle(bytes, version.end, NOTHING_ALLOWED);
  if (!(machine.value instanceof PickleDict) || machine.value.entries.get('little_endian') !== true)
    throw new CheckpointFault(
      'it does not say that its numbers are little-endian, the only order read. Save it again on an ordinary machine.',
    );
  const host = checkpointHost('legacy');
  const object = readPickle(bytes, machine.end, host);
  const keys = readPickle(bytes, object.end, NOTHING_ALLOWED);

  const starts = await locateStorages(handle, fileBytes, keys.end, readKeys(keys.value), host.storages);
  return {
    format: 'legacy',
    root: object.value,
    host,
    isCompressed: () => false,
    read: (key, start, length) => readExactly(handle, starts.get(key)! + start, length, fileBytes),
  };
}

/** Where the values of each storage begin. Counts in the file must be those that the pickle declares. */
async function locateStorages(
  handle: FileHandle,
  fileBytes: number,
  firstCount: number,
  keys: string[],
  storages: readonly StorageReference[],
): Promise<Map<string, number>> {
  const declared = new Map<string, StorageReference>();
  for (const storage of storages) {
    const first = declared.get(storage.key) ?? storage;
    if (first.type !== storage.type || first.count !== storage.count)
      throw new CheckpointFault(
        `storage "${storage.key}" is declared as ${first.count} x ${first.type} and as ${storage.count} x ${storage.type}. ${FETCH_AGAIN}`,
      );
    declared.set(storage.key, first);
  }
  const starts = new Map<string, number>();
  let position = firstCount;
  for (const key of keys) {
    const storage = declared.get(key);
    if (storage === undefined || starts.has(key))
      throw new CheckpointFault(
        `its list of storages names "${key}" ${storage === undefined ? 'that no tensor uses' : 'twice'}. ${FETCH_AGAIN}`,
      );
    if (position + COUNT_BYTES + storage.bytes > fileBytes)
      throw new CheckpointFault(
        `storage "${key}" needs ${storage.bytes} bytes from byte ${position + COUNT_BYTES}, but the file ends at byte ${fileBytes}. ${FETCH_AGAIN}`,
      );
    const count = await readExactly(handle, position, COUNT_BYTES, fileBytes);
    const stored = new DataView(count.buffer).getBigInt64(0, true);
    if (stored !== BigInt(storage.count))
      throw new CheckpointFault(
        `storage "${key}" is declared with ${storage.count} elements, but stored with ${stored}. ${FETCH_AGAIN}`,
      );
    starts.set(key, position + COUNT_BYTES);
    position += COUNT_BYTES + storage.count * ELEMENT_BYTES[storage.type];
  }
  for (const key of declared.keys())
    if (!starts.has(key))
      throw new CheckpointFault(`a tensor refers to storage "${key}", which the file lacks. ${FETCH_AGAIN}`);
  return starts;
}

function readKeys(value: PickleValue): string[] {
  const items = value instanceof PickleList ? value.items : [null];
  return items.map((key) => {
    if (typeof key !== 'string')
      throw new CheckpointFault(`its list of storages is not a list of keys. ${FETCH_AGAIN}`);
    return key;
  });
}
