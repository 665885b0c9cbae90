/**
 * The inside of a background process: takes tasks over the IPC channel, one at a time, and answers each with a result or
 * an error. It ends when its owner does.
 */
import type {
  FromBackground,
  TaskContext,
  TaskTable,
  ToBackground,
  WireError,
} from './backgroundProtocol.ts';

/** Serves these tasks until the owner has gone. Ends the process where nothing started it as a child. */
export function serveTasks(tasks: TaskTable): void {
  if (process.send === undefined) {
    console.error(
      'This program runs tasks for ResLT Studio and is started by it; it cannot be run by itself.',
    );
    process.exit(2);
  }
  const running = new Map<number, AbortController>();
  process.on('message', (message: ToBackground) => {
    if (message.type === 'abort') running.get(message.id)?.abort();
    else void run(tasks, running, message);
  });
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C in a terminal reaches the whole process group; the owner decides when its helpers end.
  process.on('SIGINT', () => undefined);
}

async function run(
  tasks: TaskTable,
  running: Map<number, AbortController>,
  { id, task, args }: ToBackground & { type: 'run' },
): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const context: TaskContext = { signal: controller.signal, onProgress: throttled(id) };
  try {
    if (!Object.hasOwn(tasks, task)) throw new Error(`There is no background task "${task}".`);
    const work = tasks[task] as (args: unknown, context: TaskContext) => Promise<unknown>;
    answer({ type: 'result', id, value: await work(args, context) });
  } catch (error) {
    answer({ type: 'error', id, error: toWire(error) });
  } finally {
    running.delete(id);
  }
}

/** A reader wants to see that something moves, not each of thousands of pieces. */
const PROGRESS_INTERVAL_MS = 100;

function throttled(id: number): TaskContext['onProgress'] {
  let lastMs = 0;
  let lastMessage = '';
  return (share, message) => {
    const now = performance.now();
    if (now - lastMs < PROGRESS_INTERVAL_MS && message === lastMessage) return;
    lastMs = now;
    lastMessage = message;
    answer({ type: 'progress', id, share, message });
  };
}

function answer(message: FromBackground): void {
  if (process.connected) process.send!(message);
}

function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: null, details: {} };
  const { code, ...details } = Object.fromEntries(
    Object.entries(error).filter(([key]) => key !== 'cause' && key !== 'name'),
  );
  return {
    name: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : null,
    details,
  };
}
