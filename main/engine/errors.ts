/** Errors of the engine folder. Each message is a whole sentence for the user: what was expected, what came, what to do. */

export type EngineErrorCode = 'engine-unavailable' | 'engine-install-failed' | 'engine-not-found';

export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** A step of an installation failed. What was finished before it is kept, so that the next try goes on from there. */
export function installFailed(message: string, cause?: unknown): EngineError {
  return new EngineError('engine-install-failed', message, cause === undefined ? undefined : { cause });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
