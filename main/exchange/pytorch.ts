/**
 * Reads checkpoints of PyTorch (`.pth`, `.pth.tar`), zip and legacy form, without running anything: the pickle inside
 * can only build tensors and plain containers, and whatever else it asks for refuses the file. Opening reads the
 * structure; values are read one tensor at a time, so a checkpoint of 1 GB needs no more memory than its largest tensor.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { ELEMENT_BYTES, toFloat32, type ElementType } from './elementTypes.ts';
import { latin1, PickleDict, PickleError, type PickleValue } from './pickle.ts';
import { CheckpointFault, FETCH_AGAIN, PyTorchFileError, SAVE_WEIGHTS_ONLY } from './pytorchErrors.ts';
import { openLegacy } from './pytorchLegacy.ts';
import { TensorReference, type CheckpointHost } from './pytorchPickle.ts';
import { findStateDict, readOptimizer, toPlain, type Plain, type PlainRecord } from './pytorchContent.ts';
import { openZip } from './pytorchZip.ts';
import { readExactly } from './readExactly.ts';

export { PyTorchFileError } from './pytorchErrors.ts';
export type { Plain, PlainRecord } from './pytorchContent.ts';

export interface PyTorchLimits {
  /** Bytes of the file. */
  fileBytes: number;
  /** Bytes of the pickle: about 200 a tensor. */
  pickleBytes: number;
  /**
   * All tensors as float32, and what must be read for them, may take `floorBytes` plus so many times the file: a
   * stride of 0 makes a tensor of any size out of one number.
   */
  expansion: number;
  floorBytes: number;
}

export const PYTORCH_LIMITS: PyTorchLimits = {
  fileBytes: 64 * 2 ** 30,
  pickleBytes: 64 * 2 ** 20,
  // Half precision doubles when it is widened; a parameter may stand in the file twice.
  expansion: 4,
  floorBytes: 64 * 2 ** 20,
};

/** One tensor as the file has it. Strides and offset count elements of its storage. */
export interface StoredTensor {
  name: string;
  dtype: ElementType;
  shape: number[];
  strides: number[];
  storageOffset: number;
}

export interface StoredOptimizer {
  /** Settings of each parameter group (lr, momentum, weight_decay, …, params). */
  groups: PlainRecord[];
  /** By the key of the parameter in the optimizer's state: its number in the order of the network's parameters. */
  momentumBuffers: StoredTensor[];
}

