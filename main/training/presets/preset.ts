/**
 * What a preset is: a ready-made configuration with where it comes from and what accuracy was published for it.
 * `published` holds numbers only where they were read in a source that can be named; numbers from memory are left out.
 */
import { parseRunConfig, type RunConfig } from '../config.ts';
import { findMethod } from '../methods/index.ts';
import { findNetwork } from '../networks/index.ts';
import type { Benchmark } from './benchmarks.ts';

/** Accuracies 0…1 as printed, many, medium and few by more than 100, 20–100 and fewer than 20 training images. */
export interface Published {
  top1: number;
  many: number | null;
  medium: number | null;
  few: number | null;
  /** Where it is printed and what differs from the preset, in words. */
  source: string;
}

export interface Preset {
  /** `<benchmark>[-ifN][-<network>]-<method>`; without -ifN the imbalance is 100 for CIFAR. */
  name: string;
  benchmark: Benchmark;
  /** Short word for the method, "RIDE". */
  title: string;
  /** What tells it from its siblings, "6 experts, teacher"; may be empty. */
  detail: string;
  method: string;
  network: string;
  /** Where the settings come from. */
  source: string;
  published: Published | null;
  /** What the preset sets; the rest are defaults. The dataset is named by the user, except for the sample's. */
  settings: Partial<RunConfig>;
}

/** A preset before its benchmark gives it name and place. */
export interface Recipe {
  /** The end of its name, where it is not the method: "ldam-drw". */
  suffix?: string;
  title?: string;
  detail?: string;
  method: string;
  network: string;
  source: string;
  published?: Published | null;
  settings: Partial<RunConfig>;
}

/** Large benchmarks are run with several networks, so their presets name it. */
function presetOf(benchmark: Benchmark, recipe: Recipe): Preset {
  const { suffix, title, detail, method, network, source, published, settings } = recipe;
  const words = [benchmark.id, ...(benchmark.namesNetwork ? [network] : []), suffix ?? method];
  const networkLabel = benchmark.namesNetwork ? findNetwork(network).label : '';
  return {
    name: words.join('-'),
    benchmark,
    title: title ?? findMethod(method).title ?? findMethod(method).label,
    detail: [networkLabel, detail ?? ''].filter((part) => part !== '').join(', '),
    method,
    network,
    source,
    published: published ?? null,
    settings: { ...settings, method, network },
  };
}

export function presetsOf(benchmark: Benchmark, recipes: readonly Recipe[]): Preset[] {
  return recipes.map((recipe) => presetOf(benchmark, recipe));
}

/** Accuracies in percent, as printed. */
export function printed(
  source: string,
  top1: number,
  groups: [number, number, number] | null = null,
): Published {
  const share = (percent: number): number => Number((percent / 100).toPrecision(6));
  const [many, medium, few] = groups?.map(share) ?? [null, null, null];
  return { top1: share(top1), many: many ?? null, medium: medium ?? null, few: few ?? null, source };
}

/** What the preset leaves to the user besides the dataset: the checkpoint of a first stage, of a teacher. */
export type Open = 'initFrom' | 'teacher';

export function openSettings(preset: Preset): Open[] {
  const needs = findMethod(preset.method).needs ?? {};
  return (['initFrom', 'teacher'] as const).filter((key) => needs[key] === true);
}

/** Configurations that were worked out. Checking all presets takes tens of milliseconds, and each listing asks for them. */
const configs = new WeakMap<Preset, RunConfig>();

/**
 * The full configuration of a preset, with defaults filled in. What the user must name is empty: `dataset` (but for the
 * sample's), and null for the checkpoints of `openSettings`.
 */
export function presetConfig(preset: Preset): RunConfig {
  let config = configs.get(preset);
  if (config === undefined) configs.set(preset, (config = completeConfig(preset)));
  return { ...config };
}

function completeConfig(preset: Preset): RunConfig {
  const open = openSettings(preset);
  // A configuration without them is refused, so they are given while it is checked.
  const named = Object.fromEntries(open.map((key) => [key, '1@last']));
  const parsed = parseRunConfig({ ...preset.settings, ...named });
  if (!parsed.config)
    throw new Error(
      `The preset ${preset.name} is invalid: ${parsed.problems.map((each) => each.message).join(' ')}`,
    );
  return { ...parsed.config, ...Object.fromEntries(open.map((key) => [key, null])) };
}
