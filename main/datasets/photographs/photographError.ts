/** The error of an image that cannot be used. */
import { DatasetError } from '../errors.ts';
import type { PhotoProblemCode } from './photoCheck.ts';

export class PhotographError extends DatasetError {
  /** What kind of fault it is. */
  readonly reason: PhotoProblemCode;

  constructor(reason: PhotoProblemCode, file: string, expected: string, found: string) {
    super({ file, offset: null, expected, found });
    this.reason = reason;
  }
}