export interface PyTorchCheckpoint {
  format: 'zip' | 'legacy';
  /** Keys that lead to the state dict ("state_dict"), joined by dots; null when the file is the state dict. */
  container: string | null;
  /** In the order and with the names of the file. */
  tensors: StoredTensor[];
  /** What else the file holds (epoch, arch, best_acc1, config, …). Tensors of one element are numbers, larger ones left out. */
  extra: PlainRecord;
  optimizer: StoredOptimizer | null;
  /** Values in C order as float32. Takes tensors of `tensors` and `momentumBuffers`. */
  read(tensor: StoredTensor): Promise<Float32Array>;
  /** Values in C order in their own type, little-endian; a bool is one byte. */
  readOwn(tensor: StoredTensor): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** What the two forms have in common. */
export interface CheckpointBody {
  format: 'zip' | 'legacy';
  root: PickleValue;
  host: CheckpointHost;
  isCompressed(key: string): boolean;
  /** Bytes of a storage, in a buffer of their own. The range must lie inside. */
  read(key: string, start: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a checkpoint. Everything about it is checked but its values. The caller closes it. Throws PyTorchFileError,
 * whose sentence says what was expected, what came and what to do.
 */
export async function openPyTorch(
  file: string,
  limits: Partial<PyTorchLimits> = {},
): Promise<PyTorchCheckpoint> {
  const allLimits = { ...PYTORCH_LIMITS, ...limits };
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CheckpointFault('it is not a file. Choose a .pth or .pth.tar file.');
    const body = await openBody(handle, stat.size, allLimits);
    return await describe(file, handle, body, stat.size, allLimits);
  } catch (error) {
    await handle?.close();
    throw toFileError(file, error);
  }
}

async function openBody(
  handle: FileHandle,
  fileBytes: number,
  limits: PyTorchLimits,
): Promise<CheckpointBody> {
  if (fileBytes === 0) throw new CheckpointFault(`it is empty. ${FETCH_AGAIN}`);
  if (fileBytes > limits.fileBytes)
    throw new CheckpointFault(
      `it has ${fileBytes} bytes; at most ${limits.fileBytes} are read. Save the weights alone, without the optimizer.`,
    );
  const head = await readExactly(handle, 0, Math.min(fileBytes, 512), fileBytes);
  const text = latin1(head);
  if (text.startsWith('PK')) return openZip(handle, fileBytes, limits);
  if (text.startsWith('\x80')) return openLegacy(handle, fileBytes, limits);
  throw new CheckpointFault(`it is ${kindOf(text)}, not a checkpoint of PyTorch.`);
}

/** What a file is that is neither form, and what to do. */
function kindOf(head: string): string {
  if (/^\s*(<!doctype|<html|<\?xml|<head)/i.test(head))
    return 'a web page (an error or log-in page saved under this name, perhaps)';
  if (
    head.startsWith('\x1f\x8b') ||
    head.startsWith('BZh') ||
    head.startsWith('7z') ||
    head.startsWith('\xfd7zXZ')
  )
    return 'a compressed file that must be unpacked first';
  if (head.slice(257, 262) === 'ustar') return 'a tar archive that must be unpacked first';
  if (/^.{8}\{"/s.test(head)) return 'a safetensors file';
  if (head.startsWith('\x89HDF')) return 'an HDF5 file';
  return 'something else';
}

async function describe(
  file: string,
  handle: FileHandle,
  body: CheckpointBody,
  fileBytes: number,
  limits: PyTorchLimits,
): Promise<PyTorchCheckpoint> {
  checkExpansion(body, fileBytes, limits);
  const found = findStateDict(body.root);
  const references = new Map<StoredTensor, TensorReference>();
  const store = (name: string, reference: TensorReference): StoredTensor => {
    const { storage, shape, strides, offset } = reference;
    const tensor = { name, dtype: storage.type, shape, strides, storageOffset: offset };
    references.set(tensor, reference);
    return tensor;
  };

  const readOwn = async (tensor: StoredTensor): Promise<Uint8Array<ArrayBuffer>> => {
    const reference = references.get(tensor);
    if (reference === undefined)
      throw new PyTorchFileError(file, `tensor "${tensor.name}" is not one of this file`);
    try {
      return await readValues(body, reference);
    } catch (error) {
      throw toFileError(file, error);
    }
  };
  const scalarOf = async (reference: TensorReference): Promise<Plain | undefined> => {
    if (reference.elements !== 1) return undefined;
    const [value] = toFloat32(reference.storage.type, (await readValues(body, reference)).buffer);
    return value;
  };

  const tensors = [...found.tensors].map(([name, reference]) => store(name, reference));
  const top = body.root instanceof PickleDict && found.path.length > 0 ? body.root : new PickleDict(false);
  const others = new PickleDict(false);
  let optimizer: StoredOptimizer | null = null;
  for (const [key, value] of top.entries) {
    if (key === found.path[0]) continue;
    const state = key === 'optimizer' || key === 'optimizer_state_dict' ? readOptimizer(value) : null;
    if (state === null) others.entries.set(key, value);
    else
      optimizer = {
        groups: await Promise.all(
          state.groups.map(async (group) => (await toPlain(group, scalarOf)) as PlainRecord),
        ),
        momentumBuffers: state.momentumBuffers.map(([name, reference]) => store(name, reference)),
      };
  }
  return {
    format: body.format,
    container: found.path.length === 0 ? null : found.path.join('.'),
    tensors,
    extra: (await toPlain(others, scalarOf)) as PlainRecord,
    optimizer,
    readOwn,
    async read(tensor) {
      return toFloat32(tensor.dtype, (await readOwn(tensor)).buffer);
    },
    close: () => handle.close(),
  };
}

function checkExpansion(body: CheckpointBody, fileBytes: number, limits: PyTorchLimits): void {
  const allowed = limits.floorBytes + limits.expansion * fileBytes;
  let total = 0;
  for (const tensor of body.host.tensors) {
    const { storage } = tensor;
    const size = ELEMENT_BYTES[storage.type];
    const read = body.isCompressed(storage.key) ? storage.bytes : tensor.span * size;
    total += Math.max(tensor.elements * Math.max(size, Float32Array.BYTES_PER_ELEMENT), read);
    if (total > allowed)
      throw new CheckpointFault(
        `its tensors would take more than ${allowed} bytes (a tensor of shape [${tensor.shape.join(', ')}] over ` +
          `${storage.count} stored numbers is among them), but the file has only ${fileBytes}. ${SAVE_WEIGHTS_ONLY}`,
      );
  }
}

/** The values of a view in C order. */
async function readValues(body: CheckpointBody, tensor: TensorReference): Promise<Uint8Array<ArrayBuffer>> {
  const { storage, shape, strides, offset, elements, span } = tensor;
  const size = ELEMENT_BYTES[storage.type];
  if (elements === 0) return new Uint8Array(new ArrayBuffer(0));
  const source = await body.read(storage.key, offset * size, span * size);
  if (isContiguous(shape, strides)) return source;

  const target = new Uint8Array(new ArrayBuffer(elements * size));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < elements; to++) {
    for (let byte = 0; byte < size; byte++) target[to * size + byte] = source[from * size + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis]! > 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** A sentence about any failure. What the system says of the file itself (missing, unreadable) is passed on in words. */
function toFileError(file: string, error: unknown): PyTorchFileError {
  if (error instanceof PyTorchFileError) return error;
  const options = { cause: error };
  if (error instanceof CheckpointFault) return new PyTorchFileError(file, error.message, options);
  if (error instanceof PickleError) {
    const what = error.forbidden
      ? `it is refused: ${error.message}. Only tensors, parameters and plain containers are read. ${SAVE_WEIGHTS_ONLY}`
      : `its pickle is broken: ${error.message}. ${FETCH_AGAIN}`;
    return new PyTorchFileError(file, what, options);
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new PyTorchFileError(file, 'there is no such file. Check the path.', options);
  if (code === 'EACCES' || code === 'EPERM')
    return new PyTorchFileError(file, 'it may not be read. Change its permissions.', options);
  if (
    /^(invalid|absolute path|invalid relative path|invalid characters)/.test(message) &&
    /path|characters/.test(message)
  )
    return new PyTorchFileError(
      file,
      `it is a zip archive with an entry outside of its folder (${message}), which PyTorch never writes. ` +
        'Do not use it; get the checkpoint from its authors.',
      options,
    );
  if (/end of central directory/i.test(message))
    return new PyTorchFileError(
      file,
      `it begins as a zip archive but has no list of its files, as a download that was cut short. ${FETCH_AGAIN}`,
      options,
    );
  return new PyTorchFileError(file, `it cannot be read (${message}). ${FETCH_AGAIN}`, options);
}
