/** The messages between the owner and a background process. All of them are JSON. */

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
