/**
 * A pickle machine that can only build plain values: numbers, text, tuples, lists, dictionaries, and what a host makes
 * for the few names it allows. Python's own machine imports and calls whatever a file asks for; here a name is looked
 * up in the host's closed table and nowhere else, nothing is ever imported, and only the opcodes that PyTorch writes
 * exist. Every length is checked against the bytes that are there before it is used, and the work that a file can cause
 * is bounded, so a hostile file is refused at once.
 *
 * Opcodes: Lib/pickletools.py of CPython; protocol 2 is what torch.save writes unless told otherwise.
 */

/** What a pickle can hold here. Integers beyond 2^53 are bigint. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleObject;

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

export type PickleKey = null | boolean | number | bigint | string;

/** A dict or an OrderedDict, in order of insertion. */
export class PickleDict {
  readonly entries = new Map<PickleKey, PickleValue>();
  readonly ordered: boolean;

  constructor(ordered: boolean) {
    this.ordered = ordered;
  }
}

/** An allowed name. `call` is what REDUCE does with it; without one it is only a token. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | null;

  constructor(name: string, call: PickleGlobal['call'] = null) {
    this.name = name;
    this.call = call;
  }
}

/** Base of what a host builds (storages, tensors). */
export abstract class PickleObject {
  abstract readonly kind: string;
}

/** What a file may name and how it refers to data outside the pickle. */
export interface PickleHost {
  /** By "module name". A name that is not here is refused. */
  globals: ReadonlyMap<string, PickleGlobal>;
  /** Throws PickleError for an id that it does not know. */
  persistentLoad(id: PickleValue): PickleValue;
}

export interface PickleLimits {
  /** Values on the stack at once; PyTorch fills a dictionary in pieces of 1,000 pairs. */
  stack: number;
  /** Remembered values. */
  memo: number;
  /** Opcodes that build or copy something. */
  objects: number;
  /** Bytes of one text. */
  stringBytes: number;
}

export const PICKLE_LIMITS: PickleLimits = {
  stack: 100_000,
  memo: 1_000_000,
  objects: 4_000_000,
  stringBytes: 1 << 20,
};

/** A pickle that is broken or asks for what is not allowed. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
  /** True when the file is whole but wants something outside the closed table. */
  readonly forbidden: boolean;

  constructor(message: string, { forbidden = false }: { forbidden?: boolean } = {}) {
    super(message);
    this.forbidden = forbidden;
  }
}

const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

/**
 * Reads one pickle that starts at `offset`. Returns its value and the offset behind it. Throws PickleError for
 * everything that is not a whole, allowed pickle within the limits.
 */
export function readPickle(
  bytes: Uint8Array,
  offset: number,
  host: PickleHost,
  limits: PickleLimits = PICKLE_LIMITS,
): { value: PickleValue; end: number } {
  const machine = new Machine(bytes, offset, host, limits);
  return { value: machine.run(), end: machine.position };
}

class Machine {
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #host: PickleHost;
  readonly #limits: PickleLimits;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #objects = 0;

  constructor(bytes: Uint8Array, offset: number, host: PickleHost, limits: PickleLimits) {
    this.position = offset;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#host = host;
    this.#limits = limits;
  }

