/**
 * The contract, implemented once: one function per method, grouped by subject in main/api/. It knows no transport; every
 * shell calls `dispatch`, which checks the argument and turns whatever happens into a reply.
 */
import { API_METHODS, type Api, type ApiMethod, type Reply } from '../preload/contract.ts';
import { checkpointApi } from './api/checkpoints.ts';
import { compareApi } from './api/compare.ts';
import { configApi } from './api/config.ts';
import type { ApiContext } from './api/context.ts';
import { datasetApi } from './api/datasets.ts';
import { exportApi } from './api/exports.ts';
import { historyApi } from './api/history.ts';
import { importApi } from './api/imports.ts';
import { runApi } from './api/runs.ts';
import { systemApi } from './api/system.ts';
import { ARGUMENTS, describeIssues } from './apiArguments.ts';
import { toApiError } from './apiErrors.ts';

export type Dispatch = (method: string, argument: unknown) => Promise<Reply>;

/** All functions of the contract over one library. */
export function createApi(context: ApiContext): Api {
  return {
    ...systemApi(context),
    ...datasetApi(context),
    ...configApi(context),
    ...runApi(context),
    ...historyApi(context),
    ...checkpointApi(context),
    ...compareApi(context),
    ...importApi(context),
    ...exportApi(context),
  };
}

/**
 * The way in for every transport: answers a method by its name with a reply that is JSON-safe, and never throws. `report`
 * is told of errors that are defects, for the owner's log.
 */
export function createDispatch(api: Api, report: (message: string) => void): Dispatch {
  const methods = new Set<string>(API_METHODS);
  return async (name, argument) => {
    if (!methods.has(name))
      return refusal(
        `There is no method “${name}”. Page and owner may be of different versions; reload the page.`,
        null,
      );
    const method = name as ApiMethod;
    const parsed = ARGUMENTS[method].safeParse(argument);
    if (!parsed.success) {
      const issues = describeIssues(parsed.error);
      const told = issues
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
        .join('; ');
      return refusal(`The argument of ${method} is not as expected: ${told}.`, issues);
    }
    try {
      const call = api[method] as (argument: unknown) => Promise<unknown>;
      return { ok: true, value: await call(parsed.data) };
    } catch (thrown) {
      const error = toApiError(thrown);
      if (error.code === 'internal') report(`${method} failed: ${(thrown as Error).stack ?? String(thrown)}`);
      return { ok: false, error };
    }
  };
}

function refusal(message: string, details: unknown): Reply {
  return { ok: false, error: { code: 'invalid-arguments', message, details } };
}
