/**
 * The random numbers of one training image in one epoch. Its seed is drawn with the epoch's order, so that whoever
 * prepares the image, and in whatever order, makes the same pixels.
 */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** 32-bit words of a seed. */
export const SEED_WORDS = 4;

/** Uniform numbers in [0, 1). The words must not all be 0. */
export function exampleRandom(words: ArrayLike<number>): () => number {
  const generator = xoroshiro128plusFromState(Array.from(words, (word) => word | 0));
  return () => (generator.next() >>> 0) / 0x1_0000_0000;
}
