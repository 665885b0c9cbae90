/** The error that a request of the page can end with: the owner's own code and sentence, or a lost connection. */
import type { ApiError, ErrorCode } from '../../preload/contract.ts';

export type FailureCode = ErrorCode | 'disconnected' | 'signed-out';

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: FailureCode;
  readonly details: unknown;

  constructor(error: { code: FailureCode; message: string; details?: unknown }) {
    super(error.message);
    this.code = error.code;
    this.details = error.details ?? null;
  }
}

/** What was thrown, as a failure with a sentence to show. */
export function toFailure(thrown: unknown): ApiFailure {
  if (thrown instanceof ApiFailure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiFailure({ code: 'internal', message });
}

export function fromApiError(error: ApiError): ApiFailure {
  return new ApiFailure(error);
}
