/** The messages between the owner and a background process, and what its tasks are. All messages are JSON. */

export interface TaskContext {
  /** Share that is done, 0…1, or null while it can't be known. */
  onProgress(share: number | null, message: string): void;
  signal: AbortSignal;
}

/** The tasks of one kind of background process, by name. */
export type TaskTable = Record<string, (args: never, context: TaskContext) => Promise<unknown>>;

export type ToBackground =
  | { type: 'run'; id: number; task: string; args: unknown }
  /** Asks the task to stop; it answers with an error, or the owner ends the process. */
  | { type: 'abort'; id: number };

export type FromBackground =
  | { type: 'progress'; id: number; share: number | null; message: string }
  | { type: 'result'; id: number; value: unknown }
  | { type: 'error'; id: number; error: WireError };

/** An error as it crosses the process boundary: the sentence, its code, and the own fields of its class. */
export interface WireError {
  name: string;
  message: string;
  code: string | null;
  details: Record<string, unknown>;
}
