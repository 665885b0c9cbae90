/**
 * The error that everything behind the contract throws on purpose: a code that programs can read and a sentence for
 * people. Any other error that reaches the edge is a defect and is shown as `internal`.
 */
import type { ErrorCode } from '../../preload/contract.ts';

export class StudioError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, details: unknown = null, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StudioError';
    this.code = code;
    this.details = details;
  }
}
