/**
 * With which settings a checkpoint is evaluated: those that it was trained with, or others that change how its logits are
 * made into a prediction: another power of tau-normalisation, an adjustment by the classes' frequencies, a router's
 * network without its router. What a training alone reads can't be changed.
 */
import type { Config } from '../../preload/contract.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { StudioError } from '../store/errors.ts';
import { CONFIG_FIELDS, fieldsOf, parseRunConfig } from '../training/config.ts';
import { buildNetwork } from '../training/model.ts';
import { whyUnfit } from '../training/startingWeights.ts';

/** Shared settings that an evaluation reads. Of a method it reads all. */
const READ_KEYS: ReadonlySet<string> = new Set([
  'method',
  'imageSize',
  'evalBatchSize',
  'engine',
  'threads',
  'loaderWorkers',
]);

/**
 * The configuration of an evaluation. Throws `invalid-config` for settings that are wrong, that an evaluation does not
 * read, or that make a network into which the checkpoint's weights, by their shapes, do not fit.
 */
export function evaluationConfig(
  trainedWith: Config,
  settings: Config,
  dataset: DatasetRow,
  shapes: ReadonlyMap<string, readonly number[]>,
): Config {
  const unread = Object.keys(settings).find((key) => {
    const field = CONFIG_FIELDS.find((one) => one.key === key);
    return field !== undefined && field.methods === undefined && !READ_KEYS.has(key);
  });
  if (unread !== undefined)
    throw invalid(
      unread,
      `An evaluation does not read ${unread}; only how the network predicts can be set: method and its settings.`,
    );
  const known = new Set(fieldsOf(String(settings['method'] ?? trainedWith['method'])).map(({ key }) => key));
  const kept = Object.fromEntries(Object.entries(trainedWith).filter(([key]) => known.has(key)));
  const parsed = parseRunConfig({ ...kept, ...settings, dataset: dataset.name });
  if (parsed.config === null) {
    const [first] = parsed.problems;
    throw invalid(first?.key ?? '', parsed.problems.map(({ message }) => message).join(' '));
  }
  try {
    const problem = whyUnfit(buildNetwork(parsed.config, dataset.manifest), shapes);
    if (problem !== null) throw invalid('method', `The checkpoint can't be evaluated like this. ${problem}`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid('method', error.message);
  }
  return parsed.config as Config;
}

function invalid(key: string, message: string): StudioError {
  return new StudioError('invalid-config', message, [{ key, message }]);
}