  run(): PickleValue {
    for (;;) {
      const at = this.position;
      const opcode = this.#byte();
      if (opcode === 0x2e) {
        const value = this.#pop();
        if (this.#stack.length > 0) throw new PickleError('values are left over at the end of the pickle');
        return value;
      }
      this.#execute(opcode, at);
      if (this.#stack.length > this.#limits.stack)
        throw new PickleError(`more than ${this.#limits.stack} values are open at once`);
    }
  }

  #execute(opcode: number, at: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        if (this.#byte() > 5) throw new PickleError('its protocol is newer than 5, the newest known');
        return;
      case 0x95: // FRAME: a hint for buffering
        this.#unsigned64();
        return;
      case 0x28: // MARK
        this.#stack.push(MARK);
        return;
      case 0x30: // POP
        if (this.#stack.pop() === undefined) throw underflow();
        return;

      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#byte());
      case 0x4d: // BININT2
        return this.#push(this.#view.getUint16(this.#take(2), true));
      case 0x4a: // BININT
        return this.#push(this.#view.getInt32(this.#take(4), true));
      case 0x8a: // LONG1
        return this.#push(this.#long(this.#byte()));
      case 0x47: // BINFLOAT
        return this.#push(this.#view.getFloat64(this.#take(8), false));

      case 0x58: // BINUNICODE
        return this.#push(this.#text(this.#view.getUint32(this.#take(4), true)));
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(this.#text(this.#byte()));
      case 0x55: // SHORT_BINSTRING: text of Python 2
        return this.#push(this.#latin(this.#byte()));
      case 0x54: // BINSTRING
        return this.#push(this.#latin(this.#view.getUint32(this.#take(4), true)));

      case 0x29: // EMPTY_TUPLE
        return this.#push(new PickleTuple([]));
      case 0x85: // TUPLE1, 2, 3
      case 0x86:
      case 0x87:
        return this.#push(new PickleTuple(this.#popMany(opcode - 0x84)));
      case 0x74: // TUPLE
        return this.#push(new PickleTuple(this.#popToMark()));

      case 0x5d: // EMPTY_LIST
        return this.#push(new PickleList());
      case 0x61: {
        // APPEND
        const item = this.#pop();
        this.#top(PickleList, 'a list').items.push(item);
        return;
      }
      case 0x65: {
        // APPENDS
        const items = this.#popToMark();
        const list = this.#top(PickleList, 'a list').items;
        for (const item of items) list.push(item);
        return;
      }

      case 0x7d: // EMPTY_DICT
        return this.#push(new PickleDict(false));
      case 0x73: {
        // SETITEM
        const [key, value] = this.#popMany(2) as [PickleValue, PickleValue];
        this.#top(PickleDict, 'a dictionary').entries.set(keyOf(key), value);
        return;
      }
      case 0x75: {
        // SETITEMS
        const items = this.#popToMark();
        if (items.length % 2 === 1) throw new PickleError('a dictionary key has no value');
        const { entries } = this.#top(PickleDict, 'a dictionary');
        for (let index = 0; index < items.length; index += 2)
          entries.set(keyOf(items[index]!), items[index + 1]!);
        return;
      }

      case 0x71: // BINPUT
        return this.#remember(this.#byte());
      case 0x72: // LONG_BINPUT
        return this.#remember(this.#view.getUint32(this.#take(4), true));
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x68: // BINGET
        return this.#push(this.#recall(this.#byte()));
      case 0x6a: // LONG_BINGET
        return this.#push(this.#recall(this.#view.getUint32(this.#take(4), true)));

      case 0x63: {
        // GLOBAL
        const module = this.#line();
        return this.#push(this.#global(module, this.#line()));
      }
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2) as [PickleValue, PickleValue];
        if (typeof module !== 'string' || typeof name !== 'string')
          throw new PickleError('a name that it refers to is not text');
        return this.#push(this.#global(module, name));
      }
      case 0x52: {
        // REDUCE
        const [callable, args] = this.#popMany(2) as [PickleValue, PickleValue];
        if (!(callable instanceof PickleGlobal) || callable.call === null)
          throw new PickleError(`it calls ${describeValue(callable)}, which cannot be called`);
        if (!(args instanceof PickleTuple))
          throw new PickleError(`the arguments of ${callable.name} are ${describeValue(args)}, not a tuple`);
        return this.#push(callable.call(args.items));
      }
      case 0x51: // BINPERSID
        return this.#push(this.#host.persistentLoad(this.#pop()));
      case 0x62: {
        // BUILD: the versions of its modules, which a state dict carries as an attribute, say nothing of the weights.
        const state = this.#pop();
        const target = this.#top(PickleDict, 'an OrderedDict');
        if (!target.ordered || !(state instanceof PickleDict))
          throw new PickleError('it sets attributes of something that is not an OrderedDict', {
            forbidden: true,
          });
        return;
      }
      default:
        throw new PickleError(
          `at byte ${at} stands opcode 0x${opcode.toString(16).padStart(2, '0')}, which no checkpoint of PyTorch needs`,
          { forbidden: true },
        );
    }
  }

