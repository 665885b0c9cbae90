/** The command that repeats a run from a shell. */
import type { Config, ConfigValue, Preset, RunDetail } from '../../../preload/contract.ts';

/** Quotes a word for a POSIX shell where it needs it. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function valueText(value: ConfigValue): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Given by options of their own, or by the machine. */
const NOT_SET = ['seed', 'dataset', 'schemaVersion'];

/**
 * `reslt run PRESET --dataset NAME --set key=value … --seed N` with what differs from the preset, or the run's own
 * configuration file where it came from no preset.
 */
export function cliCommand(
  run: Pick<RunDetail, 'config' | 'datasetName' | 'datasetKind' | 'seed' | 'folder'>,
  preset: Pick<Preset, 'name' | 'config'> | null,
): string {
  const words = ['reslt', 'run'];
  if (preset === null) words.push(`${run.folder}/config.yaml`);
  else {
    words.push(preset.name);
    if (run.datasetKind !== 'sample' && run.datasetName !== null) words.push('--dataset', run.datasetName);
    for (const key of changedKeys(run.config, preset.config))
      words.push('--set', `${key}=${valueText(run.config[key] ?? null)}`);
  }
  words.push('--seed', String(run.seed));
  return words.map(shellWord).join(' ');
}

function changedKeys(config: Config, preset: Config): string[] {
  return Object.keys(config).filter(
    (key) => !NOT_SET.includes(key) && JSON.stringify(config[key]) !== JSON.stringify(preset[key] ?? null),
  );
}
