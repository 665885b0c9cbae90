/**
 * What every reader gives back: the whole of a source in one plain form, before a subset is chosen. Sources are read
 * once, when they are registered; training reads the packed copy.
 */

/** Formats that are packed into the library. `sample` is the dataset that ships with the app. */
export type PackedKind = 'cifar-10' | 'cifar-100' | 'fashion-mnist' | 'idx' | 'sample';

/** Photographs, which stay where they are. */
export type PhotographKind = 'list' | 'folder';

export type DatasetKind = PackedKind | PhotographKind;

/** Whether datasets of a kind are photographs, which stay where they are. */
export function isPhotographKind(kind: DatasetKind): kind is PhotographKind {
  return kind === 'list' || kind === 'folder';
}

/** One split as it lies in the source. */
export interface SourceSplit {
  /** [N, H, W, C] uint8 in C order; empty when the source was only probed. */
  images: Uint8Array;
  /** [N], in [0, classes). */
  labels: Int32Array;
}

/** A source file: its name without compression, size and SHA-256 of its unpacked bytes. */
export interface SourceFile {
  name: string;
  sizeBytes: number;
  sha256: string;
}

export interface Source {
  kind: PackedKind;
  /** The absolute path that was read: a folder or an archive. */
  path: string;
  classNames: string[];
  height: number;
  width: number;
  channels: number;
  train: SourceSplit;
  test: SourceSplit;
  files: SourceFile[];
}

export interface ReadOptions {
  /** False: check everything and read the labels, but keep no pixels (`images` stays empty). */
  pixels: boolean;
  /** Share of the reading that is done, 0…1, and what is read now. */
  onProgress?: ((share: number, message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}
