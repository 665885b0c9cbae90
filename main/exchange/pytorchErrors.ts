/** The one error of reading and writing PyTorch's files, and the advice that its sentences end with. */

/** A file that is no checkpoint of PyTorch, is broken, or asks for what a checkpoint must not. */
export class PyTorchFileError extends Error {
  override readonly name = 'PyTorchFileError';
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.file = file;
  }
}

/** A fault found by a part that does not know the file's name; the reader of the file adds it. */
export class CheckpointFault extends Error {
  override readonly name = 'CheckpointFault';
}

export const FETCH_AGAIN = 'Download or copy it again.';

export const SAVE_WEIGHTS_ONLY =
  'If you know who made the file and trust it, open it in PyTorch (weights_only=False) and save the state dict in it alone, with torch.save.';
