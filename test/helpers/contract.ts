/** Calls of the contract's methods as a window makes them, for tests over a real library. */
import assert from 'node:assert/strict';
import type { Api, ApiError, ApiMethod, Task } from '../../preload/contract.ts';
import type { Services } from '../../main/services.ts';

export type Value<M extends ApiMethod> = Awaited<ReturnType<Api[M]>>;
export type Argument<M extends ApiMethod> = Parameters<Api[M]> extends [infer A] ? A : null;

export interface Calls {
  /** What the method answers; the test fails when it refuses. */
  call<M extends ApiMethod>(method: M, argument: Argument<M>): Promise<Value<M>>;
  /** The error of a method that has to refuse. */
  refused<M extends ApiMethod>(method: M, argument: Argument<M>): Promise<ApiError>;
  /** The task once it has ended, well or not. */
  done(started: Task): Promise<Task>;
}

const TASK_POLL_MS = 30;

/** `services` is asked at each call: a test may open its library anew. */
export function callsOf(services: () => Services): Calls {
  const call: Calls['call'] = async (method, argument) => {
    const reply = await services().dispatch(method, argument);
    if (!reply.ok) assert.fail(`${method}: ${reply.error.code}: ${reply.error.message}`);
    return reply.value as never;
  };
  return {
    call,
    async refused(method, argument) {
      const reply = await services().dispatch(method, argument);
      assert.ok(!reply.ok, `${method} was to be refused`);
      return reply.error;
    },
    async done({ id }) {
      for (;;) {
        const task = await call('getTask', { id });
        if (task.state !== 'running') return task;
        await new Promise((resolve) => setTimeout(resolve, TASK_POLL_MS));
      }
    },
  };
}
