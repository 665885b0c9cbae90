/**
 * The CLI's way to a library: always as a client of its owner. Where nothing owns the library, `serve` is started in the
 * background; it goes by itself when nothing is queued or running.
 */
import type { Api, ApiMethod, Notice, Task } from '../../preload/contract.ts';
import { API_METHODS } from '../../preload/contract.ts';
import { connectToOwner, startBackgroundOwner, type OwnerConnection } from '../owner/client.ts';
import { CliError } from './cliError.ts';
import type { Output } from './output.ts';

export interface Client {
  api: Api;
  subscribe(listener: (notice: Notice) => void): () => void;
}

/** How often a task or a run is looked at while waiting for it. */
export const POLL_MS = 300;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Connects, does the work, and lets go again whatever happens. */
export async function withOwner<T>(libraryFolder: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = (await connectToOwner(libraryFolder)) ?? (await startBackgroundOwner(libraryFolder));
  try {
    return await work(clientOf(connection));
  } finally {
    await connection.close();
  }
}

function clientOf(connection: OwnerConnection): Client {
  const call = async (method: ApiMethod, argument: unknown): Promise<unknown> => {
    const reply = await connection.dispatch(method, argument ?? null);
    if (reply.ok) return reply.value;
    const { code, message, details } = reply.error;
    throw new CliError(message, { code, details });
  };
  const api = Object.fromEntries(
    API_METHODS.map((method) => [method, (argument?: unknown) => call(method, argument)]),
  ) as unknown as Api;
  return { api, subscribe: (listener) => connection.subscribe(listener) };
}

/** Waits for a task of the owner, showing its progress; throws what it failed with. */
export async function waitForTask(client: Client, started: Task, output: Output): Promise<Task> {
  let task = started;
  while (task.state === 'running') {
    const share = task.progress === null ? '' : ` ${Math.floor(task.progress * 100)} %`;
    output.progress(`${task.title}${share}  ${task.message}`);
    await sleep(POLL_MS);
    task = await client.api.getTask({ id: task.id });
  }
  output.endProgress();
  if (task.state === 'done') return task;
  const error = task.error;
  if (error !== null) throw new CliError(error.message, { code: error.code, details: error.details });
  throw new CliError(`${task.title} was cancelled.`, { code: 'conflict' });
}
