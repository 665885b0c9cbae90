/** Errors on their way out: whatever was thrown becomes the contract's error, with a code and a sentence. */
import type { ApiError, ErrorCode } from '../preload/contract.ts';

const CODES: Record<ErrorCode, true> = {
  'invalid-arguments': true,
  'not-found': true,
  conflict: true,
  'in-use': true,
  'invalid-config': true,
  'dataset-invalid': true,
  'file-invalid': true,
  'engine-missing': true,
  'disk-full': true,
  'not-allowed': true,
  'library-busy': true,
  internal: true,
};

/** Codes of the parts behind the contract that have another name there. */
const TRANSLATED: Record<string, ErrorCode> = {
  'engine-unavailable': 'engine-missing',
  'engine-not-found': 'not-found',
  'engine-install-failed': 'engine-missing',
  cancelled: 'conflict',
  SQLITE_FULL: 'disk-full',
  // The shared memory beside the write-ahead log could not grow.
  SQLITE_IOERR_SHMSIZE: 'disk-full',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  EROFS: 'not-allowed',
  ENOENT: 'not-found',
};

const DISK_FULL_MESSAGE =
  'The disk of the library is full, so this was not saved; nothing that was there is lost. ' +
  'Free some space (Settings shows what the library takes), then try again.';

/**
 * The contract's error for anything thrown. An error with a code of ours keeps code, sentence and details; a full disk
 * is told in our words; everything else is `internal`, with the message and the stack in the details.
 */
export function toApiError(error: unknown): ApiError {
  const { code, details } = (typeof error === 'object' && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  const message = error instanceof Error ? error.message : String(error);
  if (typeof code === 'string') {
    const known = Object.hasOwn(CODES, code)
      ? (code as ErrorCode)
      : Object.hasOwn(TRANSLATED, code)
        ? TRANSLATED[code]!
        : null;
    if (known === 'disk-full' && code !== 'disk-full')
      return { code: 'disk-full', message: DISK_FULL_MESSAGE, details: { cause: message } };
    if (known !== null) return { code: known, message, details: jsonSafe(details) };
  }
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  return {
    code: 'internal',
    message: `Something went wrong inside ResLT Studio: ${message}`,
    details: { stack },
  };
}

function jsonSafe(details: unknown): unknown {
  return details === undefined ? null : (JSON.parse(JSON.stringify(details)) as unknown);
}
