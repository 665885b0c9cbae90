/**
 * What a configuration would do with a dataset, before anything is queued: what is wrong with it, what to mind, and the
 * facts that follow from both. Creating runs and the form's check go through the same function.
 */
import type { Config, ConfigCheck, ConfigProblem } from '../../preload/contract.ts';
import type { DatasetRow } from '../store/datasets.ts';
import { parseRunConfig, type RunConfig } from '../training/config.ts';
import { findMethod } from '../training/methods/index.ts';
import { resolveScopeRanks } from '../training/methods/reslt.ts';
import { countSteps } from '../training/model.ts';
import { countParameters } from '../training/networks/graph.ts';
import { findNetwork } from '../training/networks/index.ts';
import { findPreset } from '../training/presets.ts';
import { resolveMilestones, STEP_SCHEDULES } from '../training/schedules.ts';
import { scopeFrom } from '../training/scopes.ts';

/** A dataset whose imbalance differs by less than this share is the preset's. Counts are whole numbers, so it never fits exactly. */
const IMBALANCE_TOLERANCE = 0.05;

export interface CheckedRun {
  /** Null when there are problems. */
  config: RunConfig | null;
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
  resolved: ConfigCheck['resolved'];
}

/** Checks a configuration, against a dataset and the preset that it came from where they are given. */
export function checkRun(config: Config, dataset: DatasetRow | null, presetName: string | null): CheckedRun {
  const named = dataset === null ? config : { ...config, dataset: dataset.name };
  const parsed = parseRunConfig(named);
  const problems = (parsed.problems ?? []).map(({ key, message }) => ({ key: key ?? '', message }));
  const warnings = parsed.warnings.map(({ key, message }) => ({ key: key ?? '', message }));
  if (dataset !== null) {
    const fit = checkPreset(dataset, presetName);
    problems.push(...fit.problems);
    warnings.push(...fit.warnings);
  }
  if (parsed.config === null || dataset === null)
    return { config: problems.length > 0 ? null : parsed.config, problems, warnings, resolved: null };
  problems.push(...checkScopes(parsed.config, dataset));
  if (problems.length > 0) return { config: null, problems, warnings, resolved: null };
  return { config: parsed.config, problems, warnings, resolved: resolve(parsed.config, dataset) };
}

/** Another number of classes is an error, another imbalance a warning that is kept with the run. */
function checkPreset(
  { name, manifest }: DatasetRow,
  presetName: string | null,
): { problems: ConfigProblem[]; warnings: ConfigProblem[] } {
  const preset = presetName === null ? null : findPreset(presetName);
  if (preset === null) return { problems: [], warnings: [] };
  const classes = manifest.classCounts.length;
  if (classes !== preset.classes)
    return {
      problems: [
        {
          key: 'dataset',
          message: `The preset ${preset.name} is made for ${preset.classes} classes, and the dataset “${name}” has ${classes}. Choose another dataset, or another preset.`,
        },
      ],
      warnings: [],
    };
  // Of a subset that was cut, the factor it was cut with: truncated counts make the measured one differ for small sets.
  const factor =
    manifest.subset.type === 'full'
      ? Math.min(...manifest.classCounts) / Math.max(...manifest.classCounts)
      : manifest.subset.imbalanceFactor;
  const differs = Math.abs(factor / preset.imbalanceFactor - 1) > IMBALANCE_TOLERANCE;
  return {
    problems: [],
    warnings: differs
      ? [
          {
            key: 'dataset',
            message: `The preset ${preset.name} is made for IF ${Math.round(1 / preset.imbalanceFactor)}, and the dataset “${name}” has IF ${Math.round(1 / factor)}.`,
          },
        ]
      : [],
  };
}

function checkScopes(config: RunConfig, { name, manifest }: DatasetRow): ConfigProblem[] {
  const classes = manifest.classCounts.length;
  return ['mediumFrom', 'tailFrom'].flatMap((key) => {
    const rank = config[key];
    return typeof rank === 'number' && rank > classes
      ? [
          {
            key,
            message: `${key} must be a rank from 0 to ${classes}, the number of classes of “${name}”, not ${rank}.`,
          },
        ]
      : [];
  });
}

function resolve(config: RunConfig, { manifest }: DatasetRow): NonNullable<ConfigCheck['resolved']> {
  const { classCounts, height, width, channels, counts } = manifest;
  const stepsPerEpoch = countSteps(config, counts.train);
  const totalSteps = stepsPerEpoch * config.epochs;
  const method = findMethod(config.method);
  const network = findNetwork(config.network).build({
    height,
    width,
    channels,
    classes: classCounts.length,
    head: method.head(config),
  });
  return {
    stepsPerEpoch,
    totalSteps: Math.min(totalSteps, config.maxSteps ?? totalSteps),
    milestones: STEP_SCHEDULES.includes(config.schedule)
      ? resolveMilestones(config.milestones, config.epochs)
      : [],
    parameters: countParameters(network),
    branches: branchScopes(config, classCounts),
  };
}

/** What each branch of the method sees of the training images; empty for a method without branches. */
function branchScopes(
  config: RunConfig,
  classCounts: number[],
): NonNullable<ConfigCheck['resolved']>['branches'] {
  if (config.method !== 'reslt') return [];
  const { mediumFrom, tailFrom } = resolveScopeRanks(config, classCounts.length);
  const ranks: Record<string, number> = { h: 0, m: mediumFrom, t: tailFrom };
  return String(config['fusion'])
    .split('+')
    .map((id) => {
      const fromRank = ranks[id] ?? 0;
      const classes = scopeFrom(classCounts, fromRank);
      return {
        id,
        label: id.toUpperCase(),
        fromRank,
        classes: classes.length,
        images: classes.reduce((sum, index) => sum + classCounts[index]!, 0),
      };
    });
}
