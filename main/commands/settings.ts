/** Reads `--set key=value` and `--seed 0,1,2`. Whether a key exists and a value fits is the configuration's to say. */
import { parse } from 'yaml';
import type { Config, ConfigValue } from '../../preload/contract.ts';
import { usageError } from './cliError.ts';

/** `beta=0.99`, `milestones=[0.8,0.9]`, `nesterov=false`, `threads=null`. */
export function parseSettings(words: readonly string[]): Config {
  const config: Config = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw usageError(`--set expects key=value, got "${word}".`);
    config[word.slice(0, at).trim()] = parseValue(word.slice(at + 1));
  }
  return config;
}

function parseValue(text: string): ConfigValue {
  const value: unknown = text.trim() === '' ? '' : parse(text);
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'number')) return value;
  throw usageError(`--set expects a number, a word, true, false, null or a list of numbers, got "${text}".`);
}

/** `0,1,2` or `0-4`, each once. */
export function parseSeeds(text: string): number[] {
  const seeds: number[] = [];
  for (const part of text.split(',')) {
    const range = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (!range) throw usageError(`--seed expects whole numbers such as 0,1,2 or 0-4, got "${text}".`);
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    if (to < from || to - from > 999)
      throw usageError(`--seed: "${part.trim()}" is not a range that goes up.`);
    for (let seed = from; seed <= to; seed += 1) seeds.push(seed);
  }
  const twice = seeds.find((seed, index) => seeds.indexOf(seed) !== index);
  if (twice !== undefined) throw usageError(`--seed: ${twice} is there twice.`);
  return seeds;
}

export function parseFraction(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw usageError(`Expected a number, got "${text}".`);
  return value;
}

export function parseWhole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw usageError(`Expected a whole number, got "${text}".`);
  return value;
}