  #push(value: PickleValue): void {
    if (++this.#objects > this.#limits.objects)
      throw new PickleError(`it builds more than ${this.#limits.objects} values`);
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw underflow();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    const start = this.#stack.length - count;
    if (start < 0) throw underflow();
    const items = this.#stack.splice(start);
    if (items.includes(MARK)) throw underflow();
    return items as PickleValue[];
  }

  #popToMark(): PickleValue[] {
    const start = this.#stack.lastIndexOf(MARK);
    if (start < 0) throw underflow();
    const items = this.#stack.splice(start);
    return items.slice(1) as PickleValue[];
  }

  #top<T extends PickleValue>(type: abstract new (...args: never[]) => T, what: string): T {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw underflow();
    if (!(value instanceof (type as abstract new (...args: never[]) => object)))
      throw new PickleError(`it fills ${describeValue(value)} as if it were ${what}`);
    return value as T;
  }

  #remember(index: number): void {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw underflow();
    this.#memo.set(index, value);
    if (this.#memo.size > this.#limits.memo)
      throw new PickleError(`it remembers more than ${this.#limits.memo} values`);
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined)
      throw new PickleError(`it reads entry ${index} of its memory, which was never set`);
    return value;
  }

  #global(module: string, name: string): PickleGlobal {
    const found = this.#host.globals.get(`${module} ${name}`);
    if (found === undefined)
      throw new PickleError(
        `it asks for "${shorten(`${module}.${name}`)}", which is not one of the few names that a checkpoint may use`,
        { forbidden: true },
      );
    return found;
  }

  /** Moves on by `count` bytes, which must be there; returns where they start. */
  #take(count: number): number {
    const start = this.position;
    if (count > this.#bytes.length - start)
      throw new PickleError(
        `it ends at byte ${this.#bytes.length}, where ${start + count - this.#bytes.length} more bytes should follow`,
      );
    this.position = start + count;
    return start;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #unsigned64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  #text(length: number): string {
    const start = this.#take(this.#checkedLength(length));
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(start, start + length));
    } catch (error) {
      throw Object.assign(new PickleError(`the text at byte ${start} is not UTF-8`), { cause: error });
    }
  }

  #latin(length: number): string {
    const start = this.#take(this.#checkedLength(length));
    return latin1(this.#bytes.subarray(start, start + length));
  }

  #checkedLength(length: number): number {
    if (length > this.#limits.stringBytes)
      throw new PickleError(
        `a text of ${length} bytes is announced; the longest read is ${this.#limits.stringBytes}`,
      );
    return length;
  }

  /** A little-endian two's complement integer. */
  #long(length: number): number | bigint {
    const start = this.#take(length);
    let value = 0n;
    for (let index = length - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(this.#bytes[start + index]!);
    const signed = BigInt.asIntN(length * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  /** The text up to the next line feed, of at most 256 bytes: a module or a name. */
  #line(): string {
    const start = this.position;
    const end = this.#bytes.subarray(0, start + 257).indexOf(0x0a, start);
    if (end < 0) throw new PickleError(`the name at byte ${start} has no end`);
    this.position = end + 1;
    return latin1(this.#bytes.subarray(start, end));
  }
}

/** One character a byte. (TextDecoder's latin1 is Windows-1252.) */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function underflow(): PickleError {
  return new PickleError('it takes a value that was never put there');
}

function keyOf(value: PickleValue): PickleKey {
  if (value !== null && typeof value === 'object')
    throw new PickleError(`a dictionary has ${describeValue(value)} as a key; expected text or a number`);
  return value;
}

/** A value in words, short, for an error. */
export function describeValue(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof PickleTuple) return 'a tuple';
  if (value instanceof PickleList) return 'a list';
  if (value instanceof PickleDict) return 'a dictionary';
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof PickleObject) return value.kind;
  return typeof value === 'string' ? `"${shorten(value)}"` : String(value);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
