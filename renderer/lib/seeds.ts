/** The list of seeds as people type it: "0, 1, 2" or "0-4". Pure. */

export interface ParsedSeeds {
  seeds: number[];
  /** What is wrong, as a sentence; null when nothing is. */
  problem: string | null;
}

/** As the configuration has it: the generator takes 32 bits. */
const LARGEST_SEED = 2 ** 32 - 1;
const MOST_SEEDS = 100;

/** Reads seeds separated by commas or blanks; a range has a hyphen or an en dash. */
export function parseSeeds(text: string): ParsedSeeds {
  const seeds: number[] = [];
  const fail = (problem: string): ParsedSeeds => ({ seeds, problem });
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  if (parts.length === 0) return fail('Give at least one seed, for example 0, 1, 2.');
  for (const part of parts) {
    const range = /^(\d+)[-–](\d+)$/.exec(part);
    const [from, to] = range ? [Number(range[1]), Number(range[2])] : [Number(part), Number(part)];
    if (!range && !/^\d+$/.test(part)) return fail(`“${part}” is no seed: give whole numbers from 0 up.`);
    if (to < from) return fail(`The range ${part} runs backwards.`);
    if (to > LARGEST_SEED) return fail(`${to} is too large: seeds go up to 4,294,967,295.`);
    if (to - from >= MOST_SEEDS || seeds.length + to - from >= MOST_SEEDS) {
      return fail(`At most ${MOST_SEEDS} seeds at once.`);
    }
    for (let seed = from; seed <= to; seed += 1) {
      if (seeds.includes(seed)) return fail(`Seed ${seed} is there twice.`);
      seeds.push(seed);
    }
  }
  return { seeds, problem: null };
}

/** The smallest seeds that are not used yet. */
export function nextSeeds(used: readonly number[], count: number): number[] {
  const found: number[] = [];
  for (let seed = 0; found.length < count; seed += 1) if (!used.includes(seed)) found.push(seed);
  return found;
}
