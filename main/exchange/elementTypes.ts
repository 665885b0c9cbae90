/**
 * The element types of PyTorch's tensors: how large they are, which storage class stands for each, and how their
 * little-endian bytes become float32. Half precision and bfloat16 widen exactly; int64 beyond 2^24 and float64 round.
 */

export type ElementType =
  'float32' | 'float64' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool';

export const ELEMENT_BYTES: Record<ElementType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** PyTorch's storage classes, as `torch <name>` in a pickle. */
export const STORAGE_CLASSES: Record<string, ElementType> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

type Float16ArrayConstructor = new (buffer: ArrayBuffer) => ArrayLike<number>;

/** Node 24 has Float16Array; the ES2023 type library does not know it yet. */
const Float16 = (globalThis as unknown as { Float16Array: Float16ArrayConstructor }).Float16Array;

/**
 * Values of `type` as float32. `bytes` must be a buffer of its own, whole elements long; for float32 the result shares
 * it. Little-endian, which all platforms this runs on are.
 */
export function toFloat32(type: ElementType, bytes: ArrayBuffer): Float32Array {
  switch (type) {
    case 'float32':
      return new Float32Array(bytes);
    case 'float64':
      return Float32Array.from(new Float64Array(bytes));
    case 'float16':
      return Float32Array.from(new Float16(bytes));
    case 'bfloat16': {
      // The upper half of a float32.
      const halves = new Uint16Array(bytes);
      const wide = new Uint32Array(halves.length);
      for (let index = 0; index < halves.length; index++) wide[index] = halves[index]! << 16;
      return new Float32Array(wide.buffer);
    }
    case 'int64':
      return Float32Array.from(new BigInt64Array(bytes), Number);
    case 'int32':
      return Float32Array.from(new Int32Array(bytes));
    case 'int16':
      return Float32Array.from(new Int16Array(bytes));
    case 'int8':
      return Float32Array.from(new Int8Array(bytes));
    case 'uint8':
    case 'bool':
      return Float32Array.from(new Uint8Array(bytes));
  }
}
