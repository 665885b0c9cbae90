/**
 * The configuration of an imported checkpoint: network, method and the settings that its tensors tell, the rest from a
 * recipe for the same network and method. It says how the weights are evaluated and fine-tuned, not how they were trained.
 */
import type { Config } from '../../preload/contract.ts';
import type { RecognisedNetwork } from '../owner/foreignCheckpoint.ts';
import { StudioError } from '../store/errors.ts';
import { parseRunConfig } from '../training/config.ts';
import { METHODS } from '../training/methods/index.ts';
import type { Head } from '../training/networks/head.ts';
import { findPreset, PRESETS, presetConfig, type Preset } from '../training/presets/index.ts';

/** The method whose head it is; null where this version has none. Heads alone do not tell losses: the plain ones are taken for their first. */
export function methodOfHead(head: Head): string | null {
  const wanted = {
    linear: 'ce',
    cosine: 'ldam',
    branches: 'reslt',
    experts: head.kind !== 'experts' || !head.branches ? 'ride' : 'ride-reslt',
  }[head.kind];
  const name = head.kind === 'experts' && head.router !== null ? 'ride-router' : wanted;
  return METHODS.some((method) => method.name === name) ? name : null;
}

/** Recipes for the same network and method, those for as many classes first; of equals the order of the list. */
export function recipesFor({ network, head, classes, channels }: RecognisedNetwork): Preset[] {
  const method = methodOfHead(head);
  const fits = PRESETS.filter((preset) => preset.network === network && preset.method === method);
  const rank = ({ benchmark }: Preset): number =>
    (benchmark.classes === classes ? 0 : 2) + ((benchmark.dataset === 'sample') === (channels === 1) ? 0 : 1);
  return fits
    .map((preset, place) => ({ preset, place }))
    .sort((a, b) => rank(a.preset) - rank(b.preset) || a.place - b.place)
    .map(({ preset }) => preset);
}

/**
 * The whole configuration. `recipe` null takes the likeliest; `fileName` stands for the first stage of a method that
 * needs one. Throws `invalid-arguments` for a recipe that does not fit, `file-invalid` for a head without a method.
 */
export function importedConfig(
  recognised: RecognisedNetwork,
  options: { recipe: string | null; dataset: string; fileName: string },
): { config: Config; recipe: string | null } {
  const method = methodOfHead(recognised.head);
  if (method === null)
    throw new StudioError(
      'file-invalid',
      `The weights have a head (${recognised.head.kind}) for which this version has no method.`,
    );
  const preset = chosenRecipe(recognised, options.recipe);
  const { network, head } = recognised;
  const needs = METHODS.find(({ name }) => name === method)?.needs ?? {};
  const stages = Object.fromEntries(
    (['initFrom', 'teacher'] as const)
      .filter((key) => needs[key] === true)
      .map((key) => [key, options.fileName]),
  );
  const parsed = parseRunConfig({
    ...(preset === null ? {} : presetConfig(preset)),
    method,
    network,
    dataset: options.dataset,
    ...stages,
    ...settingsOf(head),
  });
  if (parsed.config === null)
    throw new StudioError(
      'file-invalid',
      `The weights can't be described by settings of this version: ${parsed.problems.map(({ message }) => message).join(' ')}`,
    );
  return { config: parsed.config as Config, recipe: preset?.name ?? null };
}

function chosenRecipe(recognised: RecognisedNetwork, name: string | null): Preset | null {
  const fitting = recipesFor(recognised);
  if (name === null) return fitting[0] ?? null;
  const found = fitting.find((preset) => preset.name === name);
  if (found !== undefined) return found;
  const why =
    findPreset(name) === null
      ? `There is no preset “${name}”.`
      : `The preset ${name} is for another network or method.`;
  throw new StudioError(
    'invalid-arguments',
    `${why} ${fitting.length === 0 ? 'None is for these weights; leave it out.' : `These fit: ${fitting.map((preset) => preset.name).join(', ')}.`}`,
  );
}

/** What of a head is a setting of its method and shows in the tensors. */
function settingsOf(head: Head): Config {
  if (head.kind !== 'experts') return {};
  const { experts, reduceDimension, classifier, router } = head;
  return {
    experts,
    reduceDimension,
    classifier,
    ...(router === null ? {} : { topChoices: router.topChoices }),
  };
}

/** The head in words: "3 experts, reduced, cosine classifier". */
export function headWords(head: Head): string {
  switch (head.kind) {
    case 'linear':
      return 'linear classifier';
    case 'cosine':
      return 'cosine classifier';
    case 'branches':
      return 'branches H, M, T';
    case 'experts':
      return [
        `${head.experts} ${head.experts === 1 ? 'expert' : 'experts'}`,
        ...(head.reduceDimension ? ['reduced'] : []),
        ...(head.branches ? ['branches H, M, T'] : []),
        `${head.classifier} classifier`,
        ...(head.router === null ? [] : [`router over ${head.router.topChoices} logits`]),
      ].join(', ');
  }
}
