/** A failure that the CLI reports: a sentence on stderr, or with --json an object, and the exit code of DESIGN's list. */
import type { ErrorCode } from '../../preload/contract.ts';

export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** What the caller got wrong, rather than what went wrong: words, arguments, settings. */
const USAGE_CODES: readonly string[] = ['usage', 'invalid-arguments', 'invalid-config'];

export class CliError extends Error {
  readonly code: ErrorCode | 'usage' | 'run-not-completed';
  readonly details: unknown;
  readonly exitCode: number;

  constructor(message: string, options: { code: CliError['code']; details?: unknown }) {
    super(message);
    this.code = options.code;
    this.details = options.details ?? null;
    this.exitCode = USAGE_CODES.includes(options.code) ? EXIT.usage : EXIT.failed;
  }
}

export const usageError = (message: string): CliError => new CliError(message, { code: 'usage' });
