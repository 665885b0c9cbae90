/**
 * WebAssembly for the arithmetic of photographs: what `pixelKernels.as` compiles to, and the memory it works in. Images
 * are put there, changed, and read out; a place is good until the next image is put.
 */

/** The compiled module, in base64. */
export const KERNELS =
  'AGFzbQEAAAABKwVgAn9/AX9gBH9/f30AYAN/f30AYAl/f39/f39/f38AYAh/f39/f39/fwACDwEDZW52Bm1lbW9yeQIAAAMGBQABAgMEB1AGCWFsb25nUm93cwADDGFsb25nQ29sdW1ucwAEB2dyZXlTdW0AAA5ibGVuZFdpdGhMZXZlbAABDWJsZW5kV2l0aEdyZXkAAgZtZW1vcnkCAAryBwVOAQJ/A0AgASACSgRAIAMgACACQQNsaiIDLQAAQYuZAWwgAy0AAUHGrAJsaiADLQACQa86bGpBgIACakEQdmohAyACQQFqIQIMAQsLIAMLtgEBBXsgAv0RIQQgA/0TIQUgACECA0AgAiAAIAFqSQRAIAIgBP36ASIHIAUgAv0ABAAiCP2JASIG/akBIAT9sQH9+gH95gH95AH9+AEgByAFIAb9qgEgBP2xAf36Af3mAf3kAf34Af2FASAHIAUgCP2KASIG/akBIAT9sQH9+gH95gH95AH9+AEgByAFIAb9qgEgBP2xAf36Af3mAf3kAf34Af2FAf1m/QsEACACQRBqIQIMAQsLC5gBAgN/AnsgAv0TIQYDQCABIARKBEAgACAEQQNsaiIDLQAAQYuZAWwgAy0AAUHGrAJsaiADLQACQa86bGpBgIACakEQdv0RIgf9+gEgBiAD/VwCAP2JAf2pASAH/bEB/foB/eYB/eQB/fgBIgcgB/2FASIHIAf9Zv0bACEFIAMgBTsBACADIAVBEHU6AAIgBEEBaiEEDAELCwvhAQIHfwF7A0AgAiAMSgRAIAAgASAMbGohDiAFIQlBACELA0AgByALSgRAIA4gC0ECdCIKIANqKAIAQQNsaiENIAQgCmooAgAhD/0MAAAgAAAAIAAAACAAAAAgACEQQQAhCgNAIAogD0gEQCAQIA39XAIA/YkB/akBIAkgCkECdGr9CQIA/bUB/a4BIRAgDUEDaiENIApBAWohCgwBCwsgCCAQQRb9rQEiECAQ/YUBIhAgEP1m/RsANgIAIAhBA2ohCCAJIAZBAnRqIQkgC0EBaiELDAELCyAMQQFqIQwMAQsLC+sCAgh/B3sDQCAGIAlKBEAgCUECdCIIIANqKAIAIQwgACACIAhqKAIAIAFsaiENIAQgBSAJbEECdGohDiAHIAEgCWxqIQ9BACEIA0AgASAISgRA/QwAACAAAAAgAAAAIAAAACAAIRD9DAAAIAAAACAAAAAgAAAAIAAhEf0MAAAgAAAAIAAAACAAAAAgACES/QwAACAAAAAgAAAAIAAAACAAIRMgCCANaiELQQAhCgNAIAogDEgEQCAQIAv9AAQAIhX9iQEiFv2pASAOIApBAnRq/QkCACIU/bUB/a4BIRAgESAW/aoBIBT9tQH9rgEhESASIBX9igEiFf2pASAU/bUB/a4BIRIgEyAV/aoBIBT9tQH9rgEhEyABIAtqIQsgCkEBaiEKDAELCyAIIA9qIBBBFv2tASARQRb9rQH9hQEgEkEW/a0BIBNBFv2tAf2FAf1m/QsEACAIQRBqIQgMAQsLIAlBAWohCQwBCwsL';

interface Exports {
  alongRows(
    pixels: number,
    lineBytes: number,
    rows: number,
    first: number,
    count: number,
    weights: number,
    taps: number,
    outWidth: number,
    out: number,
  ): void;
  alongColumns(
    pixels: number,
    lineBytes: number,
    first: number,
    count: number,
    weights: number,
    taps: number,
    outHeight: number,
    out: number,
  ): void;
  greySum(pixels: number, count: number): number;
  blendWithLevel(bytes: number, length: number, level: number, factor: number): void;
  blendWithGrey(pixels: number, count: number, factor: number): void;
}

const PAGE_BYTES = 65_536;
/** Kernels read and write up to this many bytes beyond an array. */
const MARGIN = 16;

/** What is used of the global object, which Node's types leave out. */
interface WebAssemblyApi {
  Memory: new (options: { initial: number }) => { buffer: ArrayBuffer; grow(pages: number): number };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

const memory = new Memory({ initial: 1 });

export const kernels = new Instance(new Module(Buffer.from(KERNELS, 'base64')), { env: { memory } })
  .exports as Exports;

let used = 0;

/** Forgets all places. */
export function clearPlaces(): void {
  used = 0;
}

/** A place for so many bytes; the views of earlier places may be void after it. */
export function place(bytes: number): number {
  const start = used;
  used = (start + bytes + 2 * MARGIN - 1) & -MARGIN;
  const missing = used - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  return start;
}

/** Puts an array into a place of its own. */
export function put(values: Uint8Array | Int32Array): number {
  const at = place(values.byteLength);
  if (values instanceof Int32Array) new Int32Array(memory.buffer, at, values.length).set(values);
  else view(at, values.length).set(values);
  return at;
}

/** The bytes at a place, as they lie in the memory. */
export function view(at: number, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, at, length);
}

/** Where bytes are that `view` gave, or null for bytes that lie elsewhere. */
export function placeOf(bytes: Uint8Array): number | null {
  return bytes.buffer === memory.buffer ? bytes.byteOffset : null;
}
