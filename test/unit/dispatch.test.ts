/** The one way in for every transport: what it refuses, and what becomes of errors. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { API_METHODS, type Api, type Reply } from '../../preload/contract.ts';
import { createDispatch } from '../../main/api.ts';
import { ARGUMENTS } from '../../main/apiArguments.ts';
import { toApiError } from '../../main/apiErrors.ts';
import { StudioError } from '../../main/store/errors.ts';

/** Dispatch over an api that has only these functions. */
function dispatchOf(api: Partial<Record<keyof Api, (argument: never) => Promise<unknown>>>) {
  const reports: string[] = [];
  const dispatch = createDispatch(api as unknown as Api, (message) => reports.push(message));
  return { dispatch, reports };
}

function errorOf(reply: Reply): { code: string; message: string; details: unknown } {
  assert.equal(reply.ok, false);
  return (reply as Extract<Reply, { ok: false }>).error;
}

test('every method of the contract has a schema for its argument', () => {
  assert.deepEqual(Object.keys(ARGUMENTS).sort(), [...API_METHODS].sort());
});

test('names that objects inherit are no methods', async () => {
  const { dispatch } = dispatchOf({});
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', '', 'getRuns']) {
    const error = errorOf(await dispatch(name, null));
    assert.equal(error.code, 'invalid-arguments', name);
    assert.match(error.message, /There is no method/);
  }
});

test('everything that is wrong with an argument is told at once', async () => {
  const { dispatch } = dispatchOf({
    addDataset: () => Promise.reject(new Error('must not be called')),
  });
  const error = errorOf(
    await dispatch('addDataset', {
      path: '',
      kind: 'cifar-1000',
      name: null,
      subset: { type: 'exponential', imbalanceFactor: -1 },
      validationFraction: 2,
      validationSeed: 0.5,
      colour: 'red',
    }),
  );
  assert.equal(error.code, 'invalid-arguments');
  const paths = (error.details as { path: string }[]).map(({ path }) => path);
  assert.deepEqual(paths.sort(), [
    '',
    'kind',
    'path',
    'subset.imbalanceFactor',
    'subset.type',
    'validationFraction',
    'validationSeed',
  ]);
  for (const word of ['kind', 'subset.type', 'validationSeed', 'colour'])
    assert.ok(error.message.includes(word), `the sentence names ${word}: ${error.message}`);
});

test('positions in lists are named', async () => {
  const { dispatch } = dispatchOf({ deleteRuns: () => Promise.resolve(null) });
  const error = errorOf(await dispatch('deleteRuns', { ids: [1, 'two', -3] }));
  assert.deepEqual(
    (error.details as { path: string }[]).map(({ path }) => path),
    ['ids[1]', 'ids[2]'],
  );
});

test('methods without an argument take null, nothing and {}, and refuse more', async () => {
  const { dispatch } = dispatchOf({ getQueue: () => Promise.resolve('queue') });
  for (const argument of [null, undefined, {}])
    assert.deepEqual(await dispatch('getQueue', argument), { ok: true, value: 'queue' });
  assert.equal(errorOf(await dispatch('getQueue', { id: 1 })).code, 'invalid-arguments');
});

test('errors of ours keep code, sentence and details; a defect is reported and told as internal', async () => {
  const { dispatch, reports } = dispatchOf({
    getRun: () => Promise.reject(new StudioError('not-found', 'There is no run 7.', { id: 7 })),
    listTasks: () => Promise.reject(new TypeError('x is undefined')),
  });
  assert.deepEqual(errorOf(await dispatch('getRun', { id: 7 })), {
    code: 'not-found',
    message: 'There is no run 7.',
    details: { id: 7 },
  });
  assert.equal(reports.length, 0);
  const error = errorOf(await dispatch('listTasks', null));
  assert.equal(error.code, 'internal');
  assert.match(error.message, /x is undefined/);
  assert.match(reports[0] ?? '', /listTasks failed/);
});

test('a full disk is told in words, whoever noticed it', () => {
  for (const code of ['SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'disk-full']) {
    const error = toApiError(Object.assign(new Error('database or disk is full'), { code }));
    assert.equal(error.code, 'disk-full', code);
  }
  assert.match(
    toApiError(Object.assign(new Error('x'), { code: 'ENOSPC' })).message,
    /nothing that was there is lost/,
  );
});

test('codes that objects inherit are no codes of ours', () => {
  assert.equal(toApiError(Object.assign(new Error('x'), { code: 'constructor' })).code, 'internal');
  assert.equal(toApiError('thrown text').code, 'internal');
});
