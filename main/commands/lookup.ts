/** Finds datasets, presets and runs by the words that people type. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DatasetSummary, Preset } from '../../preload/contract.ts';
import { CliError } from './cliError.ts';
import { waitForTask, type Client } from './client.ts';
import type { Output } from './output.ts';

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

export async function findDataset(client: Client, text: string): Promise<DatasetSummary> {
  const datasets = await client.api.listDatasets();
  const exact = datasets.find(({ name, id }) => name === text || String(id) === text);
  if (exact) return exact;
  const matching = datasets.filter(({ name }) => name.toLowerCase().startsWith(text.toLowerCase()));
  const [only] = matching;
  if (matching.length === 1 && only) return only;
  throw new CliError(
    matching.length > 1
      ? `"${text}" could be ${listed(matching.map(({ name }) => name))}. Give the whole name or the number.`
      : `There is no dataset "${text}". Registered: ${listed(datasets.map(({ name }) => name))}. Add one with \`reslt dataset add\`.`,
    { code: 'not-found' },
  );
}

/** The bundled sample, registered on the spot when it is not there yet. */
export async function sampleDataset(client: Client, output: Output): Promise<DatasetSummary> {
  const find = async (): Promise<DatasetSummary | undefined> =>
    (await client.api.listDatasets()).find(({ kind }) => kind === 'sample');
  const there = await find();
  if (there) return there;
  await waitForTask(client, await client.api.addSampleDataset(), output);
  const added = await find();
  if (!added) throw new CliError('The sample dataset was added but is not listed.', { code: 'internal' });
  return added;
}

/** Presets that an error names. */
const MOST_NAMED = 8;

export async function findPreset(client: Client, name: string): Promise<Preset> {
  const presets = await client.api.listPresets();
  const preset = presets.find((candidate) => candidate.name === name);
  if (preset) return preset;
  // "cifar10-lt-rselt" is near all that begins like it up to the last word.
  const stem = name.replace(/-[^-]*$/, '');
  const near = presets.filter((candidate) => candidate.name.startsWith(stem)).slice(0, MOST_NAMED);
  throw new CliError(
    `There is no preset and no file "${name}". ` +
      (near.length > 0
        ? `Did you mean ${listed(near.map((one) => one.name))}?`
        : '`reslt preset ls` lists them.'),
    { code: 'not-found' },
  );
}

export const isFile = (text: string): boolean => existsSync(text);

/** A checkpoint as the owner takes it, who runs in another folder: files by their absolute path. */
export function checkpointRef(text: string): string {
  return isFile(text) ? path.resolve(text) : text;
}
