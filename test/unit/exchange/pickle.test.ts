import test from 'node:test';
import assert from 'node:assert/strict';
import {
  PICKLE_LIMITS,
  PickleDict,
  PickleError,
  PickleGlobal,
  PickleList,
  PickleTuple,
  readPickle,
  type PickleHost,
  type PickleValue,
} from '../../../main/exchange/pickle.ts';

const host: PickleHost = {
  globals: new Map([
    ['collections OrderedDict', new PickleGlobal('OrderedDict', () => new PickleDict(true))],
  ]),
  persistentLoad: (id) => new PickleTuple(['persistent', id]),
};

/** Text stands for its characters, numbers for single bytes. */
function bytes(...parts: (string | number)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'latin1'))),
  );
}

function read(...parts: (string | number)[]): PickleValue {
  return readPickle(bytes(0x80, 2, ...parts, '.'), 0, host).value;
}

function refusal(...parts: (string | number)[]): PickleError {
  try {
    read(...parts);
  } catch (error) {
    if (error instanceof PickleError) return error;
    throw error;
  }
  return assert.fail('the pickle was read');
}

test('numbers are read in every form that PyTorch writes', () => {
  assert.equal(read('K', 200), 200);
  assert.equal(read('M', 0x34, 0x12), 0x1234);
  assert.equal(read('J', 0xfe, 0xff, 0xff, 0xff), -2);
  assert.equal(read('G', '\x3f\xf8\0\0\0\0\0\0'), 1.5);
  assert.equal(read(0x8a, 0), 0);
  assert.equal(read(0x8a, 1, 0xff), -1);
  assert.equal(read(0x8a, 8, '\xff\xff\xff\xff\xff\xff\xff\x7f'), 2n ** 63n - 1n);
  assert.equal(read(0x8a, 10, '\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19'), 0x1950a86a20f9469cfc6cn);
});

test('text is read, also that of Python 2, and constants', () => {
  assert.equal(read('X', 3, 0, 0, 0, 'a\xc3\xbc'), 'aü');
  assert.equal(read(0x8c, 1, 'b'), 'b');
  assert.equal(read('U', 2, '\x80b'), '\x80b');
  assert.equal(read('T', 1, 0, 0, 0, 'c'), 'c');
  assert.deepEqual([read('N'), read(0x88), read(0x89)], [null, true, false]);
});

test('containers nest, and the memory gives one value back in two places', () => {
  const list = read(']', 'q', 0, '(', 'K', 1, 'h', 0, 'e') as PickleList;
  assert.equal(list.items[0], 1);
  assert.equal(list.items[1], list, 'a list can hold itself');
  const dictionary = read('}', 'K', 7, ')', 's') as PickleDict;
  assert.deepEqual([...dictionary.entries.keys()], [7]);
  const tuple = read('(', 'K', 1, 'K', 2, 't') as PickleTuple;
  assert.deepEqual(tuple.items, [1, 2]);
});

test('an allowed name is called, and its attributes are passed over', () => {
  const value = read('ccollections\nOrderedDict\n', ')', 'R', '}', 'X', 1, 0, 0, 0, 'k', 'K', 1, 's', 'b');
  assert.ok(value instanceof PickleDict && value.ordered);
  assert.equal(value.entries.size, 0);
  assert.ok(read('K', 5, 'Q') instanceof PickleTuple);
});

test('a name outside the table is refused by GLOBAL and by STACK_GLOBAL alike', () => {
  for (const error of [
    refusal('cposix\nsystem\n'),
    refusal(0x8c, 5, 'posix', 0x8c, 6, 'system', 0x93),
    refusal('cbuiltins\neval\n', 'X', 1, 0, 0, 0, '1', 0x85, 'R'),
  ]) {
    assert.match(error.message, /asks for "(posix\.system|builtins\.eval)"/);
    assert.ok(error.forbidden);
  }
  // A prototype of JavaScript is no table of names.
  assert.match(refusal('c__proto__\nconstructor\n').message, /asks for/);
});

test('opcodes that no checkpoint needs are refused', () => {
  // INST, OBJ, NEWOBJ, EXT1, DUP, PERSID, INT, LONG4, BYTEARRAY8
  for (const opcode of [0x69, 0x6f, 0x81, 0x82, 0x32, 0x50, 0x49, 0x8b, 0x96]) {
    const error = refusal('K', 1, opcode);
    assert.match(error.message, /opcode 0x/, `opcode ${opcode}`);
    assert.ok(error.forbidden);
  }
});

test('only an OrderedDict takes attributes, and only a name can be called', () => {
  assert.match(refusal('}', '}', 'b').message, /sets attributes/);
  assert.match(refusal(']', '}', 'b').message, /fills a list/);
  assert.match(refusal('K', 1, ')', 'R').message, /calls 1/);
  assert.match(refusal('ccollections\nOrderedDict\n', 'K', 1, 'R').message, /arguments of OrderedDict/);
});

test('broken pickles are told apart from forbidden ones', () => {
  const broken: (string | number)[][] = [
    ['0'], // POP
    ['R'],
    ['t'],
    ['(', 'R'],
    ['h', 3],
    ['j', 0, 0, 0, 0],
    ['}', '(', 'K', 1, 'u'],
    ['}', ']', 'K', 1, 's'],
    ['X', 0xff, 0xff, 0xff, 0x7f],
    ['X', 1, 0, 0, 0, 0xff],
    ['K', 1, 'K', 2],
    ['q', 0],
    ['K', 1, 'a'],
    [0x8a, 200, 1],
    ['cno line feed'],
    [0x95, 1],
  ];
  for (const parts of broken) {
    const error = refusal(...parts);
    assert.equal(error.forbidden, false, error.message);
  }
  assert.throws(() => readPickle(bytes(0x80, 9, 'N.'), 0, host), /protocol/);
  assert.throws(() => readPickle(new Uint8Array(0), 0, host), /ends at byte 0/);
});

test('the work that a pickle can cause is bounded', () => {
  const limits = { ...PICKLE_LIMITS, stack: 100, memo: 10, objects: 50, stringBytes: 20 };
  const reading =
    (...parts: (string | number)[]) =>
    () =>
      readPickle(bytes(0x80, 2, ...parts, '.'), 0, host, limits);
  assert.throws(reading('('.repeat(101)), /more than 100 values are open/);
  assert.throws(reading('N0'.repeat(51)), /more than 50 values/);
  assert.throws(reading('N', ...Array.from({ length: 11 }, (_, index) => ['q', index]).flat()), /remembers/);
  assert.throws(reading('X', 21, 0, 0, 0, 'a'.repeat(21)), /21 bytes/);
});
