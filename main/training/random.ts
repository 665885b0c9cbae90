/**
 * The one source of randomness of a run: xoroshiro128+ streams that are named. A stream's seed is a hash of the
 * run's seed and the path of labels that leads to it, so a stream does not depend on what others have drawn, and
 * "epoch-7" is the same stream in a resumed run.
 */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

import type { Random } from './types.ts';

interface RandomState {
  path: string;
  generator: number[];
}

/** The root stream of a seed. */
export function createRandom(seed: number): Random {
  return stream(`seed-${seed}`);
}

/** The stream of an earlier `state()`. Throws TypeError if it is not one. */
export function restoreRandom(state: unknown): Random {
  const { path, generator } = (state ?? {}) as Partial<RandomState>;
  if (typeof path !== 'string' || !Array.isArray(generator) || generator.length !== 4)
    throw new TypeError('This is not the state of a random stream; the checkpoint is damaged.');
  return stream(path, generator);
}

function stream(path: string, saved: readonly number[] = seedWords(path)): Random {
  const generator = xoroshiro128plusFromState(saved);
  const word = (): number => generator.next() >>> 0;
  const float = (): number => word() / 0x1_0000_0000;
  const int = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000)
      throw new RangeError(`a random integer needs a bound from 1 to 2^32, got ${bound}`);
    // Words above the largest multiple of the bound are drawn again, or low values would be too likely.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    let value = word();
    while (value >= limit) value = word();
    return value % bound;
  };
  return {
    float,
    int,
    // Box-Muller; the second value is thrown away, which keeps the state small. 1 − u is never 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - float())) * Math.cos(2 * Math.PI * float()),
    shuffle(values) {
      for (let last = values.length - 1; last > 0; last--) {
        const other = int(last + 1);
        const value = values[last]!;
        values[last] = values[other]!;
        values[other] = value;
      }
    },
    fork: (label) => stream(`${path}/${label}`),
    state: (): RandomState => ({ path, generator: [...generator.getState()] }),
  };
}

/** Four words from FNV-1a hashes of the path with different prefixes. */
function seedWords(path: string): number[] {
  return [0, 1, 2, 3].map((index) => {
    let hash = 0x811c9dc5;
    for (const character of `${index}/${path}`)
      hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
    // FNV's high bits mix poorly for short inputs; this is murmur3's finaliser.
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) | 0;
  });
}
